"""Verdicts on several candidates: by hand, and p-values, levels and bounds that never contradict each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.core.records import Verdict
from auditor.statistics.covering import p_uplift_at_least, p_uplift_at_most
from auditor.statistics.looks import error_budget
from auditor.statistics.paired import PairedCounts
from auditor.statistics.procedure import decide, uplift_interval

STEADY = settings(deadline=None, derandomize=True)
F, P, I = Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE  # noqa: E741
BUDGET = error_budget(0.95)  # 0.04275 to fail findings, 0.045 to pass


def test_three_in_order_by_hand() -> None:
    """Shares 0.8, 0.15, 0.05 of 0.04275; the first fails and hands its level on, the second keeps it."""
    decisions = decide([0.03, 0.05, 0.001], [0.99, 0.9, 0.99], BUDGET)
    assert [one.level_above for one in decisions] == pytest.approx([0.0342, 0.0406125, 0.0021375])
    assert [one.verdict for one in decisions] == [F, I, F]
    # 0.03 fails from α = 0.03 / (0.8 · 0.855) on; 0.001 from 0.001 / (0.05 · 0.855) on
    assert decisions[0].adjusted_above == pytest.approx(0.03 / (0.8 * 0.855))
    assert decisions[1].adjusted_above == pytest.approx(0.05 / (0.95 * 0.855))
    assert decisions[2].adjusted_above == pytest.approx(0.001 / (0.05 * 0.855))
    assert [one.level_below for one in decisions] == pytest.approx([0.015] * 3)  # three are open


def test_all_pass_without_a_correction_over_candidates() -> None:
    decisions = decide([0.9] * 8, [0.044] * 8, BUDGET)
    assert [one.verdict for one in decisions] == [P] * 8
    assert [one.level_below for one in decisions] == pytest.approx([0.045] * 8)
    assert [one.adjusted_below for one in decisions] == pytest.approx([0.044 / 0.9] * 8)


def test_beside_an_open_candidate_a_pass_is_corrected() -> None:
    decisions = decide([0.9] * 3, [0.02, 0.3, 0.023], BUDGET)
    # the two smaller are read at half of 0.045: 0.02 and 0.023 against 0.0225
    assert [one.verdict for one in decisions] == [I, I, I]
    decisions = decide([0.9] * 3, [0.02, 0.3, 0.022], BUDGET)
    assert [one.verdict for one in decisions] == [P, I, P]
    assert [one.level_below for one in decisions] == pytest.approx([0.0225, 0.045, 0.0225])


def test_one_candidate_has_the_whole_budget() -> None:
    (fails,) = decide([0.042], [0.99], BUDGET)
    (open_one,) = decide([0.043], [0.99], BUDGET)
    assert (fails.verdict, open_one.verdict) == (F, I)
    assert fails.level_above == pytest.approx(0.04275)
    assert decide([], [], BUDGET) == ()


@STEADY
@given(
    pairs=st.lists(st.tuples(st.floats(1e-9, 1), st.floats(1e-9, 1)), min_size=1, max_size=9),
    confidence=st.sampled_from([0.9, 0.95, 0.99]),
    look=st.integers(1, 3),
)
def test_verdict_level_and_adjusted_value_say_the_same(pairs, confidence, look) -> None:
    budget = error_budget(confidence, look)
    above = [high for high, _ in pairs]
    below = [max(low, 1 - high) for high, low in pairs]  # both cannot be small
    for one in decide(above, below, budget):
        fails, passes = one.p_above < one.level_above, one.p_below < one.level_below
        assert one.verdict is (F if fails else P if passes else I)
        if abs(one.adjusted_above - budget.alpha) > 1e-9:
            assert fails == (one.adjusted_above < budget.alpha)
        if abs(one.adjusted_below - budget.alpha) > 1e-9:
            assert passes == (one.adjusted_below < budget.alpha)
        assert one.adjusted_above >= one.p_above
        assert one.adjusted_below >= one.p_below


def test_the_interval_is_the_verdict_in_points() -> None:
    """Of 120 images the first candidate flips 33 beyond noise, which flips 3 of its own; the second 6; the third 14."""
    tables = [[PairedCounts(2, 33, 3, 82)], [PairedCounts(1, 6, 2, 111)], [PairedCounts(1, 14, 2, 103)]]
    decisions = decide(
        [p_uplift_at_most(one, 0.1) for one in tables], [p_uplift_at_least(one, 0.1) for one in tables], BUDGET
    )
    assert [one.verdict for one in decisions] == [F, P, I]
    for one, counts in zip(decisions, tables, strict=True):
        interval = uplift_interval(counts, one.level_above, one.level_below, 0.1)
        assert (interval.low > 0.1) == (one.verdict is F)
        assert (interval.high < 0.1) == (one.verdict is P)
        assert interval.low < counts[0].difference < interval.high
        assert interval.confidence == pytest.approx(1 - one.level_above - one.level_below)
        assert interval.method == "exact paired, over every covering"
