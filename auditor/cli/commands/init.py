"""`auditor init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    answer,
    app,
    edge,
)


@app.command()
@edge
def init(
    path: Annotated[Path, typer.Argument(help="the file to write")] = Path("audit.toml"),
) -> None:
    """Write a commented audit.toml to start from."""
    from auditor.cli.starting_file import starting_file
    from auditor.run.writing import write_new_file

    write_new_file(path, starting_file())
    answer({"wrote": path}, f"wrote {path}; fill in model, classes and images, then: auditor run {path}")
