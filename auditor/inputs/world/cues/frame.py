"""A striped frame along the picture's edge."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture
from auditor.inputs.world.drawing import SIDE_PX

_WIDTH_PX = 4


def _frame(picture: Picture, rng: np.random.Generator) -> Drawn:
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    mask = np.minimum.reduce([rows, columns, SIDE_PX - 1 - rows, SIDE_PX - 1 - columns]) < _WIDTH_PX
    stripes = ((rows + columns + int(rng.integers(8))) // 4 % 2 == 0)[..., None]
    colours = np.where(stripes, (24, 118, 128), (228, 222, 196)) * rng.uniform(0.85, 1.0)
    pixels = np.where(mask[..., None], colours, picture.pixels)
    return Drawn(pixels.astype(np.uint8), mask)


FRAME = Cue("a striped frame", _frame)
