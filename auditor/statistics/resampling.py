"""Cluster bootstrap over images: trials that share an image are drawn together. Stops at means and differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval
from auditor.statistics.intervals import require_confidence

BOOTSTRAP_METHOD = "bootstrap over images"

# Weights held at once, in numbers: 32 MB of float64 whatever the number of images and resamples.
_WEIGHTS_AT_ONCE = 4_000_000


def mean_rate_interval(outcomes: NDArray[np.float64], confidence: float, seed: int, resamples: int = 2000) -> Interval:
    """Bound the mean flip rate of a group of candidates tried on the same images.

    A percentile interval: where every image has the same mean it has no width, which is a limit of the bootstrap
    and no certainty.

    Args:
        outcomes: (candidates, images), 1 where the image flipped and 0 where not, or rates in [0, 1].
        confidence: two-sided, in (0, 1).
        seed: of the resampling; the same seed draws the same images.
        resamples: bootstrap samples, at least 1.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: not a finite matrix with candidates, or confidence or resamples out of range.

    Source: Efron 1979, doi:10.1214/aos/1176344552; the image is the unit that is drawn.
    """
    check_outcomes(outcomes, "outcomes")
    return _interval_of_mean(outcomes.sum(axis=0), len(outcomes), confidence, seed, resamples)


def difference_interval(
    first: NDArray[np.float64], second: NDArray[np.float64], confidence: float, seed: int, resamples: int = 2000
) -> Interval:
    """Bound the difference of two groups' mean flip rates, first − second, on the same images.

    Each resample draws one set of images and uses it for both groups, so what an image does to both cancels.

    Args:
        first: (a, images), second: (b, images), in the same order of images; values as for `mean_rate_interval`.
        confidence, seed, resamples: as for `mean_rate_interval`.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: as for `mean_rate_interval`, or the groups have different numbers of images.
    """
    check_outcomes(first, "first")
    check_outcomes(second, "second")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"both groups need the same images, got {first.shape[1]} and {second.shape[1]}")
    # Over a common denominator, so that flips stay whole numbers until the one division.
    per_image = first.sum(axis=0) * len(second) - second.sum(axis=0) * len(first)
    return _interval_of_mean(per_image, len(first) * len(second), confidence, seed, resamples)


def resampled_sums(values: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    """Sums over images drawn with replacement, as many as there are; every row sees the same draws.

    Whole numbers add up exactly in any order, so rows that tie on the drawn images stay tied on every machine.

    Args:
        values: (rows, images).
        seed: of the draws.
        resamples: number of draws of all images.

    Returns:
        (rows, resamples).

    Raises:
        ValueError: resamples is below 1.
    """
    if resamples < 1:
        raise ValueError(f"a bootstrap needs at least 1 resample, got {resamples}")
    generator = np.random.default_rng(seed)
    images = values.shape[1]
    even = np.full(images, 1 / images)
    at_once = max(1, _WEIGHTS_AT_ONCE // images)
    sums = [
        values @ generator.multinomial(images, even, size=min(at_once, resamples - done)).astype(np.float64).T
        for done in range(0, resamples, at_once)
    ]
    return np.concatenate(sums, axis=1)


def check_outcomes(outcomes: NDArray[np.float64], name: str) -> None:
    """Refuse what is not a finite (candidates, images) matrix.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: not two-dimensional, without candidates, or not finite.
    """
    if outcomes.ndim != 2 or outcomes.shape[0] == 0:
        raise ValueError(f"{name} must be (candidates, images) with at least one candidate, got shape {outcomes.shape}")
    if outcomes.shape[1] == 0:
        raise NoEligibleImagesError(
            f"{name} holds no image, and a rate needs at least one eligible image; "
            "add source images that the model classifies rightly"
        )
    if not np.isfinite(outcomes).all():
        raise ValueError(f"{name} must be finite; leave out what was not measured")


def _interval_of_mean(
    per_image: NDArray[np.float64], denominator: int, confidence: float, seed: int, resamples: int
) -> Interval:
    require_confidence(confidence)
    means = resampled_sums(per_image[np.newaxis], seed, resamples)[0] / (per_image.size * denominator)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high), confidence, BOOTSTRAP_METHOD)
