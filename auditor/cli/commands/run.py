"""`auditor run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.commands.check import tell
from auditor.cli.edge import (
    OutOption,
    announce,
    app,
    edge,
    show,
    watched,
)
from auditor.cli.flags import FlagValue, flag_values, takes_settings
from auditor.core.errors import ConfigError

WORKERS = ("compute", "workers")


@app.command()
@edge
@takes_settings
def run(
    config: Annotated[
        Path | None, typer.Argument(help="audit.toml; may be left out if the flags say enough", show_default=False)
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="continue the run in this folder")] = None,
    out: OutOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="tell all mistakes and what the run will take, and stop; as auditor check")
    ] = False,
    **flags: FlagValue,
) -> None:
    """Audit a model from nothing to a report; or continue an interrupted run with --resume."""
    from auditor.cli.options import configured
    from auditor.run.audit import continue_run, default_folder, new_run, stored_config, with_workers
    from auditor.run.upgrade import open_folder

    values = flag_values(flags)
    if resume is not None:
        workers = values.pop(WORKERS, None)
        if config is not None or values or out is not None or dry_run:
            raise ConfigError(
                "--resume continues a run with the settings it was begun with; give no others beside it but --workers, "
                "which decides no number"
            )
        folder = open_folder(resume)
        settings = with_workers(stored_config(folder), workers)
    else:
        settings = configured(config, values)
        if dry_run:
            tell(settings)
            return
        folder = new_run(settings, out or default_folder(settings))
    announce(folder, new=resume is None)
    with watched() as progress:
        finished = continue_run(folder, settings, progress)
    show(finished)
