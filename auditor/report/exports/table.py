"""The findings as CSV, one row each, for a spreadsheet. Text that a spreadsheet would take for a formula is quoted."""

from __future__ import annotations

import csv
import io

from auditor.core.records import AuditResult, Finding
from auditor.report.json_values import number_json as number
from auditor.report.text import plain

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def findings_csv(result: AuditResult) -> str:
    """Comma-separated with a head (RFC 4180); rates, uplifts and bounds are fractions, empty where not measured."""
    file = io.StringIO()
    rows = [_row(finding) for finding in result.findings]
    writer = csv.DictWriter(file, fieldnames=COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


COLUMNS = (
    "candidate", "name", "origin", "tier", "sha256", "placement", "flips", "eligible", "rate", "rate_low", "rate_high",
    "control", "control_flips", "uplift", "uplift_low", "uplift_high", "confidence", "p_adjusted", "verdict", "reason",
)  # fmt: skip
"""In their order."""


def _row(finding: Finding) -> dict[str, object]:
    candidate = finding.candidate
    values = (
        _text(candidate.id), _text(candidate.name), candidate.origin.value, finding.tier.value, candidate.sha256,
        finding.placement.value, finding.flips, finding.eligible, number(finding.rate), number(finding.interval.low),
        number(finding.interval.high), _text(finding.control.name), finding.control.flips, number(finding.uplift),
        number(finding.uplift_interval.low), number(finding.uplift_interval.high),
        number(finding.uplift_interval.confidence), number(finding.p_adjusted), finding.word.value,
        _text(finding.reason),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _text(text: str) -> str:
    shown = plain(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
