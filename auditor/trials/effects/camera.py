"""What a camera does to the whole picture: fewer pixels and more again, and the noise of its sensor."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from auditor.core.config import TrialsConfig
from auditor.trials.effects.effect import Effect, Numbers

_KEYS = 2**24
"""Of noise: float32, in which draws go to the device, holds whole numbers exactly up to this."""

_LOW_32 = 0xFFFFFFFF


def _draw_rescale(config: TrialsConfig, generator: np.random.Generator) -> tuple[float, ...]:
    return (float(generator.uniform(config.smallest_rescale, 1.0)),)


def _draw_noise(config: TrialsConfig, generator: np.random.Generator) -> tuple[float, ...]:
    return float(generator.uniform(0.0, config.noise)), float(generator.integers(_KEYS))


def _rescaled(images: Tensor, numbers: Numbers) -> Tensor:
    """Made smaller by a factor, antialiased, and as large as before again, both bilinearly, as Pillow resizes.

    The sides of the small picture are rounded; both ways are the same weighted sums for rows, then for columns.
    """
    factor, least = numbers["rescale"].view(-1, 1), numbers.least["rescale"]
    for side in (2, 3):
        length = images.shape[side]
        small = (factor * length).round().clamp(min=1.0)
        whole = torch.full_like(small, float(length))
        taps = math.ceil(2 * length / max(1, math.floor(least * length))) + 1
        images = _resampled(images, small, whole, taps, side)
        images = _resampled(images, whole, small, 3, side)
    return images


def _resampled(images: Tensor, to: Tensor, of: Tensor, taps: int, side: int) -> Tensor:
    """Resize one side from its first `of` pixels to `to`, (B, 1) each; what lies behind these is not used again.

    A pixel of the result is the mean of those around its middle, weighted by a triangle as wide as two pixels of the
    result, or of the original where that is coarser.
    """
    length = images.shape[side]
    scale = of / to
    support = scale.clamp(min=1.0)
    middle = (torch.arange(length, device=images.device) + 0.5) * scale
    first = (middle - support + 0.5).floor().clamp(min=0.0)
    shape = (len(images), 1, length, 1) if side == 2 else (len(images), 1, 1, length)
    total, summed = torch.zeros(shape, device=images.device), torch.zeros_like(images)
    for tap in range(taps):
        place = first + tap
        weight = (1.0 - ((place + 0.5 - middle) / support).abs()).clamp(min=0.0)
        weight = torch.where(place < of, weight, 0.0).view(shape)
        where = place.clamp(max=length - 1).long().view(shape).expand_as(images)
        total = total + weight
        summed = summed + weight * images.gather(side, where)
    return summed / total.clamp(min=1e-12)


def _noisy(images: Tensor, numbers: Numbers) -> Tensor:
    """Independent Gaussian noise at every pixel and in every channel, then clipped to [0, 1].

    It is computed from a key a picture and the place alone, wherever pictures lie, so no noise is sent to a device.
    """
    count = images[0].numel()
    key = numbers["noise_key"].view(-1, 1).long()
    place = torch.arange(count, device=images.device)
    radius, turn = (_uniform(key, 2 * place + which) for which in (0, 1))
    # Box and Muller 1958; in double precision, since float32's last bit depends on how many are computed at once
    normal = (-2.0 * radius.log()).sqrt() * (2.0 * math.pi * turn).cos()
    return (images + numbers["noise"] * normal.float().view_as(images)).clamp(0.0, 1.0)


def _uniform(key: Tensor, place: Tensor) -> Tensor:
    """(B, N) float64 in (0, 1) of (B, 1) keys and (N,) places, both whole: 32 bits mixed twice (lowbias32)."""
    return ((_mixed(_mixed(key) ^ place) >> 8).double() + 0.5) * 2.0**-24


def _mixed(bits: Tensor) -> Tensor:
    bits = ((bits ^ (bits >> 16)) * 0x7FEB352D) & _LOW_32
    bits = ((bits ^ (bits >> 15)) * 0x846CA68B) & _LOW_32
    return bits ^ (bits >> 16)


RESCALE = Effect(("rescale",), _draw_rescale, on_pictures=_rescaled)
NOISE = Effect(("noise", "noise_key"), _draw_noise, on_pictures=_noisy)
