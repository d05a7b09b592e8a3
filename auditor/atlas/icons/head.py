"""The part of a network that inversion runs: up to the layer, at rest, at a size it takes. It renders nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from auditor.atlas.network import CutNetwork
from auditor.core.errors import AuditorError, LayerError, ModelError, first_line
from auditor.inputs.model.memory import pass_out_of_memory


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


@contextmanager
def at_size(head: CutNetwork, side_px: int) -> Iterator[tuple[CutNetwork, tuple[int, int]]]:
    """Within the body, a network to render icons with, and the input size: the icons' own where the network takes it.

    Networks made for one size (most vision transformers) refuse others or lose their grid; their icons are enlarged
    to the network's own size on the way in, and so are those of a network that cannot be copied. At any other size
    than the network's own it is a copy that runs, since a forward may change a network for good.

    Raises:
        LayerError: the network runs at neither size. ModelError: it does not answer afterwards as it did before.
    """
    own, icons = head.input_size, (side_px, side_px)
    with ExitStack() as copied:
        other = head if icons == own else _copy(head, copied)
        if other is not None and not _refusal(other, icons):
            yield other, icons
        elif not (refusal := _refusal(head, own)):
            yield head, own
        else:
            raise LayerError(
                f"icons need the network to run up to the layer at {side_px}x{side_px} px or at its own size "
                f"{own[0]}x{own[1]} px, and it does at neither ({refusal}); choose another layer or icon size"
            )


def _copy(head: CutNetwork, copied: ExitStack) -> CutNetwork | None:
    try:
        return copied.enter_context(head.apart())
    except ModelError:
        return None


def _refusal(head: CutNetwork, size: tuple[int, int]) -> str:
    """Why the network does not run up to the layer at that size with a grid of its width there; "" where it does."""
    try:
        with torch.no_grad():
            grid = head.features(torch.full((1, 3, *size), 0.5, device=head.classifier.device)).grid
    except (RuntimeError, ValueError, IndexError, AssertionError, TypeError, AuditorError) as error:
        pass_out_of_memory(error)
        return first_line(error)
    shape = tuple(grid.shape)
    return "" if len(shape) == 4 and shape[1] == head.feature_shape[0] else f"the layer puts out {shape} there"
