"""Whether an audit can be made, before it is: everything is opened in the order of its cost, and all mistakes told."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from auditor.core.config import AuditConfig
from auditor.core.errors import AuditorError, DeviceMemoryError
from auditor.core.progress import Progress
from auditor.core.records import CleanAccuracy
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.device import choose_device
from auditor.inputs.model.loading import load_classifier
from auditor.inputs.opening import layers_of
from auditor.run.ahead import Mistakes, mistakes_ahead
from auditor.run.audit import new_run
from auditor.run.estimate import Estimate, estimate
from auditor.run.stage import Run
from auditor.run.stages.accuracy import ACCURACY


@dataclass(frozen=True, slots=True)
class Checked:
    """An audit that can be made: what it will take, and what its model says of its own classes."""

    estimate: Estimate
    accuracy: CleanAccuracy


def check(config: AuditConfig, progress: Progress) -> Checked | tuple[str, ...]:
    """Open everything that an audit needs, the cheap parts first, and measure what it will take.

    What needs no network comes first (`ahead.mistakes_ahead`), then the model, whatever was wrong with the former.
    Pictures are read, and the layer is cut, only where nothing was wrong with those. Nothing stays on the disk.

    Returns:
        What it will take, or every mistake, each a sentence.
    """
    mistakes = mistakes_ahead(config)
    if mistakes.found:
        if not any(isinstance(one, DeviceMemoryError) for one in mistakes.found):
            _check_model(config, mistakes)
        return mistakes.told
    with tempfile.TemporaryDirectory(prefix="auditor-check-") as folder:
        run = Run(new_run(config, Path(folder) / "run"), config, progress)
        try:
            return Checked(estimate(run), run.get(ACCURACY))
        except AuditorError as error:
            return (str(error),)


def _check_model(config: AuditConfig, mistakes: Mistakes) -> None:
    """The network, its weights and the layers, on the processor: a device that is not there is a mistake of its own."""
    loaded = mistakes.of(lambda: load_classifier(config, choose_device("cpu")))
    if loaded is None:
        return
    for layer in mistakes.of(lambda: layers_of(config, loaded)[0]) or ():
        mistakes.of(partial(LayerCut, loaded.classifier, layer))
