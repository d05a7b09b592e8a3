"""The audit as a CycloneDX 1.6 bill of materials: the weights as a component whose model card carries the metrics."""

from __future__ import annotations

from auditor.core.plain_text import plain
from auditor.core.records import AuditResult
from auditor.report.exports.common import as_json, model_name, pair, weights_sha256
from auditor.report.exports.metrics import Metric, metrics_of
from auditor.report.summary import verdict_sentence, what_it_does_not_say


def cyclonedx_json(result: AuditResult) -> str:
    """One machine-learning model with its performance metrics, and what the verdict does not say as limitations.

    Raises:
        StoreError: the run recorded no hash of the weights.
    """
    sha256 = weights_sha256(result, "CycloneDX")
    told = ({"name": f"auditor:{name}", "value": value} for name, value in _properties(result))
    component = {
        "type": "machine-learning-model",
        "bom-ref": f"model-{sha256[:16]}",
        "name": model_name(result) or "model",
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "modelCard": {
            "modelParameters": {"task": "image classification"},
            "quantitativeAnalysis": {"performanceMetrics": [_metric(one) for one in metrics_of(result)]},
            "considerations": {"technicalLimitations": [plain(line) for line in what_it_does_not_say(result)]},
        },
        "properties": list(told),
    }
    tool = {"type": "application", "name": "auditor", "version": result.versions.get("auditor", "0")}
    return as_json(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {"tools": {"components": [tool]}},
            "components": [component],
        }
    )


def _properties(result: AuditResult) -> tuple[tuple[str, str], ...]:
    return (
        ("question", pair(result)),
        ("verdict", result.verdict.value),
        ("sentence", plain(verdict_sentence(result))),
        ("seed", str(result.seed)),
    )


def _metric(one: Metric) -> dict[str, object]:
    return {
        "type": one.kind,
        "value": f"{one.value:.6g}",
        "slice": one.of,
        "confidenceInterval": {"lowerBound": f"{one.interval.low:.6g}", "upperBound": f"{one.interval.high:.6g}"},
    }
