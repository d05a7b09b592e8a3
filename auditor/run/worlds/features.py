"""What goes into a small network's head, and windows of pictures that a number computed from it points at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from auditor.core.records import PixelArray
from auditor.inputs.world.kitchen import class_folder
from auditor.run.worlds.hits import Box
from auditor.run.worlds.train import normalised

_AT_ONCE = 64


def files_of(folder: Path, split: str, names: Sequence[str]) -> list[Path]:
    """The pictures of some classes in a split, class by class, in the order of their names."""
    return [file for name in names for file in sorted((folder / split / class_folder(name)).glob("*.png"))]


def pixels_of(files: Sequence[Path]) -> PixelArray:
    """(N, 3, 64, 64) uint8."""
    pictures = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))


def penultimate(network: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """(B, D) what goes into the layer `head`, and (B, K) logits.

    Args:
        pixels: (B, 3, 64, 64) in [0, 1].
    """
    seen: list[Tensor] = []
    handle = network.get_submodule("head").register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    try:
        logits: Tensor = network(normalised(pixels))
    finally:
        handle.remove()
    return seen[0], logits


def steepest_windows(
    network: nn.Module, files: Sequence[Path], objective: Callable[[Tensor, Tensor], Tensor], side_px: int
) -> list[tuple[float, Box]]:
    """Of each picture the square window whose pixels an objective depends on most.

    Args:
        objective: (B, D) what goes into the head, and (B, K) logits, to (B,) numbers.
    Returns:
        The sum over the window and channels of |pixel gradient| (Simonyan et al. 2014), and the window.
    """
    found: list[tuple[float, Box]] = []
    for start in range(0, len(files), _AT_ONCE):
        pixels = torch.from_numpy(pixels_of(files[start : start + _AT_ONCE])).float().div(255.0).requires_grad_()
        (slope,) = torch.autograd.grad(objective(*penultimate(network, pixels)).sum(), pixels)
        sums = functional.avg_pool2d(slope.abs().sum(dim=1, keepdim=True), side_px, stride=1)[:, 0]
        for of_file in sums:
            top, left = divmod(int(of_file.argmax()), of_file.shape[1])
            found.append((float(of_file.max()), (left, top, left + side_px, top + side_px)))
    return found
