"""Image classifiers of Hugging Face's transformers, an optional extra: from a folder, or by name from the hub.

Classes, preprocessing and weights come along. Weights are read from safetensors alone, and no model's own code runs.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError
from torch import Tensor, nn

from auditor.core.config import PreprocessingConfig
from auditor.core.errors import ConfigError, ModelError
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.sources.protocol import BuiltNetwork, ModelSource, Named, NetworkRequest, WeightsRule

HF_PREFIX = "hf/"
WEIGHTS_FILE, CONFIG_FILE, PROCESSOR_FILE = "model.safetensors", "config.json", "preprocessor_config.json"

_INTERPOLATIONS = {0: "nearest", 2: "bilinear", 3: "bicubic"}
"""Of Pillow's numbers for its filters, those that have a counterpart here."""
_ONLY_SIDE = frozenset(("shortest_edge",))
_BOTH_SIDES = frozenset(("height", "width"))
_CONVNEXT_CROPPED_BELOW = 384
"""ConvNeXt's processor crops below this size, and squeezes from it on."""


class Logits(nn.Module):
    """A classifier of transformers as (B, 3, H, W) -> (B, K): its layers are those of `network`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        output = self.network(pixel_values=images, return_dict=True)
        # PP-LCNet calls them by another name
        logits: Tensor = output["logits"] if "logits" in output else output[0]
        return logits


def hf_class_names(named: Named) -> ClassNames | None:
    """The classes as the model's own configuration calls them, in its own order; None where it only numbers them.

    Raises:
        ModelError: transformers is not installed, or there is no such model.
    """
    labels = _labels(named)
    names = tuple(str(labels[index]) for index in sorted(labels))
    if all(name == f"LABEL_{index}" for index, name in enumerate(names)):
        return None
    # several names in one, as ImageNet's are: "tench, Tinca tinca"
    return ClassNames(
        tuple(name.split(",")[0].strip() or name for name in names),
        tuple(tuple(word.strip() for word in name.split(",")[1:] if word.strip()) for name in names),
    )


def hf_preprocessing(named: Named) -> Preprocessing | None:
    """What the model's `preprocessor_config.json` says of size, crop, interpolation, mean and std; None: it has none.

    Raises:
        ModelError: transformers is not installed, or there is no such model.
        ConfigError: it prepares pictures in a way that has no counterpart here.
    """
    where = _where(named)
    if Path(where).is_dir() and not (Path(where) / PROCESSOR_FILE).is_file():
        return None
    with ForeignCode(f"reading {PROCESSOR_FILE} of {named.name}", "give a [preprocessing] table"):
        values, _ = _transformers(named).ImageProcessingMixin.get_image_processor_dict(where, **_local(where))
    return preprocessing_of(values, named.name)


def preprocessing_of(values: Mapping[str, object], name: str) -> Preprocessing:
    """Read a processor's settings, as it saves them.

    Raises:
        ConfigError: they have no counterpart here, said with what they are.
    """
    kind = str(values.get("image_processor_type") or values.get("feature_extractor_type") or "")
    odd = [key for key in ("do_flip_channel_order", "rescale_offset", "do_pad") if values.get(key)]
    factor = values.get("rescale_factor", 1 / 255)
    rescales = values.get("do_rescale", True) is not False and isinstance(factor, int | float)
    interpolation = _INTERPOLATIONS.get(_whole(values.get("resample", 2)))
    if odd or not rescales or not math.isclose(float(str(factor)), 1 / 255, rel_tol=1e-3) or interpolation is None:
        raise _no_counterpart(
            name, kind, ", ".join(odd) or f"rescaling by {factor}, resampling {values.get('resample')}"
        )
    resize, crop = _resizing(values, name, kind)
    normalised = values.get("do_normalize", True) is not False
    table = {
        "resize": resize,
        "crop": crop,
        "interpolation": interpolation,
        "mean": values.get("image_mean") if normalised else (0.0, 0.0, 0.0),
        "std": values.get("image_std") if normalised else (1.0, 1.0, 1.0),
    }
    try:
        return Preprocessing.from_config(PreprocessingConfig.model_validate(table))
    except ValidationError as problem:
        raise _no_counterpart(name, kind, str(problem.errors()[0]["msg"])) from problem


def _resizing(values: Mapping[str, object], name: str, kind: str) -> tuple[object, object]:
    """What [preprocessing] resize and crop say for a processor's sizes."""
    size, crop = _sides(values.get("size")), _sides(values.get("crop_size"))
    cropped = bool(values.get("do_center_crop", False))
    if not values.get("do_resize", True):
        raise _no_counterpart(name, kind, "no resizing, so that pictures end at different sizes")
    if kind.startswith("LevitImage") and size.keys() == _ONLY_SIDE:
        size = {"shortest_edge": int(256 / 224 * size["shortest_edge"])}
    if kind.startswith("ConvNext") and size.keys() == _ONLY_SIDE:
        side = size["shortest_edge"]
        if side >= _CONVNEXT_CROPPED_BELOW:
            return (side, side), None
        share = values.get("crop_pct")
        return int(side / (float(str(share)) if share else 224 / 256)), (side, side)
    window = (crop["height"], crop["width"]) if crop.keys() == _BOTH_SIDES else None
    if crop.keys() == _ONLY_SIDE:
        window = (crop["shortest_edge"], crop["shortest_edge"])
    if kind.startswith("PerceiverImage") and cropped and window is not None and size.keys() == _BOTH_SIDES:
        # it cuts first, by the share that the crop's side is of the shorter one, and then resizes: the other way round
        size, window = {"shortest_edge": window[0]}, (size["height"], size["width"])
    if size.keys() == _BOTH_SIDES:
        return (size["height"], size["width"]), window if cropped else None
    if size.keys() == _ONLY_SIDE and cropped and window is not None:
        return size["shortest_edge"], window
    raise _no_counterpart(name, kind, f"size {values.get('size')}, crop {values.get('crop_size') if cropped else None}")


def _sides(value: object) -> dict[str, int]:
    """A size as processors write it: one number for a square, or the sides by name."""
    if isinstance(value, int):
        return {"height": value, "width": value}
    return {str(key): _whole(side) for key, side in value.items()} if isinstance(value, Mapping) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else -1


def _no_counterpart(name: str, kind: str, what: str) -> ConfigError:
    return ConfigError(
        f"{name} prepares its pictures by {kind or 'a processor'} with what has no counterpart here ({what}); "
        "give a [preprocessing] table"
    )


def _build(request: NetworkRequest) -> BuiltNetwork:
    named, where = request.named, _where(request.named)
    transformers = _transformers(named)
    advice = f"a folder needs config.json and {WEIGHTS_FILE}, as save_pretrained writes them"
    with ForeignCode(f"building {named.name}", advice):
        network = transformers.AutoModelForImageClassification.from_pretrained(
            where, use_safetensors=True, trust_remote_code=False, **_local(where), **request.arguments
        )
        _require_pictures(network, named.name)
        file = transformers.utils.cached_file(
            where, WEIGHTS_FILE, _raise_exceptions_for_missing_entries=False, **_local(where)
        )
    notes = () if file else (f"the weights of {named.name} lie in several files, so that no sha256 names them",)
    return BuiltNetwork(Logits(network), file=Path(file) if file else None, notes=notes)


def _require_pictures(network: nn.Module, name: str) -> None:
    """
    Raises:
        ModelError: the classifier takes something else than a batch of pictures.
    """
    takes = inspect.signature(network.forward).parameters
    if "pixel_values" in takes and "spatial_shapes" not in takes:
        return
    what = "pictures cut into patches, with the shapes they had" if "spatial_shapes" in takes else next(iter(takes))
    raise ModelError(
        f"{name} is a {type(network).__name__}, which takes {what}, and no batch of pictures; make a 'file.py:factory' "
        "whose module takes (B, 3, H, W) pictures and turns them into that"
    )


def _labels(named: Named) -> Mapping[int, str]:
    where = _where(named)
    with ForeignCode(f"reading the configuration of {named.name}", "check the folder, or the name on the hub"):
        configuration = _transformers(named).AutoConfig.from_pretrained(where, trust_remote_code=False, **_local(where))
        labels: Mapping[int, str] = configuration.id2label
    return labels


def hf_files(name: str, base: Path) -> tuple[Path, ...]:
    """The files of a model's folder that decide its classes, pictures and how it is built; () for one of the hub."""
    folder = Named(name, base).path(HF_PREFIX)
    return tuple(folder / file for file in (CONFIG_FILE, PROCESSOR_FILE) if (folder / file).is_file())


def _where(named: Named) -> str:
    """The folder, where there is one; else the name on the hub."""
    folder = named.path(HF_PREFIX)
    return str(folder) if folder.is_dir() else named.name.removeprefix(HF_PREFIX)


def _local(where: str) -> dict[str, bool]:
    return {"local_files_only": True} if Path(where).is_dir() else {}


def _transformers(named: Named) -> ModuleType:
    """Imported when it is first asked for: it takes seconds."""
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise ModelError(
            f'{named.name} needs transformers, which is not installed; pip install "auditor[hf]"'
        ) from error
    module: ModuleType = transformers
    # its own progress bars and advice would stand between ours
    module.utils.logging.set_verbosity_error()
    module.utils.logging.disable_progress_bar()
    return module


HUGGING_FACE = ModelSource(
    label="Hugging Face",
    spelling="'hf/FOLDER or name on the hub'",
    matches=lambda name: name.startswith(HF_PREFIX),
    build=_build,
    weights=WeightsRule.REFUSED,
    preprocessing=hf_preprocessing,
    class_names=hf_class_names,
    code=hf_files,
)
