"""Looking before auditing: a model's layers, and what the machine offers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.table import Table
from rich.text import Text

from auditor.candidates.makers.drawn import drawings, drawn_folder
from auditor.candidates.makers.library import library_folder
from auditor.cli.terminal import said
from auditor.core.config import read_config
from auditor.core.errors import LayerError, PatchError
from auditor.core.memory import in_words, memory_at_most
from auditor.core.plain_text import plain
from auditor.core.progress import Progress
from auditor.core.records.result import WITHOUT_ATLAS
from auditor.core.versions import versions
from auditor.inputs.model.choosing import default_layer, documented_layer, passing_layers
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.layers import LayerInfo, list_layers
from auditor.inputs.model.loading import load_classifier, unnamed_classifier


def listed_layers(model: str, mappable_only: bool, progress: Progress) -> list[Table | Text]:
    """The layers of a model in the order in which they run, with the shape of each output for one picture.

    Each that is called mappable was cut at, and passed all that is asked of the layer that an audit maps. Shapes do not
    depend on weights, so a model that is named rather than configured is looked at without any.

    Args:
        model: an audit.toml; or a model as [model] name, with a file's path taken from the current folder.
    Returns:
        The table, and where there is no default what an audit then does, and why.
    Raises:
        AuditorError: the model cannot be loaded.
    """
    cpu, name = torch.device("cpu"), model
    progress.start("opening the network")
    if model.endswith(".toml"):
        config = read_config(Path(model))
        classifier, name = load_classifier(config, cpu).classifier, config.model.name
    else:
        classifier = unnamed_classifier(model, Path.cwd(), cpu)
    found: list[LayerInfo] = []
    passing: list[str] = []
    default, without = "", ""
    try:
        found = list_layers(classifier)
        passing = passing_layers(classifier, found, progress)
        documented = documented_layer(name, classifier.module) or ("", "")
        default = documented[0] if documented[0] in passing else default_layer(name, classifier)[0]
    except LayerError as error:
        without = f"an audit without [model] layer: {WITHOUT_ATLAS} ({error})"
    shown = [layer for layer in found if layer.name in passing or not mappable_only]
    parts: list[Table | Text] = [_layers_table(classifier.name, shown, passing, default)] if shown else []
    return [*parts, *([said(without)] if without else [])]


def _layers_table(model: str, shown: Sequence[LayerInfo], passing: Sequence[str], default: str) -> Table:
    table = Table(title=said(f"layers of {model}"), title_justify="left", title_style="")
    # a name is there to be copied, so it is never cut
    table.add_column("layer", no_wrap=True, min_width=max((len(plain(layer.name)) for layer in shown), default=0))
    for heading in ("type", "output: channels × height × width", "mappable"):
        table.add_column(heading)
    for layer in shown:
        shape = " × ".join(str(side) for side in layer.shape)
        mark = "default" if layer.name == default else "yes" if layer.name in passing else ""
        table.add_row(said(layer.name), said(layer.type), shape, mark)
    return table


def machine_table() -> Table:
    """Versions, devices, memory and disk, and whether the patch library is there."""
    table = Table(title="this machine", title_justify="left", title_style="", show_header=False)
    for package, version in versions().items():
        table.add_row(package, version)
    table.add_row("device chosen by auto", describe_device(choose_device("auto")))
    table.add_row("CUDA", f"{torch.cuda.device_count()} device(s)" if torch.cuda.is_available() else "none")
    table.add_row("processors", str(os.cpu_count()))
    table.add_row("memory", _memory())
    table.add_row("free disk here", f"{shutil.disk_usage('.').free / 2**30:.0f} GiB")
    try:
        table.add_row(
            "patch library",
            f"{len(list(library_folder().glob('*.png')))} patches, {len(drawings(drawn_folder()))} drawings",
        )
    except PatchError as error:
        table.add_row("patch library", str(error))
    return table


def _memory() -> str:
    most = memory_at_most()
    return "not told by this system" if most is None else in_words(most)
