"""A finding at a crop's own place says where and how large in every format; others say nothing of the kind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
from rich.console import Console

import auditor.report
from auditor.cli.console import findings_table
from auditor.core.records import AuditResult, Placement, Spot
from auditor.report import FORMATS, order, summary
from auditor.report.first_screen import telling
from auditor.run.tables import candidates_from_table, candidates_table, result_from_json, result_to_json

PLACE = "at the bottom right, 0.30 of the shorter side"


def at_its_own_place(result: AuditResult) -> AuditResult:
    """The most worrying finding, at the bottom right."""
    first, *others = order.by_concern(result)
    own = replace(first, placement=Placement.OWN, candidate=replace(first.candidate, spot=Spot(1.0, 0.75, 0.3)))
    return replace(result, findings=(own, *others))


def test_every_format_says_where(full_result: AuditResult) -> None:
    result = at_its_own_place(full_result)
    texts = {name: form.write(result) for name, form in FORMATS.items()}
    found = json.loads(texts["json"])["findings"]
    assert [one["spot"] for one in found] == [{"down": 1.0, "across": 0.75, "size": 0.3}] + [None] * (len(found) - 1)
    assert found[0]["placement"] == "own"
    schema = json.loads((Path(auditor.report.__file__).parent / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(texts["json"]))
    for name in ("html", "checklist", "junit"):
        assert PLACE in texts[name], name
        assert PLACE not in FORMATS[name].write(full_result), name
    assert f"Pasted where it lay in its own picture ({PLACE}), it makes the model call" in telling(result).does  # type: ignore[union-attr]
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(findings_table(result))
    assert f"own {PLACE}" in console.export_text()


def test_the_scope_counts_them(full_result: AuditResult) -> None:
    assert ", 1 of them where they lay in their own pictures, chosen from" in summary.scope_sentence(
        at_its_own_place(full_result)
    )
    assert "own pictures" not in summary.scope_sentence(full_result)


def test_a_spot_is_kept(full_result: AuditResult) -> None:
    result = at_its_own_place(full_result)
    candidates = tuple(one.candidate for one in result.findings)
    assert [one.spot for one in candidates_from_table(candidates_table(candidates))] == [one.spot for one in candidates]
    read = result_from_json(result_to_json(result), result.cells, result.pictures)
    assert [one.candidate.spot for one in read.findings] == [one.spot for one in candidates]
