"""The run's word: findings, fragility, effects over whole pictures, what the model knows, whether its search helped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from auditor.core.records import (
    AuditResult,
    CleanAccuracy,
    Finding,
    Fragility,
    Limits,
    Origin,
    SuggestionValidity,
    Verdict,
    WholePictures,
)
from auditor.statistics.accuracy import with_doubts
from auditor.statistics.findings import run_verdict
from auditor.statistics.whole_pictures import with_whole_pictures


def conclude(
    findings: Sequence[Finding],
    fragility: Fragility | None,
    accuracy: CleanAccuracy | None,
    validity: SuggestionValidity | None,
    limits: Limits,
    whole: WholePictures | None = None,
) -> tuple[Verdict, str]:
    """The run's verdict and what stands behind it.

    Args:
        accuracy: None for a run of an earlier version, which did not measure it.
        validity: None where nothing was compared with chance.
        whole: None where effects over whole pictures were not measured.
    """
    verdict, reason = with_doubts(*with_whole_pictures(*run_verdict(findings, fragility), whole, limits), accuracy)
    searched = any(finding.candidate.origin is not Origin.USER for finding in findings)
    beaten = validity is not None and validity.headline.better_than_chance
    if limits.search and verdict is Verdict.PASS and searched and not beaten:
        return Verdict.INCONCLUSIVE, f"{reason}; the search is not shown to do better than chance (limits.search)"
    return verdict, reason


def concluded(result: AuditResult) -> AuditResult:
    """A result with the word that follows from what it holds, by today's rules: marks or rules may be others since."""
    verdict, reason = conclude(
        result.findings, result.fragility, result.accuracy, result.suggestion_validity, result.limits, result.whole
    )
    return replace(result, verdict=verdict, verdict_reason=reason)
