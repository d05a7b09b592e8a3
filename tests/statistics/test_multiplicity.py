"""Corrections for several hypotheses: by hand, against statsmodels, against every intersection of hypotheses."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from auditor.statistics.multiplicity import (
    benjamini_hochberg,
    fallback,
    fallback_levels,
    falling_shares,
    hochberg,
    simes,
)

# The same examples every time, and no clock: the machine may be busy.
STEADY = settings(deadline=None, derandomize=True)

CORRECTIONS = pytest.mark.parametrize(
    ("correct", "method"), [(hochberg, "simes-hochberg"), (benjamini_hochberg, "fdr_bh")]
)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_by_hand() -> None:
    p_values = [0.04, 0.01, 0.03, 0.005]
    assert benjamini_hochberg(p_values) == pytest.approx([0.04, 0.02, 0.04, 0.02])
    # the largest as it is; of the second largest twice, unless that is more than the largest
    assert hochberg(p_values) == pytest.approx([0.04, 0.03, 0.04, 0.02])


@CORRECTIONS
@STEADY
@given(p_values=P_VALUES)
def test_agrees_with_statsmodels(correct, method, p_values) -> None:
    assert correct(p_values) == pytest.approx(list(multipletests(p_values, method=method)[1]), abs=1e-12)


@CORRECTIONS
@STEADY
@given(p_values=P_VALUES, seed=st.integers(0, 1000))
def test_order_does_not_matter_and_nothing_shrinks(correct, method, p_values, seed) -> None:
    adjusted = correct(p_values)
    order = np.random.default_rng(seed).permutation(len(p_values))
    assert correct([p_values[i] for i in order]) == [adjusted[i] for i in order]
    # Scaling by m and dividing by m may differ from 1 in the last place.
    assert all(p * (1 - 1e-12) <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))


@CORRECTIONS
def test_small_families(correct, method) -> None:
    assert correct([]) == []
    assert correct([0.2]) == [0.2]
    assert correct([0.2, 0.2, 0.2]) == pytest.approx([0.2] * 3)
    assert correct((1.0, 0.9)) == [1.0, 1.0]


@CORRECTIONS
def test_refuses_what_is_no_p_value(correct, method) -> None:
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"p-values must lie in \[0, 1\]"):
            correct([0.5, wrong])


def test_simes_by_hand() -> None:
    assert simes([0.3]) == 0.3
    # one of four very small counts four times; four that are all small count as the largest
    assert simes([0.01, 0.9, 0.8, 0.7]) == pytest.approx(0.04)
    assert simes([0.04, 0.05, 0.045, 0.05]) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="at least one p-value"):
        simes([])


@STEADY
@given(p_values=P_VALUES)
def test_simes_is_the_smallest_q_value(p_values) -> None:
    assert simes(p_values) == pytest.approx(min(benjamini_hochberg(p_values)), abs=1e-12)


def test_shares_fall_and_add_up() -> None:
    assert falling_shares(1) == [1.0]
    assert falling_shares(2) == pytest.approx([0.8, 0.2])
    assert falling_shares(4) == pytest.approx([0.8, 0.2 * 4 / 3 / 2, 0.2 * 4 / 3 / 6, 0.2 * 4 / 3 / 12])
    for count in (3, 8, 24):
        shares = falling_shares(count)
        assert sum(shares) == pytest.approx(1.0)
        assert shares == sorted(shares, reverse=True)
    with pytest.raises(ValueError, match="at least 1 hypothesis, got 0"):
        falling_shares(0)


def test_fallback_by_hand() -> None:
    """Three hypotheses with shares .5, .3, .2 at 5%: levels .025, .015, .01, and what the one before hands on."""
    shares = [0.5, 0.3, 0.2]
    assert fallback_levels([0.01, 0.03, 0.02], shares, 0.05) == pytest.approx([0.025, 0.04, 0.05])
    assert fallback_levels([0.03, 0.01, 0.02], shares, 0.05) == pytest.approx([0.025, 0.015, 0.025])
    assert fallback_levels([0.03, 0.02, 0.001], shares, 0.05) == pytest.approx([0.025, 0.015, 0.01])
    # rejected at .02 / .5; then with both shares at .03 / .8; then with all three at .04 or after the second alone
    assert fallback([0.02, 0.03, 0.04], shares) == pytest.approx([0.04, 0.04, 0.04])
    assert fallback([0.5, 0.006, 0.03], shares) == pytest.approx([1.0, 0.02, 0.06])


def test_a_fixed_sequence_stops_at_the_first_that_is_not_rejected() -> None:
    shares = [1.0, 0.0, 0.0]
    assert fallback_levels([0.04, 0.06, 0.001], shares, 0.05) == [0.05, 0.05, 0.0]
    assert fallback([0.04, 0.06, 0.001], shares) == [0.04, 0.06, 0.06]


@STEADY
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=6), alpha=st.floats(0.001, 0.999))
def test_the_adjusted_value_is_where_the_level_begins_to_reject(p_values, alpha) -> None:
    shares = falling_shares(len(p_values))
    levels = fallback_levels(p_values, shares, alpha)
    for p_value, level, adjusted in zip(p_values, levels, fallback(p_values, shares), strict=True):
        if abs(adjusted - alpha) > 1e-9:
            assert (p_value < level) == (adjusted < alpha)


def rejected_by_every_intersection(p_values: list[float], shares: list[float], alpha: float) -> list[bool]:
    """The closed test behind the fallback: every set of hypotheses has weights of its own."""

    def rejects(inside: tuple[int, ...]) -> bool:
        # a hypothesis outside hands its weight to the next; weights are what arrives at those inside
        weight = 0.0
        for place, (p_value, share) in enumerate(zip(p_values, shares, strict=True)):
            weight += share
            if place in inside:
                if p_value < weight * alpha:
                    return True
                weight = 0.0
        return False

    everyone = range(len(p_values))
    sets = [group for size in range(1, len(p_values) + 1) for group in itertools.combinations(everyone, size)]
    rejected = {group: rejects(group) for group in sets}
    return [all(rejected[group] for group in sets if place in group) for place in everyone]


@STEADY
@given(p_values=st.lists(st.floats(0, 0.2), min_size=1, max_size=5), alpha=st.floats(0.01, 0.2))
def test_fallback_is_a_closed_test(p_values, alpha) -> None:
    shares = falling_shares(len(p_values))
    levels = fallback_levels(p_values, shares, alpha)
    rejected = [p_value < level for p_value, level in zip(p_values, levels, strict=True)]
    assert rejected == rejected_by_every_intersection(p_values, shares, alpha)


def test_shares_out_of_range_are_named() -> None:
    for shares in ([0.9, 0.2], [-0.1, 0.5]):
        with pytest.raises(ValueError, match="together at most 1"):
            fallback([0.1, 0.1], shares)
