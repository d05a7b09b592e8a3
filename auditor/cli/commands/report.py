"""`auditor report`."""

from __future__ import annotations

from typing import Annotated

import typer

from auditor.cli.edge import (
    RunArgument,
    app,
    edge,
    payload,
    show,
)
from auditor.core.errors import ConfigError
from auditor.report import FORMATS
from auditor.report.exports import EXPORTS


@app.command()
@edge
def report(
    run_folder: RunArgument,
    form: Annotated[
        str | None, typer.Option("--format", help=f"print one format to stdout: {', '.join((*FORMATS, *EXPORTS))}")
    ] = None,
) -> None:
    """Write a finished run's reports anew, or print one of them."""
    from auditor.run.review import report_anew, reviewed_result
    from auditor.run.upgrade import open_folder

    folder = open_folder(run_folder)
    if form is None:
        show(report_anew(folder))
        return
    writers = {name: one.write for name, one in FORMATS.items()} | dict(EXPORTS)
    if form not in writers:
        raise ConfigError(f"--format takes one of {', '.join(writers)}, got {form!r}")
    payload.write(writers[form](reviewed_result(folder)))
