"""The audit as an in-toto statement about its weights (predicate test-result v0.1), to be signed by whoever attests it.

What the pictures could not settle warns: no test failed, and none can be said to have passed.
"""

from __future__ import annotations

import hashlib

from auditor.core.records import AuditResult, Verdict
from auditor.report.exports.common import as_json, finding_name, model_name, pair, weights_sha256
from auditor.report.findings_json import findings_json
from auditor.report.text import shown_path

_RESULTS = {Verdict.PASS: "PASSED", Verdict.FAIL: "FAILED", Verdict.INCONCLUSIVE: "WARNED"}


def in_toto_json(result: AuditResult) -> str:
    """A statement whose subject is the weights, by SHA-256, and whose evidence is findings.json, by its own.

    Raises:
        StoreError: the run recorded no hash of the weights.
    """
    sha256 = weights_sha256(result, "in-toto")
    named: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    words = {Verdict.PASS: "passedTests", Verdict.INCONCLUSIVE: "warnedTests", Verdict.FAIL: "failedTests"}
    for finding in result.findings:
        if finding.held_to_limit:
            named[words[finding.word]].append(finding_name(finding))
    if result.fragility is not None:
        named[words[result.fragility.verdict]].append("fragility")
    evidence = hashlib.sha256(findings_json(result).encode()).hexdigest()
    predicate = {
        "result": _RESULTS[result.verdict],
        "configuration": [
            {
                "name": "findings.json",
                "digest": {"sha256": evidence},
                "mediaType": "application/json",
                "annotations": {"question": pair(result), "seed": result.seed, "verdict": result.verdict.value},
            }
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
