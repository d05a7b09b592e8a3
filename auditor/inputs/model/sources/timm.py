"""Networks of timm, an optional extra: their names, preprocessing and layers. Weights are the user's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import ModuleType

from torch import nn

from auditor.core.config import PreprocessingConfig
from auditor.core.errors import ConfigError, ModelError, UnknownNameError
from auditor.inputs.model.defaults import BEFORE_LAST_STAGE, BEHIND_NORM, THREE_QUARTERS, at_three_quarters
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.sources.protocol import NO_ARGUMENTS, BuiltNetwork, ModelSource, NetworkRequest, WeightsRule

TIMM_PREFIX = "timm/"


def check_timm_name(name: str) -> None:
    """
    Args:
        name: 'timm/NAME', NAME with or without a tag of pretrained weights ('resnet18.a1_in1k').
    Raises:
        ModelError: timm is not installed, or has no such tag. UnknownNameError: it has no such network.
    """
    timm = _timm(name)
    plain = name.removeprefix(TIMM_PREFIX)
    architecture, _, tag = plain.partition(".")
    if not timm.is_model(architecture):
        known = [TIMM_PREFIX + each for each in timm.list_models()]
        raise UnknownNameError("model", name, known, f"timm {timm.__version__}")
    if tag and plain not in timm.list_models(f"{architecture}.*", pretrained=True):
        raise ModelError(
            f"timm {timm.__version__} has no weights tagged {tag!r} for {architecture}; leave the tag out, "
            "or give the one your weights were trained from, since it decides the preprocessing"
        )


def build_timm(name: str, classes: int, arguments: Mapping[str, object] = NO_ARGUMENTS) -> nn.Module:
    """Build a timm network without weights; nothing is fetched.

    Raises:
        ModelError, UnknownNameError: as `check_timm_name`; or timm fails to build it for K = `classes`.
    """
    check_timm_name(name)
    with ForeignCode(f"building {name}"):
        network: nn.Module = _timm(name).create_model(
            name.removeprefix(TIMM_PREFIX), pretrained=False, **{"num_classes": classes, **arguments}
        )
    return network


def timm_preprocessing(name: str) -> Preprocessing:
    """What timm's data configuration says of a network (or of its tag): size, crop, interpolation, mean and std.

    The picture is resized to the input size divided by timm's `crop_pct`, then cropped, as timm evaluates.

    Raises:
        ModelError, UnknownNameError: as `check_timm_name`.
        ConfigError: timm has no configuration for it, or one that has no counterpart here.
    """
    check_timm_name(name)
    timm = _timm(name)
    own = timm.get_pretrained_cfg(name.removeprefix(TIMM_PREFIX))
    if own is None:
        raise ConfigError(f"timm knows no preprocessing for {name}; give a [preprocessing] table")
    data = timm.data.resolve_data_config({}, pretrained_cfg=own.to_dict())
    _, height, width = data["input_size"]
    resized = (math.floor(height / data["crop_pct"]), math.floor(width / data["crop_pct"]))
    supported = data["crop_mode"] == "squash" or (data["crop_mode"] == "center" and height == width)
    if not supported or data["interpolation"] not in ("nearest", "bilinear", "bicubic"):
        raise ConfigError(
            f"timm prepares pictures for {name} with crop mode {data['crop_mode']!r} and {data['interpolation']!r} "
            "interpolation, which has no counterpart here; give a [preprocessing] table"
        )
    config = PreprocessingConfig.model_validate(
        {
            "resize": resized if data["crop_mode"] == "squash" else resized[0],
            "crop": (height, width),
            "interpolation": data["interpolation"],
            "mean": data["mean"],
            "std": data["std"],
        }
    )
    return Preprocessing.from_config(config)


def timm_layer(_name: str, network: nn.Module) -> tuple[str, str] | None:
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
        return at_three_quarters(coarsest), THREE_QUARTERS
    if len(ends) < 2:
        return None
    name, _, width = ends[-2]
    norm = _norm_behind(network, name, width)
    return (norm, BEHIND_NORM) if norm else (name, BEFORE_LAST_STAGE)


def _norm_behind(network: nn.Module, layer: str, width: int) -> str:
    """The module that comes next, if it is a layer norm (or RMS norm) of each position's `width` numbers; else ''."""
    leaves = [(name, each) for name, each in network.named_modules() if not any(True for _ in each.children())]
    inside = [index for index, (name, _) in enumerate(leaves) if f"{name}.".startswith(f"{layer}.")]
    if not inside or inside[-1] + 1 == len(leaves):
        return ""
    name, following = leaves[inside[-1] + 1]
    return name if getattr(following, "normalized_shape", None) == (width,) else ""


def _build(request: NetworkRequest) -> BuiltNetwork:
    return BuiltNetwork(build_timm(request.name, request.classes, request.arguments))


def _timm(name: str) -> ModuleType:
    try:
        import timm
        import timm.data
    except ModuleNotFoundError as error:
        raise ModelError(f'{name} needs timm, which is not installed; pip install "auditor[timm]"') from error
    module: ModuleType = timm
    return module


TIMM = ModelSource(
    label="timm",
    spelling="'timm/NAME'",
    matches=lambda name: name.startswith(TIMM_PREFIX),
    build=_build,
    weights=WeightsRule.NEEDED,
    check_name=check_timm_name,
    preprocessing=lambda named: timm_preprocessing(named.name),
    default_layer=timm_layer,
)
