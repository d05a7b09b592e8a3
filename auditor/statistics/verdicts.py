"""From an interval to pass, fail or inconclusive, and how many images would settle it. Knows no tiers, no reviews."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from auditor.core.records import Interval, Verdict
from auditor.statistics.exact import root_of
from auditor.statistics.looks import error_budget
from auditor.statistics.multiplicity import simes
from auditor.statistics.paired import PairedCounts


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
    tables: Sequence[PairedCounts], level_above: float, level_below: float, limit: float, most: int = 1_000_000
) -> int | None:
    """Eligible images at which the same paired proportions would pass or fail at these levels.

    The signed root of the likelihood ratio grows with the root of the images where proportions stay, so it tells the
    number by its normal tail, which the exact test follows closely. It is a plan and no promise, since the shares of
    new images will differ.

    Args:
        tables: the candidate (first) with each covering (second), of the same images; nothing is settled yet.
        level_above, level_below: of the two tests.
        limit: uplift, as a fraction.
        most: give up above this many.

    Returns:
        More than the images seen, or None where `most` would not do, as when the uplift equals the limit.

    Raises:
        NoEligibleImagesError, ValueError: as `root_of`.
    """
    roots = np.array([root_of(table, limit) for table in tables])
    seen = tables[0].n

    def settled(images: int) -> bool:
        grown = roots * math.sqrt(images / seen)
        fails = float(special.ndtr(-grown.min())) < level_above
        return fails or simes([float(one) for one in special.ndtr(grown)]) < level_below

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


def images_to_pass(confidence: float, limit: float, hypotheses: int = 1) -> int:
    """Fewest eligible images with which candidates that never flip can pass, their coverings never flipping either.

    "All are below the limit" needs no correction for how many they are, so neither candidates nor coverings count.
    With fewer images no candidate of the audit can pass, whatever it does, short of flipping less than its coverings.

    Args:
        confidence: of the run's pass, in (0, 1).
        limit: uplift, as a fraction in (0, 1).
        hypotheses: patches that one was chosen from on these very images, 1 where it was not.

    Raises:
        ValueError: an argument is out of its range; a limit of 0 cannot be passed by any number of images.
    """
    if not 0 < limit < 1:
        raise ValueError(f"a limit that can be passed lies between 0 and 1, both excluded, got {limit:g}")
    if hypotheses < 1:
        raise ValueError(f"a patch is chosen from at least one, itself, got {hypotheses}")
    level = error_budget(confidence).passing / hypotheses
    # that none of n images flips has, at an uplift of the limit, the probability (1 - limit)^n at most
    return math.floor(math.log(level) / math.log(1 - limit)) + 1
