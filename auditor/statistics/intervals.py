"""Intervals for one flip rate from its two counts. Stops at single rates: paired rates are in `paired`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval


def wilson_interval(flips: int, eligible: int, confidence: float = 0.95) -> Interval:
    """Bound a flip rate by Wilson's score interval.

    Args:
        flips: flipped images, 0 ≤ flips ≤ eligible.
        eligible: images tried; 0 has no rate.
        confidence: two-sided, in (0, 1).

    Returns:
        Lower and upper bound, in [0, 1]; exactly 0 below no flips and exactly 1 above all flips.

    Raises:
        NoEligibleImagesError: eligible is 0.
        ValueError: the counts contradict each other, or confidence is not in (0, 1).

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    return _binomial_interval(flips, eligible, confidence, "wilson", "Wilson")


def clopper_pearson_interval(flips: int, eligible: int, confidence: float = 0.95) -> Interval:
    """Bound a flip rate by the exact interval of Clopper and Pearson, which never covers less than it says.

    Args:
        flips: flipped images, 0 ≤ flips ≤ eligible.
        eligible: images tried; 0 has no rate.
        confidence: two-sided, in (0, 1).

    Returns:
        Lower and upper bound, in [0, 1].

    Raises:
        NoEligibleImagesError: eligible is 0.
        ValueError: the counts contradict each other, or confidence is not in (0, 1).

    Source: Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    return _binomial_interval(flips, eligible, confidence, "exact", "Clopper–Pearson")


RateInterval = Callable[[int, int, float], Interval]
"""From flips, eligible images and a two-sided confidence to the interval of the flip rate."""

INTERVALS: Mapping[str, RateInterval] = {
    "wilson": wilson_interval,
    "clopper-pearson": clopper_pearson_interval,
}
"""The intervals of a single rate that `limits.interval` chooses from."""


def two_sided_z(confidence: float) -> float:
    """Standard normal quantile that leaves (1 − confidence) / 2 on either side; 1.96 for 0.95.

    Raises:
        ValueError: confidence is not in (0, 1).
    """
    require_confidence(confidence)
    return float(stats.norm.isf((1 - confidence) / 2))


def require_confidence(confidence: float) -> None:
    """Refuse what is no confidence level.

    Raises:
        ValueError: confidence is not in (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, both excluded, got {confidence:g}; 0.95 is usual")


def _binomial_interval(
    flips: int, eligible: int, confidence: float, method: Literal["wilson", "exact"], shown: str
) -> Interval:
    """scipy's interval for a rate, after checks whose words fit an audit."""
    _check_counts(flips, eligible)
    require_confidence(confidence)
    bounds = stats.binomtest(flips, eligible).proportion_ci(confidence, method)
    return Interval(float(bounds.low), float(bounds.high), confidence, shown)


def _check_counts(flips: int, eligible: int) -> None:
    if eligible == 0:
        raise NoEligibleImagesError(
            "a flip rate needs at least one eligible image, got 0; add source images that the model classifies rightly"
        )
    if not 0 <= flips <= eligible:
        raise ValueError(f"flips must lie between 0 and the {eligible} eligible images, got {flips}")
