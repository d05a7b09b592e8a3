"""`auditor plant`."""

from __future__ import annotations

from typing import Annotated

import typer

from auditor.cli.edge import RunArgument, answer, app, edge, session, watched


@app.command()
@edge
def plant(
    run_folder: RunArgument,
    count: Annotated[
        int, typer.Option(min=0, max=100, help="copies in the end, those of earlier calls among them")
    ] = 4,
    whole_pictures: Annotated[
        int, typer.Option(min=0, max=100, help="copies with a change of whole pictures, likewise")
    ] = 3,
) -> None:
    """Plant known shortcuts in copies of a run's model, and tell how many the same search finds."""
    from auditor.core.errors import ConfigError
    from auditor.report import FORMATS
    from auditor.report.planted import copy_words, cue_words, effect_words, found_words, planted_sentence
    from auditor.run.planted.plant import plant as plant_copies
    from auditor.run.review import reviewed_result
    from auditor.run.upgrade import open_folder

    folder = open_folder(run_folder)
    if folder.path in session.addresses:
        raise ConfigError(
            f"copies are planted beside the pictures of this machine, and {session.addresses[folder.path]} is a run in "
            "a store; audit into a folder here, and plant there"
        )
    with watched() as progress:
        shortcuts = plant_copies(folder, count, whole_pictures, progress)
    result = reviewed_result(folder)
    answer(
        {
            "run": folder.path,
            "report": folder.path / FORMATS["html"].file_name,
            "sentence": planted_sentence(result),
            "planted": [
                {
                    "number": one.number,
                    "name": one.name,
                    "kind": one.kind,
                    "share": one.share,
                    "pictures": one.pictures,
                    "flips": one.flips,
                    "eligible": one.eligible,
                    "changed": one.changed,
                    "of": one.of,
                    "findings": one.findings,
                    "rank": one.rank,
                    "caught": one.caught,
                    "noticed": one.noticed,
                    "verdict": one.verdict,
                    "folder": folder.path / one.folder,
                }
                for one in shortcuts
            ],
        },
        *(
            f"{one.number}. {cue_words(one)}: flips {effect_words(one, result.limits.uplift)}; {found_words(one)}; "
            f"copy: {copy_words(one)}"
            for one in shortcuts
        ),
        planted_sentence(result) or "",
        f"report: {folder.path / FORMATS['html'].file_name}",
    )
