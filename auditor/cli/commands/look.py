"""`auditor look`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    ConfigOrRun,
    OutOption,
    answer,
    app,
    begin_run,
    edge,
    watched,
)


@app.command()
@edge
def look(
    config_or_run: ConfigOrRun,
    pictures: Annotated[list[Path], typer.Argument(help="photographs to look at", show_default=False)],
    patch: Annotated[
        Path | None, typer.Option(help="a picture to paste, such as a PNG: shows each before and after")
    ] = None,
    out: OutOption = None,
) -> None:
    """Draw what the network sees in photographs, position by position; with --patch also after a paste."""
    from auditor.run.audit import at_work
    from auditor.run.beside.looks import look_at_photographs

    folder, settings = begin_run(config_or_run, out)
    with watched() as progress, at_work(folder, settings, progress) as run:
        drawn = look_at_photographs(run, pictures, patch)
    answer({"run": folder.path, "pictures": drawn}, *map(str, drawn))
