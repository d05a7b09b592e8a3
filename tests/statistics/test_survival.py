"""Which flips survive, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Placement
from auditor.core.records.survival import SurvivalOutcomes
from auditor.statistics.intervals import wilson_interval
from auditor.statistics.survival import survival_of


def outcomes(flips: object, shifted: object, saved: object, both: object) -> SurvivalOutcomes:
    of = [np.array(each, dtype=bool) for each in (flips, shifted, saved, both)]
    return SurvivalOutcomes("c-001", Placement.BEST, 9, *of)


def test_a_flip_survives_a_shift_in_every_direction_or_not_at_all() -> None:
    flips, saved = [[1, 1, 1, 1]], [[1, 1, 0, 1]]
    shifted, both = [[[1, 1, 1, 0]], [[1, 0, 1, 1]]], [[[1, 1, 0, 0]], [[1, 1, 0, 1]]]
    found = survival_of(outcomes(flips, shifted, saved, both), 2, 85, wilson_interval, 0.95)
    # the second picture flips where it is moved and saved, though not where it is moved alone
    assert (found.shifted.count, found.saved.count, found.both.count) == (2, 3, 2)
    assert (found.flips, found.again, found.shift_px, found.jpeg_quality) == (9, 4, 2, 85)
    assert found.saved.interval == wilson_interval(3, 4, 0.95)


def test_of_several_pastes_one_and_the_same_has_to_survive() -> None:
    # of the first picture one paste survives each direction; of the second another in each; the third's never flipped
    flips = [[1, 1, 0], [1, 1, 1]]
    shifted = [[[1, 1, 1], [0, 0, 0]], [[1, 0, 1], [0, 1, 0]]]
    found = survival_of(outcomes(flips, shifted, flips, shifted), 2, 85, wilson_interval, 0.95)
    assert (found.shifted.count, found.saved.count, found.both.count) == (1, 3, 1)


def test_no_flip_has_no_share() -> None:
    none = np.zeros((1, 0), dtype=bool)
    with pytest.raises(NoEligibleImagesError):
        survival_of(outcomes(none, none[None], none, none[None]), 2, 85, wilson_interval, 0.95)
