"""`auditor worlds list`, `build` and `score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.edge import app, edge, messages, payload, watched

if TYPE_CHECKING:
    from auditor.inputs.world.planted import World

worlds = typer.Typer(
    no_args_is_help=True,
    help="Networks with known shortcuts and their clean twins: list them, build them, and see how often an audit finds "
    "what is there.",
)
app.add_typer(worlds, name="worlds")

NamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]…", help="worlds; left out: all", show_default=False)
]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", help="folder of built worlds; left out: auditor/worlds in the user's cache directory"),
]


@worlds.command("list")
@edge
def list_worlds(names: NamesArgument = None, cache: CacheOption = None) -> None:
    """Show the worlds: the cue, how it was planted, whether it is built, and what the cue truly does."""
    from auditor.cli.worlds_table import worlds_table
    from auditor.run.worlds.cache import default_cache
    from auditor.run.worlds.listing import listed

    rows = listed(_chosen(names), cache or default_cache())
    payload.print(worlds_table(rows))
    for row in rows:
        if row.problem:
            messages.print(row.problem, soft_wrap=True)


@worlds.command("build")
@edge
def build_worlds(names: NamesArgument = None, cache: CacheOption = None) -> None:
    """Train both networks of each world, and write what an audit of them takes; what is built already stays."""
    from auditor.cli.worlds_table import worlds_table
    from auditor.run.worlds.build import build
    from auditor.run.worlds.cache import default_cache
    from auditor.run.worlds.listing import listed

    chosen, folder = _chosen(names), cache or default_cache()
    with watched() as progress:
        build(chosen, folder, progress)
    payload.print(worlds_table(listed(chosen, folder)))
    payload.print(f"worlds: {folder}", soft_wrap=True)


def _chosen(names: list[str] | None) -> list[World]:
    from auditor.inputs.world.planted import WORLDS, world_named

    return [world_named(name) for name in dict.fromkeys(names)] if names else list(WORLDS.values())
