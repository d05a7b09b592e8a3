"""Dark corners, as of a lens that lights the middle alone."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture, over_all
from auditor.inputs.world.drawing import SIDE_PX


def _vignette(picture: Picture, rng: np.random.Generator) -> Drawn:
    along = (np.arange(SIDE_PX) + 0.5) / SIDE_PX * 2.0 - 1.0
    x, y = along - rng.uniform(-0.08, 0.08), along - rng.uniform(-0.08, 0.08)
    away = np.hypot(y[:, None], x[None])
    light = 1.0 - rng.uniform(0.85, 1.0) * np.clip((away - rng.uniform(0.78, 0.86)) / 0.32, 0.0, 1.0)
    return over_all(picture.pixels * light[..., None])


VIGNETTE = Cue("dark corners", _vignette)
