"""Rank correlation without the noise of few images: the interval by hand, and its coverage in simulated audits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.statistics.ranking import noise_free_correlation, rank_correlation


def simulated(crops: int, images: int, signal: float, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Push, outcomes, and the rank correlation of push with the crops' true rates; some images flip under anything."""
    generator = np.random.default_rng(seed)
    strength = generator.standard_normal(crops)
    rates = 0.03 + 0.05 * np.exp(strength) / math.e**0.5
    push = signal * strength + math.sqrt(1 - signal**2) * generator.standard_normal(crops)
    shared = math.sqrt(0.4) * generator.standard_normal((1, images))
    latent = shared + math.sqrt(0.6) * generator.standard_normal((crops, images))
    outcomes = (latent > -stats.norm.ppf(rates)[:, None]).astype(np.float64)
    return push, outcomes, float(stats.spearmanr(push, rates).statistic)


def test_the_value_is_spearmans_and_lies_inside() -> None:
    push, outcomes, _ = simulated(40, 60, 0.7, 1)
    found = noise_free_correlation(push, outcomes, np.zeros(60), 0.95, 0)
    assert found.value == pytest.approx(stats.spearmanr(push, outcomes.sum(axis=1)).statistic)
    assert found.value == rank_correlation(push, outcomes, np.zeros(60), 0.95, 0).value
    assert found.candidates == 40
    assert found.interval is not None
    assert found.interval.low < found.value < found.interval.high
    assert found.interval.method == "Bonett–Wright, without the noise of few images"
    assert noise_free_correlation(push, outcomes, np.zeros(60), 0.95, 0) == found


def test_without_noise_it_is_the_interval_of_a_sample() -> None:
    """Every image says the same, so halves agree perfectly; a perfect agreement is read as one step off it."""
    counts = np.arange(20.0)
    push = np.array([1.0, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14, 17, 16, 19, 18])
    outcomes = np.repeat(counts[:, None] / 20, 8, axis=1)
    found = noise_free_correlation(push, outcomes, np.zeros(8), 0.95, 0)
    r = 1 - 6 * 20 / (20**3 - 20)
    assert found.value == pytest.approx(r)
    error = math.sqrt((1 + r * r / 2) / 17)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(math.tanh(math.atanh(r) - 1.959964 * error), abs=1e-6)
    inside = 1 - 12 / (20**3 - 20)
    halves = math.tanh(math.atanh(inside) - math.sqrt((1 + inside * inside / 2) / 17))
    reliability = 2 * halves / (1 + halves)
    sampled = math.tanh(math.atanh(r) + 1.959964 * error)
    assert found.interval.high == pytest.approx(min(1.0, sampled / math.sqrt(reliability)), abs=1e-6)


@pytest.mark.parametrize(("crops", "images"), [(30, 40), (60, 80)])
@pytest.mark.parametrize("signal", [0.0, 0.95])
def test_the_interval_holds_the_correlation_with_true_rates(crops: int, images: int, signal: float) -> None:
    """Forty audits each: at least 90% hold it; resampling images alone holds a strong one almost never."""
    held, held_by_images = 0, 0
    for seed in range(40):
        push, outcomes, true = simulated(crops, images, signal, seed)
        found = noise_free_correlation(push, outcomes, np.zeros(images), 0.95, seed)
        plain = rank_correlation(push, outcomes, np.zeros(images), 0.95, seed, resamples=200)
        assert found.interval is not None
        assert plain.interval is not None
        held += found.interval.low <= true <= found.interval.high
        held_by_images += plain.interval.low <= true <= plain.interval.high
    assert held >= 36
    if signal == 0.95:
        assert held_by_images <= 8


def test_rates_that_no_half_can_order_leave_the_sign_open_only_where_it_is() -> None:
    """Nothing but noise: the halves do not agree, so no end on its own side is believed."""
    generator = np.random.default_rng(5)
    outcomes = (generator.random((30, 40)) < 0.1).astype(np.float64)
    found = noise_free_correlation(generator.standard_normal(30), outcomes, np.zeros(40), 0.95, 0)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (-1.0, 1.0)


def test_too_few_to_say_anything() -> None:
    three = noise_free_correlation(np.arange(3.0), np.tril(np.ones((3, 9))), np.zeros(9), 0.95, 0)
    assert three.interval is not None
    assert (three.interval.low, three.interval.high) == (-1.0, 1.0)
    few_images = noise_free_correlation(np.arange(5.0), np.tril(np.ones((5, 3))), np.zeros(3), 0.95, 0)
    assert few_images.interval is not None
    assert (few_images.interval.low, few_images.interval.high) == (-1.0, 1.0)
    two = noise_free_correlation(np.array([1.0, 2.0, np.nan]), np.eye(3), np.zeros(3), 0.95, 0)
    assert (math.isnan(two.value), two.interval, two.candidates) == (True, None, 2)
    same = noise_free_correlation(np.arange(5.0), np.ones((5, 9)), np.zeros(9), 0.95, 0)
    assert (math.isnan(same.value), same.interval) == (True, None)
    with pytest.raises(NoEligibleImagesError):
        noise_free_correlation(np.arange(5.0), np.ones((5, 0)), np.zeros(0), 0.95, 0)
    with pytest.raises(ValueError, match="push must be one number a candidate"):
        noise_free_correlation(np.arange(4.0), np.ones((5, 9)), np.zeros(9), 0.95, 0)
