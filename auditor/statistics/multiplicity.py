"""Corrections for having tried more than one thing. Stops at the numbers: which family counts is the caller's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FIRST_SHARE = 0.8
"""Of the error of an ordered family, what its first hypothesis may spend (docs/design.md, Statistics)."""


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that among those at most q an expected share of at most q is false.

    Args:
        p_values: in [0, 1], one a hypothesis, independent or positively dependent.

    Returns:
        Adjusted p-values (q-values) in [0, 1], in the order given.

    Raises:
        ValueError: a p-value is outside [0, 1] or NaN.

    Source: Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    values = _checked(p_values)
    return [float(value) for value in stats.false_discovery_control(values)] if values.size else []


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values as `benjamini_hochberg` does, whatever their dependence, for a factor of 1 + 1/2 + … + 1/m.

    Args:
        p_values: in [0, 1], one a hypothesis, in any dependence.

    Returns:
        Adjusted p-values (q-values) in [0, 1], in the order given.

    Raises:
        ValueError: a p-value is outside [0, 1] or NaN.

    Source: Benjamini and Yekutieli 2001, doi:10.1214/aos/1013699998.
    """
    values = _checked(p_values)
    return [float(value) for value in stats.false_discovery_control(values, method="by")] if values.size else []


def hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values, of which all may be rejected at α where none is above α.

    Args:
        p_values: in [0, 1], one a hypothesis, independent or positively dependent.

    Returns:
        Adjusted p-values in [0, 1], in the order given; the largest is not adjusted.

    Raises:
        ValueError: a p-value is outside [0, 1] or NaN.

    Source: Hochberg 1988, doi:10.1093/biomet/75.4.800.
    """
    values = _checked(p_values)
    order = np.argsort(-values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum.accumulate(values[order] * np.arange(1, values.size + 1))
    return [float(value) for value in adjusted]


def simes(p_values: Sequence[float]) -> float:
    """p-value of "all of these hypotheses are true": small where one is very small, or where all are small.

    Args:
        p_values: in [0, 1], at least one, independent or positively dependent.

    Returns:
        In [0, 1]: the smallest p-value at most times their number, and never above the largest.

    Raises:
        ValueError: there are none, or a p-value is outside [0, 1] or NaN.

    Source: Simes 1986, doi:10.1093/biomet/73.3.751; for positive dependence Sarkar 1998, doi:10.1214/aos/1028144846.
    """
    values = _checked(p_values)
    if not values.size:
        raise ValueError("a joint hypothesis needs at least one p-value, got none")
    return float(np.min(np.sort(values) * values.size / np.arange(1, values.size + 1)))


def falling_shares(count: int) -> list[float]:
    """Shares of an error for hypotheses in order: four fifths for the first, the rest falling as 1 / (j·(j − 1)).

    They add up to 1.

    Raises:
        ValueError: count is below 1.
    """
    if count < 1:
        raise ValueError(f"an order needs at least 1 hypothesis, got {count}")
    if count == 1:
        return [1.0]
    rest = (1 - FIRST_SHARE) / (1 - 1 / count)
    return [FIRST_SHARE, *(rest / (place * (place - 1)) for place in range(2, count + 1))]


def fallback_levels(p_values: Sequence[float], shares: Sequence[float], alpha: float) -> list[float]:
    """The level at which each hypothesis of an ordered family is tested: its share, and what it inherits.

    A hypothesis whose p-value is below its level is rejected and hands the level on to the next; one that is not
    rejected keeps it. With the shares 1, 0, 0, … this is the fixed-sequence test. The chance of rejecting any true
    hypothesis is at most α, in any dependence.

    Args:
        p_values: in [0, 1], in an order that was settled before the data were seen.
        shares: of α, at least 0, together at most 1.
        alpha: in (0, 1).

    Raises:
        ValueError: a value out of range, or not as many shares as p-values.

    Source: Wiens 2003, doi:10.1002/pst.64; Wiens and Dmitrienko 2005, doi:10.1080/10543400500265660.
    """
    levels: list[float] = []
    inherited = 0.0
    for p_value, share in zip(_checked(p_values).tolist(), _checked_shares(shares).tolist(), strict=True):
        level = share * alpha + inherited
        levels.append(level)
        inherited = level if p_value < level else 0.0
    return levels


def fallback(p_values: Sequence[float], shares: Sequence[float]) -> list[float]:
    """Adjusted p-values of `fallback_levels`: the smallest α at which each hypothesis would be rejected.

    A hypothesis is rejected at α where a run of rejected ones leads up to it, each p-value below the sum of the
    run's shares up to its own, times α; so the adjusted p-value is, over all places where such a run may begin, the
    smallest of the largest ratios.
    """
    values, parts = _checked(p_values), _checked_shares(shares)
    adjusted = []
    for place in range(values.size):
        best = 1.0
        for start in range(place + 1):
            sums = np.cumsum(parts[start : place + 1])
            ratios = np.divide(values[start : place + 1], sums, out=np.full(sums.shape, np.inf), where=sums > 0)
            best = min(best, float(ratios.max()))
        adjusted.append(best)
    return adjusted


def _checked(p_values: Sequence[float]) -> NDArray[np.float64]:
    values = np.asarray(p_values, dtype=np.float64)
    wrong = [float(value) for value in values if not 0 <= value <= 1]
    if wrong:
        raise ValueError(f"p-values must lie in [0, 1], got {wrong[0]:g}")
    return values


def _checked_shares(shares: Sequence[float]) -> NDArray[np.float64]:
    values = np.asarray(shares, dtype=np.float64)
    if not (values >= 0).all() or values.sum() > 1 + 1e-9:
        raise ValueError(f"shares of an error must be at least 0 and together at most 1, got {list(shares)}")
    return values
