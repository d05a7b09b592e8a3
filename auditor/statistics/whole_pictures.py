"""From counts of effects over whole pictures to uplifts and bounds, and what they make of a run's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from auditor.core.records import (
    Limits,
    Verdict,
    WholeControl,
    WholeFinding,
    WholePictures,
    WholeTrial,
    WholeTrials,
)
from auditor.statistics.covering import p_uplift_at_least, p_uplift_at_most
from auditor.statistics.intervals import INTERVALS
from auditor.statistics.looks import ErrorBudget, error_budget
from auditor.statistics.paired import PairedCounts
from auditor.statistics.planning import images_that_settle
from auditor.statistics.procedure import decide, uplift_interval
from auditor.statistics.uplift import over_control
from auditor.statistics.verdicts import judge

_METHOD = "exact paired, over every control"


def whole_budget(limits: Limits) -> ErrorBudget:
    """What effects over whole pictures may spend: all of their own, or where they are held half of the run's."""
    budget = error_budget(limits.confidence)
    return replace(budget, fail=budget.fail / 2) if limits.whole_pictures else budget


def judge_whole_pictures(trials: WholeTrials, limits: Limits) -> WholePictures:
    """Numbers and words of all confirmed effects, corrected together, in the order in which selection chose them.

    The procedure is the findings' own (`statistics.procedure`), over this kind alone: the chance that any effect is
    said to be above the limit and is not stays below 1 − confidence. An effect that brings target pictures' pixels
    along has a place in the order as well.
    """
    tables = [[_table(trial, control) for control in trial.controls] for trial in trials.confirmed]
    above = [p_uplift_at_most(each, limits.uplift) for each in tables]
    below = [p_uplift_at_least(each, limits.uplift) for each in tables]
    budget = whole_budget(limits)
    findings = []
    for trial, each, decision in zip(trials.confirmed, tables, decide(above, below, budget), strict=True):
        controls = tuple(
            over_control(control.name, table, limits.confidence)
            for control, table in zip(trial.controls, each, strict=True)
        )
        bounds = replace(
            uplift_interval(each, decision.level_above, decision.level_below, limits.uplift), method=_METHOD
        )
        verdict = judge(bounds, limits.uplift)
        is_open = verdict is Verdict.INCONCLUSIVE
        findings.append(
            WholeFinding(
                trial=trial,
                rate=trial.flips / trial.eligible,
                interval=INTERVALS[limits.interval](trial.flips, trial.eligible, limits.confidence),
                controls=controls,
                control=(strongest := min(controls, key=lambda one: (one.uplift, one.name))),
                uplift=strongest.uplift,
                uplift_interval=bounds,
                p_value=decision.p_above,
                p_adjusted=decision.adjusted_above,
                p_below=decision.p_below,
                p_below_adjusted=decision.adjusted_below,
                verdict=verdict,
                images_needed=(
                    images_that_settle(each, decision.level_above, budget.passing, limits.uplift) if is_open else None
                ),
            )
        )
    held, may_heed, limit = limits.whole_pictures, limits.may_heed, limits.uplift
    return WholePictures(trials.tried, tuple(findings), trials.missing, held, may_heed, limit)


def _table(trial: WholeTrial, control: WholeControl) -> PairedCounts:
    both = trial.flips - control.alone
    second = control.flips - both
    return PairedCounts(both, control.alone, second, trial.eligible - trial.flips - second)


def with_whole_pictures(
    verdict: Verdict, reason: str, whole: WholePictures | None, limits: Limits
) -> tuple[Verdict, str]:
    """A run's word and what stands behind it, once effects over whole pictures are heard.

    One above the limit, or measured at or above it and not settled, keeps a run from passing, unless the model may heed
    its kind: a person has to look. Where they are held, one shown above fails the run, which passes where all that may
    fail are below, and something was measured.

    Args:
        whole: None where they were not measured, as by an earlier version.
    """
    if not limits.whole_pictures:
        if verdict is not Verdict.PASS or whole is None or not whole.in_the_way:
            return verdict, reason
        return Verdict.INCONCLUSIVE, f"{reason}; {_moved_by(whole.in_the_way, limits.uplift)}"
    held = whole.held_findings if whole is not None else ()
    if not held:
        why = whole.missing if whole is not None and whole.missing else "none that can fail was confirmed"
        word = Verdict.INCONCLUSIVE if verdict is Verdict.PASS else verdict
        return word, f"{reason}; whole-picture effects: {why}"
    words = [one.verdict for one in held]
    failed, passed = words.count(Verdict.FAIL), words.count(Verdict.PASS)
    told = f"{reason}; {len(held)} whole-picture effects: {failed} fail, {passed} pass, "
    told += f"{len(held) - failed - passed} inconclusive"
    if failed:
        return Verdict.FAIL, told
    if verdict is Verdict.PASS and passed < len(held):
        return Verdict.INCONCLUSIVE, told
    return verdict, told


def _moved_by(in_the_way: Sequence[WholeFinding], limit: float) -> str:
    """What moves the model by more than the limit, and what may."""
    shown = [one.effect.kind for one in in_the_way if one.verdict is Verdict.FAIL]
    may = [one for one in in_the_way if one.verdict is not Verdict.FAIL]
    unsettled = [one.effect.kind for one in may]
    told = []
    if shown:
        moves = "moves" if len(shown) == 1 else "move"
        told.append(f"{' and '.join(shown)} over whole pictures {moves} the model by more than the limit")
    if unsettled:
        were = "was" if len(unsettled) == 1 else "were"
        where = "above the limit" if all(one.uplift > limit for one in may) else "at the limit or above"
        told.append(f"{' and '.join(unsettled)} over whole pictures {were} measured {where} and not settled")
    return "; ".join(told)
