"""Measuring patches that a person brings: no atlas is needed, and the table reads like the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from auditor.candidates.controls import Making, steps
from auditor.candidates.makers.brought import read_user_patches
from auditor.candidates.propose import mark_read_as_target
from auditor.core.config import AuditConfig, TrialsConfig
from auditor.core.errors import ImageError
from auditor.core.progress import Progress
from auditor.core.records import Finding, Placement, Rung, Split
from auditor.core.records.trials import Outcome, Trials
from auditor.core.shelf import short, slug
from auditor.run.audit import at_work
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.review import read_reviews
from auditor.run.stage import Run
from auditor.run.stages.accuracy import ACCURACY
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import CANDIDATES, atlas_of_controls, open_scene, said_left_out, write_patch
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.confirmed import confirmed
from auditor.run.stages.examples import draw_examples
from auditor.run.stages.images import IMAGES
from auditor.run.stages.report import Measured, assemble, rewrite_report
from auditor.run.stages.trials import AUDIT, TRIALS, keep_trials, look_at_confirmation, open_bench, repeated
from auditor.trials.patch import Patch

FOLDER = "patch-trials"
TABLE = "table.csv"


def trial_patches(
    run_folder: RunFolder, config: AuditConfig, folder: Path, placements: Sequence[Placement], progress: Progress
) -> Audit:
    """Measure every picture of a folder on a run's confirmation pictures, with matched controls.

    The numbers go to `patch-trials/<folder's name>` inside the run folder, beside a `table.csv` in the columns of
    the paper's published counts. The run's own findings stay as they are. Where the run has an atlas, a crop of a
    quiet cell is among the controls.

    Raises:
        PatchError: the folder holds no patch that can be used.
        ImageError: no confirmation picture is eligible.
    """
    patches = read_user_patches(folder)
    trials_as_asked = config.trials.model_copy(update={"placements": tuple(placements)})
    with at_work(run_folder, config.model_copy(update={"trials": trials_as_asked}), progress) as run:
        return _tried(run, config.trials, patches, folder.resolve())


def _tried(run: Run, own: TrialsConfig, patches: Sequence[Patch], folder: Path) -> Audit:
    """Patches of a folder measured as the run's settings say now; `own` are those it was begun with."""
    inside = RunFolder.within(run.folder, f"{FOLDER}/{short(slug(folder.name))}")
    inputs, pasting = run.inputs, run.config.trials
    atlas = atlas_of_controls(run) if run.folder.is_done(ATLAS.name) else None
    bench = open_bench(run, inside)
    if not bench.eligible(Split.CONFIRMATION):
        raise ImageError("no confirmation picture is eligible, so no patch can be measured; add source pictures")
    scene = open_scene(run)
    patches = mark_read_as_target(patches, inputs.classifier, inputs.target)
    patches = [write_patch(inside, scene, patch) for patch in patches]
    if run.folder.is_done(TRIALS.name):  # the run may be older than the ledger, or stand in another folder now
        look_at_confirmation(run, own, run.get(CANDIDATES).patches, run.folder.name, AUDIT)
    name = f"{run.folder.name}/{FOLDER}/{inside.name}"
    looks = look_at_confirmation(run, pasting, patches, name, "patches that a person brought")
    settled = confirmed(bench, Making(scene, atlas), patches, looks.chosen_from)
    outcome = Outcome(
        chosen=tuple(patch.candidate.id for patch in patches),
        tried=len(patches),
        controls=steps(),
        rungs=(Rung("patches of a person's own", len(patches), len(patches), "all are measured"),),
        examples=draw_examples(inside, bench, settled, patches),
        looks=looks,
        repeat=repeated(bench, settled, patches),
    )
    files = inside.matching(("candidates/*", "pictures/origin-*"))
    inside.mark_done(CANDIDATES.name, {"files": files, **said_left_out(run, str(folder))})
    facts = keep_trials(inside, bench, outcome)
    inside.mark_done(TRIALS.name, {**facts, "files": inside.matching(TRIALS.needed)})
    reviews = read_reviews(inside, [patch.candidate for patch in patches])
    trials = Trials(outcome, tuple(settled))
    measured = Measured(run.get(IMAGES), run.get(CLEAN), (), trials, reviews, run.get(ACCURACY))
    result = assemble(run, measured, inside)
    inside.write_csv(TABLE, paper_table(result.findings, inputs.source.name, inputs.target.name))
    return rewrite_report(inside, result)


def paper_table(findings: Sequence[Finding], source: str, target: str) -> pa.Table:
    """One row a patch and placement, in the columns of the paper's published counts and our controls beside them.

    Percentages and probabilities are in percent, uplift in points.
    """
    rows = [
        {
            "source": source,
            "target": target,
            "patch": finding.candidate.name,
            "placement": str(finding.placement),
            "flipped": finding.flips,
            "correct_before": finding.eligible,
            "percent_flipped": round(100 * finding.rate, 1),
            "interval_low": round(100 * finding.interval.low, 1),
            "interval_high": round(100 * finding.interval.high, 1),
            "p_target_before": round(100 * finding.probability_before, 1),
            "p_target_after": round(100 * finding.probability_after, 1),
            "strongest_control": finding.control.name,
            "control_flipped": finding.control.flips,
            "uplift": round(100 * finding.uplift, 1),
            "uplift_low": round(100 * finding.uplift_interval.low, 1),
            "uplift_high": round(100 * finding.uplift_interval.high, 1),
            "verdict": str(finding.word),
            "hypotheses": finding.hypotheses,
        }
        for finding in sorted(findings, key=lambda one: (one.candidate.id, one.placement))
    ]
    return pa.Table.from_pylist(rows)
