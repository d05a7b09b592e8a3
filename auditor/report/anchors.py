"""The names by which links of a report find its findings."""

from __future__ import annotations

from auditor.core.records import Finding, Placement


def anchor(finding: Finding) -> str:
    """The name by which links of a report find a finding; other letters than ASCII's by their code, so none collide."""
    return anchor_of(finding.candidate.id, finding.placement)


def anchor_of(candidate: str, placement: Placement) -> str:
    """As `anchor`, of a candidate's id and a placement."""
    letters = (one if one == "-" or (one.isascii() and one.isalnum()) else f"_{ord(one):x}" for one in candidate)
    return f"finding-{''.join(letters)}-{placement.value}"
