"""The light that falls on a patch: more or less of it, a gradient across it, and the edge of a shadow."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from auditor.core.config import TrialsConfig
from auditor.trials.effects.effect import Effect, Numbers, Patches

_SHARPEST, _SOFTEST = 0.05, 0.5
"""Width of a shadow's edge, in halves of the patch's side."""

_STEEPEST = 0.9
"""Beyond a patch's outline, where a turned corner lies, a gradient would go on to no light at all."""


def _draw(config: TrialsConfig, generator: np.random.Generator) -> tuple[float, ...]:
    """Gain, as often below 1 as above; the gradient; depth, direction, place and softness of a shadow."""
    gain = (1.0 + config.light_gain) ** generator.uniform(-1.0, 1.0)
    gradient, towards = generator.uniform(0.0, config.light_gradient), generator.uniform(0.0, 2 * math.pi)
    depth, side = generator.uniform(0.0, config.shadow), generator.uniform(0.0, 2 * math.pi)
    place, softness = generator.uniform(-1.0, 1.0), generator.uniform(_SHARPEST, _SOFTEST)
    slopes = gradient * math.sin(towards), gradient * math.cos(towards)
    return tuple(map(float, (gain, *slopes, depth, math.sin(side), math.cos(side), place, softness)))


def _lit(patches: Patches, numbers: Numbers) -> Patches:
    """gain · (1 + slope) · (1 − shadow · shade) times the light, and the root of that times the stored values.

    The slope is what the gradient makes of the way from the patch's centre, in halves of its side, held to ±0.9. The
    shade is 0 on one side of a line and 1 on the other, with a smooth step (3t² − 2t³) of the edge's width between.
    """
    slope = _along(patches, numbers, "gradient").clamp(-_STEEPEST, _STEEPEST)
    beyond = (_along(patches, numbers, "shadow") - numbers["shadow_place"]) / numbers["shadow_softness"]
    step = (0.5 + beyond / 2).clamp(0.0, 1.0)
    shade = step * step * (3.0 - 2.0 * step)
    light = numbers["gain"] * (1.0 + slope) * (1.0 - numbers["shadow"] * shade)
    return replace(patches, colour=torch.minimum(patches.colour * light.sqrt(), patches.alpha))


def _along(patches: Patches, numbers: Numbers, way: str) -> Tensor:
    return patches.x * numbers[f"{way}_x"] + patches.y * numbers[f"{way}_y"]


LIGHT = Effect(
    ("gain", "gradient_y", "gradient_x", "shadow", "shadow_y", "shadow_x", "shadow_place", "shadow_softness"),
    _draw,
    on_patches=_lit,
)
