"""Looking before auditing: a model's layers, and what the machine offers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch
from rich.table import Table

from auditor.candidates.library import library_folder
from auditor.config import AuditConfig, build_config, read_config
from auditor.errors import PatchError
from auditor.setup import versions
from auditor.subject.device import choose_device, describe_device
from auditor.subject.layers import list_layers
from auditor.subject.loading import load_classifier


def listed_layers(model: str, weights: Path | None, mappable_only: bool) -> Table:
    """The layers of a model in the order in which they run, with the shape of each output for one picture.

    Raises:
        AuditorError: the model cannot be loaded.
    """
    config = read_config(Path(model)) if model.endswith(".toml") else _bare_config(model, weights)
    classifier = load_classifier(config, torch.device("cpu")).classifier
    table = Table(title=f"layers of {config.model.name}", title_justify="left", title_style="")
    for heading in ("layer", "type", "output (channels, height, width)", "can be mapped"):
        table.add_column(heading)
    for layer in list_layers(classifier):
        if layer.mappable or not mappable_only:
            shape = " × ".join(str(side) for side in layer.shape)
            table.add_row(layer.name, layer.type, shape, "yes" if layer.mappable else "")
    return table


def _bare_config(model: str, weights: Path | None) -> AuditConfig:
    """A torchvision model by name: its layers need no pictures, and no weights either."""
    values: dict[str, object] = {
        "source": "0",
        "target": "1",
        "model": {"name": model, "weights": None if weights is None else str(weights.absolute())},
        "images": {"all": "."},
    }
    return build_config(values, Path.cwd(), "the flags")


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
        table.add_row("patch library", f"{len(list(library_folder().glob('*.png')))} patches")
    except PatchError as error:
        table.add_row("patch library", str(error))
    return table


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "not told by this system"
    return f"{total / 2**30:.0f} GiB"
