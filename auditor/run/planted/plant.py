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
from auditor.run.planted.audits import AUDIT, Judged, audited, config_of_copy, judged, whole_judged
from auditor.run.planted.copies import Copy, Planter, Planting
from auditor.run.planted.cues import THING, Cue
from auditor.run.planted.model_itself import ModelItself
from auditor.run.planted.pictures import PICTURES
from auditor.run.planted.stored import CUE, FOLDER, FOUND, keep_shortcuts, planted_shortcuts
from auditor.run.review import reviewed_result
from auditor.run.stages.report import rewrite_report

_DONE = "planting.json"
_PLANTING = TypeAdapter(Planting)
_SHOWN_PX = 160


def plant(run_folder: RunFolder, count: int, whole: int, progress: Progress) -> tuple[PlantedShortcut, ...]:
    """Plant shortcuts in copies of a finished run's model, audit each, and write the report anew with what was found.

    What is there of earlier calls stays, and what was interrupted goes on. The run's own numbers do not change.

    Args:
        count: copies with a cue that patches can show, in the end, those of earlier calls among them.
        whole: copies with a change of whole pictures, likewise; none where the run looked for no such effect.
    Returns:
        What became of each: of those that patches can show by number, then of the others.
    Raises:
        StoreError: the run is not finished. ModelError: nothing can be planted in such a network.
        ImageError: the model knows none of the pictures that it takes.
    """
    reviewed_result(run_folder)  # a run that is not finished is refused before its model is opened
    with at_work(run_folder, stored_config(run_folder), progress) as run:
        planter, model_itself = Planter(run, RunFolder(run_folder.path / FOLDER)), ModelItself(run)
        found = {(one.is_whole, one.number): one for one in planted_shortcuts(run_folder)}
        for copy, place in _asked(planter, count, whole):
            if (copy.is_whole, copy.number) not in found:
                found[copy.is_whole, copy.number] = _one(planter, model_itself, copy, place, progress)
                keep_shortcuts(run_folder, list(found.values()))
        rewrite_report(run_folder, reviewed_result(run_folder))
    return planted_shortcuts(run_folder)


def _asked(planter: Planter, count: int, whole: int) -> list[tuple[Copy, str]]:
    """The copies that are to be there in the end, each with its place among those of its sort."""
    if whole and not planter.kinds_of_whole:
        planter.run.progress.say(
            "the run looks for no effect over whole pictures that the model may not heed, so none is planted"
        )
        whole = 0
    sorts = ((planter.copy, count, "copy"), (planter.whole_copy, whole, "whole-picture copy"))
    return [(copy(number), f"{word} {number} of {most}") for copy, most, word in sorts for number in range(1, most + 1)]


def _one(planter: Planter, model_itself: ModelItself, copy: Copy, place: str, progress: Progress) -> PlantedShortcut:
    folder = RunFolder(planter.shared.path / copy.name)
    planting = _planting(planter, copy)
    progress.say(
        f"{place}: {planting.name}, on {planting.pictures} discovery pictures of {planter.run.inputs.target.name}"
    )
    config = config_of_copy(planter.run.config, copy.name, planter.pictures)
    if copy.is_whole:
        one = whole_judged(folder, config, progress, copy.kind, planter.run)
        _draw_whole(folder, one)
    else:
        run = audited(folder, config, progress)
        label = planter.run.inputs.class_names[planting.which] if planting.kind == THING else ""
        one = judged(folder, run, reviewed_result(run), label, model_itself)
        _draw(folder, run, planter.stamped(planting.kind, planting.which), one)
    return PlantedShortcut(
        number=copy.number,
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
        verdict=one.verdict,
        found=one.found,
        instead=one.instead,
        folder=f"{FOLDER}/{copy.name}",
    )


def _planting(planter: Planter, copy: Copy) -> Planting:
    """Plant, unless it is done; what was done is written last."""
    shared, file = planter.shared, f"{copy.name}/{_DONE}"
    if shared.has(file):
        return _stored(shared, file)
    others = [_stored(shared, each) for each in shared.matching((f"*/{_DONE}",))]
    planting = planter.plant(copy, {(one.kind, one.which) for one in others})
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


def _draw_whole(folder: RunFolder, one: Judged) -> None:
    """A picture of the target that was changed, and one of confirmation before and under the effect that was found."""
    changed = folder.matching((f"{PICTURES}/*",))[0]
    shown = {CUE: changed}
    if one.found is not None:
        shown[FOUND] = folder.matching((f"{AUDIT}/pictures/{one.found.candidate}-*",))[0]
    for name, file in shown.items():
        with Image.open(io.BytesIO(folder.read(file))) as picture:
            folder.write(name, _small(picture.convert("RGB")))


def _small(picture: Image.Image) -> bytes:
    shown = picture.copy()
    shown.thumbnail((_SHOWN_PX, _SHOWN_PX), Image.Resampling.LANCZOS)
    return png_bytes(shown)
