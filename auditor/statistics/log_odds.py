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

LOG_ODDS_METHOD = "paired t, over every covering"

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
    """The smallest mean difference over all coverings, with bounds by the t distribution.

    The lower bound is the smallest of the coverings' own (above *every* covering, an intersection–union claim); the
    upper one is where Simes' test begins to say "below some covering". Pictures are independent and their differences
    many, so their mean is nearly normal; a percentile bootstrap over pictures covers no more often
    (benchmarks/statistics) and would need a seed. Where all pictures differ alike there is no width.

    Args:
        differences: as `log_odds_differences` gives them, of at least two images.
        level_below, level_above: chances to err of the two bounds, each in (0, 0.5).

    Raises:
        NoEligibleImagesError: fewer than two images.
        ValueError: a level is out of range.
    """
    means, errors, images = _moments(differences)
    if not (0 < level_below < 0.5 and 0 < level_above < 0.5):
        raise ValueError(f"the level of one bound lies between 0 and 0.5, got {level_below:g} and {level_above:g}")
    strongest = min(means, key=lambda name: (means[name], name))
    low = min(means[name] - float(stats.t.isf(level_below, images - 1)) * errors[name] for name in means)
    highs = []
    for rank in range(1, len(means) + 1):
        quantile = float(stats.t.isf(level_above * rank / len(means), images - 1))
        highs.append(sorted(means[name] + quantile * errors[name] for name in means)[rank - 1])
    interval = Interval(low, max(means[strongest], min(highs)), 1 - level_below - level_above, LOG_ODDS_METHOD)
    return LogOddsUplift(strongest, means[strongest], interval)


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
    means, errors, images = _moments(differences)
    found = []
    for name, mean in means.items():
        distance = direction * (mean - limit)
        if errors[name] > 0:
            found.append(float(stats.t.sf(distance / errors[name], images - 1)))
        else:
            found.append(0.0 if distance > 0 else 1.0)
    return found


def _moments(differences: Mapping[str, NDArray[np.float64]]) -> tuple[dict[str, float], dict[str, float], int]:
    """Mean and standard error by covering, and the number of images."""
    images = min(each.size for each in differences.values())
    if images < 2:
        raise NoEligibleImagesError(f"a mean difference with bounds needs at least 2 eligible images, got {images}")
    means = {name: float(each.mean()) for name, each in differences.items()}
    return means, {name: float(each.std(ddof=1)) / images**0.5 for name, each in differences.items()}, images
