"""`auditor compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.completing import run_folders
from auditor.cli.edge import EXIT_CODES, SEVERITY, answer, app, detail, edge
from auditor.core.errors import ConfigError


@app.command()
@edge
def compare(
    run_a: Annotated[
        Path,
        typer.Argument(help="the folder of the run to compare with", show_default=False, autocompletion=run_folders),
    ],
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="folders of later runs", metavar="RUN_B...", show_default=False, autocompletion=run_folders
        ),
    ],
    margin: Annotated[
        float, typer.Option(help="points by which a flip rate may rise before it counts as worse, below 100")
    ] = 5.0,
    out: Annotated[Path | None, typer.Option("--out", help="an HTML file to write, with pictures")] = None,
) -> None:
    """Hold runs against an earlier one, patch by patch on the same pictures; exit code 0 where nothing got worse."""
    from auditor.cli.runs import comparison_listing, left_out_lines
    from auditor.report.comparison import comparison_html, comparison_value
    from auditor.run.beside.comparison import compare_runs, pictures_of
    from auditor.run.upgrade import open_folder
    from auditor.run.writing import write_new_file

    if not 0.0 <= margin < 100.0:
        raise ConfigError(f"--margin takes points from 0 to below 100, got {margin:g}")
    first = open_folder(run_a)
    compared = [compare_runs(first, open_folder(other), margin / 100) for other in runs]
    if out is not None:
        write_new_file(out, comparison_html(compared, pictures_of(first, compared)))
    parts = [part for one in compared for part in comparison_listing(one)]
    answer(comparison_value(compared), *parts, *([] if out is None else [f"page: {out}"]))
    for one in compared:
        for line in left_out_lines(one):
            detail(line)
    raise typer.Exit(max((EXIT_CODES[one.verdict] for one in compared), key=SEVERITY.index))
