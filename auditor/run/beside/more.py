"""Confirming a run's chosen candidates on more pictures, by a test that allows for looking again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from auditor.candidates.controls import Making
from auditor.core.config import AuditConfig
from auditor.core.errors import StoreError
from auditor.core.progress import Progress
from auditor.core.records import AuditResult, ImagePool, Rung, Verdict, WholePictures
from auditor.core.records.trials import Clean, Outcome, Trials
from auditor.core.work import Hands
from auditor.inputs.images.added import added_pictures
from auditor.run.audit import at_work
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.review import read_reviews, reviewed_result
from auditor.run.stage import Run
from auditor.run.stages.candidates import CANDIDATES, atlas_of_controls, open_scene, write_patch
from auditor.run.stages.clean import CLEAN, network_of_trials, predict_pictures
from auditor.run.stages.confirmed import confirmed
from auditor.run.stages.examples import draw_examples
from auditor.run.stages.grounds import grounds_of
from auditor.run.stages.images import IMAGES
from auditor.run.stages.report import Measured, assemble, rewrite_report, stored_result
from auditor.run.stages.trials import TRIALS, keep_trials, look_at_confirmation, repeated
from auditor.run.stages.whole_pictures import MEASURED, WHOLE_PICTURES, keep_whole_pictures, measured_again
from auditor.run.tables import images_from_table, images_table
from auditor.statistics.conclusion import concluded
from auditor.statistics.looks import confidence_at_look, error_spent
from auditor.statistics.whole_pictures import judge_whole_pictures
from auditor.trials.bench import SHARDS, Bench, Table
from auditor.trials.patch import Patch

FOLDER = "more"
_IMAGES, _PIXELS = "images.parquet", "cache/pixels.npy"


def confirm_on_more(run_folder: RunFolder, config: AuditConfig, pictures: Path, progress: Progress) -> Audit:
    """Confirm a run's chosen candidates on its confirmation pictures and new ones together.

    The numbers go to `more/look-<n>` inside the run folder, n being 2 the first time; what the run and earlier looks
    found stays as it is. The intervals of look n have the confidence that `statistics.looks` leaves it.

    Args:
        pictures: a folder of class folders, or a CSV of `path,label`; of these the new source pictures are taken.

    Raises:
        StoreError: the run is not finished, is settled already, confirmed nothing, or is kept from passing by effects
            over whole pictures alone that more pictures do not settle.
        ImageError: there is no new picture of the source.
    """
    looks = looks_so_far(run_folder)
    number = len(looks) + 1
    confidence = config.limits.confidence
    limits = config.limits.model_copy(update={"confidence": confidence_at_look(confidence, number)})
    with at_work(run_folder, config.model_copy(update={"limits": limits}), progress) as run:
        return _confirmed(run, looks, pictures, confidence)


def _confirmed(run: Run, looks: Sequence[RunFolder], pictures: Path, confidence: float) -> Audit:
    """The next look of a run; `confidence` is the run's own, its settings say what this look is left."""
    run_folder, config, progress, number = run.folder, run.config, run.progress, len(looks) + 1
    first = run.get(TRIALS).outcome
    pool, clean = _known_pictures(run, looks[1:])
    new = _new_pictures(run, pool, pictures)
    inside = RunFolder.within(run_folder, f"{FOLDER}/look-{number}")
    _keep(run, inside, new)
    pool, clean = _joined(run, pool, clean, new)
    scene, atlas = open_scene(run), atlas_of_controls(run)
    by_id = {patch.candidate.id: patch for patch in run.get(CANDIDATES).patches}
    patches: list[Patch] = [write_patch(inside, scene, by_id[identity]) for identity in first.chosen]
    table = Table(run.inputs, run.open(network_of_trials), pool, clean, progress, grounds_of(run.inputs, pool))
    bench = Bench(inside, table, Hands(lambda: table))
    before = (run.folder.name, *(f"{run.folder.name}/{FOLDER}/{look.name}" for look in looks[1:]))
    name = f"{run.folder.name}/{FOLDER}/{inside.name}"
    seen = look_at_confirmation(
        run, config.trials, patches, name, "more pictures for a run's candidates", (pool, clean), before
    )
    settled = confirmed(bench, Making(scene, atlas), patches, seen.chosen_from)
    outcome = Outcome(
        chosen=first.chosen,
        tried=first.tried,
        controls=first.controls,
        rungs=(*first.rungs, Rung(f"look {number}, on more pictures", len(patches), len(patches), "all are measured")),
        examples=draw_examples(inside, bench, settled, patches),
        validity=first.validity,
        looks=replace(seen, number=number, spent=error_spent(confidence, number)),
        repeat=repeated(bench, settled, patches),
    )
    inside.mark_done("candidates", {"files": inside.matching(("candidates/*", "pictures/origin-*"))})
    facts = keep_trials(inside, bench, outcome)
    inside.mark_done(TRIALS.name, {**facts, "files": inside.matching(TRIALS.needed)})
    candidates = [patch.candidate for patch in patches]
    reviews = {**read_reviews(run_folder, candidates), **read_reviews(inside, candidates)}
    trials = Trials(outcome, tuple(settled))
    stored = stored_result(run_folder)
    whole = _effects_again(run, inside, pool, clean) if stored.whole is not None else None
    measured = Measured(pool, clean, (), trials, reviews, stored.accuracy, whole=whole)
    return rewrite_report(inside, assemble(run, measured, inside))


def _effects_again(run: Run, inside: RunFolder, pool: ImagePool, clean: Clean) -> WholePictures:
    """Effects over whole pictures on all confirmation pictures, read as strictly as this look's findings."""
    trials = measured_again(run, inside, pool, clean)
    facts = keep_whole_pictures(inside, trials)
    inside.mark_done(WHOLE_PICTURES.name, {**facts, "files": inside.matching(WHOLE_PICTURES.needed)})
    return judge_whole_pictures(trials, run.inputs.limits)


def looks_so_far(run_folder: RunFolder) -> list[RunFolder]:
    """The run and its finished looks at more pictures, in their order.

    Raises:
        StoreError: the last of them is not finished, is settled, confirmed nothing, or is open by effects over whole
            pictures alone that more do not settle.
    """
    looks = [run_folder]
    while (run_folder.path / f"{FOLDER}/look-{len(looks) + 1}" / "result.json").is_file():
        looks.append(RunFolder.open(run_folder.path / f"{FOLDER}/look-{len(looks) + 1}"))
    result = reviewed_result(looks[-1])
    if not result.findings:
        raise StoreError(f"{looks[-1].path} confirmed no candidate, so more pictures have nothing to confirm")
    if result.verdict is not Verdict.INCONCLUSIVE:
        raise StoreError(
            f"{looks[-1].path} ended in {result.verdict}, and a settled verdict stays; more pictures are for a run "
            "that is inconclusive. For another question begin a new run"
        )
    if _settled_but_for_effects(result):
        raise StoreError(
            f"{looks[-1].path} is kept from passing by effects over whole pictures alone, which more pictures do not "
            "settle (exchanged backgrounds take annotated ones: begin a new run); its report says what to do where the "
            "model may rightly heed it"
        )
    return looks


def _settled_but_for_effects(result: AuditResult) -> bool:
    """Whether effects over whole pictures alone keep a run open, whatever more pictures would say of them."""
    without = replace(result, whole=None, limits=replace(result.limits, whole_pictures=False))
    if concluded(without).verdict is Verdict.INCONCLUSIVE:
        return False
    whole = result.whole
    shown = whole is not None and any(one.verdict is Verdict.FAIL for one in whole.in_the_way)
    return shown or whole is None or not whole.settled_by_more


def _known_pictures(run: Run, looks: Sequence[RunFolder]) -> tuple[ImagePool, Clean]:
    """The run's pictures and those that earlier looks added, with the unpatched model's word on each."""
    pool, clean = run.get(IMAGES), run.get(CLEAN)
    for look in looks:
        added = ImagePool(images_from_table(look.read_table(_IMAGES)), (), look.read_array(_PIXELS))
        pool, clean = _joined(run, pool, clean, added)
    return pool, clean


def _new_pictures(run: Run, known: ImagePool, pictures: Path) -> ImagePool:
    classifier = run.inputs.classifier
    prepare, labels = classifier.preprocessing.prepare, run.inputs.source.indices
    new = added_pictures(run.config, pictures, classifier.class_names, prepare, labels, known, run.progress)
    run.progress.say(f"new source pictures: {len(new.images)}; left aside: {len(new.skipped)}")
    return new


def _keep(run: Run, inside: RunFolder, new: ImagePool) -> None:
    """Keep the pictures that a look adds; the trials of an interrupted look on other ones are dropped."""
    if inside.has(_IMAGES) and images_from_table(inside.read_table(_IMAGES)) != new.images:
        inside.forget([], [f"{SHARDS}/*", MEASURED])
    inside.write_array(_PIXELS, new.pixels)
    inside.write_table(_IMAGES, images_table(new.images, run.inputs.class_names))


def _joined(run: Run, pool: ImagePool, clean: Clean, added: ImagePool) -> tuple[ImagePool, Clean]:
    inputs = run.inputs
    rows = len(pool.images) + np.arange(len(added.images))
    run.progress.start("clean predictions", len(rows))
    said = predict_pictures(inputs, added, np.arange(len(added.images)), run.progress)
    images, skipped = (*pool.images, *added.images), (*pool.skipped, *added.skipped)
    left_out = Counter(pool.left_out) + Counter(added.left_out)
    pixels = np.concatenate([pool.pixels, added.pixels])
    together = ImagePool(images, skipped, pixels, pool.on_white, left_out=left_out)
    joined = Clean(
        rows=np.concatenate([clean.rows, rows]),
        said=clean.said.with_more(said),
        eligible=np.concatenate([clean.eligible, rows[inputs.criterion.eligible(said.predicted)]]),
    )
    return together, joined
