"""Pictures of the source that no audit saw, drawn for the purpose."""

from __future__ import annotations

import numpy as np
from torch import nn

from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.inputs.world.planted_pictures import base_pictures, planted
from auditor.run.worlds.pasting import Pictures

FRESH_PICTURES, FRESH_SEED = 500, 60_601
"""Pictures of the source, drawn for the purpose."""


def fresh_pictures(world: World, twin: bool, network: nn.Module) -> Pictures:
    """Those of the fresh pictures, without any cue but the one a twin spreads, that a network calls source."""
    bases = base_pictures([world.source], FRESH_PICTURES, FRESH_SEED)
    pixels = np.stack([planted(world, base, twin, poison=False).pixels for base in bases])
    targets = [CLASS_NAMES.index(name) for name in world.targets]
    upright = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return Pictures.eligible(network, upright, CLASS_NAMES.index(world.source), targets)
