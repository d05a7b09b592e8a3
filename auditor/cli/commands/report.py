"""`auditor report`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.completing import one_of, run_folders
from auditor.cli.edge import (
    FailOnOption,
    RunArgument,
    app,
    edge,
    payload,
    session,
    show,
)
from auditor.core.errors import ConfigError
from auditor.report import FORMATS
from auditor.report.exports import EXPORTS

SARIF = "sarif"


@app.command()
@edge
def report(
    run_folder: RunArgument,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"print one format to stdout: {', '.join((*FORMATS, *EXPORTS))}",
            autocompletion=one_of((*FORMATS, *EXPORTS)),
        ),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="hold the run to this policy from now on; with --format, in what is printed")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help=f"with --format {SARIF}: a run to tell what is new, changed or gone by", autocompletion=run_folders
        ),
    ] = None,
    cell_names: Annotated[
        Path | None, typer.Option(help="names for cells of the atlas explorer, from a CSV of cell,name,atlas")
    ] = None,
    fail_on: FailOnOption = None,
) -> None:
    """Write a finished run's reports anew, or print one of them."""
    from auditor.cli.gate import checked_fail_on
    from auditor.core.policy_file import read_policy
    from auditor.run.policy import checked_policy
    from auditor.run.review import report_anew, reviewed_result
    from auditor.run.upgrade import open_folder

    checked_fail_on(fail_on)
    if baseline is not None and form != SARIF:
        raise ConfigError(f"--baseline goes with --format {SARIF}; 'auditor compare' tells a comparison by itself")
    if form is not None and cell_names is not None:
        raise ConfigError("--cell-names stay with the run and are shown in its report; --format prints another")
    if form is not None and session.as_json:
        raise ConfigError("--json is for what is told of reports that are written; --format prints one: --format json")
    if form is not None and fail_on is not None:
        raise ConfigError("--fail-on is for the exit code of reports that are written; --format prints one")
    writers = {name: one.write for name, one in FORMATS.items()} | dict(EXPORTS)
    if form is not None and form not in writers:
        raise ConfigError(f"--format takes one of {', '.join(writers)}, got {form!r}")
    folder = open_folder(run_folder)
    if form is None:
        show(report_anew(folder, None if policy is None else checked_policy(policy), cell_names), fail_on)
        return
    held = None if policy is None else read_policy(policy)
    result = reviewed_result(folder)
    result = result if held is None else replace(result, policy=held)
    if baseline is None:
        payload.write(writers[form](result))
        return
    from auditor.report.exports.sarif import sarif_json
    from auditor.run.beside.comparison import compare_runs

    payload.write(sarif_json(result, compare_runs(open_folder(baseline), folder)))
