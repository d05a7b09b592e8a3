"""In which order a report tells things, and which of a candidate's findings stands for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from auditor.core.records import AuditResult, Example, Finding, Limits, Split, SplitCount, SurveyRow, Tier, Verdict

CONCERN = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2, Verdict.NOT_HELD: 3}
"""Verdicts by how much they worry: the lowest number most."""


def ordered_splits(result: AuditResult) -> tuple[SplitCount, ...]:
    """Discovery, selection, confirmation, whatever order they came in."""
    return tuple(sorted(result.splits, key=lambda split: list(Split).index(split.split)))


def awaiting_review(result: AuditResult) -> tuple[Finding, ...]:
    """Findings on crops that may show the target, and nobody has said whether they do, one a candidate."""
    return one_a_candidate(finding for finding in result.findings if finding.awaits_look)


def held_back(result: AuditResult) -> tuple[Finding, ...]:
    """What a person's look alone keeps from failing, one finding a candidate, the largest uplift first."""
    return one_a_candidate(one for one in by_concern(result) if is_held_back(one, result.limits))


def is_held_back(finding: Finding, limits: Limits) -> bool:
    """Whether a finding is above a limit, and would fail if somebody had looked and seen anything but the target."""
    if not finding.awaits_look or finding.word is not Verdict.INCONCLUSIVE:
        return False
    odds = finding.log_odds
    by_odds = limits.log_odds is not None and odds is not None and odds.verdict is Verdict.FAIL
    return finding.uplift_interval.low > limits.uplift or by_odds


def by_concern(result: AuditResult) -> tuple[Finding, ...]:
    """A result's findings, those of one candidate together, the candidate with the most worrying one first."""
    ordered = most_worrying(result.findings)
    rank = _rank(ordered)
    return tuple(sorted(ordered, key=lambda finding: rank[finding.candidate.id]))


def _rank(findings: Sequence[Finding]) -> dict[str, int]:
    """Of each candidate the place of its first finding."""
    return {finding.candidate.id: place for place, finding in reversed(list(enumerate(findings)))}


def most_worrying(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Fail, inconclusive, pass, what is not held to the limit; within each by uplift."""
    return tuple(sorted(findings, key=lambda finding: (CONCERN[finding.word], -_finite(finding.uplift))))


def one_a_candidate(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The first finding of each candidate, in the order given."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.candidate.id, finding)
    return tuple(first.values())


def examples_by_concern(result: AuditResult) -> tuple[Example, ...]:
    """The flipped pictures, those of the most worrying finding first, as reviews have left it."""
    rank = _rank(by_concern(result))
    return tuple(sorted(result.examples, key=lambda example: rank.get(example.candidate, len(rank))))


def best_of_tiers(result: AuditResult) -> tuple[Finding, ...]:
    """The finding with the largest uplift of every tier, the most worrying first."""
    best: dict[Tier, Finding] = {}
    for finding in by_concern(result):
        known = best.get(finding.tier)
        if known is None or _finite(finding.uplift) > _finite(known.uplift):
            best[finding.tier] = finding
    return tuple(finding for finding in by_concern(result) if best[finding.tier] is finding)


def survey_by_uplift(result: AuditResult) -> tuple[SurveyRow, ...]:
    """Survey rows, largest uplift first, those without one last."""
    return tuple(sorted(result.survey, key=lambda row: -_finite(row.uplift)))


def _finite(value: float) -> float:
    return value if math.isfinite(value) else -math.inf
