"""Which flips survive: outcomes of pastes seen again in, counts with intervals out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auditor.core.records.survival import Survival, SurvivalOutcomes, Survived
from auditor.statistics.intervals import RateInterval


def survival_of(
    outcomes: SurvivalOutcomes, shift_px: int, jpeg_quality: int, interval: RateInterval, confidence: float
) -> Survival:
    """Count the flips that survive: pictures of which one and the same paste flips as confirmed and however seen.

    Args:
        interval: bounds each share of the B pictures that were pasted again, at a two-sided confidence in (0, 1).

    Raises:
        NoEligibleImagesError: no picture was pasted again.
    """
    again = outcomes.flips.shape[1]

    def survived(seen: NDArray[np.bool_]) -> Survived:
        """(D, V, B) whether the picture is the target's when seen so, each time of D."""
        count = int((outcomes.flips & seen.all(axis=0)).any(axis=0).sum())
        return Survived(count, interval(count, again, confidence))

    return Survival(
        candidate=outcomes.candidate,
        placement=outcomes.placement,
        shift_px=shift_px,
        jpeg_quality=jpeg_quality,
        flips=outcomes.flips_in_all,
        again=again,
        shifted=survived(outcomes.shifted),
        saved=survived(outcomes.saved[None]),
        both=survived(outcomes.both),
    )
