"""`auditor list` and `auditor history`: the runs below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import answer, app, edge, note

FolderArgument = Annotated[Path, typer.Argument(help="where runs lie, at any depth")]


@app.command("list")
@edge
def list_runs(folder: FolderArgument = Path("reports")) -> None:
    """List the runs below a folder, the newest first: what was asked, how far each is, and what it concluded."""
    from auditor.cli.runs import runs_listing, runs_value
    from auditor.run.catalogue import runs_below

    found = runs_below(folder)
    if not found:
        note(f"no run lies below {folder}")
    answer(runs_value(found), *([runs_listing(found, folder)] if found else []))


@app.command()
@edge
def history(folder: FolderArgument = Path("reports")) -> None:
    """Tell the finished runs below a folder by pair, the oldest first, with what changed from each to the next."""
    from auditor.cli.runs import history_listing, history_value
    from auditor.run.catalogue import by_pair, runs_below

    pairs = by_pair(runs_below(folder))
    if not pairs:
        note(f"no finished run lies below {folder}")
    answer(history_value(pairs), *(history_listing(pairs, folder) if pairs else []))
