"""Whether a change of a flip rate is worse than a margin, on small tables with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from auditor.core.records import Verdict
from auditor.statistics.comparison import changes_of, worst_word
from auditor.statistics.exact import p_at_least, p_at_most
from auditor.statistics.paired import PairedCounts, paired_counts
from auditor.statistics.stopping import level_shares, look_sizes

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


def test_pictures_that_a_look_ended_may_spend_its_share_alone() -> None:
    tables, shares = [A_LITTLE, WORSE], [0.25, 0.75 * 0.75]
    whole, looked = changes_of(tables, 0.05, 0.95), changes_of(tables, 0.05, 0.95, shares)
    for one, other, share, table in zip(whole, looked, shares, tables, strict=True):
        assert other.p_not_worse == pytest.approx(min(1.0, p_at_least(table, 0.05) / share))
        (wider,) = changes_of([table], 0.05, 1 - 0.05 * share)
        assert other.interval.low == pytest.approx(wider.interval.low)
        assert other.interval.high == pytest.approx(wider.interval.high)
        assert (other.change, other.interval.confidence) == (one.change, 0.95)
    assert changes_of([WORSE], 0.05, 0.95, [0.25])[0].p_worse == pytest.approx(4 * p_at_most(WORSE, 0.05))


def test_stopping_at_any_look_says_worse_no_more_often_than_once_in_forty() -> None:
    """Both runs flip alike, and whoever looks ends at the first look at which the change seems worse."""
    sizes, shares = look_sizes(96), level_shares(len(look_sizes(96)))
    assert len(sizes) > 1
    draws = np.random.default_rng(0).random((400, 2, 96)) < 0.3
    wrong = {"looks allowed for": 0, "looks ignored": 0}
    for first, second in draws:
        tables = [paired_counts(second[:size], first[:size]) for size in sizes]
        p_values = [p_at_most(table, 0.0) for table in tables]
        wrong["looks allowed for"] += any(p / share < 0.025 for p, share in zip(p_values, shares, strict=True))
        wrong["looks ignored"] += any(p < 0.025 for p in p_values)
    assert wrong["looks allowed for"] <= 10 < wrong["looks ignored"]  # one in forty of 400 are ten


def test_without_a_margin_a_change_one_way_is_mcnemars() -> None:
    """Of no margin the exact test is never far above McNemar's, which a fair coin on the discordant pairs decides."""
    (one,) = changes_of([WORSE], 0.0, 0.95)
    assert one.p_worse <= 1.05 * stats.binomtest(40, 40, alternative="greater").pvalue + 1e-9


def test_a_run_is_no_worse_where_every_patch_is() -> None:
    assert worst_word([Verdict.PASS, Verdict.PASS]) is Verdict.PASS
    assert worst_word([Verdict.PASS, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert worst_word([Verdict.INCONCLUSIVE, Verdict.FAIL]) is Verdict.FAIL
    assert worst_word([]) is Verdict.INCONCLUSIVE
