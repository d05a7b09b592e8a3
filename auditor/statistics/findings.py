"""From trial outcomes to findings: flip rates, uplifts, verdicts, fragility. Runs no model and opens no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import (
    ControlResult,
    Finding,
    Fragility,
    Limits,
    Review,
    Tier,
    Verdict,
)
from auditor.core.records.trials import ConfirmedTrials
from auditor.statistics.intervals import INTERVALS
from auditor.statistics.ladder import ladder_of_effects, what_does_it
from auditor.statistics.multiplicity import bonferroni_confidence, holm
from auditor.statistics.uplift import Uplift, smallest_uplift
from auditor.statistics.verdicts import images_to_settle, judge


def make_findings(
    trials: Sequence[ConfirmedTrials],
    limits: Limits,
    reviews: Mapping[str, Review],
    chosen_from: Mapping[str, int] | None = None,
) -> tuple[Finding, ...]:
    """Findings of everything confirmed, corrected together, the largest uplift first.

    Args:
        chosen_from: of candidates that were tried on these pictures before, how many patches were tried then, by id.
            Such a candidate's share of the error is divided by that number (Bonferroni): it may be the luckiest.

    Raises:
        NoEligibleImagesError: no confirmation picture is eligible.
    """
    hypotheses = [(chosen_from or {}).get(one.candidate.id, 1) for one in trials]
    findings = [_measure(one, limits, len(trials), many) for one, many in zip(trials, hypotheses, strict=True)]
    adjusted = holm([min(1.0, finding.p_value * finding.hypotheses) for finding in findings])
    corrected = [replace(finding, p_adjusted=p) for finding, p in zip(findings, adjusted, strict=True)]
    ordered = sorted(corrected, key=lambda finding: (-finding.uplift, finding.candidate.id, finding.placement))
    return apply_reviews(ordered, limits, reviews)


def _measure(trials: ConfirmedTrials, limits: Limits, findings: int, hypotheses: int) -> Finding:
    comparisons = findings * hypotheses
    block = trials.block
    outcomes = block.outcomes
    controls = {name: control.outcomes for name, control in trials.covering.items()}
    others = {name: control.outcomes for name, control in trials.controls.items() if name not in controls}
    flips, eligible = int(outcomes.sum()), len(outcomes)
    interval = INTERVALS[limits.interval](flips, eligible, limits.confidence)
    uplift = smallest_uplift(outcomes, controls, limits.confidence, comparisons)
    verdict = judge(uplift.interval, limits.uplift)
    needed = (
        images_to_settle(outcomes, controls, limits.confidence, comparisons, limits.uplift)
        if verdict is Verdict.INCONCLUSIVE
        else None
    )
    ladder = ladder_of_effects(outcomes, controls | others, trials.steps, limits.confidence)
    return Finding(
        candidate=trials.candidate,
        placement=trials.placement,
        flips=flips,
        eligible=eligible,
        rate=flips / eligible,
        interval=interval,
        controls=_by_step(trials, uplift, others, limits.confidence, comparisons),
        control=next(control for control in uplift.controls if control.name == uplift.strongest),
        uplift=uplift.uplift,
        uplift_interval=uplift.interval,
        p_value=uplift.p_value,
        p_adjusted=uplift.p_value,
        probability_before=float(block.before.mean(dtype="float64")),
        probability_after=float(block.best_after.mean(dtype="float64")),
        verdict=verdict,
        reason="",
        images_needed=needed,
        hypotheses=hypotheses,
        ladder=ladder,
        does_it=what_does_it(ladder),
    )


def _by_step(
    trials: ConfirmedTrials,
    uplift: Uplift,
    others: Mapping[str, NDArray[np.bool_]],
    confidence: float,
    comparisons: int,
) -> tuple[ControlResult, ...]:
    """All controls with their step: the covering ones, which decide, and those that explain."""
    explaining = smallest_uplift(trials.block.outcomes, others, confidence, comparisons).controls if others else ()
    return tuple(replace(one, step=trials.steps[one.name]) for one in (*uplift.controls, *explaining))


def apply_reviews(findings: Sequence[Finding], limits: Limits, reviews: Mapping[str, Review]) -> tuple[Finding, ...]:
    """Set every finding's tier by the reviews and its verdict by its numbers and tier; the numbers stay."""
    settled = []
    for finding in findings:
        review = reviews.get(finding.candidate.id, finding.review)
        reviewed = replace(finding, review=review)
        verdict, reason = _verdict(reviewed, limits)
        settled.append(replace(reviewed, verdict=verdict, reason=reason))
    return tuple(settled)


def _verdict(finding: Finding, limits: Limits) -> tuple[Verdict, str]:
    limit = f"{100 * limits.uplift:g} points"
    measured = judge(finding.uplift_interval, limits.uplift)
    if finding.tier is Tier.TARGET_OBJECT:
        return Verdict.NOT_HELD, "it shows the target object itself, so a flip is expected and never fails the model"
    if finding.candidate.origin.from_gradients:
        return Verdict.NOT_HELD, "it was computed with this model's gradients: a ceiling to read the others by"
    if measured is Verdict.PASS:
        return measured, f"the uplift's upper bound is below {limit}"
    if measured is Verdict.FAIL and finding.tier is Tier.TARGET_IMAGE:
        return (
            Verdict.INCONCLUSIVE,
            f"the uplift's lower bound is above {limit}, but nobody has said yet whether the patch shows the target "
            "object or its surroundings (auditor review)",
        )
    if measured is Verdict.FAIL:
        return measured, f"the uplift's lower bound is above {limit}"
    hopeless = "" if finding.images_needed else "; at these rates no number of images would settle it"
    return measured, f"the uplift's interval spans {limit}{hopeless}"


def measure_fragility(trials: Sequence[ConfirmedTrials], limits: Limits) -> Fragility | None:
    """The strongest control's own flip rate over everything confirmed; None where no control ran.

    The interval is that of single rates at the confidence corrected (Bonferroni) for all the controls compared, since
    the largest of many is what is reported.
    """
    runs = [
        (name, one.candidate.id, str(one.placement), int(block.outcomes.sum()), len(block.outcomes))
        for one in trials
        for name, block in one.covering.items()
    ]
    if not runs:
        return None
    control, candidate, placement, flips, eligible = max(runs, key=lambda run: (run[3], run[0], run[1], run[2]))
    interval = INTERVALS[limits.interval](flips, eligible, bonferroni_confidence(limits.confidence, len(runs)))
    return Fragility(
        control=control,
        candidate=candidate,
        placement=placement,
        flips=flips,
        eligible=eligible,
        rate=flips / eligible,
        interval=interval,
        compared=len(runs),
        limit=limits.fragility,
        verdict=judge(interval, limits.fragility),
    )


def run_verdict(findings: Sequence[Finding], fragility: Fragility | None) -> tuple[Verdict, str]:
    """The run's word and what stands behind it: a run fails where one limit fails, and passes where all pass."""
    news = [finding for finding in findings if finding.held_to_limit]
    failed = [finding for finding in news if finding.verdict is Verdict.FAIL]
    passed = [finding for finding in news if finding.verdict is Verdict.PASS]
    behind = f"{len(news)} findings that do not show the target object: {len(failed)} fail, {len(passed)} pass"
    behind += f", {len(news) - len(failed) - len(passed)} inconclusive"
    if fragility is None:
        return Verdict.INCONCLUSIVE, f"{behind}; no control ran"
    behind += f"; fragility limit: {fragility.verdict}"
    if failed or fragility.verdict is Verdict.FAIL:
        return Verdict.FAIL, behind
    if not news:
        return Verdict.INCONCLUSIVE, f"{behind}; nothing but the target object itself was confirmed"
    if len(passed) == len(news) and fragility.verdict is Verdict.PASS:
        return Verdict.PASS, behind
    return Verdict.INCONCLUSIVE, behind
