"""What a look may spend: all looks together the whole error, the first nearly all of it."""

from __future__ import annotations

import pytest

from auditor.statistics.budget import error_budget, spending


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
