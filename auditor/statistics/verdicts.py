"""From an interval to pass, fail or inconclusive, and how many images would settle it. Knows no tiers, no reviews."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval, Verdict
from auditor.statistics.intervals import two_sided_z
from auditor.statistics.multiplicity import bonferroni_confidence
from auditor.statistics.uplift import UPLIFT_METHOD, control_tables, uplift_bounds


def judge(interval: Interval, limit: float) -> Verdict:
    """Hold an interval against a limit.

    Args:
        interval: bounds of an uplift or of a rate, as fractions.
        limit: in the same unit.

    Returns:
        `fail` where the whole interval is above the limit, `pass` where it is below, else `inconclusive`;
        a bound that equals the limit settles nothing.
    """
    if interval.low > limit:
        return Verdict.FAIL
    if interval.high < limit:
        return Verdict.PASS
    return Verdict.INCONCLUSIVE


def images_to_settle(
    candidate: NDArray[np.bool_],
    controls: Mapping[str, NDArray[np.bool_]],
    confidence: float,
    comparisons: int,
    limit: float,
    most: int = 1_000_000,
) -> int | None:
    """Eligible images at which the same paired proportions would pass or fail.

    The shares of the paired counts are kept as they are, without rounding to whole images: the bounds then
    tighten strictly with the sample, so there is one smallest number, and every larger sample settles too.
    It is a plan and no promise, since the shares of new images will differ.

    Args:
        candidate: (B,) boolean, whether each eligible image flipped.
        controls: name to (B,) boolean, on the same images and placements in the same order.
        confidence, comparisons: as for `smallest_uplift`.
        limit: uplift, as a fraction.
        most: give up above this many.

    Returns:
        The smallest such number that is not below B (B itself where B images settle it), or None where `most`
        images would not do, as when the uplift equals the limit.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: as for `smallest_uplift`.
    """
    tables = control_tables(candidate, controls)
    seen = candidate.size
    if seen == 0:
        raise NoEligibleImagesError(
            "the images that would settle a verdict follow from measured flips, and no image was eligible; "
            "images_to_pass says how many are needed at least"
        )
    shares = [(table.first_only / seen, table.second_only / seen) for table in tables.values()]
    level = bonferroni_confidence(confidence, comparisons)

    def settled(images: int) -> bool:
        low, high = uplift_bounds(shares, images, confidence, comparisons)
        return judge(Interval(low, high, level, UPLIFT_METHOD), limit) is not Verdict.INCONCLUSIVE

    if settled(seen):
        return seen
    if most <= seen or not settled(most):
        return None
    too_few, enough = seen, most
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if settled(middle):
            enough = middle
        else:
            too_few = middle
    return enough


def images_to_pass(comparisons: int, controls: int, confidence: float, limit: float) -> int:
    """Fewest eligible images with which a candidate that never flips can pass, its controls never flipping either.

    With fewer images no candidate of the audit can pass, whatever it does, short of flipping less than its controls.

    Args:
        comparisons: candidates and placements that get an interval, at least 1.
        controls: controls of each, at least 1.
        confidence: joint over all comparisons, two-sided, in (0, 1).
        limit: uplift, as a fraction in (0, 1).

    Returns:
        The smallest n with z² / (n + z²) < limit, z² / (n + z²) being Tango's upper bound when nothing flips.

    Raises:
        ValueError: an argument is out of its range; a limit of 0 cannot be passed by any number of images.
    """
    if not 0 < limit < 1:
        raise ValueError(f"a limit that can be passed lies between 0 and 1, both excluded, got {limit:g}")
    if controls < 1:
        raise ValueError(f"an uplift needs at least one control, got {controls}")
    bonferroni_confidence(confidence, comparisons)
    z2 = two_sided_z(bonferroni_confidence(confidence, comparisons * controls)) ** 2
    return math.floor(z2 * (1 - limit) / limit) + 1
