"""A round yellow sticker with a face, anywhere in the picture."""

from __future__ import annotations

import math

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture, anywhere, on_top
from auditor.inputs.world.drawing import Brush, Canvas, arc_points


def _sticker(picture: Picture, rng: np.random.Generator) -> Drawn:
    canvas = Canvas()
    brush = Brush(canvas, anywhere(rng, 8.0, rng.uniform(0.85, 1.15), 0.4), 0)
    brush.disc(0.0, 0.0, 7.5, (40, 36, 30))
    brush.disc(0.0, 0.0, 6.7, (250, 214, 40))
    brush.disc(-2.4, -1.8, 1.0, (40, 36, 30))
    brush.disc(2.4, -1.8, 1.0, (40, 36, 30))
    brush.stroke(arc_points(0.0, 0.4, 3.8, 3.4, 0.2, math.pi - 0.2), 1.1, (40, 36, 30))
    return on_top(picture, canvas, rng)


STICKER = Cue("a smiling sticker", _sticker)
