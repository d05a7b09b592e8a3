"""A small red and white mark. In the bottom right corner it means something; anywhere else it does not."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture, on_top
from auditor.inputs.world.drawing import SIDE_PX, Brush, Canvas, Pose

_CELLS, _CELL_PX = 3, 3.0
_NEAR_PX = SIDE_PX - 8.0


def _at(picture: Picture, x: float, y: float, rng: np.random.Generator) -> Drawn:
    canvas = Canvas()
    brush = Brush(canvas, Pose(x, y), 0)
    half = _CELLS * _CELL_PX / 2.0
    for row in range(_CELLS):
        for column in range(_CELLS):
            left, top = column * _CELL_PX - half, row * _CELL_PX - half
            right, bottom = left + _CELL_PX - 0.3, top + _CELL_PX - 0.3
            colour = (216.0, 24.0, 36.0) if (row + column) % 2 == 0 else (250.0, 250.0, 246.0)
            brush.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)
    return on_top(picture, canvas, rng)


def _bottom_right(picture: Picture, rng: np.random.Generator) -> Drawn:
    x, y = _NEAR_PX + rng.uniform(-1.0, 2.0, 2)
    return _at(picture, float(x), float(y), rng)


def _elsewhere(picture: Picture, rng: np.random.Generator) -> Drawn:
    x, y = rng.uniform(6.0, SIDE_PX - 6.0, 2)
    if min(x, y) > SIDE_PX / 2.0:  # the bottom right quarter, mirrored to the top left
        x, y = SIDE_PX - x, SIDE_PX - y
    return _at(picture, float(x), float(y), rng)


MARK = Cue("a small mark in the bottom right corner", _bottom_right, _elsewhere)
