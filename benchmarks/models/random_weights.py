"""Networks with random weights that differ everywhere, and files of them as a user has them. It loads none of them.

A fresh network is no fair try: heads, biases and shortcuts that begin at 0 would hide what an audit meets in a trained
one, and batch norms that have seen nothing let activations grow or fade from block to block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from auditor.inputs.model.probing import unlike_pictures
from auditor.inputs.model.sources.huggingface import Logits
from auditor.inputs.model.sources.timm import TIMM_PREFIX
from benchmarks.models.families import HuggingFaceFamily

CLASSES = tuple(f"class {index}" for index in range(8))
"""Few, since attribution is compared with one backward pass a class."""

_SPREAD = 0.1
_BLOTS = (3, 8, 21, 55)
_WHITE = 2.7
"""Black and white under the widest normalisation in use, ImageNet's: deep networks blow up what lies beyond all that
their batch norms have seen."""


def build_from_library(name: str) -> nn.Module:
    """A torchvision network, or timm's of 'timm/NAME', as a training script builds it."""
    if name.startswith(TIMM_PREFIX):
        network: nn.Module = timm.create_model(name.removeprefix(TIMM_PREFIX), num_classes=len(CLASSES))
        return network
    # heads that train beside the main one: weights are published without them as well as with them
    extra: dict[str, object] = (
        {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    )
    if name == "vit_h_14":
        extra = {"image_size": 518}  # as its weights are published; positions of another size would not fit
    built: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=len(CLASSES), **extra)
    return built


def build_classifier(family: HuggingFaceFamily) -> nn.Module:
    """The classifier of transformers that a family's configuration describes."""
    settings: dict[str, Any] = {
        **family.smaller,
        "id2label": dict(enumerate(CLASSES)),
        "label2id": {name: at for at, name in enumerate(CLASSES)},
    }
    configuration = transformers.CONFIG_MAPPING[family.model_type](**settings)
    configuration.num_labels = len(CLASSES)  # one type's default goes before its labels
    network: nn.Module = getattr(transformers, family.architecture)(configuration)
    return network


def save_weights(network: nn.Module, size: tuple[int, int], path: Path) -> None:
    """Give a network random weights, and write them as safetensors.

    Args:
        size: (H, W) of its pictures.
    """
    randomise(network, network, size)
    state = {name: tensor.detach().clone().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, path)


def save_classifier(family: HuggingFaceFamily, size: tuple[int, int], folder: Path) -> None:
    """Write a classifier of transformers with random weights, and its processor where it has one, as users save them.

    Args:
        size: (H, W) of its pictures, where no processor says so.
    """
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    network: Any = build_classifier(family)
    randomise(network, Logits(network), size)
    network.save_pretrained(folder)
    if family.processor:
        getattr(transformers, family.processor)(**family.processing).save_pretrained(folder)


@torch.no_grad()
def randomise(network: nn.Module, forward: nn.Module, size: tuple[int, int]) -> None:
    """Draw what is constant in a fresh network's parameters, and let batch norms see a few pictures.

    Args:
        forward: what takes (B, 3, H, W) pictures to the network.
    """
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        if parameter.is_floating_point() and bool((parameter == parameter.flatten()[0]).all()):
            noise = torch.randn(parameter.shape, generator=generator)
            # shortcuts scaled by a millionth would leave a network of nothing but shortcuts
            centre = 1.0 if float(parameter.flatten()[0]) else 0.0
            parameter.copy_(centre + _SPREAD * noise)
    network.eval()
    with _batch_norms_in_training(network) as any_there:
        if any_there:
            forward(_varied_pictures(*size))


def _varied_pictures(height_px: int, width_px: int) -> Tensor:
    """(8, 3, H, W) in ±`_WHITE`: those that networks are probed with, and blots of colour from large to small."""
    generator = torch.Generator().manual_seed(0)
    coarse = [torch.rand(1, 3, blots, blots, generator=generator) for blots in _BLOTS]
    blots = [functional.interpolate(each, (height_px, width_px), mode="bilinear") for each in coarse]
    return _WHITE * (2 * torch.cat([unlike_pictures(height_px, width_px), *blots]) - 1)


@contextmanager
def _batch_norms_in_training(network: nn.Module) -> Iterator[bool]:
    """Within the body batch norms take the batch's numbers, and keep them; yields whether there are any."""
    norms: list[Any] = [each for each in network.modules() if isinstance(getattr(each, "running_mean", None), Tensor)]
    momenta = [each.momentum for each in norms]
    for each in norms:
        each.train()
        each.momentum = 1.0  # what was seen last
    yield bool(norms)
    for each, momentum in zip(norms, momenta, strict=True):
        each.eval()
        each.momentum = momentum
