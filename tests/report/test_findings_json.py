"""findings.json: its values, its stable bytes, and the schema that has to hold it and reject others."""

from __future__ import annotations

import copy
import dataclasses
import json
from enum import StrEnum

import jsonschema
import numpy as np
import pytest

from auditor.core.records import AuditResult, Origin, Placement, Tier, Verdict
from auditor.report.findings_json import findings_json, schema


def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


@pytest.mark.parametrize("kind", ["full_result", "empty_result", "unmeasured_result"])
def test_the_schema_holds_every_result(kind: str, request: pytest.FixtureRequest) -> None:
    document = json.loads(findings_json(request.getfixturevalue(kind)))
    assert [error.message for error in validator().iter_errors(document)] == []


@pytest.mark.parametrize(
    ("name", "words"), [("finding_verdict", Verdict), ("origin", Origin), ("tier", Tier), ("placement", Placement)]
)
def test_the_schema_knows_every_word(name: str, words: type[StrEnum]) -> None:
    assert schema()["$defs"][name]["enum"] == [str(word) for word in words]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("schema_version",), "1.0"),
        (("verdict",), "maybe"),
        (("limit",), 10),
        (("eligible",), -1),
        (("source",), "frying pan"),
        (("unknown",), 1),
        (("findings", 0, "tier"), "target"),
        (("findings", 0, "rate"), 1.5),
        (("findings", 0, "flips"), 2.5),
        (("findings", 0, "interval"), None),
        (("findings", 0, "interval", "method"), ""),
        (("findings", 0, "control", "extra"), 1),
        (("findings", 0, "provenance", "box"), [1, 2, 3]),
        (("findings", 0, "review"), {"mark": "unsure", "reviewer": "a", "why": "b"}),
        (("images", "used", "training"), {"used": 1, "source": 1, "eligible": 1}),
        (("survey", 0, "q_value"), "0.05"),
        (("fragility", "verdict"), None),
        (("subject", "weights_sha256"), "abc"),
    ],
)
def test_the_schema_rejects_a_wrong_value(
    full_result: AuditResult, place: tuple[str | int, ...], wrong: object
) -> None:
    document = json.loads(findings_json(full_result))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = wrong
    assert list(validator().iter_errors(document))


def test_the_schema_rejects_every_missing_key(full_result: AuditResult) -> None:
    document = json.loads(findings_json(full_result))
    known = validator()
    for key in document:
        lacking = {name: value for name, value in document.items() if name != key}
        assert [error.validator for error in known.iter_errors(lacking)] == ["required"], key
    for key in document["findings"][0]:
        lacking = copy.deepcopy(document)
        del lacking["findings"][0][key]
        assert list(known.iter_errors(lacking)), key


def test_keys_stand_in_the_order_of_the_schema(full_result: AuditResult) -> None:
    document, described = json.loads(findings_json(full_result)), schema()
    assert list(document) == list(described["properties"])
    assert list(document["findings"][0]) == list(described["$defs"]["finding"]["properties"])
    assert list(document["survey"][0]) == list(described["$defs"]["survey_row"]["properties"])


@pytest.mark.parametrize(
    ("name", "members"), [("finding_verdict", Verdict), ("origin", Origin), ("tier", Tier), ("placement", Placement)]
)
def test_the_schema_knows_every_name_that_a_record_may_hold(name: str, members: type[StrEnum]) -> None:
    assert schema()["$defs"][name]["enum"] == list(members)


def test_values_are_those_of_the_result(full_result: AuditResult) -> None:
    document = json.loads(findings_json(full_result))
    first = document["findings"][0]
    assert (document["verdict"], document["limit"], document["eligible"]) == ("fail", 0.1, 61)
    assert (document["hypotheses_tried"], document["hypotheses_confirmed"], document["seed"]) == (96, 7, 7)
    assert document["target"] == {"name": "wok", "classes": ["wok", "wok & lid"]}
    assert list(document["images"]["used"]) == ["discovery", "selection", "confirmation"]
    assert document["images"]["used"]["confirmation"] == {"used": 1204, "source": 75, "eligible": 61}
    assert document["images"]["skipped_by_reason"] == {"animated": 1, "truncated": 2}
    assert document["images"]["left_out"] == {"hidden <pictures>": 3, "no pictures by their names": 1204}
    assert first["candidate"] == "c-0001"
    assert first["name"] == 'noodles <script>alert("x")</script> | a & b'
    assert (first["flips"], first["eligible"], first["rate"]) == (23, 61, 0.3770491803)
    assert first["interval"] == {"low": 0.2662, "high": 0.5027, "confidence": 0.95, "method": "Wilson"}
    assert first["control"] == {"name": "random cell", "flips": 4, "eligible": 61}
    assert [control["flips"] for control in first["controls"]] == [1, 2, 2, 3, 0, 4]
    assert first["provenance"]["box"] == [12, 30, 140, 158]
    assert first["shows"] == [{"thing": "noodles", "share": 0.813}, {"thing": "table", "share": 0.112}]
    assert (first["uplift"], first["p_adjusted"], first["verdict"]) == (0.3115, 0.00016, "fail")
    assert document["findings"][2]["images_needed"] == 244
    assert document["findings"][6]["review"]["mark"] == "object"
    assert document["suggestion_validity"]["suggested"]["rate"] == 0.262295082
    assert document["suggestion_validity"]["observed_push"]["interval"]["low"] == -0.21
    assert [row["confirmed"] for row in document["survey"]] == [False] * 5 + [True] * 7
    assert document["fragility"]["flips"] == 5


def test_what_was_not_measured_is_null(unmeasured_result: AuditResult, empty_result: AuditResult) -> None:
    document = json.loads(findings_json(unmeasured_result))
    finding = document["findings"][0]
    assert {finding[key] for key in ("uplift", "p_value", "p_adjusted", "observed_push", "predicted_push")} == {None}
    assert finding["interval"] == {"low": None, "high": None, "confidence": 0.95, "method": "Wilson"}
    assert document["fragility"]["rate"] is None
    assert document["suggestion_validity"]["difference"] is None
    empty = json.loads(findings_json(empty_result))
    assert (empty["fragility"], empty["suggestion_validity"], empty["findings"]) == (None, None, [])
    assert (empty["eligible"], empty["images_needed"]) == (0, 120)


def test_bytes_do_not_hang_on_the_run_its_time_or_the_last_bits(full_result: AuditResult) -> None:
    text = findings_json(full_result)
    first = full_result.findings[0]
    shaken = dataclasses.replace(first, uplift=first.uplift * (1 + 1e-14), flips=np.int64(first.flips))
    other = dataclasses.replace(
        full_result,
        run="another",
        times={"atlas": 1.0},
        pictures={},
        cells=(),
        findings=(shaken, *full_result.findings[1:]),
        versions=dict(reversed(list(full_result.versions.items()))),
        splits=tuple(reversed(full_result.splits)),
    )
    assert findings_json(other) == text
    assert full_result.run not in text
    assert "somebody" not in text
    assert "/data/private" not in text
    assert text.encode("utf-8").endswith(b"}\n")
