"""`auditor survey`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.completing import settings_or_runs
from auditor.cli.edge import answer, app, detail, edge, go_on_with, note, watched
from auditor.cli.flags import FlagValue, flag_values, takes_sharing
from auditor.core.errors import ConfigError


@app.command()
@edge
@takes_sharing
def survey(
    config: Annotated[
        Path,
        typer.Argument(
            help="an audit.toml, or the folder of a survey to go on with",
            show_default=False,
            autocompletion=settings_or_runs,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="the folder to make; left out: reports/survey-<time>")
    ] = None,
    audit_top: Annotated[
        int, typer.Option("--audit-top", min=0, max=1000, help="pairs that lead to audit in full afterwards")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say how many passes and how long the survey will take, and stop")
    ] = False,
    **flags: FlagValue,
) -> None:
    """Survey the whole model: crops of every class on pictures of every class, and which pairs to audit."""
    from auditor.cli.details import run_lines
    from auditor.cli.survey_table import survey_listing
    from auditor.report.whole_model import whole_model_value
    from auditor.run.audit import new_run, with_compute
    from auditor.run.survey.ahead import ahead_of
    from auditor.run.survey.begin import config_of_survey, default_folder, survey_config
    from auditor.run.survey.survey import continue_survey
    from auditor.run.upgrade import open_folder

    sharing = {keys[-1]: value for keys, value in flag_values(flags).items()}
    if config.is_dir():
        if out is not None or dry_run:
            raise ConfigError("--out and --dry-run are for a new survey; one that was begun keeps its place")
        folder = open_folder(config)
        settings = with_compute(config_of_survey(folder), sharing)
    else:
        settings, given = survey_config(config)
        settings = with_compute(settings, sharing)
        if given:
            note(f"{' and '.join(given)} of {config} are not read: a survey tries every pair")
        if dry_run:
            with watched() as progress:
                ahead = ahead_of(settings, progress)
            answer(asdict(ahead), *ahead.lines)
            return
        folder = new_run(settings, out or default_folder())
    go_on_with(folder.path, not config.is_dir(), "survey {}")
    note(f"survey folder: {folder.path}")
    for line in run_lines(folder, settings):
        detail(line)
    with watched() as progress:
        found = continue_survey(folder, settings, progress, audit_top)
    answer(
        whole_model_value(found.whole, found.audits),
        *survey_listing(found.whole, found.audits),
        f"report: {found.report}",
    )
