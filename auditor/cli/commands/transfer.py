"""`auditor transfer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    RunArgument,
    app,
    edge,
    payload,
    watched,
)


@app.command()
@edge
def transfer(
    run_folder: RunArgument,
    model: Annotated[Path, typer.Option(help="a TOML file with the other network's model, preprocessing and classes")],
) -> None:
    """Try a finished run's candidates on another network, on the same confirmation pictures."""
    from auditor.cli.console import transfer_listing
    from auditor.core.shelf import short, slug
    from auditor.run.beside.transfer import transfer_run, transfer_table
    from auditor.run.upgrade import open_folder

    folder = open_folder(run_folder)
    file = f"transfer/{short(slug(model.stem))}.csv"
    with watched() as progress, folder.alone():
        measured = transfer_run(folder, model, progress)
        folder.write_csv(file, transfer_table(measured))
    for part in transfer_listing(measured):
        payload.print(part)
    payload.print(f"table: {folder.path / file}", soft_wrap=True)
