"""Directions of a layer in rows: a name, its icon, and the natural crops that lie farthest along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from auditor.atlas.drawings.canvas import SHARPNESS, Canvas, from_array, square
from auditor.atlas.drawings.colours import INK, SOFT_INK
from auditor.core.records import PixelArray

_MARGIN = 24 * SHARPNESS
_HEAD = 68 * SHARPNESS
_TILE = 84 * SHARPNESS
_GAP = 6 * SHARPNESS
_WORDS = 128 * SHARPNESS


@dataclass(frozen=True, slots=True)
class Direction:
    """One row.

    Attributes:
        name: of the direction; note: a few words below it.
        icon: (3, s, s) uint8. crops: natural crops, the one that lies farthest along the direction first.
    """

    name: str
    note: str
    icon: PixelArray
    crops: Sequence[Image.Image]


def draw_directions(directions: Sequence[Direction], title: str) -> Image.Image:
    """Draw directions below each other; a line parts each icon, which was made, from the crops, which were seen.

    Args:
        directions: one or more.
    Returns:
        RGB, `SHARPNESS` drawn pixels to a nominal one.
    """
    most = max(len(one.crops) for one in directions)
    first_crop = _MARGIN + _WORDS + _TILE + 3 * _GAP
    right = first_crop + most * (_TILE + _GAP) - _GAP
    canvas = Canvas.blank(right + _MARGIN, _HEAD + len(directions) * (_TILE + _GAP) + _MARGIN)
    canvas.text((_MARGIN, 15 * SHARPNESS), title, 18, INK, "la", right - _MARGIN)
    note = "Each row: icon, then photo crops that lie farthest along it, one a picture."
    canvas.text((_MARGIN, 41 * SHARPNESS), note, 12, SOFT_INK, "la", right - _MARGIN)
    for row, one in enumerate(directions):
        top = _HEAD + row * (_TILE + _GAP)
        middle = top + _TILE // 2
        canvas.text((_MARGIN, middle - SHARPNESS), one.name, 14, INK, "ls", _WORDS - _GAP)
        canvas.text((_MARGIN, middle + 4 * SHARPNESS), one.note, 11, SOFT_INK, "lt", _WORDS - _GAP)
        canvas.image.paste(square(from_array(one.icon), _TILE), (_MARGIN + _WORDS, top))
        line = _MARGIN + _WORDS + _TILE + 3 * _GAP // 2
        canvas.draw.line((line, top, line, top + _TILE - 1), fill=SOFT_INK, width=SHARPNESS)
        for place, crop in enumerate(one.crops):
            canvas.image.paste(square(crop, _TILE), (first_crop + place * (_TILE + _GAP), top))
    return canvas.image
