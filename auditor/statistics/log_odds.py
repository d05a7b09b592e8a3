"""Uplift in the target's log-odds over every covering: bounds and p-values from paired differences by picture.

A mean over pictures, each of which says something, where flips are few; it may be held to a limit of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval, LogOddsUplift, Moments
from auditor.statistics.multiplicity import simes

LOG_ODDS_METHOD = "paired t without skewness, over every covering"

# Float32 probabilities close to 1 hold no more, and one certain picture must not outweigh all others.
_LEAST_PROBABILITY = 1e-6


def log_odds(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits of probabilities in [0, 1], which are held within 1e-6 of the ends; any shape."""
    clipped = np.clip(probability.astype(np.float64), _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def moments_of(values: NDArray[np.float64]) -> Moments:
    """Moments of (B,) differences in log-odds, one an image; all that bounds and p-values of their mean need.

    Raises:
        NoEligibleImagesError: fewer than two images.
    """
    if values.size < 2:
        raise NoEligibleImagesError(
            f"a mean difference with bounds needs at least 2 eligible images, got {values.size}; "
            "add source images that the model classifies rightly"
        )
    spread = float(values.std(ddof=1))
    skewness = float(stats.skew(values)) if spread > 0 else 0.0
    return Moments(float(values.mean()), spread, skewness, values.size)


def log_odds_uplift(differences: Mapping[str, Moments], level_below: float, level_above: float) -> LogOddsUplift:
    """The smallest mean difference over all coverings, with bounds by the t distribution of a transformed mean.

    The lower bound is the smallest of the coverings' own (above *every* covering, an intersection–union claim); the
    upper one is where Simes' test begins to say "below some covering". A few pictures gain much and most nothing, and
    then upper bounds by plain t or a percentile bootstrap err twice as often as they say; Hall's transformation takes
    the skewness away, needs no seed and is right for both (benchmarks/statistics). Where all pictures differ
    alike there is no width.

    Args:
        differences: by covering, moments of the images' log-odds under the candidate less those under the covering, on
            the same images and placements; at least one.
        level_below, level_above: chances to err of the two bounds, each in (0, 0.5).

    Raises:
        ValueError: a level is out of range, or there is no covering.

    Source: Hall 1992, Journal of the Royal Statistical Society B 54, 221–228.
    """
    _require_coverings(differences)
    if not (0 < level_below < 0.5 and 0 < level_above < 0.5):
        raise ValueError(f"the level of one bound lies between 0 and 0.5, got {level_below:g} and {level_above:g}")
    strongest = min(differences, key=lambda name: (differences[name].mean, name))
    uplift = differences[strongest].mean
    low = min(_bound(each, level_below) for each in differences.values())
    count = len(differences)
    high = min(
        sorted(_bound(each, 1 - level_above * rank / count) for each in differences.values())[rank - 1]
        for rank in range(1, count + 1)
    )
    interval = Interval(low, max(uplift, high), 1 - level_below - level_above, LOG_ODDS_METHOD)
    return LogOddsUplift(strongest, uplift, interval)


def p_log_odds_at_most(differences: Mapping[str, Moments], limit: float) -> float:
    """p-value of "the uplift in log-odds is at most `limit`": a small one says that it lies above, over every covering.

    Args:
        differences: as for `log_odds_uplift`; limit: in logits.
    """
    return max(_one_sided(differences, limit, 1))


def p_log_odds_at_least(differences: Mapping[str, Moments], limit: float) -> float:
    """p-value of "the uplift in log-odds is at least `limit`": a small one says that it lies below, over some covering.

    Args:
        differences, limit: as for `p_log_odds_at_most`.
    """
    return simes(_one_sided(differences, limit, -1))


def _one_sided(differences: Mapping[str, Moments], limit: float, direction: int) -> Sequence[float]:
    _require_coverings(differences)
    return [_p_value(each, limit, direction) for each in differences.values()]


def _p_value(moments: Moments, limit: float, direction: int) -> float:
    """Chance of a mean at least as far beyond the limit, upwards (1) or downwards (−1)."""
    if moments.deviation == 0:
        return 0.0 if direction * (moments.mean - limit) > 0 else 1.0
    away, skew = (moments.mean - limit) / moments.deviation, moments.skewness
    straight = away + skew * away**2 / 3 + skew**2 * away**3 / 27 + skew / (6 * moments.images)
    return float(stats.t.sf(direction * moments.images**0.5 * straight, moments.images - 1))


def _bound(moments: Moments, level: float) -> float:
    """The mean above which the truth lies with a chance to err of `level`: where the upward p-value is that."""
    straight = float(stats.t.isf(level, moments.images - 1)) / moments.images**0.5
    away, skew = straight, moments.skewness
    if abs(skew) > 1e-6:
        away = 3 / skew * (float(np.cbrt(1 + skew * (straight - skew / (6 * moments.images)))) - 1)
    return float(moments.mean - moments.deviation * away)


def _require_coverings(differences: Mapping[str, Moments]) -> None:
    if not differences:
        raise ValueError(
            "an uplift needs at least one covering, got none; a candidate without coverings is not measured"
        )
