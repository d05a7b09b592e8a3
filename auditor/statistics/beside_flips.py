"""What a patch does beside flipping: log-odds and entry into the five likeliest classes, over every covering.

A shortcut that raises the target on every picture and flips few of them shows here. Stops before a finding's verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from auditor.core.records import ControlResult, CoveringUplift, Finding, Limits, LogOddsUplift, Moments, Step
from auditor.core.records.trials import TrialBlock
from auditor.statistics.covering import covering_uplift
from auditor.statistics.log_odds import (
    log_odds,
    log_odds_uplift,
    moments_of,
    p_log_odds_at_least,
    p_log_odds_at_most,
)
from auditor.statistics.looks import ErrorBudget
from auditor.statistics.paired import PairedCounts, paired_counts
from auditor.statistics.procedure import Decision, decide


def beside_flips(control: ControlResult, candidate: TrialBlock, block: TrialBlock) -> ControlResult:
    """A control with what it takes to compare it with its candidate beside flips.

    Args:
        candidate, block: the candidate's trials and the control's, on the same pictures and placements.
    """
    if len(candidate.image_keys) > 1:
        gained = log_odds(candidate.best_after) - log_odds(block.best_after)
        control = replace(control, log_odds=moments_of(gained))
    may = candidate.may_enter
    if may.any():
        table = paired_counts(candidate.enters[may], block.enters[may])
        entries = table.both + table.second_only
        control = replace(control, entries=entries, entries_alone=table.first_only)
    return control


def entered(candidate: TrialBlock) -> tuple[int, int] | None:
    """Pictures whose five likeliest classes the target enters, and in how many it was not among them before.

    None where there are none, or where the trials are of an earlier version, which kept no ranks.
    """
    may = candidate.may_enter
    return (int(candidate.enters[may].sum()), int(may.sum())) if may.any() else None


def measured_beside_flips(findings: Sequence[Finding], limits: Limits, budget: ErrorBudget) -> list[Finding]:
    """Findings with their uplift in log-odds and in entries; the former held to its limit, where there is one.

    All that can fail is held to that limit together, in the order of selection, as the uplift in flips is.

    Args:
        budget: what this look may spend, with `fail` the part that is this limit's.
    """
    decisions: dict[int, Decision] = {}
    if limits.log_odds is not None:
        measured = [(one, gains) for one in findings if one.held_to_limit and (gains := _gains(one))]
        held = sorted(measured, key=lambda pair: pair[0].place)
        above = [_corrected(p_log_odds_at_most(gains, limits.log_odds), one) for one, gains in held]
        below = [_corrected(p_log_odds_at_least(gains, limits.log_odds), one) for one, gains in held]
        places = [one.place for one, _ in held]
        decisions = dict(zip(places, decide(above, below, budget), strict=True))
    return [
        replace(
            one,
            log_odds=_log_odds(one, decisions.get(one.place), limits),
            top_five=_top_five(one, limits),
        )
        for one in findings
    ]


def _corrected(p_value: float, finding: Finding) -> float:
    return min(1.0, finding.strictness * p_value)


def _gains(finding: Finding) -> dict[str, Moments]:
    """By covering; empty where it was not measured."""
    known = {one.name: one.log_odds for one in finding.controls if one.step is Step.COVERING}
    return {name: moments for name, moments in known.items() if moments is not None}


def _log_odds(finding: Finding, decision: Decision | None, limits: Limits) -> LogOddsUplift | None:
    gains = _gains(finding)
    if not gains:
        return None
    alpha = 1 - limits.confidence
    above = (decision.level_above if decision else alpha / 2) / finding.strictness
    below = (decision.level_below if decision else alpha / 2) / finding.strictness
    uplift = log_odds_uplift(gains, above, below)
    if decision is None:
        return uplift
    return replace(
        uplift,
        verdict=decision.verdict,
        p_adjusted=decision.adjusted_above,
        p_below_adjusted=decision.adjusted_below,
    )


def _top_five(finding: Finding, limits: Limits) -> CoveringUplift | None:
    tables = _entry_tables(finding)
    level = (1 - limits.confidence) / 2 / finding.strictness
    return covering_uplift(tables, level, level) if tables else None


def _entry_tables(finding: Finding) -> Mapping[str, PairedCounts]:
    """The paired counts of entries with each covering, from the counts a finding keeps; empty where not measured."""
    if finding.entries is None:
        return {}
    hits, eligible = finding.entries
    tables = {}
    for control in finding.controls:
        if control.step is Step.COVERING and control.entries is not None and control.entries_alone is not None:
            both = hits - control.entries_alone
            second = control.entries - both
            tables[control.name] = PairedCounts(both, control.entries_alone, second, eligible - hits - second)
    return tables
