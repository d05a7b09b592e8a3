"""The stages of an audit, each declared once: what is resumed, dropped, timed and listed follows from this table."""

from __future__ import annotations

from typing import Any

from auditor.candidates.pasted import held_levels
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.review import read_reviews
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.accuracy import ACCURACY
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import CANDIDATES
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.explorer import EXPLORER
from auditor.run.stages.icons import ICONS
from auditor.run.stages.images import IMAGES
from auditor.run.stages.looks import LOOKS
from auditor.run.stages.needed import NEEDED
from auditor.run.stages.places import PLACES
from auditor.run.stages.report import FILES, RESULT, WRITTEN, Measured, assemble, stored_result, write_report
from auditor.run.stages.sheets import SHEETS
from auditor.run.stages.survival import SURVIVAL
from auditor.run.stages.trials import TRIALS
from auditor.run.stages.whole_pictures import WHOLE_PICTURES, said_of_whole_pictures


def _make_report(run: Run, folder: RunFolder) -> Facts:
    run.progress.start("writing the report")
    trials = run.get(TRIALS)
    reviews = read_reviews(run.folder, [one.candidate for one in trials.confirmed])
    pool, clean, accuracy = run.get(IMAGES), run.get(CLEAN), run.get(ACCURACY)
    proposals = run.get(CANDIDATES)
    pasted = tuple(level for atlas in proposals.all_pasted for level in held_levels(atlas))
    whole, needed = said_of_whole_pictures(run), run.get(NEEDED)
    places = run.get(PLACES) if run.folder.is_done(PLACES.name) else ()
    survivals = run.get(SURVIVAL) if run.folder.is_done(SURVIVAL.name) else ()
    measured = Measured(
        pool, clean, proposals.cells, trials, reviews, accuracy, pasted, whole, needed, places, survivals
    )
    return {**write_report(folder, assemble(run, measured)), SHOWS: shown(run.folder)}


def shown(folder: RunFolder) -> list[str]:
    """Stages that a report shows where they are done, and does not wait for, or that earlier versions did not have."""
    there = (EXPLORER, WHOLE_PICTURES, NEEDED, PLACES, SURVIVAL, LOOKS)
    return [stage.name for stage in there if folder.is_done(stage.name)]


SHOWS = "shows"
"""What a report notes of `shown` when it is written; one that was cut off before the last time notes less."""


def _read_report(run: Run) -> Audit:
    return Audit(stored_result(run.folder), run.folder.path)


REPORT = Stage(
    "report",
    (CLEAN, ACCURACY, SHEETS, EXPLORER, TRIALS, WHOLE_PICTURES, NEEDED),
    FILES,
    _make_report,
    _read_report,
    needed=WRITTEN,
    sealed=(RESULT,),
)

STAGES: tuple[Stage[Any], ...] = (
    *(IMAGES, CLEAN, ACCURACY, ATLAS, ICONS, CANDIDATES, SHEETS, EXPLORER, TRIALS, WHOLE_PICTURES, NEEDED, REPORT),
    *(PLACES, SURVIVAL, LOOKS),  # what a report takes when it is there, and does not wait for
)
"""In an order in which each stands behind what it needs."""


def stage_named(name: str) -> Stage[Any]:
    """The stage of a name in the table."""
    return next(stage for stage in STAGES if stage.name == name)


def leading_to(stage: Stage[Any]) -> tuple[Stage[Any], ...]:
    """A stage and all that it is made from, in the order of the table."""
    wanted = {stage.name}
    for one in reversed(STAGES):
        if one.name in wanted:
            wanted.update(needed.name for needed in one.needs)
    return tuple(one for one in STAGES if one.name in wanted)


def followers(stage: Stage[Any]) -> tuple[Stage[Any], ...]:
    """A stage and all that was made from it, in the order of the table."""
    dropped = {stage.name}
    for one in STAGES:
        if any(needed.name in dropped for needed in one.needs):
            dropped.add(one.name)
    return tuple(one for one in STAGES if one.name in dropped)


def forget(folder: RunFolder, stage: Stage[Any]) -> None:
    """Drop a stage and all that was made from it, so that they are made anew."""
    dropped = followers(stage)
    folder.forget([one.name for one in dropped], [pattern for one in dropped for pattern in one.files])
