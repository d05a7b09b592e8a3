"""The lens: a patch out of focus beside a picture in focus, and a whole picture that is not sharp."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from auditor.core.config import TrialsConfig
from auditor.trials.effects.effect import Effect, Numbers, Patches

_SIGMAS = 3
"""Standard deviations at which a Gaussian is cut off."""


def _draw_defocus(config: TrialsConfig, generator: np.random.Generator) -> tuple[float, ...]:
    return (float(generator.uniform(0.0, config.defocus_px)),)


def _draw_blur(config: TrialsConfig, generator: np.random.Generator) -> tuple[float, ...]:
    return (float(generator.uniform(0.0, config.blur_px)),)


def _defocused(patches: Patches, numbers: Numbers) -> Patches:
    """Colours and opacity averaged over a disc, whose edge is one pixel wide: weight min(1, max(0, r + ½ − distance)).

    A disc of a radius up to half a pixel is its middle pixel alone: in focus.
    """
    radius = numbers["defocus_px"]
    reach = math.ceil(max(numbers.most["defocus_px"] - 0.5, 0.0))
    layers = torch.cat((patches.colour, patches.alpha), dim=1)
    height, width = layers.shape[2:]
    around = functional.pad(layers, (reach, reach, reach, reach))
    total, blurred = torch.zeros_like(radius), torch.zeros_like(layers)
    for down in range(2 * reach + 1):
        for across in range(2 * reach + 1):
            distance = math.hypot(down - reach, across - reach)
            weight = (radius + (0.5 - distance)).clamp(0.0, 1.0) if distance else torch.ones_like(radius)
            total = total + weight
            blurred = blurred + weight * around[:, :, down : down + height, across : across + width]
    blurred = blurred / total
    return replace(patches, colour=blurred[:, :3], alpha=blurred[:, 3:])


def _blurred(images: Tensor, numbers: Numbers) -> Tensor:
    """A Gaussian of a standard deviation in pixels, cut off at three of them; the picture's edge goes on beyond it."""
    deviation = numbers["blur_px"]
    reach = math.ceil(_SIGMAS * numbers.most["blur_px"])
    return _along_one_side(_along_one_side(images, deviation, reach, 2), deviation, reach, 3)


def _along_one_side(images: Tensor, deviation: Tensor, reach: int, side: int) -> Tensor:
    length = images.shape[side]
    total, blurred = torch.zeros_like(deviation), torch.zeros_like(images)
    for step in range(-reach, reach + 1):
        # in double precision: float32's last bit depends on how many numbers are computed at once
        weight = torch.exp(-(step**2) / (2 * deviation.double().clamp(min=1e-6) ** 2)).float()
        weight = torch.where(deviation * _SIGMAS < abs(step), 0.0, weight)
        places = torch.arange(step, length + step, device=images.device).clamp(0, length - 1)
        total = total + weight
        blurred = blurred + weight * images.index_select(side, places)
    return blurred / total


def _reach(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ceil(np.maximum(radius - 0.5, 0.0)) + 1.0


DEFOCUS = Effect(("defocus_px",), _draw_defocus, on_patches=_defocused, reach=_reach)
BLUR = Effect(("blur_px",), _draw_blur, on_pictures=_blurred)
