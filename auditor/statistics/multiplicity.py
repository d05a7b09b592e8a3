"""Corrections for having tried more than one thing. Stops at the numbers: which family counts is the caller's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.statistics.intervals import require_confidence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that rejecting at α errs anywhere in the family with probability at most α.

    Args:
        p_values: in [0, 1], one a hypothesis, in any dependence.

    Returns:
        Adjusted p-values in [0, 1], in the order given.

    Raises:
        ValueError: a p-value is outside [0, 1] or NaN.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65–70.
    """
    values = _checked(p_values)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1)), 1.0)
    return [float(value) for value in adjusted]


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


def bonferroni_confidence(confidence: float, comparisons: int) -> float:
    """Confidence of each of several intervals, so that all hold together with at least `confidence`.

    Args:
        confidence: joint, in (0, 1).
        comparisons: how many intervals, at least 1.

    Returns:
        1 − (1 − confidence) / comparisons.

    Raises:
        ValueError: confidence is not in (0, 1), or comparisons is below 1.
    """
    require_confidence(confidence)
    if comparisons < 1:
        raise ValueError(f"a correction needs at least 1 comparison, got {comparisons}")
    return confidence if comparisons == 1 else 1 - (1 - confidence) / comparisons


def _checked(p_values: Sequence[float]) -> NDArray[np.float64]:
    values = np.asarray(p_values, dtype=np.float64)
    wrong = [float(value) for value in values if not 0 <= value <= 1]
    if wrong:
        raise ValueError(f"p-values must lie in [0, 1], got {wrong[0]:g}")
    return values
