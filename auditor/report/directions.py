"""Both directions of a pair on one page: what each audit says, and where its report lies. It computes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.records import AuditResult
from auditor.report.environment import html_environment
from auditor.report.summary import scope_sentence, verdict_sentence


def directions_html(audits: Sequence[tuple[str, AuditResult]]) -> str:
    """One page that opens offline.

    Args:
        audits: of each finished direction its folder's name, beside which the page will lie, and its result.
    """
    template = html_environment().get_template("directions.html.j2")
    return template.render(audits=audits, sentence=verdict_sentence, scope=scope_sentence)
