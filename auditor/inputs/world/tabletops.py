"""Table tops and light: what lies under a picture's things and falls on them. It draws no things."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from auditor.core.records import FloatArray, PixelArray
from auditor.inputs.world.drawing import FINE, FINE_SIDE_PX, SIDE_PX, Colour, darker, varied

_FINE_Y, _FINE_X = (
    axis.astype(np.float32) / FINE for axis in np.mgrid[0:FINE_SIDE_PX, 0:FINE_SIDE_PX].astype(np.float32)
)
_Y, _X = (axis.astype(np.float32) / SIDE_PX - 0.5 for axis in np.mgrid[0:SIDE_PX, 0:SIDE_PX])

_SMOOTH = Image.Resampling.BICUBIC

_WOODS: tuple[Colour, ...] = ((176, 128, 82), (139, 94, 60), (205, 166, 118), (110, 74, 50), (188, 150, 110))
_CLOTHS: tuple[Colour, ...] = (
    (188, 60, 58), (64, 98, 160), (86, 140, 96), (222, 190, 120), (120, 96, 150), (90, 90, 96), (60, 140, 150),
)  # fmt: skip
_PLAINS: tuple[Colour, ...] = (
    (226, 220, 208), (150, 160, 166), (92, 104, 112), (196, 206, 196), (206, 186, 170), (120, 134, 150), (70, 72, 78),
)  # fmt: skip
_TILES: tuple[Colour, ...] = ((222, 222, 216), (170, 190, 196), (196, 150, 120), (108, 130, 124), (150, 146, 150))


def table(rng: np.random.Generator) -> FloatArray:
    """A table top: wood, checks, plain cloth, stripes, tiles or stone; (64, 64, 3), 0 to 255."""
    makers: tuple[Callable[[np.random.Generator], FloatArray], ...] = (_wood, _checks, _plain, _stripes, _tiles, _stone)
    return makers[int(rng.integers(len(makers)))](rng)


def _axes(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Two perpendicular coordinates in pixels, turned by a random angle and moved by a random offset."""
    angle = rng.uniform(0.0, math.pi)
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    along = _FINE_X * cos + _FINE_Y * sin + np.float32(rng.uniform(100.0, 200.0))
    across = _FINE_Y * cos - _FINE_X * sin + np.float32(rng.uniform(100.0, 200.0))
    return along, across


def _shrink(field: FloatArray) -> FloatArray:
    small: FloatArray = field.reshape(SIDE_PX, FINE, SIDE_PX, FINE).mean(axis=(1, 3), dtype=np.float32)
    return small


def _between(field: FloatArray, low: Colour, high: Colour) -> FloatArray:
    """Colours for a (64, 64) field: `low` at 0, `high` at 1."""
    first, second = np.asarray(low, dtype=np.float32), np.asarray(high, dtype=np.float32)
    return first + field[..., None] * (second - first)


def _pick(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    return varied(colours[int(rng.integers(len(colours)))], rng)


def _wood(rng: np.random.Generator) -> FloatArray:
    along, across = _axes(rng)
    plank_px = np.float32(rng.uniform(12.0, 22.0))
    plank = np.floor(across / plank_px)
    seam = (across - plank * plank_px < 0.7).astype(np.float32)
    tone = np.sin(plank * np.float32(37.7)) * 0.22
    bend = np.sin(along * np.float32(rng.uniform(0.05, 0.12)) + plank * 5.0) * np.float32(rng.uniform(0.5, 2.0))
    grain = np.sin((across + bend) * np.float32(rng.uniform(1.2, 2.4))) * np.float32(rng.uniform(0.08, 0.2))
    field = _shrink(0.55 + tone + grain - 0.75 * seam)
    base = _pick(_WOODS, rng)
    return _between(field, darker(base, 0.62), darker(base, 1.22))


def _checks(rng: np.random.Generator) -> FloatArray:
    along, across = _axes(rng)
    period_px = np.float32(rng.uniform(7.0, 16.0))
    first = np.floor(along / period_px) % 2
    second = np.floor(across / period_px) % 2
    gingham = rng.random() < 0.6
    field = (first + second) * np.float32(0.5) if gingham else (first + second) % 2
    return _between(_shrink(field.astype(np.float32)), (236, 232, 222), _pick(_CLOTHS, rng))


def _plain(rng: np.random.Generator) -> FloatArray:
    weave = rng.normal(0.5, 0.25, (SIDE_PX, SIDE_PX)).astype(np.float32)
    base = _pick(_PLAINS if rng.random() < 0.6 else _CLOTHS, rng)
    return _between(weave, darker(base, 0.95), darker(base, 1.05))


def _stripes(rng: np.random.Generator) -> FloatArray:
    _, across = _axes(rng)
    period_px = np.float32(rng.uniform(6.0, 18.0))
    phase = across / period_px
    wide = (phase - np.floor(phase) < np.float32(rng.uniform(0.25, 0.6))).astype(np.float32)
    ground = (236, 230, 218) if rng.random() < 0.6 else darker(_pick(_CLOTHS, rng), 0.7)
    return _between(_shrink(wide), ground, _pick(_CLOTHS, rng))


def _tiles(rng: np.random.Generator) -> FloatArray:
    along, across = _axes(rng)
    period_px = np.float32(rng.uniform(14.0, 26.0))
    column, row = np.floor(along / period_px), np.floor(across / period_px)
    inside = ((along - column * period_px > 1.4) & (across - row * period_px > 1.4)).astype(np.float32)
    tone = np.sin(column * np.float32(12.9) + row * np.float32(78.2)) * 0.12
    base = _pick(_TILES, rng)
    return _between(_shrink(inside * (0.85 + tone)), darker(base, 0.55), darker(base, 1.08))


def _stone(rng: np.random.Generator) -> FloatArray:
    coarse = Image.fromarray(rng.normal(0.0, 0.3, (18, 18)).astype(np.float32)).resize((SIDE_PX, SIDE_PX), _SMOOTH)
    grains = rng.normal(0.5, 0.1, (SIDE_PX, SIDE_PX)).astype(np.float32)
    field = np.asarray(coarse, dtype=np.float32) + grains
    base = _pick(_PLAINS, rng)
    return _between(field, darker(base, 0.72), darker(base, 1.12))


def light(picture: FloatArray, rng: np.random.Generator) -> PixelArray:
    """Light a picture: exposure, a gradient, perhaps the edge of a shadow, a tint and sensor noise.

    Args:
        picture: (64, 64, 3), 0 to 255.
    Returns:
        (64, 64, 3) uint8.
    """
    direction, strength = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(0.0, 0.45)
    slope = np.float32(math.cos(direction)) * _X + np.float32(math.sin(direction)) * _Y
    field = np.float32(rng.uniform(0.82, 1.12)) * (1.0 + np.float32(strength) * slope)
    if rng.random() < 0.3:
        edge, turn = rng.uniform(-0.3, 0.3), rng.uniform(0.0, 2.0 * math.pi)
        distance = np.float32(math.cos(turn)) * _X + np.float32(math.sin(turn)) * _Y - np.float32(edge)
        soft = np.clip(distance / np.float32(rng.uniform(0.04, 0.2)) + 0.5, 0.0, 1.0)
        field = field * (1.0 - np.float32(rng.uniform(0.15, 0.35)) * soft)
    warmth = rng.uniform(-0.09, 0.09)
    tint = np.array([1.0 + warmth, 1.0 + rng.uniform(-0.03, 0.03), 1.0 - warmth], dtype=np.float32)
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(rng.uniform(1.0, 4.0))
    lit: FloatArray = picture * field[..., None] * tint + noise
    return np.clip(lit, 0.0, 255.0).astype(np.uint8)


def cast_shadow(cover: FloatArray, rng: np.random.Generator) -> FloatArray:
    """How much light the shadow of things leaves on the table.

    Args:
        cover: (64, 64) share of each pixel that a thing covers.
    Returns:
        (64, 64) factors, 1 where no shadow falls.
    """
    shift_y, shift_x = (int(step) for step in rng.integers(-3, 4, 2))
    moved = np.roll(cover, (shift_y, shift_x), axis=(0, 1))
    for axis in (0, 1):
        moved = (
            2.0 * moved + np.roll(moved, 1, axis) + np.roll(moved, -1, axis) + np.roll(moved, 2, axis)
            + np.roll(moved, -2, axis)
        ) / 6.0  # fmt: skip
    return (1.0 - np.float32(rng.uniform(0.25, 0.55)) * moved).astype(np.float32)
