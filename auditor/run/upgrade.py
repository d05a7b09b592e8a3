"""Run folders that earlier versions made: what this version looks for is derived from what is there, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from auditor.core.records import Step
from auditor.core.records.trials import Outcome
from auditor.run.folder import RunFolder
from auditor.run.tables import cells_from_table, cells_table, outcome_to_json, pushes_table, result_from_json

_UNKNOWN = float("nan")
_STEPS = {"mean colour": Step.COLOUR, "pixel shuffled": Step.COLOUR, "phase scrambled": Step.TEXTURE}
"""Of the controls that earlier versions had; the others are covering."""


def open_folder(path: Path) -> RunFolder:
    """Open a run folder, and bring one that an earlier version made to what this one expects.

    Raises:
        StoreError: there is none, or it has no readable manifest.
    """
    folder = RunFolder.open(path)
    stages = folder.manifest().get("stages")
    if isinstance(stages, Mapping) and any(isinstance(one, Mapping) and "files" not in one for one in stages.values()):
        _upgrade(folder)
    return folder


def _upgrade(folder: RunFolder) -> None:
    """Before stages listed their files, cells and pushes shared a table, and how trials ended stood in the result."""
    # the stages load what computes, and few runs need this
    from auditor.run.pipeline import REPORT, STAGES
    from auditor.run.stages.looks import LOOKS
    from auditor.run.stages.places import MAPS, PLACES, write_maps
    from auditor.run.stages.survival import RESULT, SURVIVAL, write_survivals
    from auditor.run.stages.trials import TRIALS

    if folder.is_done("atlas") and folder.has("cells.parquet") and not folder.has("cache/cells.parquet"):
        _split_cells(folder)
    if folder.is_done(TRIALS.name) and folder.is_done(REPORT.name) and folder.has("result.json", "trials.parquet"):
        if not folder.has("cache/outcome.json"):
            folder.write_text("cache/outcome.json", outcome_to_json(_outcome(folder)))
        if not folder.is_done(LOOKS.name):
            folder.mark_done(LOOKS.name, {})
        if not folder.is_done(PLACES.name):
            write_maps(folder, ())
            folder.mark_done(PLACES.name, {"files": [MAPS]})
        if not folder.is_done(SURVIVAL.name):
            write_survivals(folder, ())
            folder.mark_done(SURVIVAL.name, {"files": [RESULT]})
    for stage in STAGES:
        facts = folder.facts(stage.name)
        if facts is not None and "files" not in facts and folder.has(*(one for one in stage.needed if "*" not in one)):
            folder.mark_done(stage.name, {**facts, "files": folder.matching(stage.needed)})


def _split_cells(folder: RunFolder) -> None:
    cells = cells_from_table(folder.read_table("cells.parquet"))
    images = {row["key"]: None for row in folder.read_table("images.parquet").select(["key"]).to_pylist()}
    without = [replace(cell, predicted_push=_UNKNOWN, predicted_push_error=_UNKNOWN) for cell in cells]
    folder.write_table("cache/cells.parquet", cells_table(without, list(images)))
    if folder.is_done("candidates"):
        folder.write_table("cache/pushes.parquet", pushes_table(cells))


def _outcome(folder: RunFolder) -> Outcome:
    """How the trials ended, from the result that was written of them."""
    result = result_from_json(folder.read_text("result.json"), (), {})
    table = folder.read_table("trials.parquet").select(["candidate", "control"])
    found = {finding.candidate.id for finding in result.findings}
    named = dict.fromkeys(one.name for finding in result.findings for one in finding.controls)
    asked = dict.fromkeys(row["candidate"] for row in table.to_pylist() if row["control"] and row["candidate"] in found)
    return Outcome(
        chosen=tuple(asked),
        tried=len(result.survey) or result.hypotheses_tried,
        controls={name: _STEPS.get(name, Step.COVERING) for name in named},
        rungs=result.rungs,
        survey=result.survey,
        validity=result.suggestion_validity,
        examples=result.examples,
    )
