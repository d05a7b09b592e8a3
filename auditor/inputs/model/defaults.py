"""The documented layer of each architecture family, and the rule behind it. It runs no network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import nn

from auditor.inputs.model.sources import SourceKind, source_kind

_BEFORE_LAST_STAGE = "the end of the stage before the last"
_BEHIND_NORM = "the norm at the end of the stage before the last"
_THREE_QUARTERS = "the block at three quarters of the depth"
_BEFORE_LAST_POOL = "the last ReLU before the last pooling"
_SQUEEZENET = "the Fire module features.10"

# torchvision's networks of stages: the last block before the grid is halved for the last time, whose features are
# specific to objects while the grid is still 14x14 or so on a 224-pixel picture, where the last stage has 7x7.
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
_PLAIN_STACKS = ("alexnet", "vgg")


def documented_layer(model_name: str, network: nn.Module) -> tuple[str, str] | None:
    """The default layer of an architecture, and its rule in words; None for any other network.

    Networks of stages: the end of the stage before the last; where the next stage begins with a norm of each
    position on its own, as in ConvNeXt, the output of that norm, since the length of an activation in front of it
    means nothing to the network and attribution there is 0. Networks of one grid throughout, as vision
    transformers: the block at three quarters of the depth, which leaves about as much behind it as follows the stage
    before the last in a residual network (3 blocks of 16 in ResNet-50).
    AlexNet and VGG: the last ReLU before the last pooling. SqueezeNet, whose two versions halve their grids at
    different depths: features.10.

    Args:
        model_name: as [model] name; only torchvision's and timm's own networks have a default.
    """
    kind = source_kind(model_name)
    if kind is SourceKind.TIMM:
        found = _timm_layer(network)
    elif kind is SourceKind.TORCHVISION:
        found = _torchvision_layer(model_name, network)
    else:
        return None
    known = {name for name, _ in network.named_modules()}
    return found if found is not None and found[0] in known else None


def _torchvision_layer(model_name: str, network: nn.Module) -> tuple[str, str] | None:
    if model_name.startswith(_PLAIN_STACKS):
        return _relu_before_last_pool(network), _BEFORE_LAST_POOL
    if model_name.startswith("squeezenet"):
        return "features.10", _SQUEEZENET
    if model_name.startswith("vit_"):
        blocks = [name for name, _ in network.named_modules() if re.fullmatch(r"encoder\.layers\.[^.]+", name)]
        return at_three_quarters(blocks), _THREE_QUARTERS
    layer = next((layer for prefix, layer in _STAGES if model_name.startswith(prefix)), None)
    if layer is None:
        return None
    return layer, _BEHIND_NORM if model_name.startswith("convnext") else _BEFORE_LAST_STAGE


def _timm_layer(network: nn.Module) -> tuple[str, str] | None:
    """By timm's own list of a network's stages: where each ends, and how many pixels a grid position covers there."""
    listed = getattr(network, "feature_info", None)
    entries: object = getattr(listed, "info", listed)
    if not isinstance(entries, Iterable):
        return None
    ends = [
        (str(entry["module"]), float(entry["reduction"]), int(entry["num_chs"]))
        for entry in entries
        if isinstance(entry, Mapping) and {"module", "reduction", "num_chs"} <= entry.keys()
    ]
    coarsest = [name for name, reduction, _ in ends if reduction == ends[-1][1]]
    if len(coarsest) > 1:
        return at_three_quarters(coarsest), _THREE_QUARTERS
    if len(ends) < 2:
        return None
    name, _, width = ends[-2]
    norm = _norm_behind(network, name, width)
    return (norm, _BEHIND_NORM) if norm else (name, _BEFORE_LAST_STAGE)


def _norm_behind(network: nn.Module, layer: str, width: int) -> str:
    """The module that comes next, if it is a layer norm (or RMS norm) of each position's `width` numbers; else ''."""
    leaves = [(name, each) for name, each in network.named_modules() if not any(True for _ in each.children())]
    inside = [index for index, (name, _) in enumerate(leaves) if f"{name}.".startswith(f"{layer}.")]
    if not inside or inside[-1] + 1 == len(leaves):
        return ""
    name, following = leaves[inside[-1] + 1]
    return name if getattr(following, "normalized_shape", None) == (width,) else ""


def at_three_quarters(blocks: list[str]) -> str:
    """The block that ends the third quarter, rounded down, and at least two before the last: the 9th of 12.

    The last block of a transformer with a class token reads the other tokens through its norm alone, so that in
    front of it, as behind it, there is no attribution to them.
    """
    return blocks[max(0, min(len(blocks) * 3 // 4 - 1, len(blocks) - 3))] if blocks else ""


def _relu_before_last_pool(network: nn.Module) -> str:
    pools = [name for name, each in network.named_modules() if isinstance(each, nn.MaxPool2d)]
    before: str = ""
    for name, each in network.named_modules():
        if pools and name == pools[-1]:
            break
        if isinstance(each, nn.ReLU):
            before = name
    return before
