"""Where pictures went, in the report: the rare together, names as text, nothing where nothing was counted."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema

from auditor.core.records import AuditResult
from auditor.core.records.destinations import UNCHANGED, Destination, Destinations
from auditor.report.destinations import WhereTo, where_to, where_words
from auditor.report.findings_json import findings_json, schema
from auditor.report.html import report_html


def with_destinations(result: AuditResult, to: tuple[Destination, ...]) -> AuditResult:
    one = result.findings[0]
    found = Destinations(one.candidate.id, str(one.placement), one.eligible, to)
    return replace(result, destinations=(found,))


def test_the_rare_stand_together(full_result: AuditResult) -> None:
    names = tuple(f"class {number}" for number in range(12))
    to = tuple(Destination(index, 20 - index, 1) for index in (UNCHANGED, *range(9)))
    result = with_destinations(replace(full_result, class_names=names), to)
    rows = where_to(result, result.findings[0])
    assert rows[0] == WhereTo("called as before", "unchanged", 21, 1)
    assert rows[-1] == WhereTo("other classes", "other", 15 + 14 + 13 + 12, 4)
    assert sum(row.patched for row in rows) == sum(one.patched for one in to)
    assert [row.kind for row in rows if row.name == f"class {result.target.indices[0]}"] in (["target"], [])
    assert where_words(rows[:2]) == "called as before 21, class 0 20"
    assert where_to(result, result.findings[1]) == ()


def test_the_page_tells_it_and_names_stay_text(full_result: AuditResult) -> None:
    assert "Where the pictures went" not in report_html(full_result)
    names = ("<b>pan</b>", *full_result.class_names[1:])
    to = (Destination(UNCHANGED, 40, 60), Destination(0, 21, 1))
    page = report_html(with_destinations(replace(full_result, class_names=names), to))
    assert "Where the pictures went: called as before 40, &lt;b&gt;pan&lt;/b&gt; 21" in page
    assert "<b>pan" not in page


def test_findings_json_tells_the_flipped_and_the_merely_disturbed(full_result: AuditResult) -> None:
    target = full_result.target.indices[0]
    first, second, *_ = (index for index in range(len(full_result.class_names)) if index != target)
    to = (
        Destination(target, 30, 2),
        Destination(UNCHANGED, 20, 50),
        Destination(first, 8, 9),
        Destination(second, 3, 0),
    )
    names = tuple("a\u202eb" if index == second else name for index, name in enumerate(full_result.class_names))
    document = json.loads(findings_json(with_destinations(replace(full_result, class_names=names), to)))
    told, *others = [finding["destinations"] for finding in document["findings"]]
    assert (told["disturbed"], told["disturbed_by_covering"]) == (11, 9)
    assert told["pictures"] == full_result.findings[0].eligible
    assert [(one["class"], one["kind"], one["patched"], one["covered"]) for one in told["to"]] == [
        (names[target], "target", 30, 2),
        (None, "unchanged", 20, 50),
        (names[first], "other", 8, 9),
        ("a\\u202eb", "other", 3, 0),
    ]
    assert others == [None] * (len(full_result.findings) - 1)
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(document)) == []
