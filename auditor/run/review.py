"""People's marks on a finished run's candidates. Loads no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from auditor.core.records import (
    Review,
)
from auditor.run.folder import RunFolder
from auditor.run.stages.old_results import (
    REVIEWS,
    Audit,
    StoredReview,
    _stored_reviews,
    finish,
    read_reviews,
    stored_result,
)
from auditor.statistics.findings import apply_reviews, run_verdict


def review_run(run: RunFolder, reviews: Sequence[Review]) -> Audit:
    """Add people's marks to a finished run and recompute its verdicts; the numbers stay as they are."""
    result = stored_result(run)
    candidates = {finding.candidate.id: finding.candidate for finding in result.findings}
    given = {
        (one.candidate, candidates[one.candidate].sha256): StoredReview(
            one.candidate, one.mark, one.reviewer, one.why, candidates[one.candidate].sha256
        )
        for one in reviews
    }
    if given:
        kept = {(one.candidate, one.sha256): one for one in _stored_reviews(run)} | given
        run.write_json(REVIEWS, [asdict(one) for one in kept.values()])
    findings = apply_reviews(result.findings, result.limits, read_reviews(run, candidates.values()))
    verdict, reason = run_verdict(findings, result.fragility)
    return finish(run, replace(result, findings=findings, verdict=verdict, verdict_reason=reason))
