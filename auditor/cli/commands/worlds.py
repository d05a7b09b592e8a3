"""`auditor worlds list`, `build` and `score`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.edge import answer, app, edge, note, watched

if TYPE_CHECKING:
    from auditor.inputs.world.planted import World

worlds = typer.Typer(
    no_args_is_help=True,
    help="Networks with known shortcuts and their clean twins: list them, build them, and see how often an audit finds "
    "what is there.",
)
app.add_typer(worlds, name="worlds")


def _world_names(incomplete: str) -> list[str]:
    from auditor.inputs.world.planted import WORLDS

    return [name for name in WORLDS if name.startswith(incomplete)]


NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]…", help="worlds; left out: all", show_default=False, autocompletion=_world_names),
]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", help="folder of built worlds; left out: auditor/worlds in the user's cache directory"),
]


@worlds.command("list")
@edge
def list_worlds(names: NamesArgument = None, cache: CacheOption = None) -> None:
    """Show the worlds: the cue, how it was planted, whether it is built, and what the cue truly does."""
    from auditor.cli.worlds_table import worlds_table, worlds_value
    from auditor.run.worlds.cache import default_cache
    from auditor.run.worlds.listing import listed

    rows = listed(_chosen(names), cache or default_cache())
    answer(worlds_value(rows), worlds_table(rows))
    for row in rows:
        if row.problem:
            note(row.problem)


@worlds.command("build")
@edge
def build_worlds(names: NamesArgument = None, cache: CacheOption = None) -> None:
    """Train both networks of each world, and write what an audit of them takes; what is built already stays."""
    from auditor.cli.worlds_table import worlds_table, worlds_value
    from auditor.run.worlds.build import build
    from auditor.run.worlds.cache import default_cache
    from auditor.run.worlds.listing import listed

    chosen, folder = _chosen(names), cache or default_cache()
    with watched() as progress:
        build(chosen, folder, progress)
    built = listed(chosen, folder)
    answer({**worlds_value(built), "folder": folder}, worlds_table(built), f"worlds: {folder}")


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
    scoreboard = out / "scoreboard.md"
    answer({"scoreboard": scoreboard, "rows": [asdict(row) for row in rows]}, text, f"scoreboard: {scoreboard}")


def _chosen(names: list[str] | None) -> list[World]:
    from auditor.inputs.world.planted import WORLDS, world_named

    return [world_named(name) for name in dict.fromkeys(names)] if names else list(WORLDS.values())
