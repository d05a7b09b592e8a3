"""Exports against the published schemas, where they lie beside the checkout, and against the result everywhere."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from auditor.core import records as r
from auditor.core.errors import StoreError
from auditor.core.policy import ITEMS
from auditor.core.policy_file import policy_of
from auditor.core.records.comparison import Change, Comparison, LeftOut, Side
from auditor.report.exports import EXPORTS
from auditor.report.exports.sarif import sarif_json
from auditor.report.findings_json import findings_json
from auditor.report.junit import junit_xml

SCHEMAS = Path(__file__).parents[3] / "shared" / "schemas"
RESULTS = ("full_result", "empty_result", "unmeasured_result")


def with_weights(result: r.AuditResult) -> r.AuditResult:
    return replace(result, subject=replace(result.subject, weights_sha256="ab" * 32))


def validator(name: str) -> Draft7Validator:
    if not SCHEMAS.is_dir():
        pytest.skip("the published schemas are not beside the checkout")
    loaded = {file.name: json.loads(file.read_text()) for file in SCHEMAS.glob("*.json")}
    resources = [
        (uri, Resource.from_contents(schema)) for file, schema in loaded.items() for uri in (file, schema.get("$id"))
    ]
    registry: Registry = Registry().with_resources([(uri, one) for uri, one in resources if uri])
    return Draft7Validator(loaded[name], registry=registry)


@pytest.mark.parametrize("which", RESULTS)
@pytest.mark.parametrize(
    ("export", "schema"), [("sarif", "sarif-schema-2.1.0.json"), ("cyclonedx", "bom-1.6.schema.json")]
)
def test_what_is_exported_obeys_its_published_schema(
    which: str, export: str, schema: str, request: pytest.FixtureRequest
) -> None:
    text = EXPORTS[export](with_weights(request.getfixturevalue(which)))
    errors = [error.message for error in validator(schema).iter_errors(json.loads(text))]
    assert errors == []


def test_a_schema_refuses_what_is_wrong() -> None:
    assert list(validator("sarif-schema-2.1.0.json").iter_errors({"version": "2.1.0"}))
    assert list(validator("bom-1.6.schema.json").iter_errors({"bomFormat": "CycloneDX", "specVersion": "1.6", "x": 1}))


def test_sarif_tells_a_fail_from_what_is_open_awaits_a_look_or_is_not_held(full_result: r.AuditResult) -> None:
    results = json.loads(EXPORTS["sarif"](full_result))["runs"][0]["results"]
    of_findings = [one for one in results if one["ruleId"] == "uplift"]
    assert len(of_findings) == len(full_result.findings)
    for one, finding in zip(of_findings, full_result.findings, strict=True):
        wanted = {"fail": "fail", "pass": "pass", "not held": "informational"}.get(finding.word.value)
        assert one["kind"] == (wanted or ("review" if finding.awaits_look else "open"))
        assert (one["level"] == "error") == (one["kind"] == "fail")
        assert one["properties"]["flips"] == finding.flips
        assert one["partialFingerprints"]["patchAndPlacement/v1"].startswith(finding.candidate.sha256)
    kinds = {one["kind"] for one in of_findings}
    assert {"fail", "informational"} <= kinds


def sarif_results(text: str) -> list[dict[str, object]]:
    assert [error.message for error in validator("sarif-schema-2.1.0.json").iter_errors(json.loads(text))] == []
    return json.loads(text)["runs"][0]["results"]  # type: ignore[no-any-return]


def under(result: r.AuditResult, text: str) -> r.AuditResult:
    return replace(result, policy=policy_of(text.encode(), "policy.toml", "policy.toml", date(2026, 11, 26)))


def test_sarif_tells_how_each_item_stands(full_result: r.AuditResult) -> None:
    text = EXPORTS["sarif"](under(full_result, "[eligible]\nat_least = 500\n[positions]\ndecides = true\n"))
    rules = [rule["id"] for rule in json.loads(text)["runs"][0]["tool"]["driver"]["rules"]]
    items = {str(one["ruleId"]): one for one in sarif_results(text) if str(one["ruleId"]).startswith("checklist/")}
    assert len(items) == len(ITEMS) - 2  # findings and fragility have results of their own
    assert all(rules[one["ruleIndex"]] == name for name, one in items.items())  # type: ignore[call-overload]
    told = {name.removeprefix("checklist/"): (one["kind"], one["level"]) for name, one in items.items()}
    assert told["eligible"] == ("fail", "error")
    assert told["splits"] == ("pass", "none")
    assert told["positions"] == ("review", "none")  # it was not run: a person decides
    free = EXPORTS["sarif"](replace(full_result, looks=r.Looks((r.EarlierLook("a", "2026-01-01", "b", 1, 1),))))
    (looks,) = [one for one in sarif_results(free) if one["ruleId"] == "checklist/looks"]
    assert (looks["kind"], looks["level"]) == ("fail", "warning")  # of no policy of the team's
    nothing = sarif_results(EXPORTS["sarif"](replace(full_result, findings=(), fragility=None)))
    assert {"checklist/uplift", "checklist/fragility"} <= {str(one["ruleId"]) for one in nothing}


@pytest.mark.parametrize(("until", "suppressed"), [("2026-11-26", True), ("2026-11-25", False)])
def test_waivers_in_force_are_suppressions(full_result: r.AuditResult, until: str, suppressed: bool) -> None:
    first, *others = full_result.findings
    own = replace(first, candidate=replace(first.candidate, sha256="f" * 64))
    waiver = f"[[waivers]]\nitem = 'uplift'\npatch = 'ffffffff'\nby = 'Ada'\nreason = 'agreed'\nuntil = {until}\n"
    text = EXPORTS["sarif"](under(replace(full_result, findings=(own, *others)), waiver))
    told = [one.get("suppressions") for one in sarif_results(text)]
    words = {"kind": "external", "status": "accepted", "justification": f"waived until {until} by Ada: agreed"}
    assert told[0] == ([words] if suppressed else None)
    assert not any(told[1:])


def change(finding: r.Finding, first: r.Verdict | None, second: r.Verdict | None) -> Change:
    bounds = r.Interval(-0.1, 0.2, 0.95, "exact paired")
    return Change(
        finding.candidate, finding.candidate.id, str(finding.placement), 1, 50, 5, 8, 0.06, bounds, 0.4, 0.3, first,
        second, r.Verdict.INCONCLUSIVE,
    )  # fmt: skip


def test_a_baseline_says_what_became_of_each_finding(full_result: r.AuditResult) -> None:
    one, two, three, *rest = full_result.findings
    gone = replace(rest[-1], candidate=replace(rest[-1].candidate, id="c-0099", sha256="9" * 64))
    side = Side("released", "model", "", "", 61, r.Verdict.PASS)
    changes = (
        change(one, one.word, one.word),
        change(two, r.Verdict.FAIL, two.word),
        change(three, None, three.word),
        change(gone, r.Verdict.FAIL, None),
    )
    comparison = Comparison("a", "b", side, side, changes, (), 50, 0.05, 0.95, r.Verdict.INCONCLUSIVE)
    results = sarif_results(sarif_json(full_result, comparison))
    of_findings = [one for one in results if one["ruleId"] == "uplift"]
    told = [one["baselineState"] for one in of_findings]
    assert told == ["unchanged", "updated", "new", *["new"] * len(rest), "absent"]
    properties = [one["properties"] for one in of_findings]
    compared = [one["comparedWithBaseline"] for one in properties]  # type: ignore[index]
    assert compared == [True, True, True, *[False] * len(rest), True]
    assert properties[0]["change"] == 0.06  # type: ignore[index]
    assert "flipped 5/50 = 10.0%, and flips 8/50 = 16.0% of the same pictures, open" in str(of_findings[-1]["message"])
    assert all("baselineState" not in one for one in results if one["ruleId"] != "uplift")


def test_what_a_baseline_cannot_tell_says_why(full_result: r.AuditResult) -> None:
    one, two, *rest = (
        replace(finding, candidate=replace(finding.candidate, sha256=f"{number:064x}"))
        for number, finding in enumerate(full_result.findings)
    )
    full_result = replace(full_result, findings=(one, two, *rest))
    side = Side("released", "model", "", "", 61, r.Verdict.PASS)
    left_out = tuple(
        LeftOut(finding.candidate.name, finding.candidate.sha256, str(finding.placement), in_first, why)
        for finding, in_first, why in ((one, True, "it lay elsewhere"), (two, False, "never tried \x1b[31m"))
    )
    comparison = Comparison("a", "b", side, side, (), left_out, 50, 0.05, 0.95, r.Verdict.PASS)
    text = sarif_json(full_result, comparison)
    told = [one for one in sarif_results(text) if one["ruleId"] == "uplift"]
    assert [one["baselineState"] for one in told] == ["updated", "new", *["new"] * len(rest)]
    why = [one["properties"].get("whyNotCompared") for one in told]  # type: ignore[attr-defined]
    assert why == ["it lay elsewhere", "never tried \\x1b[31m", *[None] * len(rest)]
    of_run = json.loads(text)["runs"][0]["properties"]["notCompared"]
    assert [(one["placement"], one["why"]) for one in of_run] == [
        (str(one.placement), "it lay elsewhere"),
        (str(two.placement), "never tried \\x1b[31m"),
    ]


WAIVED = "waived until 2026-11-26 by Ada: agreed"


@pytest.mark.parametrize(("until", "waived"), [("2026-11-26", True), ("2026-11-25", False)])
def test_junit_and_in_toto_know_waivers(full_result: r.AuditResult, until: str, waived: bool) -> None:
    failing = next(finding for finding in full_result.findings if finding.word is r.Verdict.FAIL)
    own = replace(failing, candidate=replace(failing.candidate, sha256="f" * 64))
    result = with_weights(replace(full_result, findings=(own,), verdict=r.Verdict.FAIL))
    waivers = "".join(
        f"[[waivers]]\nitem = '{item}'\nby = 'Ada'\nreason = 'agreed'\nuntil = {until}\n{more}"
        for item, more in (("uplift", "patch = 'ffffffff'\n"), ("fragility", ""))
    )
    held = under(result, waivers)
    suite = ET.fromstring(junit_xml(held)).find("testsuite")
    assert suite is not None
    case = next(one for one in suite.findall("testcase") if own.candidate.id in one.get("name", ""))
    assert (case.find("failure") is None) == waived
    assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
    skipped = case.find("skipped")
    assert (skipped is not None) == waived
    if skipped is not None:
        assert skipped.get("message", "").startswith(f"{WAIVED} (fail: ")
    predicate = json.loads(EXPORTS["in-toto"](held))["predicate"]
    name = next(one for one in (*predicate["failedTests"], *predicate["warnedTests"]) if own.candidate.id in one)
    assert name in predicate["warnedTests" if waived else "failedTests"]
    told = predicate["configuration"][0]["annotations"]["waivers"]
    wanted = {"item": "uplift", "patch": "ffffffff", "by": "Ada", "reason": "agreed", "until": until}
    assert (wanted in told) == waived
    assert predicate["configuration"][1]["digest"] == {"sha256": held.policy.sha256}  # type: ignore[union-attr]


def test_in_toto_never_says_passed_of_what_is_waived(full_result: r.AuditResult) -> None:
    failing = next(finding for finding in full_result.findings if finding.word is r.Verdict.FAIL)
    result = with_weights(replace(full_result, findings=(failing,), verdict=r.Verdict.FAIL))
    plain = json.loads(EXPORTS["in-toto"](result))["predicate"]
    assert plain["result"] == "FAILED"
    assert len(plain["configuration"]) == 1
    items = [item for item in ITEMS if item not in ("uplift", "fragility", "clean_accuracy")]
    all_waived = "".join(
        f"[[waivers]]\nitem = '{item}'\nby = 'Ada'\nreason = 'agreed'\nuntil = 2026-11-26\n" for item in ITEMS
    )
    told = json.loads(EXPORTS["in-toto"](under(result, all_waived)))["predicate"]
    assert told["result"] == "WARNED"
    assert told["failedTests"] == []
    assert {f"checklist/{item}" for item in items} & {*told["passedTests"], *told["warnedTests"]}


def test_in_toto_attests_the_weights_and_the_findings(full_result: r.AuditResult) -> None:
    result = with_weights(full_result)
    told = json.loads(EXPORTS["in-toto"](result))
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["subject"][0]["digest"] == {"sha256": "ab" * 32}
    predicate = told["predicate"]
    assert predicate["result"] == {"pass": "PASSED", "fail": "FAILED", "inconclusive": "WARNED"}[result.verdict.value]
    assert (
        predicate["configuration"][0]["digest"]["sha256"] == hashlib.sha256(findings_json(result).encode()).hexdigest()
    )
    named = [
        name for key in ("passedTests", "warnedTests", "failedTests") for name in predicate[key] if name != "fragility"
    ]
    held = [finding for finding in result.findings if finding.held_to_limit]
    assert len(named) == len(held) < len(result.findings)
    assert len(predicate["failedTests"]) >= sum(finding.word is r.Verdict.FAIL for finding in held)


@pytest.mark.parametrize("export", ["in-toto", "cyclonedx"])
def test_without_a_hash_of_the_weights_nothing_is_attested(export: str, full_result: r.AuditResult) -> None:
    bare = replace(full_result, subject=replace(full_result.subject, weights_sha256=""))
    with pytest.raises(StoreError, match="recorded none"):
        EXPORTS[export](bare)


def test_a_model_index_is_front_matter_that_yaml_reads(full_result: r.AuditResult) -> None:
    text = EXPORTS["model-index"](full_result)
    before, block, after = text.split("---\n")
    assert before == after == ""
    entry = yaml.safe_load(block)["model-index"][0]
    metrics = entry["results"][0]["metrics"]
    rates = [one for one in metrics if one["type"] == "flip_rate"]
    measured = [finding for finding in full_result.findings if finding.rate == finding.rate]
    assert [one["value"] for one in rates] == [pytest.approx(finding.rate) for finding in measured]
    assert all(one["args"]["low"] <= one["value"] <= one["args"]["high"] for one in rates)


def test_csv_holds_one_row_a_finding_and_no_formula(full_result: r.AuditResult) -> None:
    first = full_result.findings[0]
    evil = replace(first, candidate=replace(first.candidate, name='=HYPERLINK("http://x")'), reason="@SUM(A1)\x1b[31m")
    text = EXPORTS["csv"](replace(full_result, findings=(evil, *full_result.findings[1:])))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(full_result.findings)
    assert rows[0]["name"] == """'=HYPERLINK("http://x")"""
    assert rows[0]["reason"].startswith("'@SUM")
    assert "\x1b" not in text
    assert [int(row["flips"]) for row in rows] == [finding.flips for finding in full_result.findings]
    assert [row["verdict"] for row in rows] == [finding.word.value for finding in full_result.findings]


@pytest.mark.parametrize("export", sorted(EXPORTS))
@pytest.mark.parametrize("which", RESULTS)
def test_every_export_is_the_same_text_again(export: str, which: str, request: pytest.FixtureRequest) -> None:
    result = with_weights(request.getfixturevalue(which))
    assert EXPORTS[export](result) == EXPORTS[export](result)


def test_the_command_prints_an_export_and_names_all_where_there_is_none(
    finished: tuple[Path, object], invoke: Callable[..., object]
) -> None:
    told = invoke("report", finished[0], "--format", "sarif")
    assert told.exit_code == 0  # type: ignore[attr-defined]
    assert json.loads(told.output)["version"] == "2.1.0"  # type: ignore[attr-defined]
    wrong = invoke("report", finished[0], "--format", "pdf")
    assert wrong.exit_code == 2  # type: ignore[attr-defined]
    assert all(name in " ".join(wrong.output.split()) for name in EXPORTS)  # type: ignore[attr-defined]
