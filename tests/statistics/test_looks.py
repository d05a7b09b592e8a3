"""What a look may spend: all looks together the whole error, the first nearly all of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from auditor.statistics.looks import confidence_at_look, error_budget, error_spent, spending


def test_the_first_look_has_nine_tenths_and_the_rest_share_the_last() -> None:
    assert [spending(0.05, look) for look in (1, 2, 3, 4)] == pytest.approx([0.045, 0.0025, 0.005 / 6, 0.005 / 12])


def test_all_looks_together_spend_the_error_and_no_more() -> None:
    spent = [spending(0.05, look) for look in range(1, 10_001)]
    assert spent == sorted(spent, reverse=True)
    assert sum(spent) == pytest.approx(0.05, abs=1e-6)
    assert sum(spent) < 0.05


def test_a_look_shares_a_false_fail_between_findings_and_fragility() -> None:
    first = error_budget(0.95)
    assert first.alpha == pytest.approx(0.05)
    assert (first.fail, first.fragility, first.passing) == pytest.approx((0.95 * 0.045, 0.05 * 0.045, 0.045))
    second = error_budget(0.9, look=2)
    assert (second.alpha, second.passing) == pytest.approx((0.1, 0.005))
    assert second.fail + second.fragility == pytest.approx(second.passing)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="counted from 1, got 0"):
        error_budget(0.95, look=0)
    with pytest.raises(ValueError, match="confidence"):
        error_budget(95)


def test_a_look_is_judged_like_a_first_one_of_more_confidence() -> None:
    assert confidence_at_look(0.95, 1) == 0.95
    for look in (2, 3, 10):
        assert spending(1 - confidence_at_look(0.95, look), 1) == pytest.approx(spending(0.05, look))
    assert [error_spent(0.95, look) for look in (1, 2, 3)] == pytest.approx([0.045, 0.0475, 0.0475 + 0.005 / 6])


def test_ten_looks_err_no_more_often_than_they_may() -> None:
    """Means of growing samples under the null: stopping at the first lower bound above 0."""
    generator = np.random.default_rng(3)
    sums = generator.standard_normal((20_000, 10)).cumsum(axis=1)
    scores = sums / np.sqrt(np.arange(1, 11))
    bounds = [norm.isf(spending(0.05, look)) for look in range(1, 11)]
    for look in (1, 5, 10):
        wrong = (scores[:, :look] > bounds[:look]).any(axis=1).mean()
        assert wrong <= error_spent(0.95, look) + 0.0045  # three standard errors of 20,000 draws
    assert (scores > norm.isf(0.045)).any(axis=1).mean() > 0.08  # without spending


@pytest.mark.parametrize(("confidence", "look"), [(1.0, 1), (0.0, 2), (0.95, 0), (0.95, -1)])
def test_what_is_no_look_is_refused(confidence: float, look: int) -> None:
    with pytest.raises(ValueError, match=r"confidence|looks are counted"):
        error_spent(confidence, look)
