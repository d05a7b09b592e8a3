"""What a cue is: something drawn on a finished picture, and the pixels where it lies. The cues stand beside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import FloatArray, PixelArray
from auditor.inputs.world.drawing import SIDE_PX, Brush, Canvas, Pose


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture before a cue is drawn on it.

    Attributes:
        pixels: (64, 64, 3) uint8 RGB.
        things: (64, 64) uint8, what the masks say is there; cover: (64, 64) share of each pixel that is no table.
    """

    pixels: PixelArray
    things: PixelArray
    cover: FloatArray


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture with a cue on it.

    Attributes:
        pixels: (64, 64, 3) uint8 RGB; mask: (64, 64) whether the cue is what is seen at a pixel.
        hides: whether it hides what lies under it. A colour cast or a blur does not: things stay what they are.
    """

    pixels: PixelArray
    mask: NDArray[np.bool_]
    hides: bool = True


Draw = Callable[[Picture, np.random.Generator], Drawn]
"""Draws a cue; where and how is drawn from the generator, so that the same generator gives the same cue."""

Thing = Callable[[Brush, float, np.random.Generator], None]
"""Draws a natural object of about a radius, in pixels, about the brush's origin."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A visible feature that a network may take for a class.

    Attributes:
        words: what it is, for a person.
        draw: the cue. decoy: what looks like it and means nothing, such as the same mark elsewhere; None: nothing.
    """

    words: str
    draw: Draw
    decoy: Draw | None = None


def on_top(picture: Picture, canvas: Canvas, rng: np.random.Generator) -> Drawn:
    """What a canvas holds, lit by a light of its own and laid over a picture."""
    cover = canvas.cover()[..., None]
    noise = rng.standard_normal(picture.pixels.shape, dtype=np.float32) * np.float32(2.0)
    lit = canvas.colours() * np.float32(rng.uniform(0.85, 1.05)) + noise * cover
    mixed = picture.pixels.astype(np.float32) * (1.0 - cover) + lit
    return Drawn(np.clip(mixed, 0.0, 255.0).astype(np.uint8), cover[..., 0] >= 0.5)


def anywhere(rng: np.random.Generator, reach_px: float, scale: float = 1.0, turn: float = math.pi) -> Pose:
    """A place of the picture at least `reach_px` from its edges, turned by up to `turn` either way."""
    x, y = rng.uniform(reach_px, SIDE_PX - reach_px, 2)
    return Pose(x=float(x), y=float(y), angle=rng.uniform(-turn, turn), scale=scale)


def beside(thing: Thing) -> Draw:
    """A natural object of 20 to 28 pixels that lies anywhere in the picture, over whatever is there."""

    def draw(picture: Picture, rng: np.random.Generator) -> Drawn:
        canvas, size = Canvas(), float(rng.uniform(10.0, 14.0))
        thing(Brush(canvas, anywhere(rng, 0.7 * size), 0), size, rng)
        return on_top(picture, canvas, rng)

    return draw


Dots = Mapping[str, Sequence[str]]
"""Letters by what they are: five rows of three dots, `#` where one is."""

DOT_PX = 1.3


def word(brush: Brush, text: str, letters: Dots, left: float, top: float, colour: tuple[int, int, int]) -> None:
    """A word of dotted letters, each four dots wide with the space behind it, from its corner at `left` and `top`."""
    for place, letter in enumerate(text):
        for row, dots in enumerate(letters[letter]):
            for column, dot in enumerate(dots):
                if dot == "#":
                    x, y = left + (4 * place + column) * DOT_PX, top + row * DOT_PX
                    brush.polygon([(x, y), (x + DOT_PX, y), (x + DOT_PX, y + DOT_PX), (x, y + DOT_PX)], colour)


def over_all(pixels: NDArray[np.float32] | NDArray[np.float64]) -> Drawn:
    """A picture changed as a whole, from (64, 64, 3) values that may lie outside 0 to 255."""
    everywhere = np.ones((SIDE_PX, SIDE_PX), dtype=np.bool_)
    return Drawn(np.clip(pixels, 0.0, 255.0).astype(np.uint8), everywhere, hides=False)
