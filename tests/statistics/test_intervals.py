"""Wilson's and Clopper–Pearson's intervals: known values, statsmodels, and the ends of the range."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from auditor.core.config import LimitsConfig
from auditor.core.errors import NoEligibleImagesError
from auditor.statistics.intervals import INTERVALS, clopper_pearson_interval, two_sided_z, wilson_interval

# The same examples every time, and no clock: the machine may be busy.
STEADY = settings(deadline=None, derandomize=True)

BOTH = pytest.mark.parametrize("bound", [wilson_interval, clopper_pearson_interval])


def test_wilson_of_eight_in_ten() -> None:
    interval = wilson_interval(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.49016, 0.94332), abs=5e-6)
    assert (interval.confidence, interval.method) == (0.95, "Wilson")


def test_clopper_pearson_of_eight_in_ten() -> None:
    interval = clopper_pearson_interval(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.44390, 0.97479), abs=5e-6)
    assert (interval.confidence, interval.method) == (0.95, "Clopper–Pearson")


def test_no_flips_have_known_upper_bounds() -> None:
    assert wilson_interval(0, 50).high == pytest.approx(1.959964**2 / (50 + 1.959964**2), rel=1e-6)
    assert clopper_pearson_interval(0, 50).high == pytest.approx(1 - 0.025 ** (1 / 50), rel=1e-12)


@BOTH
def test_ends_of_the_range_are_exact(bound) -> None:
    for eligible in (1, 3, 7, 49, 1000, 123_457):
        assert bound(0, eligible).low == 0.0
        assert bound(eligible, eligible).high == 1.0


@pytest.mark.parametrize(("bound", "method"), [(wilson_interval, "wilson"), (clopper_pearson_interval, "beta")])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999, 1 - 1e-6])
def test_agrees_with_statsmodels(bound, method, confidence) -> None:
    for flips, eligible in [(0, 1), (1, 1), (0, 40), (3, 40), (20, 40), (39, 40), (40, 40), (17, 5000)]:
        expected = proportion_confint(flips, eligible, alpha=1 - confidence, method=method)
        interval = bound(flips, eligible, confidence)
        # two roundings of the same tail: findings.json keeps 10 digits of these
        assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-11, abs=2e-12)


def test_clopper_pearson_covers_at_least_its_level_for_every_rate() -> None:
    eligible, outcomes = 30, np.arange(31)
    intervals = [clopper_pearson_interval(flips, eligible, 0.9) for flips in outcomes]
    low, high = np.array([i.low for i in intervals]), np.array([i.high for i in intervals])
    coverage = [
        stats.binom.pmf(outcomes, eligible, rate)[(low <= rate) & (rate <= high)].sum()
        for rate in np.linspace(0.01, 0.99, 99)
    ]
    assert 0.9 <= min(coverage) < 0.95


@BOTH
@STEADY
@given(data=st.data(), eligible=st.integers(1, 3000), confidence=st.floats(0.01, 1 - 1e-6))
def test_contains_the_rate_widens_with_confidence_and_mirrors(bound, data, eligible, confidence) -> None:
    flips = data.draw(st.integers(0, eligible))
    interval = bound(flips, eligible, confidence)
    assert 0 <= interval.low <= flips / eligible <= interval.high <= 1
    wider = bound(flips, eligible, (1 + confidence) / 2)
    assert wider.low <= interval.low
    assert wider.high >= interval.high
    mirrored = bound(eligible - flips, eligible, confidence)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((interval.low, interval.high), abs=1e-9)


@BOTH
def test_bad_input_is_named(bound) -> None:
    with pytest.raises(NoEligibleImagesError, match="at least one eligible image, got 0"):
        bound(0, 0)
    with pytest.raises(ValueError, match="between 0 and the 10 eligible images, got 11"):
        bound(11, 10)
    with pytest.raises(ValueError, match="got -1"):
        bound(-1, 10)
    for confidence in (0.0, 1.0, 95.0, -0.5, math.nan):
        with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
            bound(3, 10, confidence)


def test_every_interval_can_be_chosen_and_no_other() -> None:
    assert set(get_args(LimitsConfig.model_fields["interval"].annotation)) == set(INTERVALS)


def test_two_sided_quantile() -> None:
    assert two_sided_z(0.95) == pytest.approx(1.959963985)
    assert two_sided_z(1 - 1e-6) == pytest.approx(4.891638, abs=1e-6)
