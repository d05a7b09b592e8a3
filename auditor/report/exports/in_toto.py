"""The audit as an in-toto statement about its weights (predicate test-result v0.1), to be signed by whoever attests it.

What the pictures could not settle warns: no test failed, and none can be said to have passed. So does what a policy
waives: it failed, and somebody answers for it; the statement says who, why and until when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from auditor.core.records import AuditResult, Verdict
from auditor.report.exports.common import as_json, finding_name, model_name, pair, weights_sha256
from auditor.report.findings_json import findings_json
from auditor.report.gate import Checklist, State, checklist_of, waivers_of
from auditor.report.text import plain, shown_path
from auditor.report.words import GATES

PASSED, WARNED, FAILED = "passedTests", "warnedTests", "failedTests"
_OF_VERDICT = {Verdict.PASS: PASSED, Verdict.INCONCLUSIVE: WARNED, Verdict.FAIL: FAILED}
_OF_STATE = {State.PASS: PASSED, State.OPEN: WARNED, State.NOT_RUN: WARNED, State.WAIVED: WARNED, State.FAIL: FAILED}
_RESULTS = {PASSED: "PASSED", WARNED: "WARNED", FAILED: "FAILED"}


def in_toto_json(result: AuditResult) -> str:
    """A statement whose subject is the weights, by SHA-256, and whose evidence is findings.json, by its own.

    Its result is the verdict's; of a run that is held to a policy the gate's, which warns where a waiver stands behind
    it.

    Raises:
        StoreError: the run recorded no hash of the weights.
    """
    sha256, checklist = weights_sha256(result, "in-toto"), checklist_of(result)
    named: dict[str, list[str]] = {PASSED: [], WARNED: [], FAILED: []}
    for name, how in _tests(result, checklist):
        named[how].append(name)
    evidence = hashlib.sha256(findings_json(result).encode()).hexdigest()
    predicate = {
        "result": _RESULTS[_whole(result, checklist)],
        "configuration": [
            {
                "name": "findings.json",
                "digest": {"sha256": evidence},
                "mediaType": "application/json",
                "annotations": {
                    "question": pair(result),
                    "seed": result.seed,
                    "verdict": result.verdict.value,
                    **({"gate": GATES[checklist.gate], "waivers": _waivers(checklist)} if checklist.given else {}),
                },
            },
            *([_policy(checklist)] if checklist.given else []),
        ],
        **named,
    }
    return as_json(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                {"name": shown_path(result.subject.weights) or model_name(result), "digest": {"sha256": sha256}}
            ],
            "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
            "predicate": predicate,
        }
    )


def _whole(result: AuditResult, checklist: Checklist) -> str:
    word = _OF_VERDICT[checklist.gate if checklist.given else result.verdict]
    return WARNED if word == PASSED and _waivers(checklist) else word


def _tests(result: AuditResult, checklist: Checklist) -> Iterator[tuple[str, str]]:
    """Names, and the list that each belongs to; items of the checklist only where a policy asks for them."""
    items = {item.id: item for item in checklist.items}
    for finding in result.findings:
        if finding.held_to_limit:
            waived = bool(waivers_of(finding, items["uplift"]))
            yield finding_name(finding), WARNED if waived else _OF_VERDICT[finding.word]
    if result.fragility is not None:
        waived = items["fragility"].state is State.WAIVED
        yield "fragility", WARNED if waived else _OF_VERDICT[result.fragility.verdict]
    if checklist.given:
        told = {"uplift": bool(result.findings), "fragility": result.fragility is not None}
        for item in checklist.items:
            if item.decides and not told.get(item.id, False):
                yield f"checklist/{item.id}", _OF_STATE[item.state]


def _waivers(checklist: Checklist) -> list[dict[str, object]]:
    """Those in force that something needed."""
    return [
        {
            "item": one.item,
            **({"patch": one.patch} if one.patch else {}),
            "by": plain(one.by),
            "reason": plain(one.reason),
            "until": one.until.isoformat(),
        }
        for item in checklist.items
        for one in item.waivers
    ]


def _policy(checklist: Checklist) -> dict[str, object]:
    held = checklist.policy
    return {"name": plain(held.file), "digest": {"sha256": held.sha256}, "mediaType": "application/toml"}
