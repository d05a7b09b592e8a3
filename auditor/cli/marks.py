"""A person's marks on candidates, from flags, from a CSV, or asked for those that await a look. Stores none."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from auditor.atlas.drawings.canvas import png_bytes
from auditor.core.errors import ConfigError, UnknownNameError
from auditor.core.files import read_utf8
from auditor.core.plain_text import utf8
from auditor.core.records import AuditResult, Candidate, Review, ReviewMark
from auditor.report.order import awaiting_review
from auditor.run.folder import RunFolder

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
        rows = list(csv.DictReader(io.StringIO(read_utf8(path), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
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


def asked_reviews(result: AuditResult, run: RunFolder, reviewer: str, ask: Callable[[str], str]) -> Iterator[Review]:
    """Ask for a mark on every candidate that awaits one; an empty `reviewer` is asked for first."""
    reviewer = reviewer or ask("who is looking?")
    for candidate in (finding.candidate for finding in awaiting_review(result)):
        question = f"{describe(candidate, run)}\nobject, context or skip?"
        answer = ask(question).strip().lower()
        while answer not in (*ReviewMark, "skip"):
            answer = ask(f"{answer!r} is none of {MARKS}, or skip; which?").strip().lower()
        if answer != "skip":
            yield Review(candidate.id, ReviewMark(answer), utf8(reviewer), utf8(ask("why, in a few words?")))


def describe(candidate: Candidate, run: RunFolder) -> str:
    """What a person is to look at: a picture of the patch beside its photograph, drawn here, and each by itself."""
    patch, photograph = f"candidates/{candidate.id}.png", f"pictures/origin-{candidate.id}.png"
    both = f"asked/review-{candidate.id}.png"
    run.write(both, _side_by_side(run.read(patch), run.read(photograph)))
    return (
        f"\n{candidate.id}: {candidate.name}, box {candidate.box} of {candidate.image_path}\n"
        f"  look at:    {run.path / both} (the patch, and its photograph with the crop marked)\n"
        f"  patch:      {run.path / patch}\n"
        f"  photograph: {run.path / photograph}"
    )


def _side_by_side(patch: bytes, photograph: bytes) -> bytes:
    """A PNG of both on white, the patch enlarged to the photograph's height."""
    with Image.open(io.BytesIO(patch)) as left, Image.open(io.BytesIO(photograph)) as right:
        height = right.height
        shown = left.convert("RGBA").resize((max(1, round(left.width * height / left.height)), height))
        sheet = Image.new("RGB", (shown.width + height // 20 + right.width, height), "white")
        sheet.paste(shown, (0, 0), shown)
        sheet.paste(right.convert("RGB"), (sheet.width - right.width, 0))
    return png_bytes(sheet)


def _review(candidate: str, mark: str, reviewer: str, why: str, result: AuditResult) -> Review:
    found = {finding.candidate.id for finding in result.findings}
    if candidate not in found:
        raise UnknownNameError("candidate", candidate, found, "the findings of this run")
    if mark not in list(ReviewMark):
        raise ConfigError(f"candidate {candidate!r}: a mark is {MARKS}, got {mark!r}")
    return Review(candidate, ReviewMark(mark), utf8(reviewer), utf8(why))
