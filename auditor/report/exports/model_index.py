"""The metrics as the `model-index` of a Hugging Face model card: front matter to paste at the head of its README.

YAML reads JSON as it is, so the block is written as JSON: no name can break out of it.
"""

from __future__ import annotations

import json

from auditor.core.records import AuditResult
from auditor.report.exports.common import model_name, pair
from auditor.report.exports.metrics import Metric, metrics_of
from auditor.report.json_values import number_json


def model_index_yaml(result: AuditResult) -> str:
    """A block between `---` with one entry; rates and bounds are fractions."""
    entry = {
        "name": model_name(result),
        "results": [
            {
                "task": {"type": "image-classification", "name": "Image classification under pasted patches"},
                "dataset": {"type": "confirmation-pictures", "name": f"confirmation pictures, {pair(result)}"},
                "metrics": [_metric(one) for one in metrics_of(result)],
                "source": {"name": f"auditor {result.versions.get('auditor', '')}".strip()},
            }
        ],
    }
    document = {"model-index": [entry]}
    return f"---\n{json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)}\n---\n"


def _metric(one: Metric) -> dict[str, object]:
    return {
        "type": one.kind.replace(" ", "_"),
        "name": f"{one.kind}: {one.of}",
        "value": number_json(one.value),
        "args": {
            "flips": one.flips,
            "eligible": one.eligible,
            "low": number_json(one.interval.low),
            "high": number_json(one.interval.high),
            "confidence": number_json(one.interval.confidence),
            "method": one.interval.method,
        },
    }
