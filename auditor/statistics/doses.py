"""Flip rate against a dose, size or opacity: a rising fit, the dose at which half flip, and its bounds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import isotonic_regression

from auditor.statistics.resampling import resampled_sums

_RESAMPLES = 1000
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Response:
    """A rising response.

    Attributes:
        fitted: (D,) rates that rise with the dose.
        half, low, high: the dose at which half flip and its bounds; −inf: below the smallest dose, inf: above the
            largest.
        falls: whether the largest dose flips fewer than a smaller one, beyond chance.
    """

    fitted: NDArray[np.float64]
    half: float
    low: float
    high: float
    falls: bool


def response_of(flips: NDArray[np.bool_], doses: Sequence[float], confidence: float, seed: int) -> Response:
    """Fit a rising flip rate, and bound the dose at which half flip by drawing pictures anew.

    The rates are made to rise by isotonic regression and joined by straight lines; half is where they cross 0.5. Each
    resample draws pictures, with all their doses, and is fitted anew; bounds are quantiles of where those cross.

    Args:
        flips: (D, B) whether a picture flips at a dose, the same pictures at all doses.
        doses: D rising doses.
        confidence: two-sided, in (0, 1). seed: of the resampling.

    Raises:
        ValueError: no pictures, or doses that do not rise or do not fit.

    Source: Barlow, Bartholomew, Bremner and Brunk 1972, Statistical Inference under Order Restrictions; Efron 1979.
    """
    count, pictures = flips.shape if flips.ndim == 2 else (0, 0)
    if not pictures or len(doses) != count or any(first >= second for first, second in itertools.pairwise(doses)):
        raise ValueError(f"expected (D, B) flips and D rising doses, got shape {flips.shape} and doses {list(doses)}")
    at = np.asarray(doses, dtype=np.float64)
    values = flips.astype(np.float64)
    fitted = rising(values.mean(axis=1))
    sums = resampled_sums(values, seed, _RESAMPLES)
    halves = np.array([crossing(rising(column / pictures), at) for column in sums.T])
    tail = (1 - confidence) / 2
    low, high = (float(np.quantile(halves, share, method="nearest")) for share in (tail, 1 - tail))
    return Response(fitted, crossing(fitted, at), low, high, _falls(flips, 1 - confidence))


def rising(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rising rates nearest to some rates, by squares."""
    return np.asarray(isotonic_regression(rates).x, dtype=np.float64)


def crossing(fitted: NDArray[np.float64], doses: NDArray[np.float64]) -> float:
    """Where straight lines through rising rates reach one half; −inf: the first has, inf: the last has not."""
    reached = np.flatnonzero(fitted >= _HALF)
    if not len(reached):
        return float("inf")
    after = int(reached[0])
    if after == 0:
        return float(doses[0]) if fitted[0] == _HALF else float("-inf")
    before = after - 1
    share = (_HALF - fitted[before]) / (fitted[after] - fitted[before])
    return float(doses[before] + share * (doses[after] - doses[before]))


def _falls(flips: NDArray[np.bool_], level: float) -> bool:
    """Whether the last row has fewer flips than some row before, by exact paired tests, corrected for all of them."""
    last, rows = flips[-1], flips[:-1]
    tests = [
        float(stats.binom.cdf(int((last & ~row).sum()), int((last != row).sum()), 0.5))
        for row in rows
        if (last != row).any()
    ]
    return bool(tests) and min(tests) * len(rows) < level
