"""`auditor demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    EXIT_CODES,
    FAILED,
    PASSED,
    SEVERITY,
    app,
    edge,
    go_on_with,
    messages,
    payload,
    print_result,
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
    from auditor.run.demo import EXPECTED, WORLDS, demo_folder, run_demo

    chosen = [name for name in WORLDS if world in (name, "both")]
    if not chosen:
        raise ConfigError(f"--world takes shortcut, clean or both, got {world!r}")
    folder = out or demo_folder()
    finished = []
    for name in chosen:
        messages.print(f"{name} network", style="bold")
        go_on_with(folder / name, new=False)
        with watched() as progress:
            finished.append((name, run_demo(name, folder, progress)))
    for name, one in finished:
        payload.print(said("\n", (f"{name} network", "bold"), f" (expected: {EXPECTED[name]})"))
        print_result(one)
    if check:
        raise typer.Exit(PASSED if all(one.verdict is EXPECTED[name] for name, one in finished) else FAILED)
    raise typer.Exit(max((EXIT_CODES[one.verdict] for _, one in finished), key=SEVERITY.index))
