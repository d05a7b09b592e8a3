"""People's marks on a finished run's candidates: kept, read, and what they make of its verdicts. Loads no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from pydantic import TypeAdapter

from auditor.core.records import Candidate, Review
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.stages.report import rewrite_report, stored_result
from auditor.statistics.conclusion import conclude
from auditor.statistics.findings import apply_reviews

REVIEWS = "reviews.json"


@dataclass(frozen=True, slots=True)
class StoredReview(Review):
    """A review with the sha256 of the patch that was looked at: a mark says nothing of other pixels."""

    sha256: str


def read_reviews(folder: RunFolder, candidates: Iterable[Candidate]) -> dict[str, Review]:
    """The marks people made on these candidates, by candidate id; a mark on other pixels of that name is left out."""
    looked_at = {(one.candidate, one.sha256): one for one in _stored_reviews(folder)}
    found = ((each.id, looked_at.get((each.id, each.sha256))) for each in candidates)
    return {
        identity: Review(one.candidate, one.mark, one.reviewer, one.why) for identity, one in found if one is not None
    }


def review_run(folder: RunFolder, reviews: Sequence[Review]) -> Audit:
    """Add people's marks to a finished run and recompute its verdicts; the numbers stay as they are."""
    result = stored_result(folder)
    candidates = {finding.candidate.id: finding.candidate for finding in result.findings}
    given = {
        (one.candidate, candidates[one.candidate].sha256): StoredReview(
            one.candidate, one.mark, one.reviewer, one.why, candidates[one.candidate].sha256
        )
        for one in reviews
    }
    if given:
        kept = {(one.candidate, one.sha256): one for one in _stored_reviews(folder)} | given
        folder.write_json(REVIEWS, [asdict(one) for one in kept.values()])
    findings = apply_reviews(result.findings, result.limits, read_reviews(folder, candidates.values()))
    verdict, reason = conclude(findings, result.fragility, result.accuracy, result.suggestion_validity, result.limits)
    return rewrite_report(folder, replace(result, findings=findings, verdict=verdict, verdict_reason=reason))


def _stored_reviews(folder: RunFolder) -> tuple[StoredReview, ...]:
    if not folder.has(REVIEWS):
        return ()
    return TypeAdapter(tuple[StoredReview, ...]).validate_json(folder.read(REVIEWS))
