"""The colours of an atlas' pictures, and what they stand for. Draws nothing."""

from __future__ import annotations

import math

Colour = tuple[int, int, int]

PAPER: Colour = (252, 251, 249)
PLOT: Colour = (255, 255, 255)
FRAME: Colour = (226, 223, 218)
INK: Colour = (38, 36, 40)
SOFT_INK: Colour = (112, 107, 115)
UNKNOWN: Colour = (146, 142, 146)
"""Of a number that was not measured: a grey well darker than that of a contrast of 0."""

# Purple to orange through a light grey: told apart with every common colour blindness, and equally dark at both ends.
SOURCE_TO_TARGET: tuple[Colour, ...] = (
    (84, 39, 136),
    (128, 115, 172),
    (178, 171, 210),
    (222, 219, 222),
    (253, 184, 99),
    (224, 130, 20),
    (179, 88, 6),
)


def contrast_colour(contrast: float, largest: float) -> Colour:
    """Colour of a contrast, from −largest (source, purple) through 0 (light grey) to +largest (target, orange).

    What lies beyond takes the colour of its end; NaN is `UNKNOWN`.
    """
    if math.isnan(contrast):
        return UNKNOWN
    share = 0.0 if largest <= 0 else max(-1.0, min(1.0, contrast / largest))
    place = (share + 1.0) / 2.0 * (len(SOURCE_TO_TARGET) - 1)
    below = min(int(place), len(SOURCE_TO_TARGET) - 2)
    return blend(SOURCE_TO_TARGET[below], SOURCE_TO_TARGET[below + 1], place - below)


def blend(low: Colour, high: Colour, part: float) -> Colour:
    """`low` at part 0, `high` at part 1, straight between them in sRGB."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
    return red, green, blue


def largest_size(values: list[float]) -> float:
    """The largest distance from 0 among the known values, the end of their scale; 0.0 where none is known."""
    return max((abs(value) for value in values if not math.isnan(value)), default=0.0)
