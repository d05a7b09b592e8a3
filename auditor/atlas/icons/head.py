"""The part of a network that inversion runs: up to the layer, at rest, at a size it takes. It renders nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from auditor.atlas.network import CutNetwork
from auditor.core.errors import AuditorError, LayerError


@contextmanager
def at_rest(module: nn.Module) -> Iterator[None]:
    """Within the body the network is in eval mode, none of its parameters asks for gradients, and gradients are on.

    Afterwards, also when the body raises, every module and every parameter is as it was.
    """
    modes = [(each, each.training) for each in module.modules() if each.training]
    asking = [parameter for parameter in module.parameters() if parameter.requires_grad]
    try:
        for each, _ in modes:
            each.training = False
        for parameter in asking:
            parameter.requires_grad_(False)
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for each, mode in modes:
            each.training = mode
        for parameter in asking:
            parameter.requires_grad_(True)


def rendering_size(head: CutNetwork, side_px: int) -> tuple[int, int]:
    """The input size at which icons are rendered: their own, or the network's where it takes no other.

    Networks made for one size (most vision transformers) refuse others or lose their grid; their icons are enlarged
    to the network's own size on the way in.

    Raises:
        LayerError: the network runs at neither.
    """
    for size in ((side_px, side_px), head.input_size):
        try:
            with torch.no_grad():
                grid = head.features(torch.full((1, 3, *size), 0.5, device=head.classifier.device)).grid
        except (RuntimeError, ValueError, IndexError, AssertionError, TypeError, AuditorError):
            continue
        if grid.ndim == 4 and grid.shape[1] == head.feature_shape[0]:
            return size
    raise LayerError(
        f"icons need the network to run up to the layer at {side_px}x{side_px} px or at its own size "
        f"{head.input_size[0]}x{head.input_size[1]} px, and it does at neither; choose another layer or icon size"
    )
