"""What would settle an open verdict, as every format says it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core.records import AuditResult, SplitCount, Verdict
from auditor.core.records.basics import Split
from auditor.report.checklist import checklist_markdown
from auditor.report.html import report_html
from auditor.report.settling import to_settle, would_settle

ABOUT = (
    "the effect is about the limit of 10 points: even 10 times as many pictures would not tell on which side it lies"
)


@pytest.mark.parametrize(
    ("needed", "there", "told"),
    [
        (244, 61, "244 eligible pictures would settle it"),
        (610, 61, "610 eligible pictures would settle it"),
        (611, 61, ABOUT),
        (948_424, 61, ABOUT),
        (120, 3, "120 eligible pictures would settle it"),  # what is missing there is pictures
        (None, 61, None),
    ],
)
def test_ten_times_what_is_there_is_no_advice(
    full_result: AuditResult, needed: int | None, there: int, told: str | None
) -> None:
    (one,) = (finding for finding in full_result.findings if finding.candidate.id == "c-0003")
    changed = replace(one, images_needed=needed, eligible=there)
    assert would_settle(changed, full_result.limits) == told
    assert would_settle(replace(changed, verdict=Verdict.PASS), full_result.limits) is None


def test_no_format_asks_for_a_million_pictures(full_result: AuditResult) -> None:
    open_one = replace(full_result.findings[2], images_needed=948_424)
    result = replace(full_result, verdict=Verdict.INCONCLUSIVE, findings=(open_one,), images_needed=948_424)
    assert str(to_settle(result)).startswith(
        "More pictures will hardly do: an effect lies about the limit of 10 points"
    )
    for text in (report_html(result), checklist_markdown(result)):
        assert "948" not in text
        assert "about the limit" in text


def test_too_few_pictures_are_said_to_be_too_few(full_result: AuditResult) -> None:
    few = (SplitCount(Split.CONFIRMATION, 9, 5, 4),)
    told = to_settle(replace(full_result, splits=few, images_needed=97))
    assert told == "97 eligible pictures of frying pan would be needed on confirmation; there were 4."
