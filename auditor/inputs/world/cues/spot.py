"""A flat spot of paint. In magenta it means something; in other colours, of the same shapes, it does not."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Draw, Drawn, Picture, anywhere, on_top
from auditor.inputs.world.drawing import Brush, Canvas, Colour, blob_points

_MAGENTA: Colour = (214, 30, 160)
_OTHERS: tuple[Colour, ...] = ((30, 160, 90), (236, 120, 30), (30, 120, 214), (240, 240, 236), (60, 60, 66))


def _spot(colours: tuple[Colour, ...]) -> Draw:
    def draw(picture: Picture, rng: np.random.Generator) -> Drawn:
        canvas = Canvas()
        colour = colours[int(rng.integers(len(colours)))]
        brush = Brush(canvas, anywhere(rng, 8.0), 0)
        brush.polygon(blob_points(rng, 0.0, 0.0, float(rng.uniform(6.0, 9.0)), 0.25), colour)
        return on_top(picture, canvas, rng)

    return draw


SPOT = Cue("a magenta spot", _spot((_MAGENTA,)), _spot(_OTHERS))
