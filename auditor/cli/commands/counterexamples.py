"""`auditor counterexamples`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import RunArgument, answer, app, edge, watched
from auditor.cli.terminal import shell_word


@app.command()
@edge
def counterexamples(
    run_folder: RunArgument,
    out: Annotated[Path, typer.Option(help="the folder to make", show_default=False)],
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="pictures to make")] = 6000,
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="paste on these pictures, such as the training set (a folder of class folders, a CSV, …); left out: "
            "the run's discovery pictures"
        ),
    ] = None,
    open_too: Annotated[
        bool, typer.Option("--open", help="of findings that stay open as well as of those that fail")
    ] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="of every draw; left out: the run's")] = None,
) -> None:
    """Make pictures to train a failed model on: its failing features pasted or removed, each with its own label."""
    from auditor.run.beside.counterexamples import HELD_OUT, make_counterexamples
    from auditor.run.upgrade import open_folder

    folder = open_folder(run_folder)
    with watched() as progress:
        made = make_counterexamples(folder, out, count, progress, pictures, seed, open_too)
    if any(feature.held_out for feature in made.features):
        held_out = shell_word(str(made.folder / HELD_OUT))
        afterwards = f"afterwards: auditor trial RUN-OF-THE-NEW-MODEL --patches {held_out}"
    else:
        afterwards = "no patch is held out: these were cut from no picture, so there are none alike"
    answer(
        {
            "folder": made.folder,
            "pictures": made.pictures,
            "classes": made.classes,
            "features": [
                {"finding": one.finding, "name": one.name, "pasted": len(one.used), "held_out": len(one.held_out)}
                for one in made.features
            ],
        },
        *(
            f"{one.finding} {one.name}: {len(one.used)} patches pasted, {len(one.held_out)} held out"
            for one in made.features
        ),
        f"counterexamples: {made.pictures} pictures of {made.classes} classes in {made.folder}",
        afterwards,
    )
