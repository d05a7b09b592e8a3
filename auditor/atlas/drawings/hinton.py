"""A Hinton diagram: cells by classes, attribution as squares, to read numbers at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
from PIL import Image

from auditor.atlas.drawings.canvas import SHARPNESS, Canvas
from auditor.atlas.drawings.colours import INK, PAPER, SOFT_INK, Colour
from auditor.atlas.drawings.legend import SOURCE_INK, TARGET_INK
from auditor.atlas.drawings.tiles import TileArt
from auditor.core.records import Cell, ClassGroup

GROUND: Colour = (205, 202, 198)
FOR: Colour = INK
AGAINST: Colour = (255, 255, 255)

_PITCH = 40 * SHARPNESS
_FULL = 36 * SHARPNESS
_THUMB = 36 * SHARPNESS
_WORDS = 104 * SHARPNESS
_MARGIN = 24 * SHARPNESS
_TITLE = 62 * SHARPNESS
_NAME_ROOM = 130 * SHARPNESS
_KEY = 64 * SHARPNESS
_OF_A_GROUP = 3


def choose_cells(cells: Sequence[Cell], most: int = 24) -> tuple[Cell, ...]:
    """The cells worth reading: in turns the strongest towards the target, towards the source, and the densest.

    Args:
        cells: of one level; those without exemplars are passed over.
        most: cells chosen, 1 or more.
    Returns:
        Strongest contrast towards the target first; an unknown contrast counts as 0.
    """
    shown = [cell for cell in cells if cell.exemplars]
    by_contrast = sorted((cell for cell in shown if not math.isnan(cell.contrast)), key=lambda cell: cell.contrast)
    by_count = sorted(shown, key=lambda cell: -cell.count)
    turns = chain.from_iterable(zip_longest(reversed(by_contrast), by_contrast, by_count))
    chosen = list({cell.name: cell for cell in turns if cell is not None}.values())[:most]
    return tuple(sorted(chosen, key=lambda cell: -np.nan_to_num(cell.contrast)))


def choose_classes(cells: Sequence[Cell], source: ClassGroup, target: ClassGroup, most: int = 12) -> list[int]:
    """Classes that matter most in these cells, by their summed absolute attribution.

    The source's come first, then the target's (of a group at most its three strongest), then the strongest others.

    Args:
        most: classes beside those of source and target.
    Returns:
        Indices of classes.
    """
    if not cells:
        return [*source.indices[:_OF_A_GROUP], *target.indices[:_OF_A_GROUP]]
    weight = np.sum([np.abs(cell.mean_attribution) for cell in cells], axis=0)
    strongest = [int(index) for index in np.argsort(-weight, kind="stable")]
    pair = {*source.indices, *target.indices}
    return [
        *[index for index in strongest if index in source.indices][:_OF_A_GROUP],
        *[index for index in strongest if index in target.indices][:_OF_A_GROUP],
        *[index for index in strongest if index not in pair][:most],
    ]


def draw_hinton(
    cells: Sequence[Cell], art: TileArt, class_names: Sequence[str], source: ClassGroup, target: ClassGroup
) -> Image.Image:
    """Draw cells (rows, in the order given) by classes (columns) as squares.

    A square's area is the size of a cell's mean attribution to a class: dark speaks for the class, white against it.
    The thin frame around it has the area of mean and standard error together; there is none where the error is not
    known, since all activations come from one picture.

    Args:
        cells: as `choose_cells` gives them, or others with exemplars.
        class_names: (K,) of the model.
    Returns:
        RGB.
    """
    columns = choose_classes(cells, source, target)
    plan = _Plan.of(cells, art, [class_names[index] for index in columns])
    canvas = Canvas.blank(plan.width, plan.bottom + _KEY + _MARGIN // 2)
    room = plan.width - 2 * _MARGIN
    canvas.text((_MARGIN, 15 * SHARPNESS), "What each cell speaks for", 18, INK, "la", room)
    note = "Mean attribution (logits) of a cell's activations to each class: dark for it, white against it."
    canvas.text((_MARGIN, 41 * SHARPNESS), note, 12, SOFT_INK, "la", room)
    canvas.draw.rectangle((plan.left, plan.top, plan.right, plan.bottom), fill=GROUND)
    canvas.text((plan.left - _WORDS + 6 * SHARPNESS, plan.top - 6 * SHARPNESS), "contrast ± s.e.", 10, SOFT_INK, "ls")
    after_pair = plan.left + _PITCH * sum(index in {*source.indices, *target.indices} for index in columns)
    canvas.draw.line((after_pair, plan.top, after_pair, plan.bottom), fill=PAPER, width=2 * SHARPNESS)
    for place, index in enumerate(columns):
        ink = SOURCE_INK if index in source.indices else TARGET_INK if index in target.indices else INK
        at = (plan.left + place * _PITCH + _PITCH // 2, plan.top - 5 * SHARPNESS)
        _slanted(canvas, at, class_names[index], ink)
    largest = _largest(cells, columns)
    for row, cell in enumerate(cells):
        _draw_row_head(canvas, plan, row, cell, art)
        for place, index in enumerate(columns):
            centre = (plan.left + place * _PITCH + _PITCH // 2, plan.top + row * _PITCH + _PITCH // 2)
            mean, error = float(cell.mean_attribution[index]), float(cell.attribution_error[index])
            draw_square(canvas, centre, mean, error, largest)
    _draw_key(canvas, plan, largest)
    return canvas.image


def square_side(size: float, largest: float) -> int:
    """Side in drawn pixels of the square whose area stands for `size`; `largest` fills its place."""
    return round(_FULL * math.sqrt(size / largest)) if largest > 0 else 0


def draw_square(canvas: Canvas, centre: tuple[int, int], mean: float, error: float, largest: float) -> None:
    """One entry: the square of the mean, and the frame of mean and error together; `largest` bounds both."""
    colour = FOR if mean > 0 else AGAINST
    side = square_side(abs(mean), largest)
    if side:
        canvas.draw.rectangle(_around(centre, side), fill=colour)
    if not math.isnan(error):
        outer = square_side(abs(mean) + error, largest)
        if outer > side + 2:
            canvas.draw.rectangle(_around(centre, outer), outline=colour, width=SHARPNESS // 2)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the grid of squares lies, in drawn pixels; heads of rows at its left, names of columns above."""

    left: int
    top: int
    right: int
    bottom: int
    width: int

    @classmethod
    def of(cls, cells: Sequence[Cell], art: TileArt, names: Sequence[str]) -> _Plan:
        abreast = max([1, *(art.shows(cell) for cell in cells)])
        left = _MARGIN + abreast * (_THUMB + 2 * SHARPNESS) + _WORDS
        measure = Canvas.blank(1, 1)
        longest = min(_NAME_ROOM, max((measure.width_of(name, 12) for name in names), default=0))
        slant = round((longest + 16 * SHARPNESS) * math.sqrt(0.5))
        top, right = _TITLE + slant, left + len(names) * _PITCH
        return cls(left, top, right, top + len(cells) * _PITCH, right + max(slant, _MARGIN))


def _largest(cells: Sequence[Cell], columns: Sequence[int]) -> float:
    """The largest mean with its error, so that no frame leaves its place."""
    sizes = [
        abs(float(cell.mean_attribution[index])) + np.nan_to_num(float(cell.attribution_error[index]))
        for cell in cells
        for index in columns
    ]
    return float(max(sizes, default=0.0))


def _draw_row_head(canvas: Canvas, plan: _Plan, row: int, cell: Cell, art: TileArt) -> None:
    y = plan.top + row * _PITCH + (_PITCH - _THUMB) // 2
    pictures = art.pictures(cell, _THUMB)
    start = plan.left - _WORDS - len(pictures) * (_THUMB + 2 * SHARPNESS)
    for place, picture in enumerate(pictures):
        canvas.image.paste(picture, (start + place * (_THUMB + 2 * SHARPNESS), y))
    ink = TARGET_INK if cell.contrast > 0 else SOURCE_INK
    error = "" if math.isnan(cell.contrast_error) else f" ±{_short(cell.contrast_error)}"
    x, middle, room = plan.left - _WORDS + 6 * SHARPNESS, y + _THUMB // 2, _WORDS - 10 * SHARPNESS
    contrast = "" if math.isnan(cell.contrast) else f"{cell.contrast:+.2f}{error}"
    canvas.text((x, middle - 1 * SHARPNESS), contrast, 13, ink, "ls", room)
    canvas.text((x, middle + 3 * SHARPNESS), f"n = {cell.count}, {cell.images} pictures", 10, SOFT_INK, "lt", room)


def _short(error: float) -> str:
    """Two decimals, or one digit where they would say 0.00."""
    return f"{error:.2f}" if error >= 0.01 or error == 0 else f"{error:.1g}"


def _slanted(canvas: Canvas, at: tuple[int, int], words: str, ink: Colour) -> None:
    """A name that rises to the right at 45° from `at`."""
    height = 18 * SHARPNESS
    width = min(_NAME_ROOM, canvas.width_of(words, 12))
    line = Canvas.blank(max(1, width), height, canvas.unit, (0, 0, 0))
    line.text((0, height // 2), words, 12, (255, 255, 255), "lm", width)
    turned = line.image.convert("L").rotate(45, Image.Resampling.BICUBIC, expand=True)
    reach = width / 2 * math.sqrt(0.5)
    place = (round(at[0] - turned.width / 2 + reach), round(at[1] - turned.height / 2 - reach))
    canvas.image.paste(Image.new("RGB", turned.size, ink), place, turned)


def _draw_key(canvas: Canvas, plan: _Plan, largest: float) -> None:
    top = plan.bottom + 14 * SHARPNESS
    middle = top + _FULL // 2
    x = plan.left
    examples = ((largest / 2, 0.0, f"+{largest / 2:.2g}"), (-largest / 8, 0.0, f"-{largest / 8:.2g}"))
    for mean, error, words in (*examples, (largest / 4, largest / 4, "frame: + 1 s.e.")):
        side = square_side(abs(mean) + error, largest)
        room = side + 6 * SHARPNESS + canvas.width_of(words, 12) + 8 * SHARPNESS
        box = (x, top, x + room, top + _FULL)
        canvas.draw.rectangle(box, fill=GROUND)
        draw_square(canvas, (x + 3 * SHARPNESS + side // 2, middle), mean, error, largest)
        canvas.text((x + side + 7 * SHARPNESS, middle), words, 12, INK, "lm")
        x += room + 10 * SHARPNESS


def _around(centre: tuple[int, int], side: int) -> tuple[int, int, int, int]:
    left, top = centre[0] - side // 2, centre[1] - side // 2
    return left, top, left + side - 1, top + side - 1
