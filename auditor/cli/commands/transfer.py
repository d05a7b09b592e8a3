"""`auditor transfer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    RunArgument,
    answer,
    app,
    edge,
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
        table = transfer_table(measured)
        folder.write_csv(file, table)
    answer(
        {
            "run": folder.path,
            "table": folder.path / file,
            "own_model": measured.own_model,
            "other_model": measured.other_model,
            "source": measured.source,
            "target": measured.target,
            "placement": measured.placement,
            "eligible": measured.eligible,
            "rank_correlation": measured.correlation.value,
            "candidates": table.to_pylist(),
        },
        *transfer_listing(measured),
        f"table: {folder.path / file}",
    )
