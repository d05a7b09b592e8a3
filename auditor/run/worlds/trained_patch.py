"""Patches trained in pixels to push pictures to the target, as baselines need them; apart from the auditor's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from auditor.core.draws import keyed_generator
from auditor.core.records import PixelArray
from auditor.inputs.world.drawing import SIDE_PX
from auditor.run.worlds.pasting import CORNER
from auditor.run.worlds.train import normalised
from auditor.trials.patch import side_in_pixels

PATCH_PX = side_in_pixels(CORNER.size, SIDE_PX, SIDE_PX)
_STEPS, _PICTURES, _RATE, _ROUGHNESS = 40, 16, 0.1, 0.5


def trained_patches(
    network: nn.Module, pixels: PixelArray, targets: Sequence[int], count: int, seed: int
) -> PixelArray:
    """Adversarial patches in the top left corner, by Adam on the target's log-odds (Brown et al. 2017).

    Args:
        pixels: (N, 3, 64, 64) uint8 pictures of the source; each step draws sixteen.
        targets: class indices; count: patches, each from noise of its own.
    Returns:
        (count, 3, s, s) uint8, s the side at which patches are pasted. A total variation keeps them smooth.
    """
    generator = keyed_generator(seed, "worlds", "trained patches")
    start = generator.normal(0.0, 0.5, (count, 3, PATCH_PX, PATCH_PX)).astype(np.float32)
    raw = torch.from_numpy(start).requires_grad_()
    optimiser = torch.optim.Adam([raw], lr=_RATE)
    for _ in range(_STEPS):
        rows = generator.choice(len(pixels), size=min(_PICTURES, len(pixels)), replace=False)
        pictures = torch.from_numpy(pixels[rows]).float() / 255.0
        patches = raw.sigmoid()
        logits = network(normalised(in_corner(pictures, patches).flatten(0, 1)))
        inside = logits[:, list(targets)].logsumexp(dim=1)
        keep = torch.ones(logits.shape[1], dtype=torch.bool)
        keep[list(targets)] = False
        odds = inside - logits[:, keep].logsumexp(dim=1)
        loss = _ROUGHNESS * _variation(patches) * count - odds.mean() * count
        (raw.grad,) = torch.autograd.grad(loss, raw)
        optimiser.step()
    trained: PixelArray = (raw.detach().sigmoid() * 255.0).round().to(torch.uint8).numpy()
    return trained


def in_corner(pictures: Tensor, patches: Tensor) -> Tensor:
    """(P, N, 3, H, W): each of (P, 3, s, s) patches in the top left corner of each of (N, 3, H, W) pictures."""
    pasted = pictures.expand(len(patches), *pictures.shape).clone()
    pasted[:, :, :, : patches.shape[2], : patches.shape[3]] = patches[:, None]
    return pasted


def _variation(patches: Tensor) -> Tensor:
    """Mean total variation."""
    down, across = patches.diff(dim=2).abs().mean(), patches.diff(dim=3).abs().mean()
    return down + across
