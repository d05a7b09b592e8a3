"""Responses to size and opacity: rising fits, the dose at which half flip, and its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from auditor.statistics import doses
from auditor.statistics.doses import crossing, response_of, rising

DOSES = (0.1, 0.2, 0.4)


def flips(*counts: int, pictures: int = 10) -> np.ndarray:
    """The first so many of the pictures flip at each dose."""
    return np.stack([np.arange(pictures) < count for count in counts])


def test_half_by_hand() -> None:
    # from 2 of 10 at 0.2 to 8 of 10 at 0.4 half is reached half way
    found = response_of(flips(0, 2, 8), DOSES, 0.95, 3)
    assert found.fitted.tolist() == [0.0, 0.2, 0.8]
    assert found.half == pytest.approx(0.3)
    assert 0.2 <= found.low < 0.3 < found.high <= 0.4
    assert not found.falls
    again = response_of(flips(0, 2, 8), DOSES, 0.95, 3)
    assert (again.low, again.high) == (found.low, found.high)


def test_rates_that_fall_by_chance_are_made_to_rise() -> None:
    rates = np.array([0.1, 0.5, 0.3, 0.2, 0.9, 0.8])
    expected = IsotonicRegression().fit_transform(np.arange(6), rates)
    np.testing.assert_allclose(rising(rates), expected)
    assert rising(np.array([0.2, 0.6, 0.4])).tolist() == [0.2, 0.5, 0.5]


@pytest.mark.parametrize(
    ("fitted", "half"),
    [
        ([0.6, 0.7, 0.8], float("-inf")),
        ([0.5, 0.7, 0.8], 0.1),
        ([0.0, 0.2, 0.4], float("inf")),
        ([0.0, 0.5, 0.5], 0.2),
        ([0.0, 1.0, 1.0], 0.15),
    ],
)
def test_where_half_is(fitted: list[float], half: float) -> None:
    assert crossing(np.array(fitted), np.array(DOSES)) == pytest.approx(half)


def test_bounds_beyond_what_was_tried() -> None:
    never = response_of(flips(0, 0, 1), DOSES, 0.95, 0)
    assert (never.half, never.low, never.high) == (float("inf"),) * 3
    edge = response_of(flips(0, 0, 5), DOSES, 0.95, 0)
    assert edge.half == pytest.approx(0.4)
    assert edge.high == float("inf")


def test_a_patch_that_works_small_alone_is_told_apart_from_chance() -> None:
    # nine pictures flip at the middle size and not at the largest: 2⁻⁹, twice for two sizes
    assert response_of(flips(0, 9, 0), DOSES, 0.95, 0).falls
    # four do: 2⁻⁴ is not beyond chance
    assert not response_of(flips(0, 4, 0), DOSES, 0.95, 0).falls


def test_bounds_hold_the_truth_as_often_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doses, "_RESAMPLES", 200)
    at, inside = (0.1, 0.2, 0.3, 0.4, 0.5), 0
    for seed in range(100):
        # a picture flips from a size of its own on: half of them from 0.29
        threshold = np.random.default_rng(seed).normal(0.29, 0.08, size=60)
        found = response_of(np.array(at)[:, None] > threshold, at, 0.9, seed)
        # what straight lines between the true rates would say
        inside += found.low <= 0.2888 <= found.high
    assert inside >= 82


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="rising doses"):
        response_of(flips(0, 1, 2), (0.1, 0.1, 0.2), 0.95, 0)
    with pytest.raises(ValueError, match=r"got shape \(3, 0\)"):
        response_of(np.zeros((3, 0), dtype=np.bool_), DOSES, 0.95, 0)


def test_the_example_of_the_documentation() -> None:
    """docs/numbers.md, where and how large."""
    assert 100 * crossing(np.array([9 / 64, 50 / 64]), np.array([0.25, 0.30])) == pytest.approx(27.8, abs=0.05)
