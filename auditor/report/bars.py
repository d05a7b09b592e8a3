"""Geometry of the small interval bars: an uplift with its interval against the limit. Numbers in, coordinates out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from auditor.core.records import AuditResult, Finding, Interval, WholeFinding

WIDTH = 200.0
_MARGIN = 8.0
_LABEL_WIDTH = 78.0
"""Of "limit 10 points" at the size the page writes it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Horizontal coordinates of one bar, in units of a drawing `WIDTH` wide."""

    low: float
    high: float
    value: float


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale for all bars of a report, so that they can be compared by eye. Bounds are fractions in [-1, 1]."""

    low: float
    high: float
    limit: float

    def x(self, fraction: float) -> float:
        """Where a fraction lies; beyond the scale it sticks to the edge."""
        share = (min(max(fraction, self.low), self.high) - self.low) / (self.high - self.low)
        return round(_MARGIN + share * (WIDTH - 2 * _MARGIN), 2)

    @property
    def label_x(self) -> float:
        """Where the limit's label begins: at the limit, or so far before it that its end is still drawn."""
        return min(self.x(self.limit) - 1, WIDTH - _LABEL_WIDTH)

    def bar(self, value: float, interval: Interval) -> Bar | None:
        """The bar of one uplift; None where a part of it was not measured."""
        if not all(map(math.isfinite, (value, interval.low, interval.high))):
            return None
        return Bar(self.x(interval.low), self.x(interval.high), self.x(value))


@dataclass(frozen=True, slots=True)
class RateBar:
    """One bar of a flip rate beside its covering's, in percent of a track from 0% to 100%.

    `low` and `high` are the uplift's bounds above the covering, so that they lie to `limit` as they do to the verdict.
    """

    covering: float
    rate: float
    low: float
    high: float
    limit: float


def rate_bar(finding: Finding | WholeFinding, limit: float) -> RateBar | None:
    """The bar of one finding or effect against an uplift's limit; None where a part of it was not measured."""
    covering, interval = finding.control, finding.uplift_interval
    if not finding.eligible or not covering.eligible or not all(map(math.isfinite, (interval.low, interval.high))):
        return None
    base = covering.flips / covering.eligible
    ends = (base, finding.flips / finding.eligible, base + interval.low, base + interval.high, base + limit)
    return RateBar(*(round(100 * min(max(end, 0.0), 1.0), 2) for end in ends))


def scale_of(result: AuditResult) -> Scale:
    """The scale that holds zero, the limit and every interval, rounded outwards to tens of points."""
    ends = [0.0, 2 * result.limits.uplift]
    for finding in result.findings:
        ends += [finding.uplift, finding.uplift_interval.low, finding.uplift_interval.high]
    known = [end for end in ends if math.isfinite(end)]
    low = max(-1.0, math.floor(10 * min(known) + 1e-9) / 10)
    high = min(1.0, math.ceil(10 * max(known) - 1e-9) / 10)
    return Scale(low, high, result.limits.uplift)
