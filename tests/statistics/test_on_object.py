"""On the object and off it: counts by hand, bounds as for any paired difference."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.records import Placement
from auditor.core.records.places import DoseOutcomes
from auditor.statistics.on_object import at_attribution
from auditor.statistics.paired import paired_counts, tango_interval


def test_counts_and_paired_bounds() -> None:
    own, covering = np.array([1, 1, 1, 0, 0, 1], dtype=bool), np.array([1, 0, 0, 1, 0, 0], dtype=bool)
    found = at_attribution(DoseOutcomes("size", Placement.ON_OBJECT, (0.35,), own[None], covering[None]), 0.9)
    assert (found.placement, found.flips, found.covering_flips, found.images) == (Placement.ON_OBJECT, 4, 2, 6)
    bounds = tango_interval(paired_counts(own, covering), 0.9)
    assert (found.uplift.value, found.uplift.low, found.uplift.high) == (pytest.approx(2 / 6), bounds.low, bounds.high)
    with pytest.raises(ValueError, match="covering"):
        at_attribution(DoseOutcomes("opacity", Placement.FIXED, (1.0,), own[None]), 0.9)
