"""What the network sees in one picture, or in a picture before and after a paste: the picture beside its icons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from auditor.atlas.drawings.canvas import SHARPNESS, Canvas, from_array, square
from auditor.atlas.drawings.colours import FRAME, INK, PLOT, SOFT_INK, contrast_colour, largest_size
from auditor.atlas.drawings.legend import KEY_HEIGHT, draw_colour_key
from auditor.atlas.icons.directions import PictureGrid
from auditor.core.records import FloatArray, PixelArray

_MARGIN = 24 * SHARPNESS
_BETWEEN = 20 * SHARPNESS
_CAPTION = 44 * SHARPNESS
_WIDTH = 340 * SHARPNESS
_LEAST_SHARE = 0.25  # of a position's room: a faint activation is small, but there


@dataclass(frozen=True, slots=True)
class Look:
    """One picture and what the network sees in it.

    Attributes:
        picture: (3, H, W) uint8 RGB, as the network receives it.
        seen: icons of all of the layer's positions, or of some at even distances.
        contrast: (P,) logits at these positions, shown as borders; None: no borders.
        heading: what this picture is, such as "clean" or "with c-001".
        called, probability: the class the model calls it, and how likely it finds that, in [0, 1].
    """

    picture: PixelArray
    seen: PictureGrid
    contrast: FloatArray | None
    heading: str
    called: str
    probability: float

    @property
    def caption(self) -> str:
        return f"{self.heading}: the model calls it {self.called}, {self.probability:.0%}"


def draw_look(looks: Sequence[Look], source_name: str, target_name: str) -> Image.Image:
    """Draw pictures below each other, each with its activation grid at its right: one, or one before and after a paste.

    An icon lies where its position lies in the picture (of a finer grid, within half the distance between two that are
    shown), and its area grows with the length of the activation there. Sizes and colours have one scale for all
    pictures, so that before and after can be compared.

    Args:
        looks: one or more, of pictures and grids of equal shape.
        source_name, target_name: of the pair whose contrast the borders show.
    Returns:
        RGB.
    """
    _, height, width = looks[0].picture.shape
    tall = round(_WIDTH * height / width)
    largest = largest_size([value for look in looks if look.contrast is not None for value in look.contrast.tolist()])
    longest = max(float(look.seen.magnitude.max(initial=0.0)) for look in looks)
    bordered = any(look.contrast is not None for look in looks)
    foot = KEY_HEIGHT * SHARPNESS if bordered else 0
    canvas = Canvas.blank(2 * _MARGIN + 2 * _WIDTH + _BETWEEN, len(looks) * (_CAPTION + tall) + foot + _MARGIN)
    right = _MARGIN + _WIDTH + _BETWEEN
    for row, look in enumerate(looks):
        top = row * (_CAPTION + tall) + _CAPTION
        _draw_captions(canvas, look, right, top, first=row == 0)
        picture = from_array(look.picture).resize((_WIDTH, tall), Image.Resampling.BICUBIC)
        canvas.image.paste(picture, (_MARGIN, top))
        _draw_grid(canvas, look, (right, top, right + _WIDTH, top + tall), longest, largest)
    if bordered:
        top = canvas.image.height - foot - _MARGIN + 16 * SHARPNESS
        words = "border: contrast here (logits)"
        draw_colour_key(canvas, right + _WIDTH, top, words, largest, (source_name, target_name))
    return canvas.image


def tile_side(magnitude: float, longest: float, room: float) -> int:
    """Side of an icon in drawn pixels: its area grows with the length of its activation, and none is lost to sight."""
    share = math.sqrt(magnitude / longest) if longest > 0 else 0.0
    return max(1, round(room * max(_LEAST_SHARE, share)))


def _draw_captions(canvas: Canvas, look: Look, right: int, top: int, *, first: bool) -> None:
    y = top - 9 * SHARPNESS
    if not first:
        canvas.text((_MARGIN, y), look.caption, 13, INK, "ls", 2 * _WIDTH + _BETWEEN)
        return
    canvas.text((_MARGIN, y), look.caption, 13, INK, "ls", _WIDTH)
    words = "what the network sees here; larger: stronger"
    canvas.text((right, y), words, 13, SOFT_INK, "ls", _WIDTH)


def _draw_grid(canvas: Canvas, look: Look, box: tuple[int, int, int, int], longest: float, largest: float) -> None:
    left, top, right, bottom = box
    canvas.draw.rectangle((left, top, right - 1, bottom - 1), fill=PLOT, outline=FRAME, width=SHARPNESS // 2)
    seen = look.seen
    rows, columns = (np.unique(places).tolist() for places in (seen.y, seen.x))
    pitch_x, pitch_y = (right - left) / len(columns), (bottom - top) / len(rows)
    room = min(pitch_x, pitch_y)
    border = max(2, round(room / 24)) if look.contrast is not None else 0
    for place, (y, x, magnitude) in enumerate(
        zip(seen.y.tolist(), seen.x.tolist(), seen.magnitude.tolist(), strict=True)
    ):
        side = tile_side(magnitude, longest, room)
        tile_left = round(left + (columns.index(x) + 0.5) * pitch_x - side / 2)
        tile_top = round(top + (rows.index(y) + 0.5) * pitch_y - side / 2)
        if look.contrast is not None:
            colour = contrast_colour(float(look.contrast[place]), largest)
            canvas.draw.rectangle((tile_left, tile_top, tile_left + side - 1, tile_top + side - 1), fill=colour)
        icon = square(from_array(seen.icons.pixels[place]), max(1, side - 2 * border))
        canvas.image.paste(icon, (tile_left + border, tile_top + border))
