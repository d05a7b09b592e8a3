"""Networks of torchvision: their names, classes, preprocessing, weights and layers. It loads nothing into a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import URLError

import torch
from torch import nn

from auditor.core.config import PreprocessingConfig
from auditor.core.errors import ConfigError, ModelError, UnknownNameError
from auditor.inputs.model.defaults import BEFORE_LAST_STAGE, BEHIND_NORM, THREE_QUARTERS, at_three_quarters
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.labels import ClassNames, disambiguated
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.sources.protocol import (
    NO_ARGUMENTS,
    OWN_WEIGHTS,
    BuiltNetwork,
    ModelSource,
    NetworkRequest,
    WeightsRule,
)
from auditor.inputs.model.weights import StateDict, unwrapped

_IMAGENET_CLASSES = 1000
# Files of other libraries, of which a bare name is not what was meant.
_FOREIGN_SUFFIXES = (".onnx", ".h5", ".keras", ".pb", ".tflite", ".mlmodel", ".pkl", ".pickle", ".bin", ".safetensors")

# Heads that train beside the main one; published weights hold them or not, and eval mode never runs them.
_AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}

_BEFORE_LAST_POOL = "the last ReLU before the last pooling"
_SQUEEZENET = "the Fire module features.10"
_PLAIN_STACKS = ("alexnet", "vgg")
# Networks of stages: the last block before the grid is halved for the last time, whose features are specific to
# objects while the grid is still 14x14 or so on a 224-pixel picture, where the last stage has 7x7.
_STAGES: tuple[tuple[str, str], ...] = (
    ("convnext", "features.6.0"),
    ("densenet", "features.denseblock3"),
    ("efficientnet", "features.5"),
    ("googlenet", "inception4e"),
    ("inception_v3", "Mixed_6e"),
    ("maxvit", "blocks.2"),
    ("mnasnet", "layers.11"),
    ("mobilenet_v2", "features.13"),
    ("mobilenet_v3_large", "features.12"),
    ("mobilenet_v3_small", "features.8"),
    ("regnet", "trunk_output.block3"),
    ("resnet", "layer3"),
    ("resnext", "layer3"),
    ("shufflenet", "stage3"),
    ("swin", "features.5"),
    ("wide_resnet", "layer3"),
)


def torchvision_names() -> list[str]:
    """Every classifier of this torchvision."""
    models = _torchvision().models
    return [str(name) for name in models.list_models(module=models)]


def check_torchvision_name(name: str) -> None:
    """
    Raises:
        UnknownNameError: torchvision has no such classifier; carries the nearest.
    """
    if name not in torchvision_names():
        # the table, which holds this source, says how the others are written
        from auditor.inputs.model.sources import spellings

        where, hint = f"torchvision {_torchvision().__version__}", f"[model] name takes {spellings()}"
        raise UnknownNameError("model", name, torchvision_names(), where, hint)


def build_torchvision(
    name: str,
    classes: int,
    state: StateDict | None = None,
    own_weights: bool = False,
    arguments: Mapping[str, object] = NO_ARGUMENTS,
    size: tuple[int, int] | None = None,
) -> nn.Module:
    """Build a torchvision classifier without weights.

    Args:
        classes: K.
        state: the weights that will be loaded, which say whether auxiliary heads are there; None: no heads.
        own_weights: they are torchvision's own; two architectures then rescale their input to the scale of the
            original training.
        arguments: the user's own, which go before ours.
        size: (H, W) of the pictures, for which vision transformers are built; None: torchvision's usual.
    Raises:
        UnknownNameError: torchvision has no such classifier. ModelError: it does not take these arguments.
    """
    check_torchvision_name(name)
    ours: dict[str, object] = {"num_classes": classes}
    if name in _AUXILIARY:
        # behind whatever a training script put in front of the names
        auxiliary = any(f".{head}" in f".{key}" for key in state or () for head in _AUXILIARY[name])
        ours |= {"aux_logits": auxiliary, "transform_input": own_weights, "init_weights": False}
    if name.startswith("vit_") and size is not None and size[0] == size[1]:
        ours["image_size"] = size[0]
    with ForeignCode(f"building {name}"):
        network: nn.Module = _torchvision().models.get_model(name, weights=None, **{**ours, **arguments})
    return network


def torchvision_preprocessing(name: str) -> Preprocessing | None:
    """What torchvision's own weights of a model were trained with, read without fetching them; None: it has none."""
    published = _published(name)
    if published is None:
        return None
    transforms = published.transforms()
    mean, std = (tuple(float(value) for value in values) for values in (transforms.mean, transforms.std))
    config = PreprocessingConfig.model_validate(
        {
            "resize": int(transforms.resize_size[0]),
            "crop": int(transforms.crop_size[0]),
            "interpolation": transforms.interpolation.value,
            "mean": mean,
            "std": std,
        }
    )
    return Preprocessing.from_config(config)


def torchvision_class_names(name: str, classes: int = _IMAGENET_CLASSES) -> ClassNames:
    """The names that torchvision's own weights of a model were trained with.

    A name that several classes share gets its index added, and stays as an alias of each.

    Raises:
        ConfigError: the model has no weights of its own, or another number of classes.
    """
    published = _published(name)
    if published is None:
        raise ConfigError(f"torchvision has no class names for {name!r}; give [classes] names a file")
    names = tuple(str(each) for each in published.meta["categories"])
    if len(names) != classes:
        raise ConfigError(
            f"torchvision names {len(names)} classes for {name}, but the model has {classes}; "
            "give [classes] names the model's own list"
        )
    return disambiguated(names)


def torchvision_weights(name: str, classes: int = _IMAGENET_CLASSES) -> tuple[StateDict, Path]:
    """Torchvision's own weights for a model, from its cache or the network, checked by torchvision's hash.

    Raises:
        ConfigError: the model is to have another number of classes.
        ModelError: torchvision has none, or they can be neither found nor fetched.
    """
    if classes != _IMAGENET_CLASSES:
        raise ConfigError(
            f"torchvision's own weights know {_IMAGENET_CLASSES} classes, but [classes] names holds {classes}; "
            "leave names out, or give [model] weights your own file"
        )
    published = _published(name)
    if published is None:
        raise ModelError(f"torchvision has no weights for {name}; give [model] weights a file")
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(published.url).name
    try:
        state = torch.hub.load_state_dict_from_url(
            published.url, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except (URLError, OSError, RuntimeError) as error:
        raise ModelError(
            f"torchvision's weights for {name} are not in {cached.parent} and could not be fetched ({error}); "
            "fetch them where there is a network, or give [model] weights a file"
        ) from error
    return unwrapped(state, cached).state, cached


def torchvision_layer(name: str, network: nn.Module) -> tuple[str, str] | None:
    """The documented layer of an architecture.

    AlexNet and VGG: the last ReLU before the last pooling. SqueezeNet, whose two versions halve their grids at
    different depths: features.10. Others by the rules of defaults.py.
    """
    if name.startswith(_PLAIN_STACKS):
        return _relu_before_last_pool(network), _BEFORE_LAST_POOL
    if name.startswith("squeezenet"):
        return "features.10", _SQUEEZENET
    if name.startswith("vit_"):
        blocks = [each for each, _ in network.named_modules() if re.fullmatch(r"encoder\.layers\.[^.]+", each)]
        return at_three_quarters(blocks), THREE_QUARTERS
    layer = next((layer for prefix, layer in _STAGES if name.startswith(prefix)), None)
    if layer is None:
        return None
    return layer, BEHIND_NORM if name.startswith("convnext") else BEFORE_LAST_STAGE


def _relu_before_last_pool(network: nn.Module) -> str:
    pools = [name for name, each in network.named_modules() if isinstance(each, nn.MaxPool2d)]
    before: str = ""
    for name, each in network.named_modules():
        if pools and name == pools[-1]:
            break
        if isinstance(each, nn.ReLU):
            before = name
    return before


def _build(request: NetworkRequest) -> BuiltNetwork:
    network = build_torchvision(
        request.name, request.classes, request.state, request.own_weights, request.arguments, request.size
    )
    decided = request.own_weights or request.state is None or "transform_input" in request.arguments
    if request.name not in _AUXILIARY or decided:
        return BuiltNetwork(network)
    note = (
        f"{request.name} does not rescale its input, since its weights are not torchvision's own; if they were "
        "fine-tuned from those, set arguments = { transform_input = true } under [model]"
    )
    return BuiltNetwork(network, notes=(note,))


def _published(name: str) -> Any:
    """Torchvision's entry of the weights that it publishes for a model; None: it publishes none."""
    try:
        return _torchvision().models.get_model_weights(name).DEFAULT
    except (ValueError, AttributeError):
        return None


def _torchvision() -> ModuleType:
    """Imported when it is first asked for: it takes as long as torch itself, and other sources do without."""
    import torchvision

    module: ModuleType = torchvision
    return module


TORCHVISION = ModelSource(
    label="torchvision",
    spelling="a torchvision name",
    matches=lambda name: Path(name).suffix.lower() not in _FOREIGN_SUFFIXES,
    build=_build,
    weights=WeightsRule.NEEDED,
    check_name=check_torchvision_name,
    preprocessing=lambda named: torchvision_preprocessing(named.name),
    class_names=lambda named: torchvision_class_names(named.name),
    own_words=lambda _name: (OWN_WEIGHTS,),
    own_weights=lambda name, _word, classes: torchvision_weights(name, classes),
    default_layer=torchvision_layer,
)
