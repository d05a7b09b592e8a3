"""Whether an audit can be made, before it is: everything is opened in the order of its cost, and all mistakes told."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from auditor.core.config import AuditConfig
from auditor.core.errors import AuditorError
from auditor.core.progress import Progress
from auditor.core.records import CleanAccuracy
from auditor.inputs.images.annotations import read_annotations
from auditor.inputs.images.mapping import map_labels
from auditor.inputs.images.sources import given_sources, list_images
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.device import choose_device
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.loading import class_names_of, load_classifier
from auditor.inputs.opening import layer_of
from auditor.run.audit import new_run
from auditor.run.estimate import Estimate, estimate, patches_brought
from auditor.run.stage import Run
from auditor.run.stages.accuracy import ACCURACY

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Checked:
    """An audit that can be made: what it will take, and what its model says of its own classes."""

    estimate: Estimate
    accuracy: CleanAccuracy


@dataclass(slots=True)
class Mistakes:
    """What is wrong with an audit, in the order in which it was found; each sentence once."""

    told: list[str] = field(default_factory=list)

    def of(self, part: Callable[[], Part]) -> Part | None:
        """Open a part, or note what is wrong with it and go on without."""
        try:
            return part()
        except AuditorError as error:
            if str(error) not in self.told:
                self.told.append(str(error))
            return None


def check(config: AuditConfig, progress: Progress) -> Checked | tuple[str, ...]:
    """Open everything that an audit needs, the cheap parts first, and measure what it will take.

    What stands by itself is opened whatever is wrong elsewhere: the device, the class names with the pair and the
    annotations, every source of pictures with its labels, the patches, the model. Pictures are read, and the layer is
    cut, only where nothing was wrong with those. Nothing stays on the disk.

    Returns:
        What it will take, or every mistake, each a sentence.
    """
    mistakes = Mistakes()
    mistakes.of(lambda: choose_device(config.device))
    _check_classes(config, mistakes)
    mistakes.of(lambda: patches_brought(config))
    if mistakes.told:
        _check_model(config, mistakes)
        return tuple(mistakes.told)
    with tempfile.TemporaryDirectory(prefix="auditor-check-") as folder:
        run = Run(new_run(config, Path(folder) / "run"), config, progress)
        try:
            return Checked(estimate(run), run.get(ACCURACY))
        except AuditorError as error:
            return (str(error),)


def _check_classes(config: AuditConfig, mistakes: Mistakes) -> None:
    """The names, and what is told by them: the pair, the annotations, the labels of the pictures."""
    names = mistakes.of(lambda: class_names_of(config))
    if names is None:
        return
    target = mistakes.of(lambda: names.group(config.target))
    mistakes.of(lambda: names.group(config.source, () if target is None else target.indices))
    mistakes.of(lambda: read_annotations(config, names))
    for source in given_sources(config):
        _check_source(source.path, config, names, mistakes)


def _check_source(path: Path, config: AuditConfig, names: ClassNames, mistakes: Mistakes) -> None:
    listing = mistakes.of(lambda: list_images(path, config.classes.ignore))
    if listing is not None:
        mistakes.of(lambda: map_labels({one.label for one in listing.images}, names, config.classes.folders))


def _check_model(config: AuditConfig, mistakes: Mistakes) -> None:
    """The network, its weights and the layer, on the processor: a device that is not there is a mistake of its own."""
    loaded = mistakes.of(lambda: load_classifier(config, choose_device("cpu")))
    if loaded is None:
        return
    layer = mistakes.of(lambda: layer_of(config, loaded)[0])
    if layer:
        mistakes.of(lambda: LayerCut(loaded.classifier, layer))
