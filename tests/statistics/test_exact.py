"""Exact tests of a paired difference: every table counted, published and independent values, the size at the limit."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.statistics.exact import fewest_first_only, p_at_least, p_at_most, signed_root, tail_probabilities
from auditor.statistics.paired import PairedCounts, tango_bounds

STEADY = settings(deadline=None, derandomize=True)


def table(first_only: int, second_only: int, images: int) -> PairedCounts:
    return PairedCounts(0, first_only, second_only, images - first_only - second_only)


def ratio_by_search(first_only: int, second_only: int, images: int, difference: float) -> float:
    """Signed root of twice the log likelihood ratio, the likeliest shares found by trying 20,001 of them."""
    agree = images - first_only - second_only
    q = np.linspace(max(0.0, -difference), (1 - difference) / 2, 20_001)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [
            np.where(count > 0, count * np.log(np.maximum(share, 0)), 0.0)
            for count, share in ((first_only, q + difference), (second_only, q), (agree, 1 - 2 * q - difference))
        ]
    best = sum(count * math.log(count / images) for count in (first_only, second_only, agree) if count)
    root = math.sqrt(max(0.0, 2 * (best - float(np.sum(terms, axis=0).max()))))
    return root if (first_only - second_only) / images >= difference else -root


@pytest.mark.parametrize("difference", [-0.5, -0.1, 0.0, 0.1, 0.3])
def test_the_statistic_is_the_likelihood_ratios(difference: float) -> None:
    for first_only, second_only in itertools.product(range(0, 13, 3), repeat=2):
        if first_only + second_only <= 12:
            root = signed_root(np.array([float(first_only)]), np.array([float(second_only)]), 12, difference)[0]
            expected = ratio_by_search(first_only, second_only, 12, difference)
            assert root == pytest.approx(expected, abs=2e-3), (first_only, second_only)


@pytest.mark.parametrize("images", [5, 20, 60])
@pytest.mark.parametrize("difference", [-0.8, -0.1, 0.0, 0.05, 0.1, 0.5])
def test_the_statistic_rises_with_the_firsts_flips_and_falls_with_the_seconds(images: int, difference: float) -> None:
    """What lets the maximum be sought at the limit alone, and the extreme tables by halving."""
    first, second = np.meshgrid(np.arange(images + 1.0), np.arange(images + 1.0), indexing="ij")
    inside = first + second <= images
    root = signed_root(np.where(inside, first, 0.0), np.where(inside, second, 0.0), images, difference)
    down, across = np.diff(root, axis=0), np.diff(root, axis=1)
    assert (down[inside[1:]] > 0).all()
    assert (across[inside[:, 1:]] < 0).all()


@pytest.mark.parametrize(
    ("first_only", "second_only", "images", "difference"),
    [(5, 1, 20, 0.1), (3, 0, 20, -0.1), (9, 1, 25, 0.1), (0, 4, 25, 0.0), (2, 9, 25, -0.1), (6, 2, 30, 0.3)],
)
def test_the_p_value_sums_every_table(first_only: int, second_only: int, images: int, difference: float) -> None:
    tables = [pair for pair in itertools.product(range(images + 1), repeat=2) if sum(pair) <= images]
    first, second = (np.array(side, dtype=np.float64) for side in zip(*tables, strict=True))
    roots = signed_root(first, second, images, difference)
    observed = roots[tables.index((first_only, second_only))]
    extreme = roots >= observed - 1e-9
    cells = np.stack([first, second, images - first - second], axis=1)[extreme]
    largest = max(
        float(stats.multinomial.pmf(cells, images, [q + difference, q, 1 - 2 * q - difference]).sum())
        for q in np.linspace(max(0.0, -difference), (1 - difference) / 2 - 1e-12, 401)
    )
    p_value = p_at_most(table(first_only, second_only, images), difference)
    assert p_value == pytest.approx(largest, rel=1e-3)
    assert p_at_least(table(second_only, first_only, images), -difference) == p_value


def test_a_second_that_never_flips_is_a_plain_binomial_test_by_hand() -> None:
    """No flip at all among 28 or 29 images against "at least 10 points": 0.9^28 = 5.2%, 0.9^29 = 4.7%."""
    assert p_at_least(table(0, 0, 28), 0.1) == pytest.approx(0.9**28, rel=1e-12)
    assert p_at_least(table(0, 0, 29), 0.1) == pytest.approx(0.9**29, rel=1e-12)


def test_the_probability_is_that_of_two_binomials() -> None:
    fewest = fewest_first_only(9, 0.2, 1.0)
    q = 0.15
    expected = sum(
        stats.binom.pmf(second, 9, q) * stats.binom.sf(fewest[second] - 1, 9 - second, (q + 0.2) / (1 - q))
        for second in range(10)
    )
    assert tail_probabilities(9, 0.2, fewest, np.array([0.0, q]))[1] == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize(("images", "alpha"), [(30, 0.05), (57, 0.034), (120, 0.05)])
def test_a_true_hypothesis_is_rejected_no_more_often_than_the_level_says(images: int, alpha: float) -> None:
    """The chance to reject at an uplift of exactly 0.1, whatever the second does, over shares between the grid's."""
    rejected = np.full(images + 1, images + 1)
    for second in range(images // 2):
        first = second
        while first <= images - second and p_at_most(table(first, second, images), 0.1) > alpha:
            first = max(first + 1, int(rejected[second - 1]) if second else 0)
        rejected[second] = first
    size = tail_probabilities(images, 0.1, rejected, np.linspace(0.0, 0.45, 777))
    assert 0.5 * alpha < size.max() <= alpha * 1.001
    tango = np.full(images + 1, images + 1)
    for second in range(images // 2):
        tango[second] = next(
            first
            for first in range(second, images + 2)
            if first > images - second or tango_bounds(first / images, second / images, images, 1 - 2 * alpha)[0] > 0.1
        )
    assert tail_probabilities(images, 0.1, tango, np.linspace(0.0, 0.45, 777)).max() > alpha * 1.05


@STEADY
@given(st.integers(0, 25), st.integers(0, 25), st.integers(0, 40), st.floats(-0.9, 0.9))
def test_p_values_lie_in_range_and_one_side_speaks(first_only: int, second_only: int, agree: int, limit: float) -> None:
    counts = PairedCounts(0, first_only, second_only, agree + 1)
    above, below = p_at_most(counts, limit), p_at_least(counts, limit)
    assert 0 <= above <= 1
    assert 0 <= below <= 1
    assert above + below >= 1 - 1e-9


def test_more_flips_speak_more_strongly() -> None:
    by_first = [p_at_most(table(first, 2, 60), 0.1) for first in range(0, 30, 3)]
    by_second = [p_at_most(table(15, second, 60), 0.1) for second in range(0, 30, 3)]
    by_limit = [p_at_most(table(12, 2, 60), limit) for limit in (-0.3, -0.1, 0.0, 0.1, 0.2, 0.5)]
    assert by_first == sorted(by_first, reverse=True)
    assert by_second == sorted(by_second)
    assert by_limit == sorted(by_limit)


def test_bad_input_is_named() -> None:
    with pytest.raises(NoEligibleImagesError, match="at least one eligible image, got 0"):
        p_at_most(table(0, 0, 0), 0.1)
    for difference in (-1.0, 1.0, 10.0):
        with pytest.raises(ValueError, match="between -1 and 1"):
            p_at_least(table(1, 0, 5), difference)
