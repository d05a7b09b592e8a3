"""A person's marks on `target_image` candidates, from flags, from a CSV or asked one by one. Stores nothing."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from auditor.errors import ConfigError, UnknownNameError
from auditor.records import AuditResult, Candidate, Review, ReviewMark, Tier
from auditor.report.summary import awaiting_review

MARKS = "object (it shows the target itself) or context (only what lies beside it)"


def marked_reviews(marks: Sequence[str], reviewer: str, why: str, result: AuditResult) -> list[Review]:
    """Reviews from `CANDIDATE=object|context` texts.

    Raises:
        ConfigError: a text has another form, or no reviewer is named.
        UnknownNameError: no such candidate among the findings.
    """
    if not reviewer.strip():
        raise ConfigError("say who looked: --by NAME; a review without a name is worth nothing")
    reviews = []
    for text in marks:
        candidate, equals, mark = text.partition("=")
        if not equals:
            raise ConfigError(f"--mark takes CANDIDATE=object or CANDIDATE=context, got {text!r}")
        reviews.append(_review(candidate.strip(), mark.strip(), reviewer, why, result))
    return reviews


def csv_reviews(path: Path, result: AuditResult) -> list[Review]:
    """Reviews from a CSV with the columns candidate, mark, reviewer and why.

    Raises:
        ConfigError: the file cannot be read, lacks a column, or names no reviewer.
        UnknownNameError: no such candidate among the findings.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the reviews in {path} cannot be read: {error}") from error
    for column in ("candidate", "mark", "reviewer", "why"):
        if not rows or column not in rows[0]:
            raise ConfigError(
                f"{path} needs rows with the columns candidate, mark, reviewer, why; {column!r} is missing"
            )
    for number, row in enumerate(rows, start=2):
        if not (row["reviewer"] or "").strip():
            raise ConfigError(f"{path} line {number}: say who looked; a review without a name is worth nothing")
    return [_review(row["candidate"], row["mark"], row["reviewer"], row["why"] or "", result) for row in rows]


def asked_reviews(result: AuditResult, folder: Path, reviewer: str, ask: Callable[[str], str]) -> list[Review]:
    """Ask for a mark on every candidate that awaits one; an empty `reviewer` is asked for first."""
    reviewer = reviewer or ask("who is looking?")
    reviews = []
    for candidate in (finding.candidate for finding in awaiting_review(result)):
        question = f"{describe(candidate, folder)}\nobject, context or skip?"
        answer = ask(question).strip().lower()
        while answer not in (*ReviewMark, "skip"):
            answer = ask(f"{answer!r} is none of {MARKS}, or skip; which?").strip().lower()
        if answer != "skip":
            reviews.append(Review(candidate.id, ReviewMark(answer), reviewer, ask("why, in a few words?")))
    return reviews


def describe(candidate: Candidate, folder: Path) -> str:
    """Where a person finds the patch and the photograph it was cut from."""
    return (
        f"\n{candidate.id}: {candidate.name}, box {candidate.box} of {candidate.image_path}\n"
        f"  patch:      {folder / 'candidates' / f'{candidate.id}.png'}\n"
        f"  photograph: {folder / 'pictures' / f'origin-{candidate.id}.png'} (the crop is marked)"
    )


def _review(candidate: str, mark: str, reviewer: str, why: str, result: AuditResult) -> Review:
    found = {finding.candidate.id: finding.candidate for finding in result.findings}
    if candidate not in found:
        raise UnknownNameError("candidate", candidate, found, "the findings of this run")
    if found[candidate].tier is not Tier.TARGET_IMAGE:
        raise ConfigError(
            f"candidate {candidate!r} is of tier {found[candidate].tier}; "
            "only target_image candidates need a person's look"
        )
    if mark not in list(ReviewMark):
        raise ConfigError(f"candidate {candidate!r}: a mark is {MARKS}, got {mark!r}")
    return Review(candidate, ReviewMark(mark), reviewer, why)
