"""Whether a score orders candidates as measurement does: Spearman's rank correlation. Stops at that one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.core.records import Correlation, Interval
from auditor.statistics.intervals import require_confidence
from auditor.statistics.resampling import BOOTSTRAP_METHOD, check_outcomes, resampled_sums

_FEWEST_CANDIDATES = 3


def rank_correlation(
    push: NDArray[np.float64],
    outcomes: NDArray[np.float64],
    baseline: NDArray[np.float64],
    confidence: float,
    seed: int,
    resamples: int = 1000,
) -> Correlation:
    """Spearman's correlation of push with measured uplift, with an interval that resamples images.

    Equal values share their average rank. The interval speaks of other images and the same candidates. A resample
    in which all candidates come out equal has no correlation; it counts as −1 for the lower bound and as
    1 for the upper, so that silence widens the interval.

    Args:
        push: (candidates,) score; candidates whose push is NaN are left out.
        outcomes: (candidates, images), 1 where the image flipped.
        baseline: (images,) outcomes of one control for all candidates, which shifts all uplifts alike and so
            leaves the ranks as they are; or (candidates, images), each candidate's own control.
        confidence: two-sided, in (0, 1).
        seed: of the resampling.
        resamples: bootstrap samples, at least 1.

    Returns:
        Value in [-1, 1]; NaN without an interval where fewer than 3 candidates have a push, or where push or
        uplift is the same for all.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: shapes do not fit, values are not finite, or confidence or resamples is out of range.

    Source: Spearman 1904, doi:10.2307/1412159; bootstrap as in `resampling`.
    """
    require_confidence(confidence)
    check_outcomes(outcomes, "outcomes")
    if push.shape != outcomes.shape[:1]:
        raise ValueError(f"push must be one number a candidate, ({outcomes.shape[0]},), got shape {push.shape}")
    if baseline.shape not in (outcomes.shape, outcomes.shape[1:]):
        raise ValueError(f"baseline must be {outcomes.shape[1:]} or {outcomes.shape}, got {baseline.shape}")
    check_outcomes(np.atleast_2d(baseline), "baseline")

    known = ~np.isnan(push)
    uplift = (outcomes.astype(np.float64) - baseline)[known]
    candidates = int(np.count_nonzero(known))
    if candidates < _FEWEST_CANDIDATES:
        return Correlation(float("nan"), None, candidates)
    push_ranks = stats.rankdata(push[known])
    value = float(_correlate(push_ranks, uplift.sum(axis=1, keepdims=True))[0])
    if np.isnan(value):
        return Correlation(value, None, candidates)

    values = _correlate(push_ranks, resampled_sums(uplift, seed, resamples))
    silent = np.isnan(values)
    tail = (1 - confidence) / 2
    low = float(np.quantile(np.where(silent, -1.0, values), tail))
    high = float(np.quantile(np.where(silent, 1.0, values), 1 - tail))
    return Correlation(value, Interval(low, high, confidence, BOOTSTRAP_METHOD), candidates)


def _correlate(push_ranks: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of (candidates,) ranks with the ranks of each column of (candidates, columns)."""
    first = push_ranks - push_ranks.mean()
    second = stats.rankdata(sums, axis=0)
    second -= second.mean(axis=0)
    spread = np.sqrt((first @ first) * (second * second).sum(axis=0))
    # Ranks are halves of whole numbers, so a constant column has a spread of exactly 0.
    correlation = np.full(spread.shape, np.nan)
    np.divide(first @ second, spread, out=correlation, where=spread > 0)
    return np.clip(correlation, -1.0, 1.0)
