"""The run's word: its findings and fragility, what the model knows, and whether its search beat chance."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.records import (
    CleanAccuracy,
    Finding,
    Fragility,
    Limits,
    Origin,
    SuggestionValidity,
    Verdict,
)
from auditor.statistics.accuracy import with_doubts
from auditor.statistics.findings import run_verdict


def conclude(
    findings: Sequence[Finding],
    fragility: Fragility | None,
    accuracy: CleanAccuracy | None,
    validity: SuggestionValidity | None,
    limits: Limits,
) -> tuple[Verdict, str]:
    """The run's verdict and what stands behind it.

    Args:
        accuracy: None for a run of an earlier version, which did not measure it.
        validity: None where nothing was compared with chance.
    """
    verdict, reason = with_doubts(*run_verdict(findings, fragility), accuracy)
    searched = any(finding.candidate.origin is not Origin.USER for finding in findings)
    beaten = validity is not None and validity.headline.better_than_chance
    if limits.search and verdict is Verdict.PASS and searched and not beaten:
        return Verdict.INCONCLUSIVE, f"{reason}; the search is not shown to do better than chance (limits.search)"
    return verdict, reason
