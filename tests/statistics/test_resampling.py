"""Resampling images, and crops with them: against a loop, known spreads, pairing, seeds, chunks; rank correlation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval
from auditor.statistics import resampling
from auditor.statistics.ranking import rank_correlation
from auditor.statistics.resampling import (
    difference_interval,
    resampled_sums,
    two_way_difference_interval,
    two_way_mean_interval,
)

# The same examples every time, and no clock: the machine may be busy.
STEADY = settings(deadline=None, derandomize=True)


def random_flips(candidates: int, images: int, seed: int = 0, rate: float = 0.3) -> np.ndarray:
    return (np.random.default_rng(seed).random((candidates, images)) < rate).astype(np.float64)


def test_sums_are_those_of_drawn_images() -> None:
    values = np.array([[1.0, 10.0, 100.0], [0.0, 0.0, 1.0]])
    sums = resampled_sums(values, seed=3, resamples=500)
    digits = np.stack([sums[0] % 10, sums[0] // 10 % 10, sums[0] // 100])
    assert (digits.sum(axis=0) == 3).all()
    assert np.array_equal(digits[2], sums[1])
    assert digits.mean(axis=1) == pytest.approx([1, 1, 1], abs=0.15)


def test_memory_chunks_do_not_change_the_draws(monkeypatch) -> None:
    values = random_flips(4, 50)
    whole = resampled_sums(values, 7, 300)
    for at_once in (1, 64, 50 * 17, 50 * 299):
        monkeypatch.setattr(resampling, "_WEIGHTS_AT_ONCE", at_once)
        assert np.array_equal(resampled_sums(values, 7, 300), whole)


def mean_interval(outcomes: np.ndarray, confidence: float, seed: int, resamples: int = 2000) -> Interval:
    """Of a group beside one that never flips."""
    return difference_interval(outcomes, np.zeros((1, outcomes.shape[1])), confidence, seed, resamples)


def test_same_seed_same_interval() -> None:
    outcomes = random_flips(3, 80)
    first = mean_interval(outcomes, 0.95, seed=11)
    assert mean_interval(outcomes, 0.95, seed=11) == first
    assert mean_interval(outcomes, 0.95, seed=12) != first
    assert (first.confidence, first.method) == (0.95, "bootstrap over images")


def test_one_candidate_agrees_with_binomial_spread() -> None:
    outcomes = np.zeros((1, 400))
    outcomes[0, :100] = 1
    interval = mean_interval(outcomes, 0.95, seed=1, resamples=4000)
    half = 1.96 * math.sqrt(0.25 * 0.75 / 400)
    assert (interval.low, interval.high) == pytest.approx((0.25 - half, 0.25 + half), abs=0.006)


def test_candidates_that_share_images_bring_no_false_certainty() -> None:
    """Ten copies of one candidate know no more than one: the cluster is the image."""
    outcomes = random_flips(1, 100)
    assert mean_interval(np.repeat(outcomes, 10, axis=0), 0.9, 5) == mean_interval(outcomes, 0.9, 5)


def test_agrees_with_a_plain_loop_over_drawn_images() -> None:
    outcomes = random_flips(4, 60, seed=2)
    rng = np.random.default_rng(99)
    means = [outcomes[:, rng.integers(0, 60, 60)].mean() for _ in range(8000)]
    interval = mean_interval(outcomes, 0.9, seed=4, resamples=8000)
    assert (interval.low, interval.high) == pytest.approx(np.quantile(means, [0.05, 0.95]), abs=0.008)


def test_difference_uses_the_same_images_for_both() -> None:
    first = random_flips(2, 90)
    same = difference_interval(first, first, 0.95, 3)
    assert (same.low, same.high) == (0.0, 0.0)
    # Group means that differ by a constant on every image differ by it in every resample.
    shifted = difference_interval(np.vstack([first, np.ones(90)]), np.vstack([first, np.zeros(90)]), 0.95, 3)
    assert (shifted.low, shifted.high) == pytest.approx((1 / 3, 1 / 3), abs=1e-15)


def test_difference_mirrors_and_is_that_of_means() -> None:
    first, second = random_flips(5, 70, 1, 0.5), random_flips(3, 70, 2, 0.2)
    interval, mirrored = difference_interval(first, second, 0.95, 8), difference_interval(second, first, 0.95, 8)
    assert (mirrored.low, mirrored.high) == pytest.approx((-interval.high, -interval.low), abs=1e-12)
    per_image = first.mean(axis=0) - second.mean(axis=0)
    rng = np.random.default_rng(5)
    differences = per_image[rng.integers(0, 70, (8000, 70))].mean(axis=1)
    assert (interval.low, interval.high) == pytest.approx(np.quantile(differences, [0.025, 0.975]), abs=0.015)


def test_bootstrap_bad_input_is_named() -> None:
    good = random_flips(2, 5)
    with pytest.raises(NoEligibleImagesError, match="first holds no image"):
        mean_interval(np.zeros((2, 0)), 0.95, 0)
    for wrong in (np.zeros(5), np.zeros((0, 5))):
        with pytest.raises(ValueError, match=r"first must be \(candidates, images\)"):
            difference_interval(wrong, good, 0.95, 0)
    with pytest.raises(ValueError, match="second must be finite"):
        difference_interval(good, np.full((1, 5), np.nan), 0.95, 0)
    with pytest.raises(ValueError, match="same images, got 5 and 4"):
        difference_interval(good, good[:, :4], 0.95, 0)
    with pytest.raises(ValueError, match="at least 1 resample, got 0"):
        mean_interval(good, 0.95, 0, resamples=0)
    with pytest.raises(ValueError, match="confidence"):
        mean_interval(good, 1.0, 0)


def test_drawing_crops_and_images_agrees_with_a_loop() -> None:
    """Of 12 and 9 crops and 50 images 11, 8 and 49 are drawn; bounds are spread by t(8) over the normal quantile."""
    first, second = random_flips(12, 50, 1, 0.5), random_flips(9, 50, 2, 0.3)
    generator = np.random.default_rng(7)
    differences = []
    for _ in range(6000):
        images = generator.integers(0, 50, 49)
        means = [
            group[generator.integers(0, len(group), len(group) - 1)][:, images].mean() for group in (first, second)
        ]
        differences.append(means[0] - means[1])
    estimate = first.mean() - second.mean()
    wanted = estimate + (np.quantile(differences, [0.05, 0.95]) - estimate) * 1.8595 / 1.6449
    interval = two_way_difference_interval([(first, second)], [1.0], 0.9, seed=3, resamples=6000)
    assert (interval.low, interval.high) == pytest.approx(wanted, abs=0.01)
    assert (interval.confidence, interval.method) == (0.9, "bootstrap over images and crops")
    assert two_way_difference_interval([(first, second)], [7.0], 0.9, seed=3, resamples=6000) == interval


def test_two_groups_of_one_population_differ_no_more_often_than_the_interval_says() -> None:
    """A hundred audits of 30 and 30 crops whose rates vary: 0 lies outside in at most 10; for images alone in 30."""
    excluded, by_images = 0, 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        rates = 0.05 * np.exp(generator.standard_normal(60))
        shared = generator.standard_normal(60)
        flips = generator.standard_normal((60, 60)) + shared > 2.1 - 6 * rates[:, None]
        first, second = flips[:30].astype(np.float64), flips[30:].astype(np.float64)
        interval = two_way_difference_interval([(first, second)], [1.0], 0.95, seed, resamples=300)
        plain = difference_interval(first, second, 0.95, seed, resamples=300)
        excluded += not interval.low <= 0 <= interval.high
        by_images += not plain.low <= 0 <= plain.high
    assert excluded <= 10
    assert by_images >= 30


def test_copies_of_a_crop_are_told_from_different_crops() -> None:
    """Drawing images alone is as sure of twelve very different crops as of twelve that are alike; this is not."""
    alike = np.repeat(random_flips(1, 200, 1, 0.3), 12, axis=0)
    rates = np.repeat([0.02, 0.58], 6)
    different = (np.random.default_rng(2).random((12, 200)) < rates[:, None]).astype(np.float64)
    narrow, wide = two_way_mean_interval(alike, 0.95, 1), two_way_mean_interval(different, 0.95, 1)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert narrow.low < 0.3 < narrow.high


def test_strata_count_by_their_weights_and_share_the_images() -> None:
    first, second, other = random_flips(6, 40, 1, 0.6), random_flips(6, 40, 2, 0.2), random_flips(5, 40, 3, 0.4)
    same = (other, other)
    alone = two_way_difference_interval([(first, second)], [1.0], 0.95, 0)
    diluted = two_way_difference_interval([(first, second), same], [1.0, 3.0], 0.95, 0)
    gap = first.mean() - second.mean()
    assert alone.low < gap < alone.high
    assert diluted.low < gap / 4 < diluted.high
    assert diluted.high < alone.high


def test_two_way_bad_input_is_named() -> None:
    good = random_flips(3, 6)
    with pytest.raises(ValueError, match="two of each, got 1 crops and 6 images"):
        two_way_mean_interval(good[:1], 0.95, 0)
    with pytest.raises(ValueError, match="two of each, got 3 crops and 1 images"):
        two_way_mean_interval(good[:, :1], 0.95, 0)
    with pytest.raises(ValueError, match=r"same images, got \[6, 5\]"):
        two_way_difference_interval([(good, good[:, :5])], [1.0], 0.95, 0)
    for weights in ([], [0.0], [-1.0], [1.0, 1.0]):
        with pytest.raises(ValueError, match="each of 1 strata needs a weight"):
            two_way_difference_interval([(good, good)], weights, 0.95, 0)
    with pytest.raises(NoEligibleImagesError):
        two_way_mean_interval(good[:, :0], 0.95, 0)
    with pytest.raises(ValueError, match="at least 1 resample"):
        two_way_mean_interval(good, 0.95, 0, resamples=0)


@STEADY
@given(st.integers(0, 10_000), st.integers(3, 12), st.booleans())
def test_value_agrees_with_scipy_ties_included(seed, candidates, own_controls) -> None:
    rng = np.random.default_rng(seed)
    push = rng.integers(0, 5, candidates).astype(np.float64)
    outcomes = random_flips(candidates, 12, seed + 1)
    baseline = random_flips(candidates, 12, seed + 2) if own_controls else random_flips(1, 12, seed + 2)[0]
    correlation = rank_correlation(push, outcomes, baseline, 0.95, seed=0, resamples=5)
    uplift = (outcomes - baseline).sum(axis=1)
    if np.ptp(push) == 0 or np.ptp(uplift) == 0:
        assert math.isnan(correlation.value)
        assert correlation.interval is None
    else:
        assert correlation.value == pytest.approx(spearmanr(push, uplift).statistic, abs=1e-12)
    assert correlation.candidates == candidates


def test_interval_agrees_with_a_loop_of_scipy() -> None:
    rng = np.random.default_rng(3)
    rates = np.linspace(0.1, 0.7, 9)
    outcomes = (rng.random((9, 40)) < rates[:, None]).astype(np.float64)
    push, baseline = rates + rng.normal(0, 0.15, 9), random_flips(1, 40, 6, 0.1)[0]
    correlation = rank_correlation(push, outcomes, baseline, 0.9, seed=2, resamples=4000)
    loop = []
    for _ in range(1500):
        drawn = rng.integers(0, 40, 40)
        loop.append(spearmanr(push, (outcomes - baseline)[:, drawn].sum(axis=1)).statistic)
    assert correlation.interval is not None
    bounds = correlation.interval.low, correlation.interval.high
    assert bounds == pytest.approx(np.quantile(loop, [0.05, 0.95]), abs=0.04)
    assert correlation.interval.method == "bootstrap over images"
    assert rank_correlation(push, outcomes, baseline, 0.9, seed=2, resamples=4000) == correlation


def test_a_perfect_score_and_its_reverse() -> None:
    outcomes = np.tril(np.ones((6, 6)))
    for sign in (1.0, -1.0):
        correlation = rank_correlation(sign * np.arange(6.0), outcomes, np.zeros(6), 0.95, 0)
        assert correlation.value == pytest.approx(sign)
        assert correlation.interval is not None
        assert correlation.interval.low <= correlation.value <= correlation.interval.high


def test_candidates_without_push_are_left_out() -> None:
    outcomes = random_flips(7, 30)
    push = np.array([0.3, math.nan, -1.0, 2.0, math.nan, 0.5, 0.1])
    known = ~np.isnan(push)
    with_gaps = rank_correlation(push, outcomes, np.zeros(30), 0.95, 1)
    assert with_gaps == rank_correlation(push[known], outcomes[known], np.zeros(30), 0.95, 1)
    assert with_gaps.candidates == 5


@pytest.mark.parametrize(
    ("push", "outcomes", "candidates"),
    [
        ([1.0, 2.0], np.eye(2), 2),
        ([1.0, 2.0, math.nan], np.eye(3), 2),
        ([math.nan] * 4, np.eye(4), 0),
        ([1.0, 1.0, 1.0], np.tril(np.ones((3, 3))), 3),
        ([1.0, 2.0, 3.0], np.eye(3), 3),
    ],
)
def test_no_correlation_where_there_is_none(push, outcomes, candidates) -> None:
    correlation = rank_correlation(np.array(push), outcomes, np.zeros(outcomes.shape[1]), 0.95, 0)
    assert math.isnan(correlation.value)
    assert (correlation.interval, correlation.candidates) == (None, candidates)


def test_resamples_without_differences_widen_the_interval() -> None:
    """One image alone tells the candidates apart; about a third of the resamples miss it and say nothing."""
    outcomes = np.zeros((4, 50))
    outcomes[2:, 0] = 1
    correlation = rank_correlation(np.arange(4.0), outcomes, np.zeros(50), 0.95, 0)
    assert correlation.value == pytest.approx(2 / math.sqrt(5))
    assert correlation.interval is not None
    assert (correlation.interval.low, correlation.interval.high) == (-1.0, 1.0)


def test_ranking_bad_input_is_named() -> None:
    outcomes = random_flips(4, 6)
    with pytest.raises(ValueError, match="push must be one number a candidate"):
        rank_correlation(np.zeros(5), outcomes, np.zeros(6), 0.95, 0)
    with pytest.raises(ValueError, match="baseline must be"):
        rank_correlation(np.arange(4.0), outcomes, np.zeros(4), 0.95, 0)
    with pytest.raises(ValueError, match="baseline must be finite"):
        rank_correlation(np.arange(4.0), outcomes, np.full(6, np.nan), 0.95, 0)
    with pytest.raises(NoEligibleImagesError):
        rank_correlation(np.arange(4.0), np.zeros((4, 0)), np.zeros(0), 0.95, 0)
    with pytest.raises(ValueError, match="at least 1 resample"):
        rank_correlation(np.arange(4.0), np.tril(np.ones((4, 6))), np.zeros(6), 0.95, 0, resamples=0)
