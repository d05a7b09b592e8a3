"""What a reader of a failed run can do now, where there is a command for it."""

from __future__ import annotations

from auditor.core.records import AuditResult, Origin, Verdict


def calls_for_counterexamples(result: AuditResult) -> bool:
    """Whether a candidate of the run's own search fails: then pictures to train on can be made of it."""
    return any(one.word is Verdict.FAIL and one.candidate.origin is not Origin.USER for one in result.findings)
