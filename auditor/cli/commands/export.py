"""`auditor export`."""

from __future__ import annotations

from typing import Annotated

import typer

from auditor.cli.completing import one_of
from auditor.cli.edge import RunArgument, answer, app, edge
from auditor.core.errors import ConfigError

PLACES = ("mlflow",)


@app.command()
@edge
def export(
    run_folder: RunArgument,
    to: Annotated[str, typer.Option(help=f"where: {', '.join(PLACES)}", autocompletion=one_of(PLACES))],
    tracking: Annotated[
        str | None,
        typer.Option(help="an MLflow tracking URI, such as http://host:5000; left out: as MLFLOW_TRACKING_URI says"),
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="an MLflow experiment; left out: as MLFLOW_EXPERIMENT_NAME says, or auditor")
    ] = None,
) -> None:
    """Log a finished run elsewhere: its settings, numbers, verdict and reports."""
    from auditor.run.beside.tracking import log_run
    from auditor.run.upgrade import open_folder

    if to not in PLACES:
        raise ConfigError(f"--to takes {', '.join(PLACES)}, got {to!r}; 'auditor report --format' prints other formats")
    logged = log_run(open_folder(run_folder), tracking, experiment)
    answer(
        {"server": logged.server, "experiment": logged.experiment, "run_id": logged.run_id},
        f"logged as run {logged.run_id} of experiment {logged.experiment} at {logged.server}",
    )
