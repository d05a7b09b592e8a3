"""Which flips survive, in words."""

from __future__ import annotations

from dataclasses import replace

from auditor.core.records import AuditResult
from auditor.core.records.basics import Placement
from auditor.core.records.survival import Survival, Survived
from auditor.report.survival import survival_details, survival_line, survival_of_finding, survival_sentence
from auditor.statistics.intervals import wilson_interval


def survived(count: int, of: int = 68) -> Survived:
    return Survived(count, wilson_interval(count, of))


def survival(**facts: object) -> Survival:
    found = Survival("c-001", Placement.FIXED, 2, 85, 68, 68, survived(61), survived(66), survived(60))
    return replace(found, **facts)  # type: ignore[arg-type]


def test_the_page_of_numbers_has_it_right() -> None:
    """docs/numbers.md, 'Which flips survive'."""
    sentence = survival_sentence(survival())
    assert sentence == ("Of 68 flips, 61 survive a shift of 2 pixels, 66 a JPEG of quality 85, 60 (78.5–93.9%) both")
    assert survival_details(survival()).startswith("Survive the shift: 61 (80.2–94.9%); the JPEG: 66 (89.9–99.2%). ")


def test_flips_that_were_not_looked_at_are_told() -> None:
    told = survival_sentence(survival(flips=680, shift_px=1))
    assert told.startswith("Of 68 flips looked at again (680 in all), 61 survive a shift of 1 pixel, ")


def test_the_first_stands_in_a_line_and_each_beside_its_finding(full_result: AuditResult) -> None:
    assert survival_line(replace(full_result, survivals=())) is None
    first = full_result.findings[0]
    name = {"candidate": first.candidate.id, "placement": first.placement}
    one = survival(**name)
    result = replace(full_result, survivals=(one, survival(candidate="x")))
    assert survival_of_finding(result, first) is one
    assert survival_of_finding(replace(result, survivals=(survival(candidate="x"),)), first) is None
    line = survival_line(result) or ""
    assert line.startswith(f"{first.candidate.id} ({first.placement}): of 68 flips, 61 survive")
    assert line.endswith("both; 1 more finding in the report")
