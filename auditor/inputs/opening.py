"""Opening an audit: the classifier, the pair of classes and the annotations, before any picture is looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from auditor.core.config import AuditConfig
from auditor.core.errors import LayerError
from auditor.core.plain_text import utf8
from auditor.core.progress import Progress
from auditor.core.records import ClassGroup, Limits, Subject
from auditor.core.records.result import WITHOUT_ATLAS
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.images.annotations import Annotations, read_annotations
from auditor.inputs.model.choosing import default_layer
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.loading import LoadedClassifier, load_classifier


@dataclass(frozen=True)
class Inputs:
    """What is audited, opened: the classifier, the pair, the layer and the annotations. No stage changes it.

    `layer` is "" where none can be mapped; `layer_rule` says who chose it, or why there is none. `further` are layers
    that are searched beside it: at `layer` alone crops are screened.
    """

    config: AuditConfig
    loaded: LoadedClassifier
    source: ClassGroup
    target: ClassGroup
    layer: str
    layer_rule: str
    annotations: Annotations
    further: tuple[str, ...] = ()

    @property
    def classifier(self) -> Classifier:
        return self.loaded.classifier

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classifier.class_names.names

    @property
    def criterion(self) -> TargetCalled:
        return TargetCalled(self.source, self.target)

    @property
    def limits(self) -> Limits:
        limits = self.config.limits
        return Limits(
            uplift=limits.uplift,
            fragility=limits.fragility,
            confidence=limits.confidence,
            interval=limits.interval,
            fragility_best=limits.fragility_best,
            log_odds=limits.log_odds,
            search=limits.search,
            whole_pictures=limits.whole_pictures,
            may_heed=limits.may_heed,
        )

    @property
    def mapped(self) -> bool:
        """Whether a layer is mapped; without one there is no atlas, and crops are screened in pixels."""
        return bool(self.layer)

    @cached_property
    def cut(self) -> LayerCut:
        """The network cut at the layer; verified when first asked for, since finished stages do without.

        Raises:
            LayerError: no layer is mapped, or this one cannot be.
        """
        if not self.mapped:
            raise LayerError(f"{self.config.model.name} is audited without an atlas: {self.layer_rule}")
        return LayerCut(self.classifier, self.layer)

    @cached_property
    def by_layer(self) -> tuple[Inputs, ...]:
        """These inputs, and for each further layer the same with that one in the place of `layer`."""
        return (self, *(replace(self, layer=layer, further=()) for layer in self.further))

    @property
    def subject(self) -> Subject:
        """The head of the report."""
        return Subject(
            model=utf8(self.config.model.name),
            weights=utf8(self.loaded.weights_path),
            weights_sha256=self.loaded.weights_sha256,
            layer=self.layer,
            layer_rule=self.layer_rule,
            device=describe_device(self.classifier.device),
            input_size=self.classifier.preprocessing.output_size,
            preprocessing=self.classifier.preprocessing.describe(),
            classes=len(self.class_names),
            further_layers=self.further,
        )


def open_inputs(config: AuditConfig, progress: Progress, loaded: LoadedClassifier | None = None) -> Inputs:
    """Load the classifier and resolve the pair, the layer and the annotations.

    Args:
        loaded: the same classifier, where it is loaded already; None: it is not.
    Raises:
        AuditorError: the model, a class, the layer or the annotations are not what the configuration says.
    """
    device = choose_device(config.device)
    progress.say(f"device: {describe_device(device)}")
    loaded = loaded or load_classifier(config, device)
    for note in loaded.notes:
        progress.say(note)
    names = loaded.classifier.class_names
    target = names.group(config.target)
    source = target if config.whole else names.group(config.source, target.indices)
    layers, rule = layers_of(config, loaded)
    named = f"layer{'s' if len(layers) > 1 else ''}: {', '.join(layers)}"
    progress.say(f"{named} ({rule})" if layers else f"{WITHOUT_ATLAS}: {rule}")
    for placement in config.trials.placements:
        if placement.by_attribution and not layers:
            raise LayerError(f"the placement '{placement}' reads a layer's attribution, and none is mapped: {rule}")
    layer, *further = layers or ("",)
    return Inputs(config, loaded, source, target, layer, rule, read_annotations(config, names), tuple(further))


def layers_of(config: AuditConfig, loaded: LoadedClassifier) -> tuple[tuple[str, ...], str]:
    """The layers and who chose them; none and why, where no layer of the network can be mapped and none was named."""
    if config.model.layers is not None:
        return config.model.layers, "named in the configuration"
    if config.model.layer is not None:
        return (config.model.layer,), "named in the configuration"
    try:
        layer, rule = default_layer(config.model.name, loaded.classifier)
    except LayerError as error:
        return (), str(error)
    return (layer,), rule
