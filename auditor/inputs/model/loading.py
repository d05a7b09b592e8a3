"""Load the classifier under audit from its configuration. How it is tried is in probing.py, its layers in layers.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError, ModelError
from auditor.core.hashing import sha256_of
from auditor.core.records import Outputs
from auditor.inputs.model.added import add_numbers
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.examples import example_pictures
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.labels import ClassNames, read_class_names
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.probing import are_probabilities, probe
from auditor.inputs.model.sources import check_settings, is_own, no_such_weights, source_of
from auditor.inputs.model.sources.protocol import OWN_WEIGHTS, BuiltNetwork, ModelSource, Named, NetworkRequest
from auditor.inputs.model.weight_kinds import only_type, other_types, refuse_without_numbers
from auditor.inputs.model.weight_names import own_names
from auditor.inputs.model.weights import (
    Weights,
    find_weights,
    load_strictly,
    read_weights,
    require_file,
    weights_sha256,
)

_CLASSES_UNKNOWN = 1000
_USUAL_SIZE = (224, 224)


@dataclass(frozen=True, slots=True)
class LoadedClassifier:
    """The classifier and where it came from.

    Attributes:
        weights_path: the file of weights (or the saved program); '' where the factory brought its own.
        weights_sha256: of that file; '' where there is none. Where numbers are added to its weights, of both files.
        description: one line for a person.
        notes: what was assumed and could be otherwise, each a sentence for a person.
        run_by: what runs a saved network that several could run; '' for all others.
    """

    classifier: Classifier
    weights_path: str
    weights_sha256: str
    description: str
    notes: tuple[str, ...] = ()
    run_by: str = ""


def load_classifier(config: AuditConfig, device: torch.device) -> LoadedClassifier:
    """Build the network, load its weights, and make sure that it answers with (B, K) finite logits.

    Raises:
        UnknownNameError: torchvision or timm has no such model.
        ConfigError: settings that contradict each other or are missing.
        ModelError: the network or its weights cannot be loaded, do not fit, or do not answer with logits.
    """
    name = config.model.name
    source = source_of(name)
    check_settings(source, config.model)
    class_names = _class_names(config, source)
    preprocessing = _preprocessing(config, source)
    weights, weights_path = _read_weights(config, source, len(class_names))
    state = weights.state if weights is not None else None
    request = NetworkRequest(
        name,
        len(class_names),
        preprocessing.output_size,
        config.base,
        device,
        state,
        weights=config.model.weights,
        own_weights=is_own(config.model),
        arguments=config.model.arguments,
        run_by=config.model.run_by,
        names=class_names.names,
        prompts=config.model.prompts,
        examples=partial(example_pictures, config, preprocessing),
    )
    network = _build(source, request)
    notes = [*network.notes, *_other_weights(weights, weights_path)]
    if state is not None:
        with ForeignCode(f"loading {weights_path} into {name}"):
            state, left_out = own_names(state, network.module.state_dict())
            load_strictly(network.module, state, len(class_names), str(weights_path), name)
            notes += [left_out, _other_types(other_types(state, network.module), weights_path)]
    module = _finished(network, name)
    came_from = network.file or weights_path
    added = None if config.model.added is None else config.path(config.model.added)
    notes += [] if added is None else [add_numbers(module, added, name)]
    _check_network(network, preprocessing, name)
    with ForeignCode(f"moving {name} to {device}"):
        classifier = Classifier(module, class_names, preprocessing, device, name, config.model.outputs)
    probe(classifier)
    notes.append(_own_type(classifier))
    return LoadedClassifier(
        classifier,
        str(came_from) if came_from is not None else "",
        _sha256_of(came_from, added),
        f"{name} ({source.label}), {len(class_names)} classes",
        tuple(note for note in notes if note),
        network.run_by,
    )


def _sha256_of(weights: Path | None, added: Path | None) -> str:
    """Of the file of weights; of both digests where numbers are added, since that is another network."""
    if weights is None or added is None:
        return "" if weights is None else weights_sha256(weights)
    return sha256_of(f"{weights_sha256(weights)} {weights_sha256(added)}".encode())


def with_found_weights(config: AuditConfig, sha256: str) -> AuditConfig:
    """The configuration of a run begun earlier, its weights where they lie now (`weights.find_weights`).

    Args:
        sha256: of the weights as the run noted it; '' where it noted none.
    """
    weights = config.model.weights
    if weights is None or weights == OWN_WEIGHTS:
        return config
    path = config.path(weights)
    found = find_weights(path, sha256)
    if found == path:
        return config
    return config.model_copy(update={"model": config.model.model_copy(update={"weights": str(found)})})


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
    source = source_of(name)
    if preprocessing is None:
        preprocessing = source.preprocessing(Named(name, base))
    size = preprocessing.output_size if preprocessing else _USUAL_SIZE
    network = _build(source, NetworkRequest(name, _CLASSES_UNKNOWN, size, base, device))
    if preprocessing is None:
        preprocessing = Preprocessing(network.size or _USUAL_SIZE, None, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    _check_network(network, preprocessing, name)
    module = _finished(network, name)
    with ForeignCode(f"moving {name} to {device}"):
        classifier = Classifier(module, _numbered(1), preprocessing, device, name)
    with torch.no_grad():
        output = classifier.run(classifier.black())
    classes = int(output.shape[-1]) if isinstance(output, torch.Tensor) and output.ndim == 2 else _CLASSES_UNKNOWN
    classifier.class_names = _numbered(classes)
    classifier.outputs = Outputs.PROBABILITIES if are_probabilities(output) else Outputs.LOGITS
    probe(classifier)
    return classifier


def _numbered(classes: int) -> ClassNames:
    return ClassNames(tuple(str(index) for index in range(classes)), ((),) * classes)


def class_names_of(config: AuditConfig) -> ClassNames:
    """The model's class names, without the model.

    Raises:
        ConfigError: there are none, or their file cannot be read. ModelError, UnknownNameError: as `load_classifier`.
    """
    return _class_names(config, source_of(config.model.name))


def preprocessing_of(config: AuditConfig) -> Preprocessing:
    """How pictures are prepared for the model, without the model.

    Raises:
        ConfigError: nothing says so. ModelError, UnknownNameError: as `load_classifier`.
    """
    return _preprocessing(config, source_of(config.model.name))


def check_model(config: AuditConfig) -> None:
    """What can be told of [model] before anything is fetched or built.

    Raises:
        AuditorError: as `load_classifier`, of settings that cannot serve, and of weights that are not there.
    """
    check_settings(source_of(config.model.name), config.model)
    if config.model.added is not None:
        require_file(config.path(config.model.added))
    if config.model.weights is None or is_own(config.model):
        return
    path = config.path(config.model.weights)
    if not path.is_file():
        raise ModelError(no_such_weights(config.model, path))


def _build(source: ModelSource, request: NetworkRequest) -> BuiltNetwork:
    with ForeignCode(f"building {request.name}"):
        return source.build(request)


def _finished(network: BuiltNetwork, name: str) -> nn.Module:
    """The network that answers, once the weights are loaded."""
    if network.finished is None:
        return network.module
    with ForeignCode(f"finishing {name}"):
        return network.finished()


def _class_names(config: AuditConfig, source: ModelSource) -> ClassNames:
    if config.classes.names is not None:
        return read_class_names(config.path(config.classes.names))
    own = source.class_names(Named(config.model.name, config.base))
    if own is None:
        raise ConfigError(
            f"{config.model.name} needs its class names: give [classes] names a CSV, JSON or text file in its own order"
        )
    return own


def _preprocessing(config: AuditConfig, source: ModelSource) -> Preprocessing:
    if config.preprocessing is not None:
        return Preprocessing.from_config(config.preprocessing)
    own = source.preprocessing(Named(config.model.name, config.base, config.model.weights))
    if own is None:
        raise ConfigError(
            f"{config.model.name} needs a [preprocessing] table: resize, crop, mean and std as the network was trained"
        )
    return own


def _read_weights(config: AuditConfig, source: ModelSource, classes: int) -> tuple[Weights | None, Path | None]:
    """The weights beside the network, and their file; (None, None) where the network brings its own."""
    if config.model.weights is None:
        return None, None
    if source.own_weights is not None and is_own(config.model):
        state, file = source.own_weights(config.model.name, config.model.weights, classes)
        return Weights(state), file
    path = config.path(config.model.weights)
    return read_weights(path, config.model.state), path


def _other_weights(weights: Weights | None, path: Path | None) -> tuple[str, ...]:
    if weights is None or path is None or not weights.others:
        return ()
    others = " and ".join(map(repr, weights.others))
    return (
        f"{path.name} holds several sets of weights: {weights.key!r} is used, not {others} ([model] state chooses)",
    )


def _other_types(types: str, path: Path | None) -> str:
    return f"{path.name}: weights of {types}" if types and path is not None else ""


def _own_type(classifier: Classifier) -> str:
    """What there is to say of a network whose weights are of another type than float32."""
    own = only_type(classifier.module)
    return "" if own in (None, torch.float32) else f"{classifier.name} computes in {str(own).removeprefix('torch.')}"


def _check_network(network: BuiltNetwork, preprocessing: Preprocessing, name: str) -> None:
    with ForeignCode(f"reading the weights of {name}"):
        refuse_without_numbers(network.module, name)
    if network.batch is not None:
        raise ModelError(
            f"{name} was exported for batches of exactly {network.batch}; export it with a dynamic batch dimension: "
            "torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim('batch')},))"
        )
    if network.size is not None and network.size != preprocessing.output_size:
        wanted, got = ("x".join(map(str, size)) for size in (network.size, preprocessing.output_size))
        raise ModelError(f"{name} was exported for {wanted} pictures, but [preprocessing] makes them {got}")
