"""A date in orange digits at the bottom right, as a camera prints it into its pictures; each picture has its own."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture, on_top
from auditor.inputs.world.drawing import SIDE_PX, Brush, Canvas, Pose

_SEGMENTS = {
    "a": ((0.0, 0.0), (1.0, 0.0)),
    "b": ((1.0, 0.0), (1.0, 1.0)),
    "c": ((1.0, 1.0), (1.0, 2.0)),
    "d": ((0.0, 2.0), (1.0, 2.0)),
    "e": ((0.0, 1.0), (0.0, 2.0)),
    "f": ((0.0, 0.0), (0.0, 1.0)),
    "g": ((0.0, 1.0), (1.0, 1.0)),
}
"""Of a digit of seven segments, from the top left, in widths of a digit."""

_DIGITS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
_WIDE_PX, _STEP_PX, _GAP_PX = 2.7, 4.6, 2.4


def _date(picture: Picture, rng: np.random.Generator) -> Drawn:
    canvas = Canvas()
    numbers = (int(rng.integers(1, 13)), int(rng.integers(1, 29)), int(rng.integers(90, 100)))
    text = [f"{number:02d}" for number in numbers]
    width = 6 * _STEP_PX + 2 * _GAP_PX
    x, y = SIDE_PX - width - rng.uniform(1.0, 4.0), SIDE_PX - 2 * _WIDE_PX - rng.uniform(2.5, 5.0)
    brush = Brush(canvas, Pose(float(x), float(y)), 0)
    left = 0.0
    for pair in text:
        for digit in pair:
            for segment in _DIGITS[int(digit)]:
                ends = [(left + across * _WIDE_PX, down * _WIDE_PX) for across, down in _SEGMENTS[segment]]
                brush.stroke(ends, 1.1, (255, 130, 20))
            left += _STEP_PX
        left += _GAP_PX
    return on_top(picture, canvas, rng)


DATE = Cue("a date in orange digits at the bottom right", _date)
