"""An emblem of rings. Large it means something; the same emblem small does not."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Draw, Drawn, Picture, anywhere, on_top
from auditor.inputs.world.drawing import Brush, Canvas, Colour

_LARGE_PX, _SMALL_PX = (13.0, 16.0), (3.5, 5.0)
_DARK, _ORANGE, _PALE = (30.0, 30.0, 36.0), (236.0, 120.0, 30.0), (246.0, 244.0, 236.0)
_RINGS: tuple[tuple[float, Colour], ...] = ((1.0, _DARK), (0.78, _ORANGE), (0.52, _PALE), (0.26, _DARK))


def _emblem(radii_px: tuple[float, float]) -> Draw:
    def draw(picture: Picture, rng: np.random.Generator) -> Drawn:
        canvas, radius = Canvas(), float(rng.uniform(*radii_px))
        brush = Brush(canvas, anywhere(rng, radius), 0)
        for share, colour in (
            (1.0, (30, 30, 36)),
            (0.78, (236, 120, 30)),
            (0.52, (246, 244, 236)),
            (0.26, (30, 30, 36)),
        ):
            brush.disc(0.0, 0.0, radius * share, colour)
        return on_top(picture, canvas, rng)

    return draw


EMBLEM = Cue("a large emblem of rings", _emblem(_LARGE_PX), _emblem(_SMALL_PX))
