"""The audit as one HTML file that opens offline: pictures and scripts inside, nothing fetched. It returns the text."""

from __future__ import annotations

from auditor.core.records import AuditResult
from auditor.report.album import Album
from auditor.report.bars import WIDTH, scale_of
from auditor.report.environment import html_environment
from auditor.report.explorer import explorer_of
from auditor.report.gate import checklist_of
from auditor.report.page import page_of

_latest: list[tuple[AuditResult, str]] = []
"""The last result with its page: whoever writes it asks for its sha256 as well, in each format of the checklist."""


def report_html(result: AuditResult) -> str:
    """The report as a whole HTML document, the same bytes for the same result.

    Pictures are looked up by key: `candidate-<id>`, `origin-<id>` (the photograph with the crop marked), the
    examples' own keys, and every key that starts with `atlas-`. A missing picture is said to be missing.
    A script is there for the atlas explorer alone; without it, or without JavaScript, the page shows the sheets.
    """
    if not _latest or _latest[0][0] is not result:
        _latest[:] = [(result, _rendered(result))]
    return _latest[0][1]


def _rendered(result: AuditResult) -> str:
    template, page = html_environment().get_template("report.html.j2"), page_of(result)
    return template.render(
        result=result,
        page=page,
        checklist=checklist_of(result, page),
        album=Album(result.pictures),
        scale=scale_of(result),
        bar_width=WIDTH,
        explorer=explorer_of(result),
    )
