"""Which flips survive a shift and a JPEG, in sentences. No markup."""

from __future__ import annotations

from auditor.core.records import AuditResult, Finding
from auditor.core.records.survival import Survival, Survived
from auditor.report.numbers import how_many, rate_bounds


def survival_of_finding(result: AuditResult, finding: Finding) -> Survival | None:
    """What was measured of a finding's flips; None where nothing was."""
    name = (finding.candidate.id, finding.placement)
    return next((one for one in result.survivals if (one.candidate, one.placement) == name), None)


def survival_sentence(found: Survival) -> str:
    """Of how many flips how many survive what, with the bounds of those that survive both."""
    return (
        f"Of {_flips(found)}, {found.shifted.count:,} survive a shift of {how_many(found.shift_px, 'pixel')}, "
        f"{found.saved.count:,} a JPEG of quality {found.jpeg_quality}, {_bounded(found.both)} both"
    )


def survival_details(found: Survival) -> str:
    """The bounds of each, and what was done to the pictures."""
    return (
        f"Survive the shift: {_bounded(found.shifted)}; the JPEG: {_bounded(found.saved)}. A flip survives a shift "
        "where it does so up, down, left and right, the patch moving with its picture; both is a JPEG of the shifted "
        "picture. No verdict rests on it"
    )


def survival_line(result: AuditResult) -> str | None:
    """The most worrying finding's flips in one line; None where nothing was measured."""
    if not result.survivals:
        return None
    first, *others = result.survivals
    more = f"; {how_many(len(others), 'more finding')} in the report" if others else ""
    sentence = survival_sentence(first)
    return f"{first.candidate} ({first.placement}): {sentence[0].lower()}{sentence[1:]}{more}"


def _flips(found: Survival) -> str:
    flips = how_many(found.again, "flip")
    return flips if found.again == found.flips else f"{flips} looked at again ({found.flips:,} in all)"


def _bounded(one: Survived) -> str:
    return f"{one.count:,} ({rate_bounds(one.interval)})"
