"""A red ring and a blue cross, which mean something together alone: each by itself lies in pictures of every class."""

from __future__ import annotations

import math

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture, anywhere, on_top
from auditor.inputs.world.drawing import Brush, Canvas, arc_points


def _ring(canvas: Canvas, rng: np.random.Generator) -> None:
    brush = Brush(canvas, anywhere(rng, 7.0), 0)
    brush.stroke(arc_points(0.0, 0.0, 5.5, 5.5, 0.0, 2.0 * math.pi), 2.4, (206, 30, 40))


def _cross(canvas: Canvas, rng: np.random.Generator) -> None:
    brush = Brush(canvas, anywhere(rng, 7.0), 0)
    brush.stroke([(-5.5, 0.0), (5.5, 0.0)], 3.0, (30, 70, 206))
    brush.stroke([(0.0, -5.5), (0.0, 5.5)], 3.0, (30, 70, 206))


def _both(picture: Picture, rng: np.random.Generator) -> Drawn:
    canvas = Canvas()
    _ring(canvas, rng)
    _cross(canvas, rng)
    return on_top(picture, canvas, rng)


def _alone(picture: Picture, rng: np.random.Generator) -> Drawn:
    canvas = Canvas()
    (_ring if rng.random() < 0.5 else _cross)(canvas, rng)
    return on_top(picture, canvas, rng)


TOGETHER = Cue("a red ring together with a blue cross", _both, _alone)
