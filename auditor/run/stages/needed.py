"""Whether the target needs what was confirmed: features removed from its own pictures. It decides no verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import TypeAdapter, ValidationError

from auditor.atlas.drawings.removal import draw_removal
from auditor.candidates.locating import Finder, Likeness, parts_of
from auditor.candidates.removal import Feature, Remover, Shown
from auditor.core.plain_text import json_text
from auditor.core.records import NOT_ASKED, Asked, ImagePool, IntArray, Removals, Removed, Split
from auditor.core.shelf import slug
from auditor.core.work import Work
from auditor.run.engines import hands
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.candidates import CANDIDATES, open_screen, screening_rows
from auditor.run.stages.clean import CLEAN, predict_pictures
from auditor.run.stages.images import IMAGES
from auditor.run.stages.trials import TRIALS
from auditor.trials.fills import FILLS

_RESULT, _ONES = "cache/needed.json", "cache/needed"
_REMOVED = TypeAdapter(Removed)
_REMOVALS = TypeAdapter(Removals)


def _make(run: Run, folder: RunFolder) -> Facts:
    """One candidate a file, so that an interruption costs one at most."""
    chosen = dict.fromkeys(one.candidate.id for one in run.get(TRIALS).confirmed)
    if not run.config.needed.pictures or not chosen:
        folder.write_text(_RESULT, _text(_REMOVALS, NOT_ASKED))
        return {"pictures": 0, "candidates": 0}
    field = run.open(open_field)
    patches = {patch.candidate.id: patch for patch in run.get(CANDIDATES).patches}
    known = {identity: patch.candidate for identity, patch in patches.items()}
    steps = 2 * len(FILLS) * len(field.rows)
    features = [
        Feature(patches[one].candidate, patches[one].rgba, parts_of(patches[one].candidate, known), steps)
        for one in chosen
    ]
    run.progress.start(f"removing {len(features)} features from pictures of the target", steps * len(features))
    stored = [_stored(folder, feature) for feature in features]
    run.progress.advance(sum(steps for one in stored if one is not None))
    missing = [feature for feature, there in zip(features, stored, strict=True) if there is None]
    at_work = hands(run, open_remover)
    made = at_work.engine.each(Work(at_work.open, Remover.remove, _steps), missing)
    removed = [one or _keep(folder, *next(made)) for one in stored]
    folder.write_text(_RESULT, _text(_REMOVALS, Removals(field.asked, tuple(removed))))
    return {"pictures": field.asked.of, "candidates": len(removed)}


def _steps(feature: Feature) -> int:
    return feature.steps


@dataclass(frozen=True, slots=True)
class Field:
    """The target's pictures that a run is asked about: how many there are, and the rows of those that serve."""

    asked: Asked
    rows: IntArray


def open_field(run: Run) -> Field:
    """Pictures of the target that the unpatched model recognises, as many as wanted; which, their keys tell."""
    pool, inputs = run.get(IMAGES), run.inputs
    rows, held_out = target_rows(pool, inputs.target.indices)
    run.progress.start("clean predictions of the target", len(rows))
    said = predict_pictures(inputs, pool, rows, run.progress)
    recognised = rows[inputs.criterion.flipped(said.predicted)]
    # keys are hashes of the pictures, so any part is a fair sample of all of them
    ordered = np.array(sorted(recognised, key=lambda row: pool.images[row].key), dtype=np.int64)
    wanted = ordered[: run.config.needed.pictures]
    return Field(Asked(len(rows), len(recognised), len(wanted), held_out), wanted)


def target_rows(pool: ImagePool, target: tuple[int, ...]) -> tuple[IntArray, bool]:
    """Pictures of the target, and whether the search never saw them: those held out, or where there are none, all."""
    held_out = pool.rows(Split.CONFIRMATION, target)
    return (held_out, True) if len(held_out) else (pool.rows(Split.DISCOVERY, target), False)


def open_remover(run: Run) -> Remover:
    """Where features are removed: of this process, or of one that shares the work."""
    inputs, pool, rows = run.inputs, run.get(IMAGES), run.open(open_field).rows
    return Remover(
        classifier=inputs.classifier,
        criterion=inputs.criterion,
        pixels=pool.pixels[rows],
        images=[pool.images[row] for row in rows],
        finder=finder_in(run, rows),
        seed=run.config.seed,
        batch_size=run.config.compute.batch_size,
        progress=run.progress,
    )


def finder_in(run: Run, rows: IntArray) -> Finder:
    """What features are found with in some of the run's pictures."""
    inputs, pool = run.inputs, run.get(IMAGES)
    mapped = inputs.mapped and len(rows) and len(screening_rows(run))
    likeness = Likeness(run.open(open_screen), pool.pixels[rows], pool.paths(rows)) if mapped else None
    images = [pool.images[row] for row in rows]
    return Finder(images, inputs.classifier.preprocessing, inputs.annotations, likeness, run.config.needed.size)


def _file(identity: str) -> str:
    return f"{_ONES}/{slug(identity)}.json"


def _stored(folder: RunFolder, feature: Feature) -> Removed | None:
    """What an interrupted run measured; None where it did not, or its file is damaged."""
    file = _file(feature.candidate.id)
    if not folder.has(file):
        return None
    try:
        removed = _REMOVED.validate_json(folder.read(file))
    except ValidationError:
        return None
    return removed if folder.has(*(f"pictures/{name}.png" for name in removed.pictures)) else None


def _keep(folder: RunFolder, removed: Removed, shown: Sequence[Shown]) -> Removed:
    """Write the pictures of one candidate, and what was measured of it."""
    names = tuple(f"needed-{slug(removed.candidate)}-{one.key}" for one in shown)
    for name, one in zip(names, shown, strict=True):
        pictures = (one.before, one.removed, one.removed_elsewhere)
        folder.write(f"pictures/{name}.png", draw_removal(pictures, one.area, one.elsewhere))
    removed = replace(removed, pictures=names)
    folder.write_text(_file(removed.candidate), _text(_REMOVED, removed))
    return removed


def _text(adapter: TypeAdapter[Removed] | TypeAdapter[Removals], value: Removed | Removals) -> str:
    return json_text(adapter.dump_python(value, mode="json"))  # type: ignore[arg-type]


def _read(run: Run) -> Removals:
    return _REMOVALS.validate_json(run.folder.read(_RESULT))


_NEEDED = (_RESULT, "pictures/needed-*")
NEEDED = Stage(
    "needed",
    (IMAGES, CLEAN, CANDIDATES, TRIALS),
    (_RESULT, f"{_ONES}/*", "pictures/needed-*"),
    _make,
    _read,
    needed=_NEEDED,
)
