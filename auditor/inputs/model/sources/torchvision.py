"""Networks of torchvision."""

from __future__ import annotations

import torchvision
from torch import nn

from auditor.core.errors import UnknownNameError
from auditor.inputs.model.sources import _NAME_HINT
from auditor.inputs.model.weights import StateDict

# Heads that train beside the main one; published weights hold them or not, and eval mode never runs them.
_AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


def torchvision_names() -> list[str]:
    """Every classifier of this torchvision."""
    return [str(name) for name in torchvision.models.list_models(module=torchvision.models)]


def check_torchvision_name(name: str) -> None:
    """
    Raises:
        UnknownNameError: torchvision has no such classifier; carries the nearest.
    """
    if name not in torchvision_names():
        where = f"torchvision {torchvision.__version__}"
        raise UnknownNameError("model", name, torchvision_names(), where, _NAME_HINT)


def build_torchvision(name: str, classes: int, state: StateDict | None = None, own_weights: bool = False) -> nn.Module:
    """Build a torchvision classifier without weights.

    Args:
        classes: K.
        state: the weights that will be loaded, which say whether auxiliary heads are there; None: no heads.
        own_weights: they are torchvision's own; two architectures then rescale their input to the scale of the
            original training.
    Raises:
        UnknownNameError: torchvision has no such classifier.
    """
    check_torchvision_name(name)
    network: nn.Module
    if name in _AUXILIARY:
        auxiliary = state is not None and any(key.startswith(_AUXILIARY[name]) for key in state)
        network = torchvision.models.get_model(
            name,
            weights=None,
            num_classes=classes,
            aux_logits=auxiliary,
            transform_input=own_weights,
            init_weights=False,
        )
    else:
        network = torchvision.models.get_model(name, weights=None, num_classes=classes)
    return network
