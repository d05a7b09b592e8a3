"""`auditor review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    FailOnOption,
    RunArgument,
    app,
    edge,
    messages,
    note,
    show,
)
from auditor.core.errors import ConfigError


@app.command()
@edge
def review(
    run_folder: RunArgument,
    mark: Annotated[
        list[str] | None, typer.Option(help="CANDIDATE=object or CANDIDATE=context; may be given several times")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="marks from a CSV of candidate,mark,reviewer,why")] = None,
    by: Annotated[str, typer.Option(help="who looked")] = "",
    why: Annotated[str, typer.Option(help="in a few words, why")] = "",
    fail_on: FailOnOption = None,
) -> None:
    """Mark what candidates show, and recompute the verdicts; without marks it asks for those that await a look."""
    from auditor.cli.gate import checked_fail_on
    from auditor.cli.marks import asked_reviews, csv_reviews, marked_reviews
    from auditor.report.order import awaiting_review
    from auditor.run.review import review_run, reviewed_result
    from auditor.run.upgrade import open_folder

    checked_fail_on(fail_on)
    if csv is not None and mark:
        raise ConfigError("give the marks by --mark or --csv, not both")
    folder = open_folder(run_folder)
    result = reviewed_result(folder)
    if csv is not None:
        reviews = csv_reviews(csv, result)
    elif mark:
        reviews = marked_reviews(mark, by, why, result)
    elif not awaiting_review(result):
        note("no candidate awaits a person's look")
        show(review_run(folder, []), fail_on)
        return
    else:
        finished = None
        for review in asked_reviews(result, folder, by, messages.ask):
            finished = review_run(folder, [review])  # kept at once: who is interrupted loses no answer
        show(finished or review_run(folder, []), fail_on)
        return
    show(review_run(folder, reviews), fail_on)
