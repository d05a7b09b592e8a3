"""`auditor suggest`."""

from __future__ import annotations

from auditor.cli.edge import (
    ConfigOrRun,
    OutOption,
    app,
    begin_run,
    edge,
    payload,
    watched,
)


@app.command()
@edge
def suggest(config_or_run: ConfigOrRun, out: OutOption = None) -> None:
    """Choose the candidates of a new run, or choose a run's candidates anew, and stop there."""
    from auditor.cli.console import candidates_listing
    from auditor.run.audit import build_candidates
    from auditor.run.stages.candidates import CANDIDATES, CONTACT_SHEET

    folder, settings = begin_run(config_or_run, out)
    with watched() as progress:
        proposals = build_candidates(folder, settings, progress, CANDIDATES)
    payload.print(candidates_listing([patch.candidate for patch in proposals.patches]))
    for name in ("candidates", CONTACT_SHEET):
        payload.print(f"{folder.path / name}", soft_wrap=True)
