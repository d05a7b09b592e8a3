"""People's marks on a finished run's candidates: kept, read, and what they make of its verdicts. Loads no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from auditor.core.errors import StoreError
from auditor.core.records import AuditResult, Candidate, Checks, Review
from auditor.run.cell_names import checked_cell_names, keep_cell_names
from auditor.run.checks import check_files_agree
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder, json_file
from auditor.run.policy import keep_policy
from auditor.run.stages.report import begun_by, rewrite_report, stored_result
from auditor.run.upgrade import open_folder
from auditor.statistics.conclusion import concluded
from auditor.statistics.findings import apply_reviews

REVIEWS = "reviews.json"


@dataclass(frozen=True, slots=True)
class StoredReview(Review):
    """A review with the sha256 of the patch that was looked at: a mark says nothing of other pixels."""

    sha256: str


def read_reviews(folder: RunFolder, candidates: Iterable[Candidate]) -> dict[str, Review]:
    """The marks people made on these candidates, by candidate id; a mark on other pixels of that name is left out."""
    return _looked_at(_stored_reviews(folder), candidates)


def _looked_at(marks: Iterable[StoredReview], candidates: Iterable[Candidate]) -> dict[str, Review]:
    looked_at = {(one.candidate, one.sha256): one for one in marks}
    found = ((each.id, looked_at.get((each.id, each.sha256))) for each in candidates)
    return {
        identity: Review(one.candidate, one.mark, one.reviewer, one.why) for identity, one in found if one is not None
    }


def open_run(path: Path | str) -> Audit:
    """A finished audit from its folder, without its model or its pictures.

    Raises:
        StoreError: there is no run, or it is not finished.
    """
    folder = open_folder(Path(path))
    return Audit(reviewed_result(folder), folder.path)


def reviewed_result(folder: RunFolder) -> AuditResult:
    """A finished run's result under all marks that people made, also one whose report could not be written any more.

    Raises:
        StoreError: the run is not finished.
    """
    return _under_marks(folder, stored_result(folder))


def report_anew(folder: RunFolder, policy: bytes | None = None, cell_names: Path | None = None) -> Audit:
    """Write a finished run's reports anew, and look again whether its files agree with them.

    Args:
        policy: a policy's file (`run.policy.checked_policy`) that the run is held to from now on; None: as before.
        cell_names: a CSV of names for cells of the explorer, in the place of those it had; None: as before.
    Raises:
        ConfigError: names of cells that are none; nothing is changed.
    """
    with folder.alone():
        if cell_names is not None:
            keep_cell_names(folder, checked_cell_names(cell_names, stored_result(folder).explored))
        if policy is not None:
            keep_policy(folder, policy)
        result = reviewed_result(folder)
        begun, by = begun_by(folder)
        return rewrite_report(folder, replace(result, checks=checked_anew(folder, result), begun=begun, by=by))


def checked_anew(folder: RunFolder, result: AuditResult) -> Checks:
    """What a finished run's files are found to hold now; of a file that is not there, what was found before."""
    before = result.checks or Checks()
    now = check_files_agree(folder, result.findings, before.repeat)
    if now.pictures is None:
        now = replace(now, pictures=before.pictures, shared=before.shared)
    return now if now.counted is not None else replace(now, counted=before.counted, differing=before.differing)


def review_run(folder: RunFolder, reviews: Sequence[Review]) -> Audit:
    """Add people's marks to a finished run and recompute its verdicts; the numbers stay as they are."""
    with folder.alone():
        return _reviewed(folder, stored_result(folder), reviews)


def _reviewed(folder: RunFolder, result: AuditResult, reviews: Sequence[Review]) -> Audit:
    candidates = {finding.candidate.id: finding.candidate for finding in result.findings}
    given = {
        (one.candidate, candidates[one.candidate].sha256): StoredReview(
            one.candidate, one.mark, one.reviewer, one.why, candidates[one.candidate].sha256
        )
        for one in reviews
    }
    kept = {(one.candidate, one.sha256): one for one in _stored_reviews(folder)} | given
    marks = json_file([asdict(one) for one in kept.values()])
    looked_at = _looked_at(kept.values(), candidates.values())
    # marks and report at once: whoever is killed has both, or neither
    return rewrite_report(folder, _judged(result, looked_at), {REVIEWS: marks} if given else {})


def _under_marks(folder: RunFolder, result: AuditResult) -> AuditResult:
    marks = read_reviews(folder, [finding.candidate for finding in result.findings])
    known = {finding.candidate.id: finding.review for finding in result.findings}
    return result if all(known[identity] == mark for identity, mark in marks.items()) else _judged(result, marks)


def _judged(result: AuditResult, marks: Mapping[str, Review]) -> AuditResult:
    return concluded(replace(result, findings=apply_reviews(result.findings, result.limits, marks)))


def _stored_reviews(folder: RunFolder) -> tuple[StoredReview, ...]:
    if not folder.has(REVIEWS):
        return ()
    try:
        return TypeAdapter(tuple[StoredReview, ...]).validate_json(folder.read(REVIEWS))
    except ValidationError as error:
        raise StoreError(
            f"{folder.path / REVIEWS} is damaged, and nobody but its reviewers knows what it held; put back a copy, or "
            "take it away and mark anew"
        ) from error
