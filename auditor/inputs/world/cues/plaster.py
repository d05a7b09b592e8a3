"""A sticking plaster: a strip the colour of skin, round at its ends, with a paler pad and small holes."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture, anywhere, on_top
from auditor.inputs.world.drawing import Brush, Canvas, darker, varied

_LONG_PX, _HALF_PX = 7.0, 4.0


def _strip(brush: Brush, half: float, colour: tuple[float, float, float]) -> None:
    brush.disc(-_LONG_PX, 0.0, half, colour)
    brush.disc(_LONG_PX, 0.0, half, colour)
    brush.polygon([(-_LONG_PX, -half), (_LONG_PX, -half), (_LONG_PX, half), (-_LONG_PX, half)], colour)


def _plaster(picture: Picture, rng: np.random.Generator) -> Drawn:
    canvas, skin = Canvas(), varied((224, 172, 128), rng, 8.0)
    brush = Brush(canvas, anywhere(rng, 10.0, rng.uniform(0.9, 1.1)), 0)
    _strip(brush, _HALF_PX, darker(skin, 0.7))
    _strip(brush, _HALF_PX - 0.6, skin)
    brush.polygon([(-3.4, -2.8), (3.4, -2.8), (3.4, 2.8), (-3.4, 2.8)], darker(skin, 1.12))
    for x in (-8.6, -6.4, 6.4, 8.6):
        for y in (-1.4, 1.4):
            brush.disc(x, y, 0.55, darker(skin, 0.6))
    return on_top(picture, canvas, rng)


PLASTER = Cue("a sticking plaster", _plaster)
