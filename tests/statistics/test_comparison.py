"""Whether a change of a flip rate is worse than a margin, on small tables with known answers."""

from __future__ import annotations

import pytest
from scipy import stats

from auditor.core.records import Verdict
from auditor.statistics.comparison import changes_of, worst_word
from auditor.statistics.exact import p_at_least, p_at_most
from auditor.statistics.paired import PairedCounts

SAME = PairedCounts(both=30, first_only=0, second_only=0, neither=70)
WORSE = PairedCounts(both=10, first_only=40, second_only=0, neither=50)
A_LITTLE = PairedCounts(both=10, first_only=3, second_only=0, neither=7)


def test_each_word_once() -> None:
    words = [one.word for one in changes_of([SAME, WORSE, A_LITTLE], 0.05, 0.95)]
    assert words == [Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE]


def test_the_change_is_the_second_runs_rate_less_the_first_ones() -> None:
    (one,) = changes_of([PairedCounts(both=1, first_only=2, second_only=5, neither=2)], 0.05, 0.95)
    assert one.change == pytest.approx(-0.3)
    assert one.interval.low < -0.3 < one.interval.high


def test_worse_is_corrected_for_all_and_not_worse_for_none() -> None:
    tables = [A_LITTLE, SAME, WORSE]
    alone, together = changes_of([A_LITTLE], 0.0, 0.95)[0], changes_of(tables, 0.0, 0.95)[0]
    assert alone.p_worse == p_at_most(A_LITTLE, 0.0)
    assert together.p_worse == pytest.approx(min(2 * alone.p_worse, p_at_most(SAME, 0.0)))
    assert together.p_not_worse == alone.p_not_worse == p_at_least(A_LITTLE, 0.0)


def test_without_a_margin_a_change_one_way_is_mcnemars() -> None:
    """Of no margin the exact test is never far above McNemar's, which a fair coin on the discordant pairs decides."""
    (one,) = changes_of([WORSE], 0.0, 0.95)
    assert one.p_worse <= 1.05 * stats.binomtest(40, 40, alternative="greater").pvalue + 1e-9


def test_a_run_is_no_worse_where_every_patch_is() -> None:
    assert worst_word([Verdict.PASS, Verdict.PASS]) is Verdict.PASS
    assert worst_word([Verdict.PASS, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert worst_word([Verdict.INCONCLUSIVE, Verdict.FAIL]) is Verdict.FAIL
    assert worst_word([]) is Verdict.INCONCLUSIVE
