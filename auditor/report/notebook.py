"""A compact view of an audit for a notebook: an HTML fragment with its own style, no document around it."""

from __future__ import annotations

from auditor.core.records import AuditResult
from auditor.report.album import Album
from auditor.report.environment import html_environment
from auditor.report.page import page_of


def notebook_html(result: AuditResult) -> str:
    """The verdict and one row a finding, as a fragment that a notebook shows in its own colours."""
    template = html_environment().get_template("notebook.html.j2")
    return template.render(result=result, page=page_of(result), album=Album(result.pictures))
