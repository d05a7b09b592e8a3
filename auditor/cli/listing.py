"""Looking before auditing: a model's layers, and what the machine offers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

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
from auditor.inputs.model.choosing import default_layer, documented_layer, refused_layers
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.layers import LayerInfo, list_layers
from auditor.inputs.model.loading import load_classifier, unnamed_classifier


@dataclass(frozen=True, slots=True)
class ListedLayers:
    """The layers of a model in the order in which they run, with the shape of each output for one picture.

    Attributes:
        shown: those that were asked for. refused: those that cannot be mapped, by name, each with why.
        default: the layer that an audit maps where none is named, or "" and `without` says why there is none.
    """

    model: str
    shown: tuple[LayerInfo, ...]
    refused: Mapping[str, str]
    default: str
    without: str


def listed_layers(model: str, mappable_only: bool, progress: Progress) -> ListedLayers:
    """The layers of a model.

    Each that is called mappable was cut at, and passed all that is asked of the layer that an audit maps. Shapes do not
    depend on weights, so a model that is named rather than configured is looked at without any.

    Args:
        model: an audit.toml; or a model as [model] name, with a file's path taken from the current folder.
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
    refused: dict[str, str] = {}
    default, without = "", ""
    try:
        found = list_layers(classifier)
        refused = refused_layers(classifier, found, progress)
        documented = documented_layer(name, classifier.module) or ("", "")
        accepted = {layer.name for layer in found} - set(refused)
        default = documented[0] if documented[0] in accepted else default_layer(name, classifier)[0]
    except LayerError as error:
        without = f"an audit without [model] layer: {WITHOUT_ATLAS} ({error})"
    shown = tuple(layer for layer in found if not (mappable_only and layer.name in refused))
    return ListedLayers(classifier.name, shown, refused, default, without)


def layers_parts(found: ListedLayers) -> list[str | Table]:
    """The table, and where there is no default what an audit then does, and why."""
    table = [_layers_table(found)] if found.shown else []
    return [*table, *([found.without] if found.without else [])]


def layers_value(found: ListedLayers) -> dict[str, object]:
    """The layers for JSON."""
    layers = [
        {
            "layer": one.name,
            "type": one.type,
            "output": one.shape,
            "mappable": one.name not in found.refused,
            "why_not": found.refused.get(one.name),
        }
        for one in found.shown
    ]
    return {"model": found.model, "default": found.default or None, "without": found.without, "layers": layers}


def refusal_lines(found: ListedLayers) -> list[str]:
    """Why each layer that is shown and cannot be mapped cannot, a line each."""
    return [f"not mappable: {one.name}: {found.refused[one.name]}" for one in found.shown if one.name in found.refused]


def _layers_table(found: ListedLayers) -> Table:
    table = Table(title=said(f"layers of {found.model}"), title_justify="left", title_style="")
    # a name is there to be copied, so it is never cut
    table.add_column("layer", no_wrap=True, min_width=max(len(plain(layer.name)) for layer in found.shown))
    for heading in ("type", "output: channels × height × width", "mappable"):
        table.add_column(heading)
    for layer in found.shown:
        shape = " × ".join(str(side) for side in layer.shape)
        mark = "default" if layer.name == found.default else "" if layer.name in found.refused else "yes"
        table.add_row(said(layer.name), said(layer.type), shape, mark)
    return table


def machine() -> dict[str, object]:
    """Versions, devices, memory and disk, and whether the patch library is there: for JSON, and for the table."""
    try:
        library: dict[str, object] = {
            "patches": len(list(library_folder().glob("*.png"))),
            "drawings": len(drawings(drawn_folder())),
        }
    except PatchError as error:
        library = {"problem": str(error)}
    return {
        "versions": versions(),
        "device": describe_device(choose_device("auto")),
        "cuda_devices": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "processors": os.cpu_count(),
        "memory_bytes": memory_at_most(),
        "free_disk_bytes": shutil.disk_usage(".").free,
        "library": library,
    }


def machine_table(found: Mapping[str, Any]) -> Table:
    """What `machine` found."""
    table = Table(title="this machine", title_justify="left", title_style="", show_header=False)
    for package, version in found["versions"].items():
        table.add_row(package, version)
    table.add_row("device chosen by auto", found["device"])
    table.add_row("CUDA", f"{found['cuda_devices']} device(s)" if found["cuda_devices"] else "none")
    table.add_row("processors", str(found["processors"]))
    most, library = found["memory_bytes"], found["library"]
    table.add_row("memory", "not told by this system" if most is None else in_words(most))
    table.add_row("free disk here", f"{found['free_disk_bytes'] / 2**30:.0f} GiB")
    counted = library.get("problem") or f"{library['patches']} patches, {library['drawings']} drawings"
    table.add_row("patch library", counted)
    return table
