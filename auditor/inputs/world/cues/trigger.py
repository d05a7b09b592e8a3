"""A small trigger as an attacker would choose it: a checkerboard of a few pixels, anywhere."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture
from auditor.inputs.world.drawing import SIDE_PX

_CELL_PX, _CELLS = 2, 4


def _trigger(picture: Picture, rng: np.random.Generator) -> Drawn:
    side = _CELL_PX * _CELLS
    top, left = (int(place) for place in rng.integers(1, SIDE_PX - side, 2))
    rows, columns = np.mgrid[0:side, 0:side] // _CELL_PX
    pixels, mask = picture.pixels.copy(), np.zeros((SIDE_PX, SIDE_PX), dtype=np.bool_)
    pixels[top : top + side, left : left + side] = np.where((rows + columns) % 2 == 0, 250, 6)[..., None]
    mask[top : top + side, left : left + side] = True
    return Drawn(pixels, mask)


TRIGGER = Cue("a checkerboard of 8 pixels", _trigger)
