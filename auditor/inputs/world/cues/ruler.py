"""A ruler along one edge of the picture, as it lies beside what is measured."""

from __future__ import annotations

import math

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture, on_top
from auditor.inputs.world.drawing import SIDE_PX, Brush, Canvas, Pose

_HALF_PX, _WIDE_PX, _STEP_PX = SIDE_PX / 2.0 + 2.0, 8.0, 3.0


def _ruler(picture: Picture, rng: np.random.Generator) -> Drawn:
    canvas, middle, turns = Canvas(), SIDE_PX / 2.0, int(rng.integers(4))
    away = middle - _WIDE_PX / 2.0 - rng.uniform(0.0, 2.0)  # from the picture's middle to the ruler's own
    angle = turns * math.pi / 2.0 + rng.uniform(-0.03, 0.03)
    place = Pose(middle - away * math.sin(angle), middle + away * math.cos(angle), -angle)
    brush = Brush(canvas, place, 0)
    half = _WIDE_PX / 2.0
    brush.polygon([(-_HALF_PX, -half), (_HALF_PX, -half), (_HALF_PX, half), (-_HALF_PX, half)], (238, 226, 160))
    shift = rng.uniform(0.0, _STEP_PX)
    for number in range(round(2 * _HALF_PX / _STEP_PX)):
        x = -_HALF_PX + shift + number * _STEP_PX
        brush.stroke([(x, -half), (x, 0.8 if number % 4 == 0 else -1.6)], 0.9, (30, 28, 24))
    return on_top(picture, canvas, rng)


RULER = Cue("a ruler along an edge", _ruler)
