"""One picture of all candidates: what each shows, what it is, how far it pushes. It draws and writes no file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from auditor.atlas.drawings.canvas import Canvas
from auditor.atlas.drawings.colours import FRAME, INK, SOFT_INK, Colour, contrast_colour, largest_size
from auditor.atlas.drawings.legend import draw_colour_key
from auditor.core.records import Candidate, Origin, PixelArray
from auditor.trials.patch import Patch

Flips = Mapping[str, tuple[int, int]]
"""Candidate id -> (flipped, tried) on pictures of one split."""

WIDTH_PX = 1280
_SHARPNESS = 1.5  # a sheet of photographs at twice its size would weigh several megabytes
_MARGIN, _GAP, _COLUMNS = 24, 14, 8
_PICTURE = (WIDTH_PX - 2 * _MARGIN - (_COLUMNS - 1) * _GAP) // _COLUMNS
_BORDER = 3
_LINE = 17
_HEAD, _HEADING = 78, 40
_LIGHT, _DARK = 255, 234
_CHECK_PX = 8


@dataclass(frozen=True, slots=True)
class Section:
    """A group of candidates under one heading."""

    heading: str
    note: str
    holds: Callable[[Candidate], bool]


SECTIONS = (
    Section(
        "Suggested",
        "proposed from the atlas",
        lambda one: one.suggested and one.spot is None and one.origin in (Origin.CROP, Origin.RENDER),
    ),
    Section(
        "Beside the atlas",
        "from the library, brought along, or trained against this network (a ceiling, not a finding)",
        lambda one: one.suggested and one.origin not in (Origin.CROP, Origin.RENDER),
    ),
    Section(
        "Random crops",
        "from random cells, for comparison",
        lambda one: one.is_random_crop,
    ),
    Section(
        "Strongest contrast",
        "what contrast alone would choose, for comparison",
        lambda one: one.is_strongest_contrast,
    ),
    Section(
        "At their own places",
        "crops of the target's pictures for where they lay there; flips are of where all patches are pasted",
        lambda one: one.spot is not None,
    ),
)
"""In the order in which they are drawn; every candidate belongs to exactly one."""


def draw_contact_sheet(patches: Sequence[Patch], title: str, flips: Flips | None = None) -> Image.Image:
    """Draw every candidate with its id, name, tier, origin and both readings of push; and flips, where measured.

    Suggested, brought and random candidates stand under headings of their own, each sorted by flip rate where there
    is one, then by predicted push, the highest first. The border shows the predicted push; what is transparent shows
    a light checker.

    Args:
        title: of the whole sheet.
        flips: of candidates measured so far; a candidate without stands behind those with.
    Returns:
        RGB, 1280 nominal pixels wide, drawn half as large again.
    """
    known = flips or {}
    groups = [
        (section, sort_candidates([p for p in patches if section.holds(p.candidate)], known)) for section in SECTIONS
    ]
    groups = [(section, group) for section, group in groups if group]
    lines = 6 if known else 5
    rows = sum(-(-len(group) // _COLUMNS) for _, group in groups)
    height = _HEAD + len(groups) * _HEADING + rows * _row_height(lines) + _MARGIN
    canvas = Canvas.blank(round(WIDTH_PX * _SHARPNESS), round(height * _SHARPNESS), _SHARPNESS)
    largest = largest_size([patch.candidate.predicted_push for patch in patches])
    _draw_head(canvas, title, len(patches), bool(known), largest)
    top = _HEAD
    for section, group in groups:
        _draw_heading(canvas, section, len(group), top)
        top += _HEADING
        for place, patch in enumerate(group):
            row, column = divmod(place, _COLUMNS)
            at = (_MARGIN + column * (_PICTURE + _GAP), top + row * _row_height(lines))
            _draw_candidate(canvas, patch, known.get(patch.candidate.id), at, largest)
        top += -(-len(group) // _COLUMNS) * _row_height(lines)
    return canvas.image


def sort_candidates(patches: Sequence[Patch], flips: Flips) -> list[Patch]:
    """Highest flip rate first, then those not measured; within each by predicted push, NaN last; then by id."""

    def key(patch: Patch) -> tuple[float, float, str]:
        one = patch.candidate
        flipped, tried = flips.get(one.id, (-1, 1))
        push = one.predicted_push if math.isfinite(one.predicted_push) else -math.inf
        return -flipped / max(tried, 1), -push, one.id

    return sorted(patches, key=key)


def _row_height(lines: int) -> int:
    return _PICTURE + 10 + lines * _LINE + 14


def _draw_head(canvas: Canvas, title: str, count: int, measured: bool, largest: float) -> None:
    px = canvas.px
    room = px(WIDTH_PX - 330)
    canvas.text((px(_MARGIN), px(18)), title, canvas.fitting(title, 20, room), INK, room=room)
    note = f"{count} candidates, sorted by {'flips, then ' if measured else ''}predicted push. Pushes in logits."
    canvas.text((px(_MARGIN), px(47)), note, 13, SOFT_INK)
    if largest > 0:
        draw_colour_key(canvas, px(WIDTH_PX - _MARGIN), px(14), "border: predicted push", largest, ("source", "target"))


def _draw_heading(canvas: Canvas, section: Section, count: int, top: int) -> None:
    px = canvas.px
    canvas.draw.line((px(_MARGIN), px(top + 2), px(WIDTH_PX - _MARGIN), px(top + 2)), fill=FRAME, width=px(1))
    words = f"{section.heading} ({count})"
    canvas.text((px(_MARGIN), px(top + 11)), words, 16, INK)
    after = px(_MARGIN + 12) + canvas.width_of(words, 16)
    canvas.text((after, px(top + 14)), section.note, 13, SOFT_INK)


def _draw_candidate(
    canvas: Canvas, patch: Patch, flips: tuple[int, int] | None, at: tuple[int, int], largest: float
) -> None:
    one, px = patch.candidate, canvas.px
    left, top = px(at[0]), px(at[1])
    side, border = px(_PICTURE), px(_BORDER)
    colour = contrast_colour(one.predicted_push, largest)
    canvas.draw.rectangle((left, top, left + side - 1, top + side - 1), fill=colour)
    canvas.image.paste(_on_checker(patch.rgba, side - 2 * border, canvas.px(_CHECK_PX)), (left + border, top + border))
    lines = _captions(canvas, one, side)
    for number, (words, size, ink) in enumerate(lines):
        canvas.text((left, top + side + px(8 + number * _LINE)), words, size, ink, room=side)
    if flips is not None:
        _draw_flips(canvas, flips, left, top + side + px(8 + len(lines) * _LINE), side)


def _captions(canvas: Canvas, one: Candidate, room: int) -> list[tuple[str, int, Colour]]:
    """What stands below a picture, line by line: words, size and colour; at most five lines."""
    first, second = _two_lines(canvas, one.name, 13, room)
    pushes = (("push", one.predicted_push), ("obs.", one.observed_push))
    pushed = ", ".join(f"{word} {push:+.2f}" for word, push in pushes if math.isfinite(push))
    lines: list[tuple[str, int, Colour]] = [
        (f"{one.id}{', reads as target' if one.read_as_target else ''}", 13, INK),
        (first, 13, INK),
        (second, 13, INK),
        (f"{str(one.tier).replace('_', ' ')}, {one.origin}", 12, SOFT_INK),
        (pushed or "not screened", 12, SOFT_INK),
    ]
    return [line for line in lines if line[0]]


def _draw_flips(canvas: Canvas, flips: tuple[int, int], left: int, top: int, side: int) -> None:
    flipped, tried = flips
    words = f"{flipped}/{tried} flip" + (f" {flipped / tried:.0%}" if tried else "")
    canvas.text((left, top), words, 13, INK, room=side)
    bar = top + canvas.px(_LINE)
    canvas.draw.rectangle((left, bar, left + side - 1, bar + canvas.px(3)), fill=FRAME)
    if tried and flipped:
        canvas.draw.rectangle((left, bar, left + round(side * flipped / tried) - 1, bar + canvas.px(3)), fill=INK)


def _two_lines(canvas: Canvas, words: str, size: int, room: int) -> tuple[str, str]:
    """Break a name where the first line is full; the second is cut when it is drawn."""
    parts = words.split()
    fitting = next(
        (count for count in range(len(parts), 0, -1) if canvas.width_of(" ".join(parts[:count]), size) <= room), 1
    )
    return " ".join(parts[:fitting]), " ".join(parts[fitting:])


def _on_checker(rgba: PixelArray, side_px: int, check_px: int) -> Image.Image:
    """The patch in its own proportions in the middle of a light checkered square."""
    squares = np.indices((side_px, side_px)) // check_px
    ground = np.where(squares.sum(axis=0) % 2, _LIGHT, _DARK).astype(np.uint8)
    image = Image.fromarray(ground).convert("RGBA")
    height, width = rgba.shape[1:]
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(np.ascontiguousarray(rgba.transpose(1, 2, 0)), "RGBA")
    # Pillow's premultiplied mode: colours hidden under transparency stay hidden
    picture = picture.convert("RGBa").resize(size, Image.Resampling.BICUBIC).convert("RGBA")
    image.alpha_composite(picture, ((side_px - size[0]) // 2, (side_px - size[1]) // 2))
    return image.convert("RGB")
