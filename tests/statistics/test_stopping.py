"""When a confirmation may end: looks, what each may spend, and what the numbers of an early end are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from auditor.core.records import Candidate, Limits, Placement, Step, Stopping, Verdict
from auditor.core.records.trials import ConfirmedTrials, TrialBlock
from auditor.statistics.findings import make_findings
from auditor.statistics.fragility import measure_fragility
from auditor.statistics.stopping import (
    last_share,
    level_shares,
    look_sizes,
    settled,
    stopping_after,
    stopping_at,
)
from benchmarks.trials.early_stopping import at_the_limit, wrong


@pytest.mark.parametrize(
    ("eligible", "sizes"),
    [(0, (0,)), (30, (30,)), (31, (16, 31)), (100, (25, 50, 100)), (118, (30, 59, 118)), (297, (19, 38, 75, 149, 297))],
)
def test_each_look_sees_twice_as_many_pictures(eligible: int, sizes: tuple[int, ...]) -> None:
    assert look_sizes(eligible) == sizes


def test_looks_spend_the_error_between_them() -> None:
    assert level_shares(1) == (1.0,)
    assert level_shares(3) == (1 / 16, 3 / 16, 3 / 4)
    assert sum(level_shares(12)) == pytest.approx(1, abs=1e-15)
    assert (last_share(30), last_share(31)) == (1.0, 0.75)
    with pytest.raises(ValueError, match="0 looks"):
        level_shares(0)


def test_a_look_is_known_by_its_pictures() -> None:
    assert stopping_after(118, 59) == stopping_at(118, 2) == Stopping(2, 3, 59, 118, 3 / 16)
    assert stopping_at(118, 2).early
    assert not stopping_at(118, 3).early
    with pytest.raises(ValueError, match=r"a look sees 30, 59, 118, got 60"):
        stopping_after(118, 60)


@pytest.fixture
def tried(block: Callable[..., TrialBlock], candidate: Callable[..., Candidate]) -> Callable[..., ConfirmedTrials]:
    """A candidate that flips the first pictures of so many, and two coverings likewise."""

    def build(name: str, pictures: int, flips: int, covered: int = 0, look: int | None = None) -> ConfirmedTrials:
        order = np.arange(pictures)
        controls = {"noise": block(order < covered), "grey": block(order < 0)}
        coverings = dict.fromkeys(controls, Step.COVERING)
        stopping = None if look is None else stopping_at(100, look)
        one = ConfirmedTrials(candidate(name), Placement.FIXED, block(order < flips), controls, coverings)
        return replace(one, stopping=stopping)

    return build


def test_it_ends_where_the_share_of_its_look_settles_it(tried: Callable[..., ConfirmedTrials], limits: Limits) -> None:
    # none of n flips with a chance of 0.9ⁿ: 0.072 after 25, above 0.045/16; 0.0052 after 50, below 0.045 · 3/16
    assert settled([tried("a", 25, 0, look=1)], limits, {}) == [False]
    assert settled([tried("a", 50, 0, look=2)], limits, {}) == [True]
    # chosen from two patches it may spend half of that, and with another that stays open as well
    assert settled([tried("a", 50, 0, look=2)], limits, {"a": 2}) == [False]
    both = [tried("a", 50, 0, look=2), tried("b", 50, 8, look=2)]
    assert settled(both, limits, {}) == [False, False]
    # one that fails is settled by itself
    assert settled([tried("a", 25, 25, look=1), tried("b", 25, 3, look=1)], limits, {}) == [True, False]


def test_nothing_leaves_a_placement_before_its_fragility_is_settled(
    tried: Callable[..., ConfirmedTrials], limits: Limits
) -> None:
    fragile = replace(limits, fragility=0.15)
    one = tried("a", 25, 25, look=1)  # no covering flips: below 0.21, at this look's share of the error
    assert settled([one], limits, {}) == [True]
    assert settled([one], fragile, {}) == [False]


def test_numbers_of_an_early_end_allow_for_the_looks(tried: Callable[..., ConfirmedTrials], limits: Limits) -> None:
    (at_once,) = make_findings([tried("a", 50, 0)], limits, {})
    (early,) = make_findings([tried("a", 50, 0, look=2)], limits, {})
    assert (early.flips, early.eligible, early.rate, early.uplift) == (0, 50, 0, 0)
    assert at_once.p_below == pytest.approx(0.9**50)
    assert early.p_below == pytest.approx(0.9**50 / (3 / 16))
    assert at_once.uplift_interval.high == pytest.approx(1 - 0.045 ** (1 / 50), abs=1e-5)
    assert early.uplift_interval.high == pytest.approx(1 - (0.045 * 3 / 16) ** (1 / 50), abs=1e-5)
    assert early.interval.confidence == pytest.approx(1 - 0.05 * 3 / 16)
    assert early.interval.high > at_once.interval.high
    for before, after in zip(at_once.controls, early.controls, strict=True):
        assert after.uplift_interval.confidence == pytest.approx(1 - 0.05 * 3 / 16)
        assert after.p_value == min(1, before.p_value / (3 / 16))
    assert (at_once.verdict, early.verdict) == (Verdict.PASS, Verdict.PASS)
    assert early.stopping is not None
    assert early.stopping.pictures == 50


def test_who_ended_keeps_its_verdict_while_others_go_on(tried: Callable[..., ConfirmedTrials], limits: Limits) -> None:
    ended = tried("a", 25, 25, look=1)
    for look, pictures in ((2, 50), (3, 100)):
        for flips in (0, 10, 50):
            findings = make_findings([ended, tried("b", pictures, flips, look=look)], limits, {})
            (first,) = [one for one in findings if one.candidate.id == "a"]
            assert first.verdict is Verdict.FAIL


def test_fragility_is_read_at_the_first_end_on_the_pictures_that_all_have(
    tried: Callable[..., ConfirmedTrials], limits: Limits
) -> None:
    first, last = tried("a", 25, 25, covered=2, look=1), tried("b", 100, 20, covered=8, look=3)
    both = measure_fragility([first, last], limits)
    assert both is not None
    assert (both.images, both.flips, both.eligible) == (25, 2 + 8, 4 * 25)
    assert both.interval.confidence == pytest.approx(1 - (0.045 + 0.05 * 0.045) / 16)


def test_both_errors_stay_at_their_level_over_all_looks() -> None:
    audits, pictures = 400, 64
    flips = at_the_limit(audits, 2, pictures, 0.05, np.random.default_rng(1))
    failed, passed, used = wrong(flips, look_sizes(pictures))
    assert 0 < failed <= 0.05
    assert 0 < passed <= 0.05
    assert used < 1
    # looked at as often without a share of the level for each look, they do not
    everything = [wrong(flips, (size,))[:2] for size in look_sizes(pictures)]
    assert sum(map(sum, everything)) > failed + passed
