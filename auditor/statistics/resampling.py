"""Bootstrap over images, and over images and crops at once: what shares one is drawn together. Stops at means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval
from auditor.statistics.intervals import require_confidence

BOOTSTRAP_METHOD = "bootstrap over images"
TWO_WAY_METHOD = "bootstrap over images and crops"

# Weights held at once, in numbers: 32 MB of float64 whatever the number of images and resamples.
_WEIGHTS_AT_ONCE = 4_000_000


def difference_interval(
    first: NDArray[np.float64], second: NDArray[np.float64], confidence: float, seed: int, resamples: int = 2000
) -> Interval:
    """Bound the difference of two groups' mean flip rates, first − second, on the same images.

    Each resample draws one set of images and uses it for both groups, so what an image does to both cancels.

    Args:
        first: (a, images), second: (b, images), in the same order of images; 1 where the image flipped and 0 where not,
            or rates in [0, 1].
        confidence: two-sided, in (0, 1).
        seed: of the resampling; the same seed draws the same images.
        resamples: bootstrap samples, at least 1.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: not finite matrices with candidates and the same images, or confidence or resamples out of range.
    """
    check_outcomes(first, "first")
    check_outcomes(second, "second")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"both groups need the same images, got {first.shape[1]} and {second.shape[1]}")
    # Over a common denominator, so that flips stay whole numbers until the one division.
    per_image = first.sum(axis=0) * len(second) - second.sum(axis=0) * len(first)
    return _interval_of_mean(per_image, len(first) * len(second), confidence, seed, resamples)


def two_way_mean_interval(
    outcomes: NDArray[np.float64], confidence: float, seed: int, resamples: int = 2000
) -> Interval:
    """Bound the mean flip rate of the crops that a group stands for: other crops and other images of the same kinds.

    Args:
        outcomes: (candidates, images), at least two of each; values as for `difference_interval`.
        confidence, seed, resamples: as for `difference_interval`.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: as for `difference_interval`, or fewer than two candidates or images.

    Source: as `two_way_difference_interval`.
    """
    return _two_way([outcomes], [1.0], (0.0, 1.0), confidence, seed, resamples)


def two_way_difference_interval(
    pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    weights: Sequence[float],
    confidence: float,
    seed: int,
    resamples: int = 2000,
) -> Interval:
    """Bound a weighted mean of differences of two groups' flip rates, first − second, as for other crops and images.

    Which crops were cut is luck as much as which images were photographed, so both are drawn: each resample draws
    crops in every group by itself and one set of images for all groups. Of either it draws one fewer than there are,
    which makes the spread of the means right for few, and the bounds are spread by the smallest group's t quantile.

    Args:
        pairs: one pair of groups a stratum (a tier), each (candidates, images) of at least two, on the same images in
            one order.
        weights: of the strata; they are divided by their sum.
        confidence, seed, resamples: as for `difference_interval`.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: as for `difference_interval`; fewer than two candidates in a group, or than two images; groups of
            different images; weights that do not fit or do not add up to more than 0.

    Source: McCullagh 2000, Bernoulli 6, 285–301, and Owen 2007, doi:10.1214/07-AOAS122 (drawing rows and columns: the
    spread is too large by what a single trial adds, never too small); McCarthy and Snowden 1985 (one fewer).
    """
    if len(weights) != len(pairs) or not pairs or min(weights) < 0 or not sum(weights) > 0:
        raise ValueError(f"each of {len(pairs)} strata needs a weight, some above 0, got {list(weights)}")
    shares = [weight / sum(weights) for weight in weights]
    groups = [group for pair in pairs for group in pair]
    signed = [side * share for share in shares for side in (1.0, -1.0)]
    return _two_way(groups, signed, (-1.0, 1.0), confidence, seed, resamples)


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


def _two_way(
    groups: Sequence[NDArray[np.float64]],
    signed: Sequence[float],
    ends: tuple[float, float],
    confidence: float,
    seed: int,
    resamples: int,
) -> Interval:
    """Bounds of a signed sum of group means, by drawing crops in each group and images over all."""
    require_confidence(confidence)
    if resamples < 1:
        raise ValueError(f"a bootstrap needs at least 1 resample, got {resamples}")
    for group in groups:
        check_outcomes(group, "each group")
    images, fewest = groups[0].shape[1], min(len(group) for group in groups)
    if {group.shape[1] for group in groups} != {images}:
        raise ValueError(f"all groups need the same images, got {[group.shape[1] for group in groups]}")
    if min(fewest, images) < 2:
        raise ValueError(f"drawing crops and images needs two of each, got {fewest} crops and {images} images")
    generator = np.random.default_rng(seed)
    drawn = _draws(generator, images, resamples)
    sums = np.zeros(resamples)
    for group, weight in zip(groups, signed, strict=True):
        # whole numbers, which add up exactly in any order, until the one division
        totals = ((_draws(generator, len(group), resamples) @ group) * drawn).sum(axis=1)
        sums += weight * totals / ((len(group) - 1) * (images - 1))
    estimate = sum(weight * float(group.mean()) for group, weight in zip(groups, signed, strict=True))
    tail = (1 - confidence) / 2
    wider = float(stats.t.isf(tail, fewest - 1) / stats.norm.isf(tail))
    low, high = (estimate + wider * (float(bound) - estimate) for bound in np.quantile(sums, [tail, 1 - tail]))
    return Interval(max(ends[0], low), min(ends[1], high), confidence, TWO_WAY_METHOD)


def _draws(generator: np.random.Generator, things: int, resamples: int) -> NDArray[np.float64]:
    """(resamples, things) how often each is drawn when one fewer than there are is drawn with replacement."""
    return generator.multinomial(things - 1, np.full(things, 1 / things), size=resamples).astype(np.float64)


def _interval_of_mean(
    per_image: NDArray[np.float64], denominator: int, confidence: float, seed: int, resamples: int
) -> Interval:
    require_confidence(confidence)
    means = resampled_sums(per_image[np.newaxis], seed, resamples)[0] / (per_image.size * denominator)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high), confidence, BOOTSTRAP_METHOD)
