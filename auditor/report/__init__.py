"""Records in, text out: the formats in which an audit is told. Nothing here writes a file, prints or runs a model.

A new format is one new file beside these and one entry in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from auditor.core.records import AuditResult
from auditor.report.checklist import checklist_json, checklist_markdown
from auditor.report.findings_json import findings_json
from auditor.report.html import report_html
from auditor.report.junit import junit_xml


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the file it is kept in and the function that writes its text (UTF-8)."""

    file_name: str
    write: Callable[[AuditResult], str]


FORMATS: Mapping[str, Format] = {
    "html": Format("report.html", report_html),
    "checklist": Format("checklist.md", checklist_markdown),
    "checklist-json": Format("checklist.json", checklist_json),
    "json": Format("findings.json", findings_json),
    "junit": Format("junit.xml", junit_xml),
}
