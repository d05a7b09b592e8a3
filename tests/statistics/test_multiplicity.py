"""Holm, Benjamini–Hochberg and Bonferroni: by hand, against statsmodels, whatever the order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from auditor.statistics.multiplicity import benjamini_hochberg, bonferroni_confidence, holm

# The same examples every time, and no clock: the machine may be busy.
STEADY = settings(deadline=None, derandomize=True)

CORRECTIONS = pytest.mark.parametrize(("correct", "method"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_by_hand() -> None:
    p_values = [0.04, 0.01, 0.03, 0.005]
    assert holm(p_values) == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert benjamini_hochberg(p_values) == pytest.approx([0.04, 0.02, 0.04, 0.02])


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
    assert correct([0.2, 0.2, 0.2]) == pytest.approx([0.6] * 3 if method == "holm" else [0.2] * 3)
    assert correct((1.0, 0.9)) == [1.0, 1.0]


@CORRECTIONS
def test_refuses_what_is_no_p_value(correct, method) -> None:
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"p-values must lie in \[0, 1\]"):
            correct([0.5, wrong])


def test_bonferroni() -> None:
    assert bonferroni_confidence(0.95, 1) == 0.95
    assert bonferroni_confidence(0.95, 5) == pytest.approx(0.99)
    assert bonferroni_confidence(0.9, 1000) == pytest.approx(0.9999)
    with pytest.raises(ValueError, match="at least 1 comparison, got 0"):
        bonferroni_confidence(0.95, 0)
    with pytest.raises(ValueError, match="confidence"):
        bonferroni_confidence(95, 2)
