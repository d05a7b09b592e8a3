"""Drawing with a pose: shapes land in a picture and, by the same geometry, in a mask. It knows no kitchen things."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from auditor.core.records import FloatArray, PixelArray

SIDE_PX = 64
FINE = 3  # odd, so that the mask can take the pixel in the middle of each block
FINE_SIDE_PX = SIDE_PX * FINE

Colour = tuple[float, float, float]
Points = NDArray[np.float64]


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour `share` of the way from `first` to `second`; channels 0 to 255."""
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
        first[2] + (second[2] - first[2]) * share,
    )


def darker(colour: Colour, factor: float) -> Colour:
    """The colour times `factor`: below 1 darker, above 1 lighter, clipped to 255."""
    return (min(colour[0] * factor, 255.0), min(colour[1] * factor, 255.0), min(colour[2] * factor, 255.0))


def varied(colour: Colour, rng: np.random.Generator, spread: float = 14.0) -> Colour:
    """The colour with each channel moved by up to `spread` either way."""
    moved = np.clip(np.asarray(colour) + rng.uniform(-spread, spread, 3), 0.0, 255.0)
    return (float(moved[0]), float(moved[1]), float(moved[2]))


def circle_points(x: float, y: float, radius_x: float, radius_y: float, count: int = 40) -> Points:
    """(count, 2) points around an ellipse, clockwise on the screen from its rightmost point."""
    angles = _TURNS[count] if count in _TURNS else _turn(count)
    return angles * (radius_x, radius_y) + (x, y)


def arc_points(x: float, y: float, radius_x: float, radius_y: float, start: float, end: float) -> Points:
    """(14, 2) points along an ellipse from angle `start` to `end`, in radians, y pointing down."""
    angles = np.linspace(start, end, 14)
    return np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], axis=1)


def blob_points(rng: np.random.Generator, x: float, y: float, radius: float, roughness: float = 0.15) -> Points:
    """(24, 2) points around a smooth irregular blob of about the given radius."""
    turn = _TURNS[24]
    angles = np.linspace(0.0, 2.0 * math.pi, 24, endpoint=False)
    waves = np.zeros(24)
    for order in (2, 3, 5):
        waves += rng.uniform(-1.0, 1.0) / order * np.sin(order * angles + rng.uniform(0.0, 2.0 * math.pi))
    return turn * (radius * (1.0 + 2.0 * roughness * waves))[:, None] + (x, y)


def _turn(count: int) -> Points:
    angles = np.linspace(0.0, 2.0 * math.pi, count, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


_TURNS = {count: _turn(count) for count in (10, 16, 24, 40)}


@dataclass(frozen=True, slots=True)
class Pose:
    """How a thing lies in the picture: its own pixel frame turned, scaled, squashed and moved.

    Attributes:
        x, y: where the thing's origin lies, in picture pixels.
        angle: turn in radians, clockwise on the screen.
        scale: picture pixels a thing pixel.
        squash: height of a lying circle over its width, 1 seen from straight above.
        mirror: 1, or -1 for left and right exchanged.
    """

    x: float
    y: float
    angle: float = 0.0
    scale: float = 1.0
    squash: float = 1.0
    mirror: float = 1.0

    def place(self, points: Points) -> Points:
        """(N, 2) points of the thing's frame in picture pixels."""
        cos, sin = math.cos(self.angle) * self.scale, math.sin(self.angle) * self.scale
        matrix = np.array(
            [[cos * self.mirror, sin * self.mirror * self.squash], [-sin, cos * self.squash]], dtype=np.float64
        )
        return points @ matrix + (self.x, self.y)


class Canvas:
    """A picture in the making: colours on black and, by the same geometry, the value of the thing at each pixel."""

    def __init__(self) -> None:
        self._colours = Image.new("RGB", (FINE_SIDE_PX, FINE_SIDE_PX))
        self._things = Image.new("L", (FINE_SIDE_PX, FINE_SIDE_PX))
        self._cover = Image.new("L", (FINE_SIDE_PX, FINE_SIDE_PX))
        self._draws = (
            ImageDraw.Draw(self._colours),
            ImageDraw.Draw(self._things),
            ImageDraw.Draw(self._cover),
        )

    def polygon(self, points: Points, colour: Colour, value: int) -> None:
        """Fill a polygon given in picture pixels."""
        corners: list[float] = (points * FINE).ravel().tolist()
        colours, things, cover = self._draws
        colours.polygon(corners, fill=_rgb(colour))
        things.polygon(corners, fill=value)
        cover.polygon(corners, fill=255)

    def stroke(self, points: Points, width_px: float, colour: Colour, value: int) -> None:
        """Draw a line through points given in picture pixels."""
        corners: list[float] = (points * FINE).ravel().tolist()
        width = max(1, round(width_px * FINE))
        colours, things, cover = self._draws
        colours.line(corners, fill=_rgb(colour), width=width)
        things.line(corners, fill=value, width=width)
        cover.line(corners, fill=255, width=width)

    def colours(self) -> FloatArray:
        """(64, 64, 3) antialiased colours, 0 to 255, already weighted by `cover`."""
        return np.asarray(self._colours.reduce(FINE), dtype=np.float32)

    def cover(self) -> FloatArray:
        """(64, 64) share of each pixel that anything covers, 0 to 1."""
        return np.asarray(self._cover.reduce(FINE), dtype=np.float32) / np.float32(255.0)

    def things(self) -> PixelArray:
        """(64, 64) value of the thing in the middle of each pixel, 0 for none."""
        middle = FINE // 2
        return np.ascontiguousarray(np.asarray(self._things)[middle::FINE, middle::FINE])


@dataclass(frozen=True, slots=True)
class Brush:
    """Draws on a canvas in a thing's own frame; everything it draws carries the thing's value in the mask."""

    canvas: Canvas
    pose: Pose
    value: int

    def of(self, value: int) -> Self:
        """The same brush for another thing."""
        return type(self)(self.canvas, self.pose, value)

    def polygon(self, points: Points | Sequence[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon."""
        self.canvas.polygon(self.pose.place(np.asarray(points, dtype=np.float64)), colour, self.value)

    def stroke(self, points: Points | Sequence[tuple[float, float]], width: float, colour: Colour) -> None:
        """Draw a line, its width in the thing's frame."""
        placed = self.pose.place(np.asarray(points, dtype=np.float64))
        self.canvas.stroke(placed, width * self.pose.scale, colour, self.value)

    def disc(self, x: float, y: float, radius_x: float, colour: Colour, radius_y: float | None = None) -> None:
        """Fill a circle, or an ellipse where `radius_y` is given."""
        count = 40 if radius_x * self.pose.scale > 5.0 else 16
        self.polygon(circle_points(x, y, radius_x, radius_x if radius_y is None else radius_y, count), colour)

    def hollow(
        self, radius: float, rim: Colour, middle: Colour, to: float, lean: tuple[float, float], steps: int = 9
    ) -> None:
        """Fill a circle about the origin with a smooth run of colours from the rim to a middle that leans aside.

        Args:
            radius: outer radius; to: inner radius, at which the colour is that of the middle.
            lean: how far the middle lies from the origin.
        """
        for step in range(steps):
            share = step / (steps - 1)
            self.disc(lean[0] * share, lean[1] * share, radius + (to - radius) * share, mix(rim, middle, share))


def _rgb(colour: Colour) -> tuple[int, int, int]:
    return (int(colour[0]), int(colour[1]), int(colour[2]))
