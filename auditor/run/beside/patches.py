"""Measuring patches that a person brings: no atlas is needed, and the table reads like the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from auditor.candidates.confirmation import confirm
from auditor.candidates.makers.brought import read_user_patches
from auditor.candidates.propose import mark_read_as_target
from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError
from auditor.core.progress import Progress
from auditor.core.records import (
    Finding,
    Placement,
    Rung,
    Split,
)
from auditor.run.audit import open_run
from auditor.run.folder import RunFolder, slug
from auditor.run.stages.examples import draw_examples
from auditor.run.stages.old_atlases import atlas_stage
from auditor.run.stages.old_results import Audit, assemble, finish
from auditor.run.stages.old_stages import clean_stage, images_stage, open_scene, write_patch
from auditor.trials.bench import Bench

FOLDER = "patch-trials"
TABLE = "table.csv"


def trial_patches(
    run: RunFolder, config: AuditConfig, folder: Path, placements: Sequence[Placement], progress: Progress
) -> Audit:
    """Measure every PNG of a folder on a run's confirmation pictures, with matched controls.

    The numbers go to `patch-trials/<folder's name>` inside the run folder, beside a `table.csv` in the columns of
    the paper's published counts. The run's own findings stay as they are. Where the run has an atlas, a crop of a
    random cell is among the controls.

    Raises:
        PatchError: the folder holds no patch that can be used.
        ImageError: no confirmation picture is eligible.
    """
    patches = read_user_patches(folder)
    config = config.model_copy(update={"trials": config.trials.model_copy(update={"placements": tuple(placements)})})
    setup = open_run(run, config, progress)
    pool = images_stage(run, setup)
    clean = clean_stage(run, setup, pool)
    atlas = atlas_stage(run, setup, pool) if run.is_done("atlas") else None
    inside = RunFolder.within(run, f"{FOLDER}/{slug(folder.resolve().name)}")
    scene = open_scene(setup, pool)
    bench = Bench(inside, setup, pool, clean)
    if not bench.eligible(Split.CONFIRMATION):
        raise ImageError("no confirmation picture is eligible, so no patch can be measured; add source pictures")
    patches = mark_read_as_target(patches, setup.classifier, setup.target)
    patches = [write_patch(inside, scene, patch) for patch in patches]
    confirmed = confirm(bench, scene, atlas, patches, placements)
    bench.keep_trials()
    rungs = (Rung("patches of a person's own", len(patches), len(patches), "all are measured"),)
    examples = draw_examples(inside, bench, confirmed, patches)
    result = assemble(inside, setup, pool, clean, rungs, (), len(patches), confirmed, examples=examples)
    inside.write_csv(TABLE, paper_table(result.findings, setup.source.name, setup.target.name))
    return finish(inside, result)


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
            "verdict": str(finding.verdict),
        }
        for finding in sorted(findings, key=lambda one: (one.candidate.id, one.placement))
    ]
    return pa.Table.from_pylist(rows)
