"""Flip rates foretold by log-odds: the fit, and that those of crops that lead come true."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from auditor.statistics.foretold import Foretold


def test_the_fit_is_what_the_rates_were_drawn_from() -> None:
    generator = np.random.default_rng(5)
    odds = generator.normal(-2.0, 2.0, size=6_000)
    mean, eligible = expit(0.5 + 0.8 * odds), generator.integers(20, 80, size=6_000)
    flips = generator.binomial(eligible, generator.beta(15 * mean, 15 * (1 - mean)))
    found = Foretold.fit(odds, flips, eligible)
    assert (found.level, found.slope, found.weight) == pytest.approx((0.5, 0.8, 15.0), rel=0.1)
    assert found.rates([0.0, 2.0]) == pytest.approx(expit([found.level, found.level + 2 * found.slope]))


def test_without_counts_the_log_odds_are_believed() -> None:
    found = Foretold.fit([], [], [])
    assert (found.level, found.slope, found.weight) == pytest.approx((0.0, 1.0, 10.0))
    # ten pictures at 0.5 and ten of which nine flip; and what was not counted is as foretold
    assert found.with_counts([0.0, 0.0], [9, 0], [10, 0]) == pytest.approx([14 / 20, 0.5])


def test_the_expected_rates_of_the_crops_that_lead_come_true_on_average() -> None:
    """Of the twenty largest measured, what is expected is what they are, and not what was measured."""
    generator = np.random.default_rng(2)
    off_expected, off_measured = [], []
    for _ in range(25):
        odds = generator.normal(-3.0, 1.5, size=500)
        true = generator.beta(8 * expit(odds), 8 * (1 - expit(odds)))
        flips = generator.binomial(30, true)
        expected = Foretold.fit(odds, flips, [30] * 500).with_counts(odds, flips, [30] * 500)
        first = np.argsort(-flips, kind="stable")[:20]
        off_expected.append((expected[first] - true[first]).mean())
        off_measured.append((flips[first] / 30 - true[first]).mean())
    assert np.mean(off_measured) > 0.03
    assert abs(np.mean(off_expected)) < 0.01


@pytest.mark.parametrize("flips", [[0, 0, 0], [9, 9, 9], [0, 9, 0], [4]])
@pytest.mark.parametrize("odds", [[0.0, 0.0, 0.0], [-13.8, 0.0, 13.8], [13.8, 0.0, -13.8]])
def test_odd_counts_have_expected_rates_inside(flips: list[int], odds: list[float]) -> None:
    odds = odds[: len(flips)]
    found = Foretold.fit(odds, flips, [9] * len(flips))
    assert all(0.0 < rate < 1.0 for rate in found.with_counts(odds, flips, [9] * len(flips)))
    assert found.slope >= 0.0
