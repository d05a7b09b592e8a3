"""`auditor list` and `auditor history`: the runs below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import app, edge, messages, payload

FolderArgument = Annotated[Path, typer.Argument(help="where runs lie, at any depth")]
JsonOption = Annotated[bool, typer.Option("--json", help="print the list as JSON")]


@app.command("list")
@edge
def list_runs(folder: FolderArgument = Path("reports"), as_json: JsonOption = False) -> None:
    """List the runs below a folder, the newest first: what was asked, how far each is, and what it concluded."""
    from auditor.cli.runs import runs_json, runs_listing
    from auditor.run.catalogue import runs_below

    found = runs_below(folder)
    if as_json:
        payload.write(runs_json(found))
        return
    if not found:
        messages.print(f"no run lies below {folder}", soft_wrap=True)
        return
    payload.print(runs_listing(found, folder))


@app.command()
@edge
def history(folder: FolderArgument = Path("reports"), as_json: JsonOption = False) -> None:
    """Tell the finished runs below a folder by pair, the oldest first, with what changed from each to the next."""
    from auditor.cli.runs import history_json, history_listing
    from auditor.run.catalogue import by_pair, runs_below

    pairs = by_pair(runs_below(folder))
    if as_json:
        payload.write(history_json(pairs))
        return
    if not pairs:
        messages.print(f"no finished run lies below {folder}", soft_wrap=True)
        return
    for part in history_listing(pairs, folder):
        payload.print(part)
