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


@worlds.command("score")
@edge
def score_worlds(
    out: Annotated[Path, typer.Option("--out", help="folder for the audits and the scoreboard; an older one goes on")],
    names: NamesArgument = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=1000, help="audits of each network, each with a seed of its own")
    ] = 3,
    cache: CacheOption = None,
) -> None:
    """Audit every world and its twin blind, with reduced settings, and say how often what is there was found."""
    from auditor.run.worlds.board import board
    from auditor.run.worlds.cache import default_cache
    from auditor.run.worlds.score import Scorer, write_board

    chosen = _chosen(names)
    with watched() as progress:
        rows = Scorer(cache or default_cache(), out, progress).rows(chosen, seeds)
    text = board(rows)
    write_board(out, rows, text)
    payload.print(text, soft_wrap=True)
    payload.print(f"scoreboard: {out / 'scoreboard.md'}", soft_wrap=True)


def _chosen(names: list[str] | None) -> list[World]:
    from auditor.inputs.world.planted import WORLDS, world_named

    return [world_named(name) for name in dict.fromkeys(names)] if names else list(WORLDS.values())
