"""`auditor trial`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    ConfigOrRun,
    FailOnOption,
    OutOption,
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
    fail_on: FailOnOption = None,
) -> None:
    """Run a run's trials anew and report on them; or measure the patches a person brings with --patches."""
    from auditor.cli.gate import checked_fail_on
    from auditor.cli.options import named_placements
    from auditor.run.audit import continue_run
    from auditor.run.beside.patches import TABLE, trial_patches
    from auditor.run.stages.trials import TRIALS

    checked_fail_on(fail_on)
    if patches is None:
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
    folder, settings = begin_run(config_or_run, out)
    chosen = asked or settings.trials.placements
    same = f"--patches {shell_word(str(patches))} --placements {','.join(chosen)}"
    go_on_with(folder.path, session.new, f"trial {{}} {same}")
    with watched() as progress:
        finished = trial_patches(folder, settings, patches, chosen, progress)
    table = finished.folder / TABLE
    show(finished, fail_on, before=f"table: {table}", table=table)
