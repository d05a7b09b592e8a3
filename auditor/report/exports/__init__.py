"""What other tools read of an audit: printed on request, and kept in no run folder. Records in, text out.

A new export is one new file beside these and one entry in `EXPORTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auditor.core.records import AuditResult
from auditor.report.exports.cyclonedx import cyclonedx_json
from auditor.report.exports.in_toto import in_toto_json
from auditor.report.exports.model_index import model_index_yaml
from auditor.report.exports.sarif import sarif_json
from auditor.report.exports.table import findings_csv

EXPORTS: Mapping[str, Callable[[AuditResult], str]] = {
    "sarif": sarif_json,
    "in-toto": in_toto_json,
    "cyclonedx": cyclonedx_json,
    "model-index": model_index_yaml,
    "csv": findings_csv,
}
