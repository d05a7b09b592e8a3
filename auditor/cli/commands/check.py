"""`auditor check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.edge import (
    ERROR,
    NOT_MADE,
    app,
    edge,
    messages,
    payload,
    watched,
)
from auditor.cli.terminal import said

if TYPE_CHECKING:
    from auditor.core.config import AuditConfig


@app.command()
@edge
def check(
    config: Annotated[Path, typer.Argument(help="an audit.toml", show_default=False)],
    policy: Annotated[Path | None, typer.Option(help="look at this policy too, instead of the file's own")] = None,
) -> None:
    """Open everything an audit needs, tell all mistakes at once, and say what it will take; make nothing."""
    from auditor.cli.options import configured

    tell(configured(config, {} if policy is None else {("policy",): str(policy.absolute())}))


def tell(config: AuditConfig) -> None:
    """Print what an audit will take, or its mistakes.

    Raises:
        typer.Exit: with `NOT_MADE` where there is a mistake.
    """
    from auditor.report.numbers import how_many
    from auditor.run.check import Checked, check
    from auditor.run.estimate_words import estimate_lines

    with watched() as progress:
        found = check(config, progress)
    if not isinstance(found, Checked):
        for mistake in found:
            messages.print(said(ERROR, f" {mistake}"), soft_wrap=True)
        messages.print(f"{how_many(len(found), 'mistake')}; nothing was made")
        raise typer.Exit(NOT_MADE)
    for line in estimate_lines(found.estimate):
        payload.print(line, soft_wrap=True)
    for doubt in found.accuracy.doubts:
        word = "as confirmed by" if found.accuracy.accepted else "so it cannot pass without"
        payload.print(f"{doubt}: {word} limits.unknown_target", soft_wrap=True)
