"""`auditor trial`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    ConfigOrRun,
    FailOnOption,
    OutOption,
    answer,
    app,
    begin_run,
    edge,
    go_on_with,
    session,
    show,
    watched,
)
from auditor.cli.terminal import shell_word
from auditor.core.errors import ConfigError, PatchError
from auditor.core.records import Placement


@app.command()
@edge
def trial(
    config_or_run: ConfigOrRun,
    patches: Annotated[
        Path | None, typer.Option(help="measure the patches of this folder (PNG, JPEG, WebP, …) instead")
    ] = None,
    placements: Annotated[
        str | None, typer.Option(help=f"with --patches: {', '.join(Placement)}, by commas; left out: those of the run")
    ] = None,
    out: OutOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="with --patches: say how many passes and how long it will take, and stop")
    ] = False,
    pictures: Annotated[
        int | None,
        typer.Option(min=1, help="with --dry-run: count with so many confirmation pictures, not with those there are"),
    ] = None,
    fail_on: FailOnOption = None,
) -> None:
    """Run a run's trials anew and report on them; or measure the patches a person brings with --patches."""
    from auditor.cli.gate import checked_fail_on
    from auditor.cli.options import named_placements
    from auditor.run.audit import continue_run
    from auditor.run.beside.patches import TABLE, trial_patches
    from auditor.run.stages.trials import TRIALS

    checked_fail_on(fail_on)
    if pictures is not None and not dry_run:
        raise ConfigError("--pictures is for --dry-run, which counts with so many; trials take all that are eligible")
    if patches is None:
        if dry_run:
            raise ConfigError(
                "--dry-run is for patches you bring: give --patches too; of a whole run 'auditor check' tells"
            )
        if placements is not None:
            raise ConfigError("--placements is for patches you bring: give --patches too, or set trials.placements")
        folder, settings = begin_run(config_or_run, out)
        with watched() as progress:
            finished = continue_run(folder, settings, progress, TRIALS)
        show(finished, fail_on)
        return
    if not patches.is_dir():
        raise PatchError(f"--patches takes a folder of PNG files; there is none at {patches}")
    asked = None if placements is None else named_placements(placements)
    if dry_run:
        _tell_ahead(config_or_run, patches, asked, pictures)
        return
    folder, settings = begin_run(config_or_run, out)
    chosen = asked or settings.trials.placements
    same = f"--patches {shell_word(str(patches))} --placements {','.join(chosen)}"
    go_on_with(folder.path, session.new, f"trial {{}} {same}")
    with watched() as progress:
        finished = trial_patches(folder, settings, patches, chosen, progress)
    table = finished.folder / TABLE
    show(finished, fail_on, before=f"table: {table}", table=table)


def _tell_ahead(config_or_run: Path, patches: Path, asked: Sequence[Placement] | None, pictures: int | None) -> None:
    from auditor.core.config import read_config
    from auditor.run.audit import stored_config
    from auditor.run.beside.patches_ahead import patches_ahead
    from auditor.run.upgrade import open_folder

    begun = open_folder(config_or_run) if config_or_run.is_dir() else None
    settings = read_config(config_or_run) if begun is None else stored_config(begun)
    with watched() as progress:
        ahead = patches_ahead(settings, patches, asked or settings.trials.placements, progress, begun, pictures)
    answer({**asdict(ahead), "passes": ahead.passes}, *ahead.lines)
