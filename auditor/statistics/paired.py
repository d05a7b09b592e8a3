"""Two patches on the same images: counts, exact McNemar test, interval for the difference. Stops at one pair."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval
from auditor.statistics.intervals import two_sided_z


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Images by what two patches did to them: both flip, one of them alone, or neither.

    Raises:
        ValueError: a count is negative.
    """

    both: int
    first_only: int
    second_only: int
    neither: int

    def __post_init__(self) -> None:
        counts = (self.both, self.first_only, self.second_only, self.neither)
        if min(counts) < 0:
            raise ValueError(f"counts of images cannot be negative, got {counts}")

    @property
    def n(self) -> int:
        """Images compared."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def difference(self) -> float:
        """Flip rate of the first minus that of the second, in [-1, 1].

        Raises:
            NoEligibleImagesError: no image was compared.
        """
        _require_images(self.n)
        return (self.first_only - self.second_only) / self.n


def paired_counts(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> PairedCounts:
    """Count paired outcomes.

    Args:
        first, second: (B,) boolean, whether each image flipped; the same images in the same order.

    Raises:
        ValueError: not boolean, not one-dimensional, or of different lengths.
    """
    for name, outcomes in (("first", first), ("second", second)):
        if outcomes.ndim != 1 or outcomes.dtype != np.bool_:
            raise ValueError(
                f"{name} must be one boolean an image, got {outcomes.dtype} of shape {outcomes.shape}; "
                "compare predictions with the target before counting"
            )
    if first.shape != second.shape:
        raise ValueError(f"paired outcomes need the same images, got {first.size} and {second.size}")
    both = int(np.count_nonzero(first & second))
    first_flips, second_flips = int(np.count_nonzero(first)), int(np.count_nonzero(second))
    return PairedCounts(both, first_flips - both, second_flips - both, first.size - first_flips - second_flips + both)


def mcnemar_exact(counts: PairedCounts, alternative: Literal["two-sided", "greater"] = "two-sided") -> float:
    """Test whether two patches flip equally often: exact McNemar, a fair coin on the images where they differ.

    Args:
        counts: paired outcomes.
        alternative: `greater` asks whether the first flips more; `two-sided` whether either does.

    Returns:
        p-value in (0, 1]; 1 where the patches differ on no image.

    Raises:
        ValueError: the alternative is unknown.

    Source: McNemar 1947, doi:10.1007/BF02295996, with the binomial distribution in place of its approximation.
    """
    if alternative not in ("two-sided", "greater"):
        raise ValueError(f"alternative must be 'two-sided' or 'greater', got {alternative!r}")
    discordant = counts.first_only + counts.second_only
    if discordant == 0:
        return 1.0
    return float(stats.binomtest(counts.first_only, discordant, alternative=alternative).pvalue)


def tango_interval(counts: PairedCounts, confidence: float = 0.95) -> Interval:
    """Bound the paired difference of flip rates, first − second, by Tango's score interval.

    The interval holds every difference that the score test at 1 − confidence does not reject, so it has width
    even where the patches differ on no image, unlike intervals from the estimate's own standard error.
    It is asymptotic, not exact: with few images and rare flips its lower bound errs more often than the level
    says, the more so the higher the level.

    Args:
        counts: paired outcomes of at least one image.
        confidence: two-sided, in (0, 1).

    Returns:
        Bounds in [-1, 1] that contain the observed difference.

    Raises:
        NoEligibleImagesError: no image was compared.
        ValueError: confidence is not in (0, 1).

    Source: Tango 1998, Statistics in Medicine 17, 891–908.
    """
    _require_images(counts.n)
    low, high = tango_bounds(counts.first_only / counts.n, counts.second_only / counts.n, counts.n, confidence)
    return Interval(low, high, confidence, "Tango score")


def tango_bounds(
    first_only_share: float, second_only_share: float, images: float, confidence: float
) -> tuple[float, float]:
    """Tango's score bounds from shares instead of counts, so that a sample size can be imagined.

    For fixed shares the interval shrinks strictly as `images` grows, and a larger sample's interval lies inside.

    Args:
        first_only_share, second_only_share: share of the images that one patch flips and the other does not;
            at least 0, together at most 1.
        images: images compared, above 0.
        confidence: two-sided, in (0, 1).

    Returns:
        Lower and upper bound of first − second, in [-1, 1].

    Raises:
        ValueError: confidence is not in (0, 1).
    """
    z = two_sided_z(confidence)
    # The lower bound is the upper bound of the swapped comparison; sharing the code makes the mirror image exact.
    low = -_upper_bound(second_only_share, first_only_share, images, z)
    return low, _upper_bound(first_only_share, second_only_share, images, z)


def _upper_bound(first: float, second: float, images: float, z: float) -> float:
    """Largest difference that a score test with critical value z does not reject."""
    # Where no image speaks against the estimate its variance is 0, which leaves no bracket but a closed form.
    estimate = first - second
    if first == 0 and second == 0:
        return z * z / (images + z * z)
    if estimate <= -1:
        return (z * z - images) / (z * z + images)
    if estimate >= 1:
        return 1.0

    def excess(difference: float) -> float:
        spread = max(0.0, _variance(first, second, difference))
        return difference - estimate - z * math.sqrt(spread / images)

    # Below 0 at the estimate, where the variance is positive; above 0 at 1, where it is 0.
    root = float(optimize.brentq(excess, estimate, 1.0, xtol=1e-13, rtol=1e-13))
    return min(1.0, max(estimate, root))


def _variance(first: float, second: float, difference: float) -> float:
    """Variance of one image's outcome difference, at the likeliest shares whose difference is `difference`."""
    if difference < 0:
        # With the patches swapped the quadratic below has one root in range, without a choice between two.
        return _variance(second, first, -difference)
    # The smaller discordant share q, given q + difference for the larger, solves 2q² + linear·q + constant = 0.
    linear = (2 - first + second) * difference - first - second
    constant = -second * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear * linear - 8 * constant))
    # Of the two forms of the root, the one that does not cancel.
    smaller = -2 * constant / (linear + root) if linear > 0 else (root - linear) / 4
    return 2 * smaller + difference * (1 - difference)


def _require_images(images: int) -> None:
    if images == 0:
        raise NoEligibleImagesError(
            "a paired difference needs at least one eligible image, got 0; "
            "add source images that the model classifies rightly"
        )
