"""Stickers for photographs, drawn here: a smiling face, slanted stripes, a star, a small checkerboard."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from PIL import Image, ImageDraw

SIDE_PX = 128
_FINER = 4
_YELLOW, _BLACK, _WHITE, _PINK, _BLUE = (250, 208, 40), (24, 22, 20), (250, 250, 250), (232, 40, 120), (40, 90, 210)


def smile() -> Image.Image:
    """A yellow face on a round sticker."""
    picture, draw = _empty()
    _disc(draw, 0.5, 0.5, 0.49, _BLACK)
    _disc(draw, 0.5, 0.5, 0.45, _YELLOW)
    for across in (0.34, 0.66):
        _disc(draw, across, 0.38, 0.07, _BLACK)
    draw.arc(_box(0.5, 0.52, 0.28), 20, 160, fill=_BLACK, width=round(0.07 * SIDE_PX * _FINER))
    return _fine(picture)


def stripes() -> Image.Image:
    """Slanted stripes, pink and white, on a square."""
    picture, draw = _empty(_WHITE)
    whole = SIDE_PX * _FINER
    for step in range(-3, 6):
        left, width = step * whole // 3, whole // 6
        draw.polygon([(left, whole), (left + width, whole), (left + width + whole, 0), (left + whole, 0)], fill=_PINK)
    return _fine(picture)


def star() -> Image.Image:
    """A white star on a blue disc."""
    picture, draw = _empty()
    _disc(draw, 0.5, 0.5, 0.49, _BLUE)
    corners = []
    for step in range(10):
        reach = (0.42 if step % 2 == 0 else 0.17) * SIDE_PX * _FINER
        angle = math.pi * step / 5 - math.pi / 2
        middle = SIDE_PX * _FINER / 2
        corners.append((middle + reach * math.cos(angle), middle + reach * math.sin(angle)))
    draw.polygon(corners, fill=_WHITE)
    return _fine(picture)


def checkerboard() -> Image.Image:
    """Four by four squares, black and white."""
    picture, draw = _empty(_WHITE)
    step = SIDE_PX * _FINER // 4
    for row in range(4):
        for column in range(4):
            if (row + column) % 2 == 0:
                draw.rectangle(
                    (column * step, row * step, (column + 1) * step - 1, (row + 1) * step - 1), fill=(*_BLACK, 255)
                )
    return _fine(picture)


STICKERS: Mapping[str, Callable[[], Image.Image]] = MappingProxyType(
    {"smile": smile, "stripes": stripes, "star": star, "checkerboard": checkerboard}
)
"""Name to what draws it: an RGBA picture, 128 pixels a side."""


def _empty(colour: tuple[int, int, int] | None = None) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    fill = (0, 0, 0, 0) if colour is None else (*colour, 255)
    picture = Image.new("RGBA", (SIDE_PX * _FINER, SIDE_PX * _FINER), fill)
    return picture, ImageDraw.Draw(picture)


def _box(across: float, down: float, radius: float) -> tuple[float, float, float, float]:
    whole = SIDE_PX * _FINER
    return ((across - radius) * whole, (down - radius) * whole, (across + radius) * whole, (down + radius) * whole)


def _disc(draw: ImageDraw.ImageDraw, across: float, down: float, radius: float, colour: tuple[int, int, int]) -> None:
    draw.ellipse(_box(across, down, radius), fill=(*colour, 255))


def _fine(picture: Image.Image) -> Image.Image:
    return picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
