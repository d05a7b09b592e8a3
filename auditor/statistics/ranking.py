"""Whether a score orders candidates as measurement does: Spearman's rank correlation. Stops at that number."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.core.records import Correlation, Interval
from auditor.statistics.intervals import require_confidence, two_sided_z
from auditor.statistics.resampling import BOOTSTRAP_METHOD, check_outcomes, resampled_sums

NOISE_FREE_METHOD = "Bonett–Wright, without the noise of few images"

_FEWEST_CANDIDATES = 3
_HALVINGS = 20


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
    known, uplift = _checked(push, outcomes, baseline, confidence)
    candidates = len(uplift)
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


def noise_free_correlation(
    push: NDArray[np.float64],
    outcomes: NDArray[np.float64],
    baseline: NDArray[np.float64],
    confidence: float,
    seed: int,
) -> Correlation:
    """Spearman's correlation of push with measured uplift, with an interval for what no noise would leave of it.

    Uplift measured on a few images is noisy, and noise hides order: the value lies nearer to 0 than the correlation
    with the uplift itself. The interval begins with one for the value, as of a sample of candidates. Its ends are then
    moved outwards by the root of the reliability, which is how well the uplifts of two halves of the images agree;
    the reliability is taken one standard error lower than measured. Ends are not moved inwards, so the
    interval holds the value.

    Args:
        push, outcomes, baseline: as for `rank_correlation`.
        confidence: two-sided, in (0, 1).
        seed: of the halvings of the images.

    Returns:
        As `rank_correlation`. With two images or fewer, or three candidates, all of [-1, 1].

    Raises:
        NoEligibleImagesError, ValueError: as `rank_correlation`.

    Source: Bonett and Wright 2000, doi:10.1007/BF02294183 (the interval of a sample); Spearman 1904,
    doi:10.2307/1412159 (noise hides order), with Spearman–Brown for halves.
    """
    known, uplift = _checked(push, outcomes, baseline, confidence)
    candidates, images = uplift.shape
    if candidates < _FEWEST_CANDIDATES:
        return Correlation(float("nan"), None, candidates)
    push_ranks = stats.rankdata(push[known])
    value = float(_correlate(push_ranks, uplift.sum(axis=1, keepdims=True))[0])
    if np.isnan(value):
        return Correlation(value, None, candidates)
    if candidates == _FEWEST_CANDIDATES or images < 4:
        return Correlation(value, Interval(-1.0, 1.0, confidence, NOISE_FREE_METHOD), candidates)
    z = two_sided_z(confidence)
    low, high = _of_a_sample(value, candidates, z)
    halves = _agreement_of_halves(uplift, seed)
    reliability = max(0.0, _of_a_sample(halves, candidates, 1.0)[0])
    reliability = 2 * reliability / (1 + reliability)
    if low < 0:
        low = max(-1.0, low / math.sqrt(reliability)) if reliability > 0 else -1.0
    if high > 0:
        high = min(1.0, high / math.sqrt(reliability)) if reliability > 0 else 1.0
    return Correlation(value, Interval(low, high, confidence, NOISE_FREE_METHOD), candidates)


def _of_a_sample(value: float, candidates: int, z: float) -> tuple[float, float]:
    """Bounds of a rank correlation over a sample of candidates; a perfect one is taken for one that is a step off."""
    step = 12 / (candidates**3 - candidates)
    inside = min(max(value, step - 1), 1 - step)
    error = math.sqrt((1 + inside * inside / 2) / (candidates - 3))
    low, high = math.tanh(math.atanh(inside) - z * error), math.tanh(math.atanh(inside) + z * error)
    return min(low, value), max(high, value)


def _agreement_of_halves(uplift: NDArray[np.float64], seed: int) -> float:
    """Mean rank correlation of the candidates' uplifts on two random halves of the images; 0 where there is none."""
    generator = np.random.default_rng(seed)
    images = uplift.shape[1]
    first = np.zeros((images, _HALVINGS))
    for column in range(_HALVINGS):
        first[generator.permutation(images)[: images // 2], column] = 1.0
    there, here = stats.rankdata(uplift @ first, axis=0), stats.rankdata(uplift @ (1 - first), axis=0)
    values = [float(_correlate(there[:, column], here[:, column : column + 1])[0]) for column in range(_HALVINGS)]
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else 0.0


def _checked(
    push: NDArray[np.float64], outcomes: NDArray[np.float64], baseline: NDArray[np.float64], confidence: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which candidates have a push, and those candidates' (candidates, images) uplifts."""
    require_confidence(confidence)
    check_outcomes(outcomes, "outcomes")
    if push.shape != outcomes.shape[:1]:
        raise ValueError(f"push must be one number a candidate, ({outcomes.shape[0]},), got shape {push.shape}")
    if baseline.shape not in (outcomes.shape, outcomes.shape[1:]):
        raise ValueError(f"baseline must be {outcomes.shape[1:]} or {outcomes.shape}, got {baseline.shape}")
    check_outcomes(np.atleast_2d(baseline), "baseline")
    known = ~np.isnan(push)
    return known, (outcomes.astype(np.float64) - baseline)[known]


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
