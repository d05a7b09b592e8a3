"""Pooled estimates of a map of places: against scikit-learn, by hand, and by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from auditor.statistics import pooling
from auditor.statistics.pooling import noise_of, pooled_means

STEPS = [step / 4 for step in range(5)]
GRID = np.array(list(itertools.product(STEPS, STEPS)))
APART = np.arange(len(GRID))


def test_one_prior_is_that_of_an_independent_implementation(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=(25, 6)) + GRID[:, :1]
    means, noise = values.mean(axis=1), noise_of(values, APART)
    scale = max(float(means.var()), float(noise[0, 0]))
    distances = ((GRID[:, None] - GRID[None, :]) ** 2).sum(axis=2)
    monkeypatch.setattr(pooling, "_covariances", lambda _: iter([0.7 * np.exp(-distances / (2 * 0.5**2))]))
    # a constant of a huge variance is the level that nothing is known of
    kernel = ConstantKernel(1e5, "fixed") + ConstantKernel(0.7 * scale, "fixed") * RBF(0.5, "fixed")
    other = GaussianProcessRegressor(kernel, alpha=noise.diagonal(), optimizer=None).fit(GRID, means)
    mean, deviation = other.predict(GRID, return_std=True)
    found = pooled_means(values, APART, GRID)
    np.testing.assert_allclose(found.mean, mean, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.deviation, deviation, rtol=1e-3)


def test_the_noise_by_hand() -> None:
    """Variances 1/3 and 1: their mean over four pictures; the two places share their pictures and half their errors."""
    values = np.array([[0.0, 0.0, 0.0, 1.0], [0.0, 2.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
    own = [0.25, 11 / 12, 0.0]
    shared = ((values[0] - 0.25) * (values[1] - 1.25)).sum() / 3
    correlation = shared / np.sqrt(own[0] * own[1])
    variance = sum(own) / 3 / 4
    expected = variance * np.array([[1, correlation, 0], [correlation, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(noise_of(values, np.array([0, 0, 1])), expected)


def test_places_that_never_flip_are_not_certain() -> None:
    nothing = np.zeros((25, 24))
    assert pooled_means(nothing, APART, GRID).deviation.max() == 0
    least = 1 / (25 * 24 + 2)
    found = pooled_means(nothing, APART, GRID, least)
    assert np.all(found.mean == 0)
    assert np.all((found.deviation > np.sqrt(least / 600)) & (found.deviation < np.sqrt(least / 24)))


@pytest.mark.parametrize("peak", [0.0, 0.6])
def test_errors_are_smaller_than_those_of_raw_rates_and_bounds_hold_as_often_as_they_say(peak: float) -> None:
    truth = 0.2 + peak * np.exp(-((GRID - 0.25) ** 2).sum(axis=1) / (2 * 0.3**2))
    raw, pooled, inside = [], [], []
    for seed in range(40):
        values = (np.random.default_rng(seed).random((25, 24)) < truth[:, None]).astype(np.float64)
        found = pooled_means(values, APART, GRID)
        raw.append(values.mean(axis=1) - truth)
        pooled.append(found.mean - truth)
        inside.append(np.abs(found.mean - truth) < 1.96 * found.deviation)
    errors = [float(np.sqrt(np.square(one).mean())) for one in (raw, pooled)]
    assert errors[1] < (0.85 if peak else 0.5) * errors[0]
    assert 0.92 < np.mean(inside) < (0.98 if peak else 1.01)  # where all places are alike they hold more often


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got shapes \(25, 1\), \(25,\) and \(25, 2\)"):
        pooled_means(np.zeros((25, 1)), APART, GRID)
    with pytest.raises(ValueError, match="pooling needs"):
        pooled_means(np.zeros((25, 3)), APART[:3], GRID)
