"""`auditor policy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import answer, app, edge


@app.command()
@edge
def policy(
    path: Annotated[Path, typer.Argument(help="the file to write")] = Path("policy.toml"),
) -> None:
    """Write the default policy, to make a team's own of it: what an audit is held to before a model is released."""
    from auditor.core.policy_file import default_policy_text
    from auditor.run.writing import write_new_file

    write_new_file(path, default_policy_text())
    answer({"wrote": path}, f"wrote {path}; set limits and waivers, then: auditor report RUN --policy {path}")
