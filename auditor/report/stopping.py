"""How many pictures a finding took, and why no more, in words."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.records import Finding
from auditor.report.json_values import Json
from auditor.report.json_values import number_json as _number
from auditor.report.numbers import how_many


def pictures_used(findings: Sequence[Finding], there: int) -> str:
    """On how many of the eligible pictures findings rest: all, or so many of them where some stopped early."""
    if not any(one.stopping is not None and one.stopping.early for one in findings):
        return how_many(there, "eligible picture")
    used = sorted({one.eligible for one in findings})
    span = f"{used[0]:,}" if len(used) == 1 else f"{used[0]:,} to {used[-1]:,}"
    return f"{span} of {how_many(there, 'eligible picture')} (each until it was settled)"


def stopping_sentence(finding: Finding) -> str | None:
    """How many pictures it took and why it stopped; None where all were used at once."""
    one = finding.stopping
    if one is None:
        return None
    looks = f"look {one.look} of at most {one.looks}" if one.looks > 1 else "one look"
    allowed = f"intervals and p are those of a look that may spend {100 * one.share:.3g}% of the error"
    if one.early:
        return (
            f"Took {one.pictures:,} of {how_many(one.available, 'eligible picture')}: it was settled at {looks}; "
            f"{allowed}."
        )
    return f"Took all {how_many(one.available, 'eligible picture')}, at {looks}; {allowed}."


def stopping_json(finding: Finding) -> dict[str, Json] | None:
    """The same for findings.json."""
    one = finding.stopping
    if one is None:
        return None
    return {
        "pictures": int(one.pictures),
        "available": int(one.available),
        "look": int(one.look),
        "looks": int(one.looks),
        "share": _number(one.share),
        "why": "settled" if one.early else "all pictures used",
    }
