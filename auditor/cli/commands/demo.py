"""`auditor demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from auditor.cli.edge import (
    EXIT_CODES,
    FAILED,
    PASSED,
    SEVERITY,
    answer,
    app,
    detail,
    edge,
    go_on_with,
    note,
    session,
    watched,
)
from auditor.cli.terminal import said
from auditor.core.errors import ConfigError


@app.command()
@edge
def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="folder for both runs; left out: reports/demo-<time>")
    ] = None,
    world: Annotated[str, typer.Option(help="shortcut, clean or both")] = "both",
    check: Annotated[
        bool, typer.Option("--check", help="exit with 0 if the shortcut network fails and its clean twin passes")
    ] = False,
) -> None:
    """Audit the built-in kitchen world, frying pan → wok: a network with a noodle shortcut, and its clean twin."""
    from auditor.cli.console import audit_parts
    from auditor.cli.details import result_lines
    from auditor.cli.gate import audit_value
    from auditor.run.demo import EXPECTED, WORLDS, demo_folder, run_demo

    chosen = [name for name in WORLDS if world in (name, "both")]
    if not chosen:
        raise ConfigError(f"--world takes shortcut, clean or both, got {world!r}")
    folder = out or demo_folder()
    finished = []
    for name in chosen:
        note(f"{name} network", style="bold")
        go_on_with(folder / name, new=False)
        with watched() as progress:
            finished.append((name, run_demo(name, folder, progress)))
    parts: list[str | Text | Table] = []
    for name, one in finished:
        parts.append(said("\n", (f"{name} network", "bold"), f" (expected: {EXPECTED[name]})"))
        parts += audit_parts(one, session.quiet)
    values = {name: audit_value(one, EXIT_CODES[one.verdict]) for name, one in finished}
    for _, one in finished:
        for line in result_lines(one):
            detail(line)
    answer({"networks": {name: {"expected": EXPECTED[name], **value} for name, value in values.items()}}, *parts)
    if check:
        raise typer.Exit(PASSED if all(one.verdict is EXPECTED[name] for name, one in finished) else FAILED)
    raise typer.Exit(max((EXIT_CODES[one.verdict] for _, one in finished), key=SEVERITY.index))
