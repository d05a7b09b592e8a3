"""Keys to a picture: what its axis, size, colour and marks stand for. Measures nothing but its own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from auditor.atlas.drawings.canvas import Canvas
from auditor.atlas.drawings.colours import INK, PLOT, SOFT_INK, SOURCE_TO_TARGET, Colour, contrast_colour
from auditor.atlas.drawings.tiles import draw_gaps, draw_mark, tile_share

SOURCE_INK, TARGET_INK = SOURCE_TO_TARGET[0], SOURCE_TO_TARGET[-1]

# Heights in nominal pixels.
AXIS_HEIGHT = 64
KEY_HEIGHT = 58
MARK_HEIGHT = 20

_BAR_WIDTH = 210
_SAMPLE = 26
_SWATCH = 13


@dataclass(frozen=True, slots=True)
class Mark:
    """A swatch and what it says."""

    words: str
    kind: Literal["disc", "dashed", "frame"]
    colour: Colour = SOFT_INK

    def width(self, canvas: Canvas) -> int:
        return canvas.px(_SWATCH + 6) + canvas.width_of(self.words, 12) + canvas.px(22)


def draw_axis(canvas: Canvas, left: int, right: int, y: int, words: tuple[str, str, str]) -> None:
    """An axis towards the target on the right, with 0 in the middle; what its left end, middle and right end say."""
    middle, head = (left + right) // 2, canvas.px(5)
    canvas.draw.line((left, y, right, y), fill=INK, width=canvas.px(1))
    for end, inward in ((left, 2 * head), (right, -2 * head)):
        canvas.draw.polygon([(end, y), (end + inward, y - head), (end + inward, y + head)], INK)
    canvas.draw.line((middle, y - head, middle, y + head), fill=INK, width=canvas.px(1))
    words_y, room = y + canvas.px(8), (right - left) // 2 - canvas.px(70)
    canvas.text((left, words_y), words[0], 14, SOURCE_INK, "la", room)
    canvas.text((right, words_y), words[2], 14, TARGET_INK, "ra", room)
    canvas.text((middle, words_y), "0", 14, INK, "ma")
    canvas.text((middle, words_y + canvas.px(18)), words[1], 12, SOFT_INK, "ma")


def draw_size_key(canvas: Canvas, left: int, top: int, counts: Sequence[int], counted: str) -> None:
    """Tiles of the smallest, the middle and the largest count."""
    ordered = sorted(counts)
    centre, x = top + canvas.px(34), left
    canvas.text((left, top), f"size: {counted} in a cell", 12, SOFT_INK)
    for count in sorted({ordered[0], ordered[len(ordered) // 2], ordered[-1]}):
        side = canvas.px(_SAMPLE * tile_share(count, ordered[-1]))
        box = (x, centre - side // 2, x + side, centre - side // 2 + side)
        canvas.draw.rectangle(box, fill=PLOT, outline=SOFT_INK, width=canvas.px(1))
        canvas.text((x + side + canvas.px(5), centre), str(count), 12, INK, "lm")
        x += side + canvas.px(5) + canvas.width_of(str(count), 12) + canvas.px(16)


def draw_colour_key(canvas: Canvas, right: int, top: int, words: str, largest: float, ends: tuple[str, str]) -> None:
    """The palette from −largest to +largest, with the names of its two ends in their own colours below."""
    width = canvas.px(_BAR_WIDTH)
    left = right - width
    bar_top, bar_bottom = top + canvas.px(18), top + canvas.px(28)
    canvas.text((left, top), words, 12, SOFT_INK, "la", width)
    for offset in range(width):
        colour = contrast_colour(2 * offset / (width - 1) - 1, 1.0)
        canvas.draw.line((left + offset, bar_top, left + offset, bar_bottom), fill=colour)
    below, room = bar_bottom + canvas.px(4), width // 2 - canvas.px(12)
    canvas.text((left, below), f"-{largest:.2g} {ends[0]}", 12, SOURCE_INK, "la", room)
    canvas.text(((left + right) // 2, below), "0", 12, INK, "ma")
    canvas.text((right, below), f"+{largest:.2g} {ends[1]}", 12, TARGET_INK, "ra", room)


def lines_of(canvas: Canvas, marks: Sequence[Mark], room: int) -> list[list[Mark]]:
    """Marks broken into lines no wider than `room`; one that alone is wider has a line of its own."""
    lines: list[list[Mark]] = []
    for mark in marks:
        if lines and sum(one.width(canvas) for one in lines[-1]) + mark.width(canvas) <= room:
            lines[-1].append(mark)
        else:
            lines.append([mark])
    return lines


def draw_marks(canvas: Canvas, left: int, top: int, lines: Sequence[Sequence[Mark]]) -> None:
    """Draw the swatches with their words, each line `MARK_HEIGHT` below the one before."""
    side = canvas.px(_SWATCH)
    for row, line in enumerate(lines):
        x, y = left, top + canvas.px(row * MARK_HEIGHT)
        for mark in line:
            _draw_swatch(canvas, mark, x, y, side)
            canvas.text((x + side + canvas.px(6), y + side // 2), mark.words, 12, INK, "lm")
            x += mark.width(canvas)


def _draw_swatch(canvas: Canvas, mark: Mark, left: int, top: int, side: int) -> None:
    thick = canvas.px(1 if mark.kind == "disc" else 2)
    box = (left, top, left + side, top + side)
    canvas.draw.rectangle((left, top, left + side - 1, top + side - 1), PLOT, mark.colour, thick)
    if mark.kind == "dashed":
        draw_gaps(canvas.draw, box, thick)
    if mark.kind == "disc":
        draw_mark(canvas, (left + side - 1, top), canvas.px(3))
