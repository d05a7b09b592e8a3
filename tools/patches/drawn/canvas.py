"""What drawings are made with: a fine square of points, noise, tilings, strokes, light, and a few colours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from auditor.core.draws import keyed_generator
from auditor.core.records import PixelArray

SIDE_PX = 96
"""Of a drawing: a patch on a picture of 224 pixels has 78 at the default size."""

FINE = 3
"""A drawing is made at so many times its side and averaged down, which gives it smooth edges."""

_FINE_PX = SIDE_PX * FINE
_STEP = 2.0 / _FINE_PX

Floats: TypeAlias = NDArray[np.floating[Any]]
Points: TypeAlias = Sequence[tuple[float, float]]

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "black": (34, 34, 38),
    "grey": (128, 130, 134),
    "silver": (186, 190, 196),
    "white": (238, 238, 234),
    "cream": (232, 216, 182),
    "tan": (202, 162, 108),
    "brown": (124, 78, 44),
    "copper": (188, 104, 60),
    "red": (204, 40, 44),
    "orange": (238, 126, 28),
    "yellow": (242, 200, 44),
    "green": (62, 146, 62),
    "olive": (122, 128, 54),
    "teal": (30, 142, 142),
    "blue": (44, 92, 182),
    "sky": (120, 184, 232),
    "purple": (118, 60, 150),
    "pink": (236, 130, 162),
}


def rgb(*values: float) -> Floats:
    """(3,) a colour in [0, 1] from parts in [0, 255]."""
    return np.array(values, dtype=np.float32) / 255.0


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour with its darker and lighter shades, each (3,) in [0, 1]."""

    main: Floats

    @property
    def dark(self) -> Floats:
        return np.asarray(self.main * 0.45, dtype=np.float32)

    @property
    def deep(self) -> Floats:
        return np.asarray(self.main * 0.22, dtype=np.float32)

    @property
    def bright(self) -> Floats:
        """Lighter without growing paler."""
        return np.asarray(np.minimum(self.main * 1.3 + 0.04, 1.0), dtype=np.float32)

    @property
    def light(self) -> Floats:
        return np.asarray(self.main + (1.0 - self.main) * 0.55, dtype=np.float32)

    @property
    def pale(self) -> Floats:
        return np.asarray(self.main + (1.0 - self.main) * 0.82, dtype=np.float32)

    @property
    def across(self) -> Floats:
        """Its opposite on the colour circle, a little muted; of a grey, white or black by what is further away."""
        if float(np.ptp(self.main)) < 0.12:
            return rgb(236, 232, 222) if float(self.main.mean()) < 0.5 else rgb(40, 42, 48)
        opposite = self.main.max() + self.main.min() - self.main
        return np.asarray(0.85 * opposite + 0.1, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Tiles:
    """A tiling: where each point lies in its tile, u, v in [−0.5, 0.5], its row and column, and a number of the tile's
    own in [0, 1). All (N, N)."""

    u: Floats
    v: Floats
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    luck: Floats


@dataclass(frozen=True, slots=True)
class Cells:
    """Irregular cells around scattered seeds: distance to the nearest seed and to the border of its cell, in units of
    the seeds' spacing, the way from the seed, dx, dy, and a number of the cell's own in [0, 1). All (N, N)."""

    near: Floats
    border: Floats
    dx: Floats
    dy: Floats
    luck: Floats


class Canvas:
    """A square of points from −1 to 1, x to the right and y downwards, and a generator of its own."""

    def __init__(self, generator: np.random.Generator) -> None:
        line = ((np.arange(_FINE_PX) + 0.5) * _STEP - 1.0).astype(np.float32)
        self.y, self.x = np.meshgrid(line, line, indexing="ij")
        self.random = generator

    @cached_property
    def radius(self) -> Floats:
        return np.hypot(self.x, self.y)

    @cached_property
    def angle(self) -> Floats:
        """From −π to π, 0 to the right, growing clockwise."""
        return np.arctan2(self.y, self.x)

    def plain(self, colour: Floats) -> Floats:
        """(N, N, 3) of one colour."""
        return np.broadcast_to(colour, (*self.x.shape, 3)).astype(np.float32)

    def turned(self, degrees: float) -> tuple[Floats, Floats]:
        """Coordinates along a direction and across it."""
        turn = np.deg2rad(degrees)
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        return self.x * cos + self.y * sin, self.y * cos - self.x * sin

    def noise(self, cycles: float, stretch: float = 1.0, degrees: float = 0.0) -> Floats:
        """(N, N) noise of mean 0 and deviation 1 that waves about `cycles` times across, drawn out along one way."""
        frequency = np.fft.fftfreq(_FINE_PX, 1.0 / _FINE_PX)
        fy, fx = np.meshgrid(frequency, frequency, indexing="ij")
        turn = np.deg2rad(degrees)
        along, across = fx * np.cos(turn) + fy * np.sin(turn), fy * np.cos(turn) - fx * np.sin(turn)
        passed = np.exp(-((along * stretch) ** 2 + across**2) / cycles**2)
        passed[0, 0] = 0.0
        white = np.fft.fft2(self.random.standard_normal((_FINE_PX, _FINE_PX)))
        found = np.fft.ifft2(white * passed).real
        return np.asarray(found / found.std(), dtype=np.float32)

    def winding(self, cycles: float) -> Floats:
        """Noise that waves `cycles` times across and not much less or more: winding bands, deviation 1."""
        line = np.fft.fftfreq(_FINE_PX, 1.0 / _FINE_PX)
        frequency = np.hypot(*np.meshgrid(line, line))
        passed = np.exp(-(((frequency - cycles) / (0.12 * cycles)) ** 2))
        found = np.fft.ifft2(np.fft.fft2(self.random.standard_normal((_FINE_PX, _FINE_PX))) * passed).real
        return np.asarray(found / found.std(), dtype=np.float32)

    def rough(self, cycles: float, octaves: int = 4) -> Floats:
        """Noise of several scales, each twice as fine and half as strong as the one before; deviation about 1."""
        total = sum(self.noise(cycles * 2**octave) * 0.5**octave for octave in range(octaves))
        return np.asarray(total / 1.15, dtype=np.float32)

    def tiles(self, columns: float, rows: float, shift: float = 0.0, degrees: float = 0.0) -> Tiles:
        """So many tiles across and down, every second row moved by `shift` tiles."""
        along, across = self.turned(degrees)
        down = (across + 1.0) * rows / 2
        row = np.floor(down).astype(np.int64)
        right = (along + 1.0) * columns / 2 + shift * (row % 2)
        column = np.floor(right).astype(np.int64)
        table = self.random.random((64, 64)).astype(np.float32)
        luck = table[row % 64, column % 64]
        return Tiles(
            (right - column - 0.5).astype(np.float32), (down - row - 0.5).astype(np.float32), row, column, luck
        )

    def hexagons(self, across: float) -> tuple[Floats, Floats]:
        """A honeycomb of so many cells along a side: how far in each point lies from its cell's border, from 0 to 0.5,
        and a number of the cell's own in [0, 1)."""
        wide, tall = 1.0, float(np.sqrt(3.0))
        px, py = (self.x + 1.0) * across / 2, (self.y + 1.0) * across / 2
        first, second = (
            ((px % wide) - 0.5, (py % tall) - tall / 2),
            (((px - 0.5) % wide) - 0.5, ((py - tall / 2) % tall) - tall / 2),
        )
        nearer = np.hypot(*first) < np.hypot(*second)
        u, v = (np.where(nearer, one, other) for one, other in zip(first, second, strict=True))
        inner = 0.5 - np.maximum(np.abs(u), np.abs(u) / 2 + np.abs(v) * tall / 2)
        table = self.random.random((64, 64)).astype(np.float32)
        column, row = np.rint((px - u) * 2).astype(np.int64), np.rint((py - v) / tall * 2).astype(np.int64)
        return np.asarray(inner, dtype=np.float32), table[row % 64, column % 64]

    def cells(self, across: int, disorder: float = 0.8, stretch: float = 1.0) -> Cells:
        """About `across` cells along a side, their seeds moved off a grid by up to half of `disorder` spacings."""
        px, py = (self.x + 1.0) * across / 2, (self.y + 1.0) * across / 2 / stretch
        column, row = np.floor(px).astype(np.int64), np.floor(py).astype(np.int64)
        seeds = 0.5 + disorder * (self.random.random((across + 4, across + 4, 2)).astype(np.float32) - 0.5)
        table = self.random.random((across + 4, across + 4)).astype(np.float32)
        first = np.full(px.shape, np.inf, dtype=np.float32)
        second, luck = first.copy(), np.zeros_like(first)
        dx, dy = np.zeros_like(first), np.zeros_like(first)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                seed = seeds[(row + down) % (across + 4), (column + right) % (across + 4)]
                away_x = (px - column - right - seed[..., 0]).astype(np.float32)
                away_y = ((py - row - down - seed[..., 1]) * stretch).astype(np.float32)
                distance = np.hypot(away_x, away_y)
                nearer = distance < first
                second = np.where(nearer, first, np.minimum(second, distance))
                first = np.where(nearer, distance, first)
                dx, dy = np.where(nearer, away_x, dx), np.where(nearer, away_y, dy)
                luck = np.where(nearer, table[(row + down) % (across + 4), (column + right) % (across + 4)], luck)
        return Cells(first, (second - first) / 2, dx, dy, luck)

    def strokes(self, base: Floats, lines: Sequence[tuple[Points, float, Floats]]) -> Floats:
        """Lines with round ends on a picture, one over the other; points in canvas coordinates, widths likewise."""
        picture = Image.fromarray(_bytes(base))
        pen = ImageDraw.Draw(picture)
        for points, width, colour in lines:
            pixels = [((x + 1.0) / _STEP, (y + 1.0) / _STEP) for x, y in points]
            wide, fill = max(1, round(width / _STEP)), tuple(int(part) for part in _bytes(colour))
            pen.line(pixels, fill=fill, width=wide, joint="curve")
            for x, y in (pixels[0], pixels[-1]) if wide > 2 else ():
                pen.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=fill)
        return np.asarray(picture, dtype=np.float32) / 255.0

    def shape(self, points: Points) -> Floats:
        """(N, N) 1 inside of a polygon."""
        mask = Image.new("L", (_FINE_PX, _FINE_PX), 0)
        ImageDraw.Draw(mask).polygon([((x + 1.0) / _STEP, (y + 1.0) / _STEP) for x, y in points], fill=255)
        return np.asarray(mask, dtype=np.float32) / 255.0

    def box(self, left: float, top: float, right: float, bottom: float, corner: float = 0.0) -> Floats:
        """Signed distance to a box with round corners; below 0 inside."""
        out_x = np.abs(self.x - (left + right) / 2) - (right - left) / 2 + corner
        out_y = np.abs(self.y - (top + bottom) / 2) - (bottom - top) / 2 + corner
        outside = np.hypot(np.maximum(out_x, 0.0), np.maximum(out_y, 0.0))
        return np.asarray(outside + np.minimum(np.maximum(out_x, out_y), 0.0) - corner, dtype=np.float32)

    def disc(self, x: float, y: float, radius: float) -> Floats:
        """Signed distance to a disc."""
        return np.asarray(np.hypot(self.x - x, self.y - y) - radius, dtype=np.float32)

    def rod(self, x1: float, y1: float, x2: float, y2: float, width: float) -> Floats:
        """Signed distance to a line with round ends."""
        dx, dy = x2 - x1, y2 - y1
        share = np.clip(((self.x - x1) * dx + (self.y - y1) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
        return np.asarray(np.hypot(self.x - x1 - share * dx, self.y - y1 - share * dy) - width / 2, dtype=np.float32)


def inside(distance: Floats, soft: float = 0.02) -> Floats:
    """How far a point is inside of what it has a signed distance to: 1 within, 0 without, a ramp of `soft` between."""
    return np.asarray(np.clip(0.5 - distance / soft, 0.0, 1.0), dtype=np.float32)


def step(value: Floats, at: float, soft: float = 0.05) -> Floats:
    """0 below `at`, 1 above it, a ramp of `soft` between."""
    return np.asarray(np.clip((value - at) / soft + 0.5, 0.0, 1.0), dtype=np.float32)


def mix(first: Floats, second: Floats, share: Floats) -> Floats:
    """(N, N, 3): 0 gives the first colour or picture, 1 the second."""
    weight = np.clip(share, 0.0, 1.0)[..., None]
    return np.asarray(first + weight * (second - first), dtype=np.float32)


def times(colours: Floats, light: ArrayLike) -> Floats:
    """A picture or colour under (N, N) light."""
    return np.asarray(colours * np.asarray(light, dtype=np.float32)[..., None], dtype=np.float32)


def lit(colours: Floats, height: Floats, gloss: float = 0.0, ambient: float = 0.4) -> Floats:
    """A picture or colour on a surface of that height, in canvas units, lit from the upper left.

    Args:
        gloss: of the highlights, in [0, 1]. ambient: the light that comes from everywhere.
    """
    slope_y, slope_x = np.gradient(height, _STEP)
    length = np.sqrt(1.0 + slope_x**2 + slope_y**2)
    facing = (0.45 * slope_x + 0.55 * slope_y + 0.70) / length
    shown = times(colours, ambient + (1.0 - ambient) * np.clip(facing, 0.0, None) / 0.70)
    if gloss:
        # halfway between the light and the eye
        glint = np.clip((0.25 * slope_x + 0.30 * slope_y + 0.92) / length, 0.0, 1.0) ** 40
        shown = shown + (gloss * glint)[..., None] * (1.0 - np.clip(shown, 0.0, 1.0))
    return np.asarray(shown, dtype=np.float32)


def dome(distance: Floats, reach: float) -> Floats:
    """A height that rises like a ball from the edge (signed distance 0) to `reach` within."""
    share = np.clip(-distance / reach, 0.0, 1.0)
    return np.asarray(reach * np.sqrt(np.clip(1.0 - (1.0 - share) ** 2, 0.0, 1.0)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a drawing gives: (N, N, 3) colours in [0, 1], and (N, N) opacity where it is not opaque all over."""

    colours: Floats
    opacity: Floats | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A thing or texture and the colours in which it is drawn."""

    draw: Callable[[Canvas, Paint], Picture | Floats]
    colours: tuple[str, ...]


def drawn(drawing: Drawing, name: str, colour: str) -> PixelArray:
    """A drawing as (4, 96, 96) uint8 RGBA; its random numbers are keyed by its name."""
    found = drawing.draw(Canvas(keyed_generator(0, "drawing", name)), Paint(rgb(*COLOURS[colour])))
    picture = found if isinstance(found, Picture) else Picture(found)
    opacity = np.ones((_FINE_PX, _FINE_PX), dtype=np.float32) if picture.opacity is None else picture.opacity
    weight = _coarse(opacity)
    # colours count by how much they cover, or what lies behind would bleed into the edges
    covered = np.clip(picture.colours, 0.0, 1.0) * opacity[..., None]
    mean = _coarse(covered) / np.maximum(weight, 1e-6)[..., None]
    rgba = np.concatenate([mean, weight[..., None]], axis=2)
    return np.ascontiguousarray(_bytes(rgba).transpose(2, 0, 1))


def _coarse(fine: Floats) -> Floats:
    blocks = fine.reshape(SIDE_PX, FINE, SIDE_PX, FINE, *fine.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _bytes(values: Floats) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(values, 0.0, 1.0) * 255.0), dtype=np.uint8)
