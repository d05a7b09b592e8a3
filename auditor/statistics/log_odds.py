"""Uplift in the target's log-odds over every covering: bounds and p-values from paired differences by picture.

A mean over pictures, each of which says something, where flips are few; it may be held to a limit of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval
from auditor.statistics.multiplicity import simes

LOG_ODDS_METHOD = "paired t without skewness, over every covering"

# Float32 probabilities close to 1 hold no more, and one certain picture must not outweigh all others.
_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, slots=True)
class LogOddsUplift:
    """How much a candidate raises the target's log-odds above the covering that raises them most.

    Attributes:
        covering: that covering's name.
        uplift: mean difference over pictures, in logits.
        interval: bounds of the smallest mean difference over all coverings.
    """

    covering: str
    uplift: float
    interval: Interval


def log_odds(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits of probabilities in [0, 1], which are held within 1e-6 of the ends; any shape."""
    clipped = np.clip(probability.astype(np.float64), _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def log_odds_differences(
    candidate: NDArray[np.floating], coverings: Mapping[str, NDArray[np.floating]]
) -> dict[str, NDArray[np.float64]]:
    """By covering, (B,) each picture's log-odds under the candidate less those under the covering.

    Args:
        candidate: (B,) the target's probability on each eligible image, patched.
        coverings: by name, (B,) likewise, on the same images and placements.

    Raises:
        ValueError: there is no covering, or shapes differ.
    """
    if not coverings:
        raise ValueError(
            "an uplift needs at least one covering, got none; a candidate without coverings is not measured"
        )
    for name, covered in coverings.items():
        if covered.shape != candidate.shape or candidate.ndim != 1:
            raise ValueError(f"{name!r} must be of the same images, got {covered.shape} and {candidate.shape}")
    patched = log_odds(candidate)
    return {name: patched - log_odds(covered) for name, covered in coverings.items()}


def log_odds_uplift(
    differences: Mapping[str, NDArray[np.float64]], level_below: float, level_above: float
) -> LogOddsUplift:
    """The smallest mean difference over all coverings, with bounds by the t distribution of a transformed mean.

    The lower bound is the smallest of the coverings' own (above *every* covering, an intersection–union claim); the
    upper one is where Simes' test begins to say "below some covering". A few pictures gain much and most nothing, and
    then upper bounds by plain t or a percentile bootstrap err twice as often as they say; Hall's transformation takes
    the skewness away, needs no seed and is right for both (benchmarks/statistics). Where all pictures differ
    alike there is no width.

    Args:
        differences: as `log_odds_differences` gives them, of at least two images.
        level_below, level_above: chances to err of the two bounds, each in (0, 0.5).

    Raises:
        NoEligibleImagesError: fewer than two images.
        ValueError: a level is out of range.

    Source: Hall 1992, Journal of the Royal Statistical Society B 54, 221–228.
    """
    moments = {name: _Moments.of(each) for name, each in differences.items()}
    if not (0 < level_below < 0.5 and 0 < level_above < 0.5):
        raise ValueError(f"the level of one bound lies between 0 and 0.5, got {level_below:g} and {level_above:g}")
    strongest = min(moments, key=lambda name: (moments[name].mean, name))
    uplift = moments[strongest].mean
    low = min(each.bound(level_below) for each in moments.values())
    count = len(moments)
    high = min(
        sorted(each.bound(1 - level_above * rank / count) for each in moments.values())[rank - 1]
        for rank in range(1, count + 1)
    )
    interval = Interval(low, max(uplift, high), 1 - level_below - level_above, LOG_ODDS_METHOD)
    return LogOddsUplift(strongest, uplift, interval)


def p_log_odds_at_most(differences: Mapping[str, NDArray[np.float64]], limit: float) -> float:
    """p-value of "the uplift in log-odds is at most `limit`": a small one says that it lies above, over every covering.

    Raises:
        NoEligibleImagesError: fewer than two images.
    """
    return max(_one_sided(differences, limit, 1))


def p_log_odds_at_least(differences: Mapping[str, NDArray[np.float64]], limit: float) -> float:
    """p-value of "the uplift in log-odds is at least `limit`": a small one says that it lies below, over some covering.

    Raises:
        NoEligibleImagesError: fewer than two images.
    """
    return simes(_one_sided(differences, limit, -1))


def _one_sided(differences: Mapping[str, NDArray[np.float64]], limit: float, direction: int) -> Sequence[float]:
    return [_Moments.of(each).p_value(limit, direction) for each in differences.values()]


@dataclass(frozen=True, slots=True)
class _Moments:
    """A sample's mean, standard deviation and skewness, and the tests that follow from them."""

    mean: float
    deviation: float
    skewness: float
    images: int

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> _Moments:
        if values.size < 2:
            raise NoEligibleImagesError(
                f"a mean difference with bounds needs at least 2 eligible images, got {values.size}; "
                "add source images that the model classifies rightly"
            )
        spread = float(values.std(ddof=1))
        return cls(float(values.mean()), spread, float(stats.skew(values)) if spread > 0 else 0.0, values.size)

    def p_value(self, limit: float, direction: int) -> float:
        """Chance of a mean at least as far beyond the limit, upwards (1) or downwards (−1)."""
        if self.deviation == 0:
            return 0.0 if direction * (self.mean - limit) > 0 else 1.0
        away, skew = (self.mean - limit) / self.deviation, self.skewness
        straight = away + skew * away**2 / 3 + skew**2 * away**3 / 27 + skew / (6 * self.images)
        return float(stats.t.sf(direction * self.images**0.5 * straight, self.images - 1))

    def bound(self, level: float) -> float:
        """The mean above which the truth lies with a chance to err of `level`: where the upward p-value is that."""
        straight = float(stats.t.isf(level, self.images - 1)) / self.images**0.5
        away, skew = straight, self.skewness
        if abs(skew) > 1e-6:
            away = 3 / skew * (float(np.cbrt(1 + skew * (straight - skew / (6 * self.images)))) - 1)
        return float(self.mean - self.deviation * away)
