"""Load the classifier under audit from its configuration and probe it once. Its layers are in layers.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision

from auditor.core.config import AuditConfig, PreprocessingConfig
from auditor.core.errors import ConfigError, ModelError
from auditor.inputs.model.classifier import Classifier, check_logits, set_eval
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.labels import ClassNames, read_class_names, torchvision_class_names
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.sources import SavedProgram, SourceKind, source_kind
from auditor.inputs.model.sources.exported import load_exported
from auditor.inputs.model.sources.factory import build_from_factory
from auditor.inputs.model.sources.timm import build_timm, check_timm_name, timm_preprocessing
from auditor.inputs.model.sources.torchscript import load_torchscript
from auditor.inputs.model.sources.torchvision import build_torchvision, check_torchvision_name
from auditor.inputs.model.weights import StateDict, load_strictly, read_weights, sha256_of, torchvision_weights

_IMAGENET_CLASSES = 1000
_USUAL_SIZE = (224, 224)
_OWN_WEIGHTS = "default"


@dataclass(frozen=True, slots=True)
class LoadedClassifier:
    """The classifier and where it came from.

    Attributes:
        weights_path: the file of weights (or the saved program); '' where the factory brought its own.
        weights_sha256: of that file; '' where there is none.
        description: one line for a person.
    """

    classifier: Classifier
    weights_path: str
    weights_sha256: str
    description: str


def load_classifier(config: AuditConfig, device: torch.device) -> LoadedClassifier:
    """Build the network, load its weights, and make sure that it answers (B, K) finite logits to black pictures.

    Raises:
        UnknownNameError: torchvision or timm has no such model.
        ConfigError: settings that contradict each other or are missing.
        ModelError: the network or its weights cannot be loaded, do not fit, or do not answer with logits.
    """
    name = config.model.name
    kind = source_kind(name)
    _check_weights_setting(config, kind)
    class_names = _class_names(config, kind)
    preprocessing = _preprocessing(config, kind)
    state, weights_path = _read_state(config, len(class_names))
    own_weights = config.model.weights == _OWN_WEIGHTS
    size = preprocessing.output_size
    program = _build(name, kind, len(class_names), size, config.base, device, state, own_weights)
    if kind in (SourceKind.TORCHSCRIPT, SourceKind.EXPORTED):
        weights_path = config.path(name)
    if state is not None:
        load_strictly(program.module, state, len(class_names), str(weights_path), name)
    _check_fixed_sizes(program, preprocessing, name)
    with ForeignCode(f"moving {name} to {device}"):
        classifier = Classifier(program.module, class_names, preprocessing, device, name)
    probe(classifier)
    return LoadedClassifier(
        classifier,
        str(weights_path) if weights_path is not None else "",
        sha256_of(weights_path) if weights_path is not None else "",
        f"{name} ({kind.value}), {len(class_names)} classes",
    )


def unnamed_classifier(
    name: str, base: Path, device: torch.device, preprocessing: Preprocessing | None = None
) -> Classifier:
    """Build a network to look at its layers: no weights are loaded, classes are called by their numbers.

    Args:
        name: as [model] name. base: the folder that relative paths start from.
        preprocessing: None: torchvision's and timm's for their own models, 224x224 for others.
    Raises:
        UnknownNameError, ModelError: as `load_classifier`.
    """
    kind = source_kind(name)
    if kind is SourceKind.TORCHVISION:
        check_torchvision_name(name)
    program = _build(
        name, kind, _IMAGENET_CLASSES, preprocessing.output_size if preprocessing else _USUAL_SIZE, base, device
    )
    if preprocessing is None:
        preprocessing = _published_preprocessing(name, kind)
    if preprocessing is None:
        preprocessing = Preprocessing(program.size or _USUAL_SIZE, None, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    _check_fixed_sizes(program, preprocessing, name)
    with ForeignCode(f"running {name} on a black picture"), torch.no_grad():
        module = program.module.to(device)
        set_eval(module)
        output = module(torch.zeros(1, 3, *preprocessing.output_size, device=device))
    classes = int(output.shape[-1]) if isinstance(output, torch.Tensor) and output.ndim == 2 else _IMAGENET_CLASSES
    names = ClassNames(tuple(str(index) for index in range(classes)), ((),) * classes)
    classifier = Classifier(program.module, names, preprocessing, device, name)
    probe(classifier)
    return classifier


def torchvision_preprocessing(name: str) -> Preprocessing | None:
    """What torchvision's own weights of a model were trained with, read without fetching them; None: it has none."""
    try:
        transforms = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    except (ValueError, AttributeError):
        return None
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


def probe(classifier: Classifier) -> None:
    """Run pictures of noise, one and then three at once, and check what comes out.

    Raises:
        ModelError: the network raises, takes only one batch size, does not answer with (B, K) finite logits, or
            answers otherwise when a picture has company, as a network in training mode does.
    """
    advice = f"it was given {_shape_of(classifier)} pictures; check [preprocessing] and the network"
    noise = torch.rand(3, 3, *classifier.preprocessing.output_size, generator=torch.Generator().manual_seed(0))
    images = classifier.normalise_(noise.to(classifier.device))
    outputs: dict[int, object] = {}
    failures: dict[int, ModelError] = {}
    with torch.no_grad():
        for batch in (1, 3):
            try:
                with ForeignCode(f"running {classifier.name} on a batch of {batch}", advice):
                    outputs[batch] = classifier.module(images[:batch].clone())
            except ModelError as error:
                failures[batch] = error
    rows = {batch: len(output) for batch, output in outputs.items() if isinstance(output, torch.Tensor) and output.ndim}
    served = [batch for batch in outputs if rows.get(batch, batch) == batch]
    if len(served) == 1 and (failures or rows.get(1) == rows.get(3)):
        raise ModelError(
            f"{classifier.name} answers batches of {served[0]} picture{'s' if served[0] > 1 else ''} only; "
            "trace or export it with a dynamic batch dimension"
        ) from next(iter(failures.values()), None)
    for failure in failures.values():
        raise failure
    alone, together = (check_logits(output, batch, classifier.class_names) for batch, output in outputs.items())
    difference = float((alone[0] - together[0]).abs().max())
    # Far above what other kernels for another batch size, or TF32, make of the same numbers.
    if difference > 0.02 * float(together.abs().max()) + 1e-4:
        raise ModelError(
            f"{classifier.name} gives the same picture other logits the second time, among others (by up to "
            f"{difference:.3g}); its dropout or batch norm is in training mode: call eval() before it is exported"
        )


def _check_weights_setting(config: AuditConfig, kind: SourceKind) -> None:
    name, weights = config.model.name, config.model.weights
    if kind is SourceKind.TORCHVISION:
        check_torchvision_name(name)
    if kind is SourceKind.TIMM:
        check_timm_name(name)
    if weights is None and kind in (SourceKind.TORCHVISION, SourceKind.TIMM):
        own = ", or 'default' for torchvision's own" if kind is SourceKind.TORCHVISION else ""
        raise ConfigError(
            f"[model] weights is missing: {name} without weights knows nothing; give a .safetensors file or a state "
            f"dict{own}"
        )
    if weights == _OWN_WEIGHTS and kind is not SourceKind.TORCHVISION:
        instead = "give a file" if kind is SourceKind.TIMM else "leave weights out"
        raise ConfigError(f"weights = 'default' means torchvision's own, but the model is {name}; {instead}")
    if kind in (SourceKind.TORCHSCRIPT, SourceKind.EXPORTED) and weights is not None:
        raise ConfigError(f"{name} brings its own weights; leave [model] weights out")


def _class_names(config: AuditConfig, kind: SourceKind) -> ClassNames:
    if config.classes.names is not None:
        return read_class_names(config.path(config.classes.names))
    if kind is not SourceKind.TORCHVISION:
        raise ConfigError(
            f"{config.model.name} needs its class names: give [classes] names a CSV, JSON or text file in its own order"
        )
    return torchvision_class_names(config.model.name, _IMAGENET_CLASSES)


def _preprocessing(config: AuditConfig, kind: SourceKind) -> Preprocessing:
    if config.preprocessing is not None:
        return Preprocessing.from_config(config.preprocessing)
    own = _published_preprocessing(config.model.name, kind)
    if own is None:
        raise ConfigError(
            f"{config.model.name} needs a [preprocessing] table: resize, crop, mean and std as the network was trained"
        )
    return own


def _published_preprocessing(name: str, kind: SourceKind) -> Preprocessing | None:
    """What the library that a network comes from says of its preprocessing; None: nothing, or there is no library."""
    if kind is SourceKind.TORCHVISION:
        return torchvision_preprocessing(name)
    return timm_preprocessing(name) if kind is SourceKind.TIMM else None


def _read_state(config: AuditConfig, classes: int) -> tuple[StateDict | None, Path | None]:
    """The weights beside the network, and their file; (None, None) where the network brings its own."""
    if config.model.weights is None:
        return None, None
    if config.model.weights != _OWN_WEIGHTS:
        path = config.path(config.model.weights)
        return read_weights(path), path
    if classes != _IMAGENET_CLASSES:
        raise ConfigError(
            f"torchvision's own weights know {_IMAGENET_CLASSES} classes, but [classes] names holds {classes}; "
            "leave names out, or give [model] weights your own file"
        )
    return torchvision_weights(config.model.name)


def _build(
    name: str,
    kind: SourceKind,
    classes: int,
    size: tuple[int, int],
    base: Path,
    device: torch.device,
    state: StateDict | None = None,
    own_weights: bool = False,
) -> SavedProgram:
    path = (base / Path(name).expanduser()).resolve()
    if kind is SourceKind.TORCHSCRIPT:
        return load_torchscript(path, size)
    if kind is SourceKind.EXPORTED:
        return load_exported(path, device)
    if kind is SourceKind.FACTORY:
        return SavedProgram(build_from_factory(name, classes, base), None, None)
    if kind is SourceKind.TIMM:
        return SavedProgram(build_timm(name, classes), None, None)
    return SavedProgram(build_torchvision(name, classes, state, own_weights), None, None)


def _check_fixed_sizes(program: SavedProgram, preprocessing: Preprocessing, name: str) -> None:
    if program.batch is not None:
        raise ModelError(
            f"{name} was exported for batches of exactly {program.batch}; export it with a dynamic batch dimension: "
            "torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim('batch')},))"
        )
    if program.size is not None and program.size != preprocessing.output_size:
        wanted, got = ("x".join(map(str, size)) for size in (program.size, preprocessing.output_size))
        raise ModelError(f"{name} was exported for {wanted} pictures, but [preprocessing] makes them {got}")


def _shape_of(classifier: Classifier) -> str:
    return "x".join(map(str, (3, *classifier.preprocessing.output_size)))
