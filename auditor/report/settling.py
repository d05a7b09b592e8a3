"""What would settle a verdict that is open, in words: how many pictures, or none that anybody will collect."""

from __future__ import annotations

from auditor.core.records import AuditResult, Finding, Limits, Verdict, WholeFinding
from auditor.report.numbers import how_many, plain_points
from auditor.report.summary import eligible

FAR = 10
"""Beyond so many times the pictures that there are, a number is no advice: the effect is about the limit."""


def would_settle(finding: Finding | WholeFinding, limits: Limits) -> str | None:
    """What would settle an open finding or effect; None where it is settled or no number of pictures would do it."""
    word = finding.word if isinstance(finding, Finding) else finding.verdict
    if finding.images_needed is None or word is not Verdict.INCONCLUSIVE:
        return None
    if _about_the_limit(finding.images_needed, finding.eligible, limits):
        return (
            f"the effect is about the limit of {plain_points(limits.uplift)}: even {FAR} times as many pictures would "
            "not tell on which side it lies"
        )
    return f"{how_many(finding.images_needed, 'eligible picture')} would settle it"


def to_settle(result: AuditResult) -> str | None:
    """What would settle an inconclusive run; None where pictures are not what is missing."""
    if result.images_needed is None:
        return None
    there = eligible(result)
    if _about_the_limit(result.images_needed, there, result.limits):
        return (
            f"More pictures will hardly do: an effect lies about the limit of {plain_points(result.limits.uplift)}, "
            f"and even {FAR} times the {there:,} eligible pictures would not tell on which side. Decide as a person, "
            "or settle what the limit should be before the next audit."
        )
    return (
        f"{how_many(result.images_needed, 'eligible picture')} of {result.source.name} would be needed on "
        f"confirmation; there were {there:,}."
    )


def _about_the_limit(needed: int, there: int, limits: Limits) -> bool:
    """Whether a number is due to the effect's size, and not to there being hardly a picture.

    Where nothing ever flips a pass takes about 3 / limit pictures (the rule of three), so up to ten times that it may
    be pictures that are missing.
    """
    return needed > FAR * max(there, 3 / limits.uplift)
