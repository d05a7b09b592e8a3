"""The findings as SARIF 2.1.0 (OASIS), which code hosts and result viewers show. It returns the text.

What fails is of kind `fail`; what the pictures could not settle is `open`; what awaits a person's look is `review`;
what is read beside the limit and not held to it is `informational`.
"""

from __future__ import annotations

from auditor.core.records import AuditResult, Finding, Verdict
from auditor.report.exports.common import as_json, finding_name, model_name, pair
from auditor.report.json_values import number_json
from auditor.report.numbers import percent
from auditor.report.summary import finding_sentence, fragility_sentence, limit_words, verdict_sentence
from auditor.report.text import plain

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {Verdict.FAIL: "fail", Verdict.PASS: "pass", Verdict.INCONCLUSIVE: "open", Verdict.NOT_HELD: "informational"}
_UPLIFT, _FRAGILITY = "uplift", "fragility"


def sarif_json(result: AuditResult) -> str:
    """One result a finding and one for fragility, with counts and bounds as properties."""
    results = [_finding(result, finding) for finding in result.findings]
    results += _fragility(result)
    run = {
        "tool": {
            "driver": {
                "name": "auditor",
                "version": result.versions.get("auditor", "0"),
                "rules": _rules(result),
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
        },
    }
    return as_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rules(result: AuditResult) -> list[dict[str, object]]:
    limit = limit_words(result.limits)
    uplift = f"A patch that is not the target flips more pictures than covering does, by more than {limit}"
    fragility = f"Covering a picture's corner flips it to the target in more than {percent(result.limits.fragility)}"
    return [
        {"id": identity, "shortDescription": {"text": plain(text)}, "defaultConfiguration": {"level": "error"}}
        for identity, text in ((_UPLIFT, uplift), (_FRAGILITY, fragility))
    ]


def _finding(result: AuditResult, finding: Finding) -> dict[str, object]:
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


def _fragility(result: AuditResult) -> list[dict[str, object]]:
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
            "properties": {"flips": measured.flips, "trials": measured.eligible, "rate": number_json(measured.rate)},
        }
    ]


def _location(file: str) -> dict[str, object]:
    """A file of the run folder; the whole of it."""
    return {"physicalLocation": {"artifactLocation": {"uri": file, "uriBaseId": "RUN"}, "region": {"startLine": 1}}}
