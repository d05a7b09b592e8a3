"""`auditor open`."""

from __future__ import annotations

import typer

from auditor.cli.edge import RunArgument, answer, app, edge, note
from auditor.core.errors import StoreError


@app.command("open")
@edge
def open_report(run_folder: RunArgument) -> None:
    """Open a finished run's report in the browser; where there is none, say where the report lies."""
    import webbrowser

    from auditor.report import FORMATS
    from auditor.run.upgrade import open_folder

    folder = open_folder(run_folder)
    report = folder.path / FORMATS["html"].file_name
    if not report.is_file():
        raise StoreError(f"{folder.path} holds no report yet; finish it with 'auditor run --resume {folder.path}'")
    answer({"report": report}, f"report: {report}")
    try:
        webbrowser.get()
    except webbrowser.Error:
        note("no browser is known here; open the file in one")
        raise typer.Exit() from None
    webbrowser.open(report.resolve().as_uri())
