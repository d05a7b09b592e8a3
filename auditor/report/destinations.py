"""Where pictures went under a finding's patch, as rows and in a few words. No markup."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records import AuditResult, Finding
from auditor.core.records.destinations import UNCHANGED, Destination
from auditor.report.json_values import Json
from auditor.report.text import plain

_ROWS = 6


@dataclass(frozen=True, slots=True)
class WhereTo:
    """Rows of a table: name, pictures with the patch, and with the covering; `kind` is target, unchanged or other."""

    name: str
    kind: str
    patched: int
    covered: int


def where_to(result: AuditResult, finding: Finding) -> tuple[WhereTo, ...]:
    """Where a finding's pictures went, at most seven rows: what is rare stands together; none where nobody counted."""
    placement = str(finding.placement)
    found = [one for one in result.destinations if (one.candidate, one.placement) == (finding.candidate.id, placement)]
    if not found:
        return ()
    rows = [_row(result, one) for one in found[0].to]
    shown, rare = (rows, []) if len(rows) <= _ROWS + 1 else (rows[:_ROWS], rows[_ROWS:])
    if rare:
        patched, covered = sum(one.patched for one in rare), sum(one.covered for one in rare)
        shown = [*shown, WhereTo("other classes", "other", patched, covered)]
    return tuple(shown)


def destinations_json(result: AuditResult, finding: Finding) -> Json:
    """Every class that a finding's pictures went to, most under the patch first; null where nobody counted.

    `disturbed` are those that are called neither what they were nor the target: the patch did something, and no flip.
    """
    placement = str(finding.placement)
    found = [one for one in result.destinations if (one.candidate, one.placement) == (finding.candidate.id, placement)]
    if not found:
        return None
    rows = [(one.index, _row(result, one)) for one in found[0].to]
    others = [row for _, row in rows if row.kind == "other"]
    return {
        "pictures": int(found[0].pictures),
        "disturbed": int(sum(row.patched for row in others)),
        "disturbed_by_covering": int(sum(row.covered for row in others)),
        "to": [
            {
                "class": None if index == UNCHANGED else plain(row.name),
                "kind": row.kind,
                "patched": int(row.patched),
                "covered": int(row.covered),
            }
            for index, row in rows
        ],
    }


def where_words(rows: tuple[WhereTo, ...]) -> str:
    """The patch's column in a line."""
    return ", ".join(f"{one.name} {one.patched}" for one in rows if one.patched)


def _row(result: AuditResult, one: Destination) -> WhereTo:
    if one.index == UNCHANGED:
        return WhereTo("called as before", "unchanged", one.patched, one.covered)
    kind = "target" if one.index in result.target.indices else "other"
    return WhereTo(result.class_names[one.index], kind, one.patched, one.covered)
