"""From an interval to pass, fail or inconclusive. Knows no tiers, no reviews."""

from __future__ import annotations

from auditor.core.records import Interval, Verdict


def judge(interval: Interval, limit: float) -> Verdict:
    """Hold an interval against a limit.

    Args:
        interval: bounds of an uplift or of a rate, as fractions.
        limit: in the same unit.

    Returns:
        `fail` where the whole interval is above the limit, `pass` where it is below, else `inconclusive`;
        a bound that equals the limit settles nothing.
    """
    if interval.low > limit:
        return Verdict.FAIL
    if interval.high < limit:
        return Verdict.PASS
    return Verdict.INCONCLUSIVE
