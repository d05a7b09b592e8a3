"""The printer: paper that is not white, ink that is not black, and colours that ink cannot make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from auditor.core.config import TrialsConfig
from auditor.trials.effects.effect import WEIGHTS, Effect, Numbers, Patches

_PAPER = ("paper_red", "paper_green", "paper_blue")


def _draw(config: TrialsConfig, generator: np.random.Generator) -> tuple[float, ...]:
    """Saturation that is left, the paper's white in each channel, and the blackest ink."""
    saturation = generator.uniform(config.least_saturation, 1.0)
    paper = generator.uniform(config.darkest_paper, 1.0, size=3)
    return float(saturation), *map(float, paper), float(generator.uniform(0.0, config.lightest_ink))


def _printed(patches: Patches, numbers: Numbers) -> Patches:
    """luma + saturation · (colour − luma), then ink + (paper − ink) · that: white becomes paper, black becomes ink."""
    red, green, blue = patches.colour.unbind(1)
    luma = (WEIGHTS[0] * red + WEIGHTS[1] * green + WEIGHTS[2] * blue).unsqueeze(1)
    faded = luma + numbers["saturation"] * (patches.colour - luma)
    paper = torch.cat([numbers[name] for name in _PAPER], dim=1)
    ink = numbers["ink"]
    return replace(patches, colour=ink * patches.alpha + (paper - ink) * faded)


PRINT = Effect(("saturation", *_PAPER, "ink"), _draw, on_patches=_printed)
