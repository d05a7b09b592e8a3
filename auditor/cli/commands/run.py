"""`auditor run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    OutOption,
    announce,
    app,
    edge,
    show,
    watched,
)
from auditor.core.errors import ConfigError


@app.command()
@edge
def run(
    config: Annotated[
        Path | None, typer.Argument(help="audit.toml; may be left out if the flags say enough", show_default=False)
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="continue the run in this folder")] = None,
    out: OutOption = None,
    source: Annotated[str | None, typer.Option(help="the class pictures show; several by commas; '*' for all")] = None,
    target: Annotated[str | None, typer.Option(help="the class a patch may push to; several by commas")] = None,
    model: Annotated[str | None, typer.Option(help="torchvision name, module:factory, file.py:factory or file")] = None,
    weights: Annotated[Path | None, typer.Option(help="safetensors or state dict; 'default': torchvision's")] = None,
    layer: Annotated[str | None, typer.Option(help="the layer to map (auditor layers lists them)")] = None,
    classes: Annotated[Path | None, typer.Option(help="the model's class names: CSV, JSON or text")] = None,
    images: Annotated[Path | None, typer.Option(help="folder of class folders, or CSV of path,label")] = None,
    discovery: Annotated[Path | None, typer.Option(help="instead of --images: pictures the atlas sees")] = None,
    confirmation: Annotated[Path | None, typer.Option(help="instead of --images: pictures reported on")] = None,
    patches: Annotated[Path | None, typer.Option(help="folder of your own patches to try as well")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N")] = None,
    seed: Annotated[int | None, typer.Option(help="of every random choice")] = None,
) -> None:
    """Audit a model from nothing to a report; or continue an interrupted run with --resume."""
    from auditor.cli.options import configured, flag_values
    from auditor.run.audit import continue_run, default_folder, new_run, stored_config
    from auditor.run.upgrade import open_folder

    values = flag_values(
        source=source, target=target, model=model, weights=weights, layer=layer, classes=classes, images=images,
        discovery=discovery, confirmation=confirmation, patches=patches, device=device, seed=seed,
    )  # fmt: skip
    if resume is not None:
        if config is not None or values or out is not None:
            raise ConfigError("--resume continues a run with the settings it was begun with; give no others beside it")
        folder = open_folder(resume)
        settings = stored_config(folder)
    else:
        settings = configured(config, values)
        folder = new_run(settings, out or default_folder(settings))
    announce(folder, new=resume is None)
    with watched() as progress:
        finished = continue_run(folder, settings, progress)
    show(finished)
