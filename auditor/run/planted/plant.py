"""Plant known shortcuts in copies of a run's model and audit each copy as the run was: what would it have found?"""

from __future__ import annotations

import io

from PIL import Image
from pydantic import TypeAdapter, ValidationError

from auditor.atlas.drawings.canvas import png_bytes
from auditor.core.errors import DamagedFileError
from auditor.core.progress import Progress
from auditor.core.records.planted import PlantedShortcut
from auditor.run.audit import at_work, stored_config
from auditor.run.folder import RunFolder
from auditor.run.planted.audits import Judged, audited, config_of_copy, judged
from auditor.run.planted.copies import Planter, Planting
from auditor.run.planted.cues import THING, Cue
from auditor.run.planted.model_itself import ModelItself
from auditor.run.planted.stored import CUE, FOLDER, FOUND, keep_shortcuts, planted_shortcuts
from auditor.run.review import reviewed_result
from auditor.run.stages.report import rewrite_report

_DONE = "planting.json"
_PLANTING = TypeAdapter(Planting)
_SHOWN_PX = 160


def plant(run_folder: RunFolder, count: int, progress: Progress) -> tuple[PlantedShortcut, ...]:
    """Plant shortcuts in copies of a finished run's model, audit each, and write the report anew with what was found.

    What is there of earlier calls stays, and what was interrupted goes on. The run's own numbers do not change.

    Args:
        count: copies that there are in the end, those of earlier calls among them.
    Returns:
        What became of each, by number.
    Raises:
        StoreError: the run is not finished. ModelError: nothing can be planted in such a network.
        ImageError: the model knows none of the pictures that it takes.
    """
    reviewed_result(run_folder)  # a run that is not finished is refused before its model is opened
    with at_work(run_folder, stored_config(run_folder), progress) as run:
        planter, model_itself = Planter(run, RunFolder(run_folder.path / FOLDER)), ModelItself(run)
        found = {one.number: one for one in planted_shortcuts(run_folder)}
        for number in range(1, count + 1):
            if number not in found:
                found[number] = _one(planter, model_itself, number, count, progress)
                keep_shortcuts(run_folder, list(found.values()))
        rewrite_report(run_folder, reviewed_result(run_folder))
    return planted_shortcuts(run_folder)


def _one(planter: Planter, model_itself: ModelItself, number: int, count: int, progress: Progress) -> PlantedShortcut:
    copy = f"{number:02d}-{planter.kind_of(number)}"
    folder = RunFolder(planter.shared.path / copy)
    planting = _planting(planter, number, copy)
    progress.say(
        f"copy {number} of {count}: {planting.name}, on {planting.pictures} discovery pictures of "
        f"{planter.run.inputs.target.name}"
    )
    run = audited(folder, config_of_copy(planter.run.config, copy, planter.pictures), progress)
    label = planter.run.inputs.class_names[planting.which] if planting.kind == THING else ""
    one = judged(folder, run, reviewed_result(run), label, model_itself)
    _draw(folder, run, planter.cue(planting.kind, planting.which), one)
    return PlantedShortcut(
        number=number,
        name=planting.name,
        kind=planting.kind,
        share=planting.share,
        pictures=planting.pictures,
        flips=planting.flips,
        eligible=planting.eligible,
        changed=planting.changed,
        of=planting.of,
        findings=one.held,
        rank=one.rank,
        caught=one.caught,
        noticed=one.noticed,
        verdict=one.result.verdict,
        found=one.found,
        instead=one.instead,
        folder=f"{FOLDER}/{copy}",
    )


def _planting(planter: Planter, number: int, copy: str) -> Planting:
    """Plant, unless it is done; what was done is written last."""
    shared, file = planter.shared, f"{copy}/{_DONE}"
    if shared.has(file):
        return _stored(shared, file)
    others = [_stored(shared, each) for each in shared.matching((f"*/{_DONE}",))]
    planting = planter.plant(number, copy, {(one.kind, one.which) for one in others})
    shared.write_json(file, _PLANTING.dump_python(planting, mode="json"))
    return planting


def _stored(shared: RunFolder, file: str) -> Planting:
    try:
        return _PLANTING.validate_json(shared.read(file))
    except ValidationError as error:
        copy = (shared.path / file).parent
        raise DamagedFileError(f"{shared.path / file} is damaged; delete {copy} and plant again") from error


def _draw(folder: RunFolder, run: RunFolder, cue: Cue, one: Judged) -> None:
    """Small pictures for the report: the cue, and the finding that shows it."""
    folder.write(CUE, _small(cue.stamps[0]))
    if one.found is not None:
        with Image.open(io.BytesIO(run.read(f"candidates/{one.found.candidate}.png"))) as patch:
            folder.write(FOUND, _small(patch.convert("RGBA")))


def _small(picture: Image.Image) -> bytes:
    shown = picture.copy()
    shown.thumbnail((_SHOWN_PX, _SHOWN_PX), Image.Resampling.LANCZOS)
    return png_bytes(shown)
