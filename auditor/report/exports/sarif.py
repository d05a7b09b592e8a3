"""The findings as SARIF 2.1.0 (OASIS), which code hosts and result viewers show. It returns the text.

What fails is of kind `fail`; what the pictures could not settle is `open`; what awaits a person's look is `review`;
what is read beside the limit and not held to it is `informational`. Items of the checklist are results too, waivers
are suppressions, and what became of a finding since another run is its `baselineState`.
"""

from __future__ import annotations

from auditor.core.records import AuditResult, Finding, Verdict
from auditor.core.records.comparison import Comparison
from auditor.report.exports.common import as_json, finding_name, model_name, pair
from auditor.report.exports.sarif_items import (
    Result,
    absent_results,
    baseline_state,
    change_properties,
    changes_by_finding,
    item_result,
    item_rule,
    left_out_of,
    not_compared,
    suppressions,
)
from auditor.report.gate import Item, checklist_of, waivers_of
from auditor.report.json_values import number_json
from auditor.report.numbers import percent
from auditor.report.summary import finding_sentence, fragility_sentence, limit_words, verdict_sentence
from auditor.report.text import plain
from auditor.report.words import GATES

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {Verdict.FAIL: "fail", Verdict.PASS: "pass", Verdict.INCONCLUSIVE: "open", Verdict.NOT_HELD: "informational"}
_UPLIFT, _FRAGILITY = "uplift", "fragility"


def sarif_json(result: AuditResult, comparison: Comparison | None = None) -> str:
    """One result a finding, one for fragility and one an item of the checklist, with counts and bounds as properties.

    Args:
        comparison: of an earlier run with this one; None: nothing is said of another run.
    """
    checklist = checklist_of(result)
    by_item = {item.id: item for item in checklist.items}
    findings = [_finding(result, finding, by_item[_UPLIFT]) for finding in result.findings]
    if comparison is not None:
        findings = _since(findings, result, comparison)
    fragility = _fragility(result, by_item[_FRAGILITY])
    told = {_UPLIFT: bool(findings), _FRAGILITY: bool(fragility)}
    items = [item for item in checklist.items if not told.get(item.id, False)]
    first, place = len(_rules(result)), _location("report.html")
    results = [
        *findings,
        *absent_results(comparison, _UPLIFT, place),
        *fragility,
        *(item_result(item, checklist, first + index, place) for index, item in enumerate(items)),
    ]
    run = {
        "tool": {
            "driver": {
                "name": "auditor",
                "version": result.versions.get("auditor", "0"),
                "rules": [*_rules(result), *map(item_rule, items)],
            }
        },
        "automationDetails": {"id": f"auditor/{pair(result)}/"},
        "results": results,
        "columnKind": "unicodeCodePoints",
        "properties": {
            "verdict": result.verdict.value,
            "sentence": plain(verdict_sentence(result)),
            "reason": plain(result.verdict_reason),
            "model": model_name(result),
            "weightsSha256": result.subject.weights_sha256,
            "seed": result.seed,
            "gate": GATES[checklist.gate],
            "policySha256": checklist.policy.sha256,
            "baseline": None if comparison is None else plain(comparison.first.run),
            "notCompared": [] if comparison is None else not_compared(comparison),
        },
    }
    return as_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rules(result: AuditResult) -> list[Result]:
    limit = limit_words(result.limits)
    uplift = f"A patch that is not the target flips more pictures than covering does, by more than {limit}"
    fragility = f"Covering a picture's corner flips it to the target in more than {percent(result.limits.fragility)}"
    return [
        {"id": identity, "shortDescription": {"text": plain(text)}, "defaultConfiguration": {"level": "error"}}
        for identity, text in ((_UPLIFT, uplift), (_FRAGILITY, fragility))
    ]


def _since(findings: list[Result], result: AuditResult, comparison: Comparison) -> list[Result]:
    """The findings' results with what became of each since the baseline."""
    changes = changes_by_finding(comparison)
    since = []
    for told, finding in zip(findings, result.findings, strict=True):
        change = changes.get((finding.candidate.id, str(finding.placement)))
        left_out = left_out_of(comparison, finding) if change is None else None
        properties = _with(told, change_properties(change, left_out))
        since.append({**told, "baselineState": baseline_state(change, left_out), "properties": properties})
    return since


def _with(told: Result, more: Result) -> Result:
    properties = told["properties"]
    return {**properties, **more} if isinstance(properties, dict) else more


def _finding(result: AuditResult, finding: Finding, item: Item) -> Result:
    candidate, word = finding.candidate, finding.word
    awaits = word is Verdict.INCONCLUSIVE and finding.awaits_look
    kind = "review" if awaits else _KINDS[word]
    text = f"{finding_name(finding)}: {finding_sentence(finding, result.limits.uplift)}. {finding.reason}"
    return {
        "ruleId": _UPLIFT,
        "ruleIndex": 0,
        "kind": kind,
        "level": "error" if kind == "fail" else "none",
        "message": {"text": plain(text)},
        "locations": [_location(f"candidates/{candidate.id}.png")],
        "partialFingerprints": {"patchAndPlacement/v1": f"{candidate.sha256}:{finding.placement.value}"},
        **suppressions(waivers_of(finding, item)),
        "properties": {
            "tier": finding.tier.value,
            "flips": finding.flips,
            "eligible": finding.eligible,
            "control": finding.control.name,
            "controlFlips": finding.control.flips,
            "uplift": number_json(finding.uplift),
            "upliftLow": number_json(finding.uplift_interval.low),
            "upliftHigh": number_json(finding.uplift_interval.high),
            "confidence": number_json(finding.uplift_interval.confidence),
            "pAdjusted": number_json(finding.p_adjusted),
        },
    }


def _fragility(result: AuditResult, item: Item) -> list[Result]:
    measured = result.fragility
    if measured is None:
        return []
    failed = measured.verdict is Verdict.FAIL
    return [
        {
            "ruleId": _FRAGILITY,
            "ruleIndex": 1,
            "kind": _KINDS[measured.verdict],
            "level": "error" if failed else "none",
            "message": {"text": plain(fragility_sentence(measured))},
            "locations": [_location("report.html")],
            "partialFingerprints": {"patchAndPlacement/v1": f"covering:{measured.placement}"},
            **suppressions(item.waivers),
            "properties": {"flips": measured.flips, "trials": measured.eligible, "rate": number_json(measured.rate)},
        }
    ]


def _location(file: str) -> Result:
    """A file of the run folder; the whole of it."""
    return {"physicalLocation": {"artifactLocation": {"uri": file, "uriBaseId": "RUN"}, "region": {"startLine": 1}}}
