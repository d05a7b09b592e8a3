"""The audit as one HTML file that opens offline: pictures inside, no script, nothing fetched. It returns the text."""

from __future__ import annotations

from auditor.core.records import AuditResult
from auditor.report.album import Album
from auditor.report.bars import WIDTH, scale_of
from auditor.report.environment import html_environment
from auditor.report.page import page_of


def report_html(result: AuditResult) -> str:
    """The report as a whole HTML document, the same bytes for the same result.

    Pictures are looked up by key: `candidate-<id>`, `origin-<id>` (the photograph with the crop marked), the
    examples' own keys, and every key that starts with `atlas-`. A missing picture is said to be missing.
    """
    template = html_environment().get_template("report.html.j2")
    return template.render(
        result=result, page=page_of(result), album=Album(result.pictures), scale=scale_of(result), bar_width=WIDTH
    )
