"""`auditor suggest`."""

from __future__ import annotations

from auditor.cli.edge import (
    ConfigOrRun,
    OutOption,
    answer,
    app,
    begin_run,
    edge,
    watched,
)


@app.command()
@edge
def suggest(config_or_run: ConfigOrRun, out: OutOption = None) -> None:
    """Choose the candidates of a new run, or choose a run's candidates anew, and stop there."""
    from auditor.cli.console import candidates_listing
    from auditor.report.candidate_json import candidate_json
    from auditor.run.audit import build_candidates
    from auditor.run.stages.candidates import CANDIDATES, CONTACT_SHEET

    folder, settings = begin_run(config_or_run, out)
    with watched() as progress:
        proposals = build_candidates(folder, settings, progress, CANDIDATES)
    candidates = [patch.candidate for patch in proposals.patches]
    files = {name: folder.path / file for name, file in (("folder", "candidates"), ("contact_sheet", CONTACT_SHEET))}
    value = {"run": folder.path, **files, "candidates": list(map(candidate_json, candidates))}
    answer(value, candidates_listing(candidates), *map(str, files.values()))
