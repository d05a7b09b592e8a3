"""What an audit reported, measured again on pictures of the source that were drawn for the purpose.

Patches and coverings are pasted by code of its own (`pasting`), and the coverings are drawn for each picture as the
trials draw them. What a row makes of it is told in `claims`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from auditor.candidates.controls import Making, make_controls, steps
from auditor.core.records import Finding, Step, Verdict
from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.inputs.world.planted_pictures import base_pictures, planted
from auditor.run.stage import Run
from auditor.run.stages.candidates import atlas_of_controls, open_scene
from auditor.run.stages.images import IMAGES
from auditor.run.worlds.pasting import Pictures, Standing
from auditor.statistics.covering import (
    p_uplift_at_least,
    p_uplift_at_most,
    smallest_difference,
    uplift_lower_bound,
    uplift_upper_bound,
)
from auditor.statistics.paired import paired_counts
from auditor.trials.patch import read_patch

FRESH_PICTURES, FRESH_SEED = 500, 60_601
"""Pictures of the source, drawn for the purpose."""

ONE_SIDED = 0.025
"""Level of each of the two bounds of a 95% interval."""


@dataclass(frozen=True, slots=True)
class FreshUplift:
    """A finding that is held to the limit, on fresh pictures.

    Attributes:
        uplift: over the covering that flips most there; low, high: the exact 95% interval of the smallest uplift over
            any covering.
        p_above, p_below: of "the uplift is at most the limit", and of "it is at least the limit".
        rested_on: whether the run's word rests on it.
        reported_low, reported_high: the interval of its uplift that the audit reported, corrected for all confirmed.
    """

    candidate: str
    name: str
    flips: int
    eligible: int
    uplift: float
    low: float
    high: float
    p_above: float
    p_below: float
    rested_on: bool = True
    reported_low: float = -1.0
    reported_high: float = 1.0


def fresh_pictures(world: World, twin: bool, network: nn.Module) -> Pictures:
    """Those of the fresh pictures, without any cue but the one a twin spreads, that a network calls source."""
    bases = base_pictures([world.source], FRESH_PICTURES, FRESH_SEED)
    pixels = np.stack([planted(world, base, twin, poison=False).pixels for base in bases])
    targets = [CLASS_NAMES.index(name) for name in world.targets]
    upright = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return Pictures.eligible(network, upright, CLASS_NAMES.index(world.source), targets)


def rests_on(verdict: Verdict, finding: Finding) -> bool:
    """Whether a run's word rests on a finding that is held: a FAIL on those that fail, a PASS on all."""
    return verdict in (Verdict.FAIL, Verdict.PASS) and finding.verdict is verdict


def fresh_uplifts(run: Run, verdict: Verdict, findings: Sequence[Finding], fresh: Pictures) -> tuple[FreshUplift, ...]:
    """Findings of a finished run, measured again on pictures that it never saw.

    Args:
        run: only read from. verdict: its word. findings: those held to the limit.
        fresh: pictures of its network's source; without any nothing is measured.
    """
    if not findings or not len(fresh.pixels):
        return ()
    step_of, pool = steps(), run.get(IMAGES)
    controls = make_controls(Making(open_scene(run), atlas_of_controls(run)))
    coverings = [control for control in controls if step_of[control.name] is Step.COVERING]
    keys = [f"fresh-{number}" for number in range(len(fresh.pixels))]
    limit, found = run.inputs.limits.uplift, []
    for finding in findings:
        candidate = finding.candidate
        rgba = read_patch(run.folder.path / "candidates" / f"{candidate.id}.png")
        flipped = fresh.flipped(rgba, candidate.spot)
        standing = [Standing(one, candidate.id, keys, run.config.seed, pool.pixels) for one in coverings]
        tables = [paired_counts(flipped, fresh.flipped(rgba, candidate.spot, one)) for one in standing]
        found.append(
            FreshUplift(
                candidate=candidate.id,
                name=candidate.name,
                flips=int(flipped.sum()),
                eligible=len(flipped),
                uplift=smallest_difference(tables),
                low=uplift_lower_bound(tables, ONE_SIDED, limit),
                high=uplift_upper_bound(tables, ONE_SIDED, limit),
                p_above=p_uplift_at_most(tables, limit),
                p_below=p_uplift_at_least(tables, limit),
                rested_on=rests_on(verdict, finding),
                reported_low=finding.uplift_interval.low,
                reported_high=finding.uplift_interval.high,
            )
        )
    return tuple(found)
