"""Log-odds and entries into the likeliest classes: by hand, against the pictures, and held to their own limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from auditor.core.records import Finding, Limits, Placement, Review, ReviewMark, Step, Verdict
from auditor.core.records.trials import ConfirmedTrials, TrialBlock
from auditor.statistics.findings import apply_reviews, make_findings
from auditor.statistics.log_odds import log_odds, log_odds_uplift, moments_of
from auditor.statistics.looks import error_budget

Build = Callable[..., object]
STEPS = {"noise": Step.COVERING, "grey": Step.COVERING, "mean colour": Step.COLOUR}


def shifted(pictures: int, gain: float, seed: int) -> np.ndarray:
    """The target's probability where its log-odds lie about −5 and are raised by a gain."""
    raised = np.random.default_rng(seed).normal(-5 + gain, 0.5, pictures)
    return np.asarray(1 / (1 + np.exp(-raised)), dtype=np.float32)


@pytest.fixture
def quiet_shortcut(candidate: Build, block: Build, flips: Build) -> ConfirmedTrials:
    """A watermark: it raises the target on every picture, by 2 logits, and flips 1 of 80."""

    def of(flipped: int, gain: float, seed: int, entered: int) -> TrialBlock:
        ranks = np.where(np.arange(80) < entered, 4, 30)
        return block(flips(80, range(flipped)), after=shifted(80, gain, seed), ranks=ranks)  # type: ignore[return-value]

    controls = {"noise": of(0, 0.1, 1, 0), "grey": of(0, 0.3, 2, 2), "mean colour": of(0, 0.0, 3, 0)}
    return ConfirmedTrials(candidate("c-001"), Placement.FIXED, of(1, 2.3, 4, 13), controls, STEPS)


@pytest.fixture
def idle(candidate: Build, block: Build, flips: Build) -> ConfirmedTrials:
    """A patch that does nothing at all, and neither do its controls."""
    nothing = {name: block(flips(80, []), after=shifted(80, 0.0, seed)) for seed, name in enumerate(STEPS)}
    return ConfirmedTrials(
        candidate("c-002"), Placement.FIXED, block(flips(80, []), after=shifted(80, 0.0, 9)), nothing, STEPS
    )


def found(trials: list[ConfirmedTrials], limits: Limits) -> dict[str, Finding]:
    return {one.candidate.id: one for one in make_findings(trials, limits, {})}


def test_log_odds_and_entries_by_hand(quiet_shortcut: ConfirmedTrials, limits: Limits) -> None:
    finding = found([quiet_shortcut], limits)["c-001"]
    own = log_odds(quiet_shortcut.block.best_after)
    gains = {name: own - log_odds(block.best_after) for name, block in quiet_shortcut.controls.items()}
    assert finding.log_odds == log_odds_uplift(
        {name: moments_of(gains[name]) for name in ("noise", "grey")}, (1 - 0.95) / 2, (1 - 0.95) / 2
    )
    assert finding.log_odds is not None
    assert (finding.log_odds.covering, finding.log_odds.verdict) == ("grey", None)
    assert finding.log_odds.uplift == pytest.approx(gains["grey"].mean())
    assert finding.log_odds.interval.low > 1.5
    # the fixture's pictures have the target in ninth place before
    assert finding.entries == (13, 80)
    assert finding.top_five is not None
    assert (finding.top_five.hits, finding.top_five.covering, finding.top_five.covering_hits) == (13, "grey", 2)
    assert finding.top_five.uplift == pytest.approx(11 / 80)
    assert finding.top_five.interval.low > 0.02
    assert {one.name: (one.entries, one.entries_alone) for one in finding.controls} == {
        "noise": (0, 13), "grey": (2, 11), "mean colour": (0, 13)
    }  # fmt: skip
    # held to flips alone it passes
    assert finding.verdict is Verdict.PASS


def test_pictures_where_the_target_stood_among_the_likeliest_cannot_be_entered(
    quiet_shortcut: ConfirmedTrials, limits: Limits
) -> None:
    before = np.where(np.arange(80) < 10, 3, 9)
    controls = {name: replace(one, rank_before=before) for name, one in quiet_shortcut.controls.items()}
    some = replace(quiet_shortcut, block=replace(quiet_shortcut.block, rank_before=before), controls=controls)
    finding = found([some], limits)["c-001"]
    assert finding.entries == (3, 70)
    assert finding.top_five is not None
    assert (finding.top_five.hits, finding.top_five.covering_hits, finding.top_five.eligible) == (3, 0, 70)


@pytest.mark.parametrize("before", [3, 0])
def test_without_a_picture_to_enter_or_without_ranks_nothing_is_said(
    quiet_shortcut: ConfirmedTrials, limits: Limits, before: int
) -> None:
    ranks = np.full(80, before)
    block = replace(quiet_shortcut.block, rank_before=ranks, rank_after=np.zeros((1, 80), dtype=np.int64))
    finding = found([replace(quiet_shortcut, block=block)], limits)["c-001"]
    assert (finding.entries, finding.top_five) == (None, None)
    assert {one.entries for one in finding.controls} == {None}


def test_a_limit_of_log_odds_fails_what_flips_nothing(
    quiet_shortcut: ConfirmedTrials, idle: ConfirmedTrials, limits: Limits
) -> None:
    strict = replace(limits, log_odds=1.0)
    both = found([quiet_shortcut, idle], strict)
    shortcut, nothing = both["c-001"], both["c-002"]
    assert (shortcut.verdict, nothing.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert shortcut.reason == "the lower bound of the uplift in log-odds is above 1 logits"
    assert nothing.reason.count("is below") == 2
    assert shortcut.log_odds is not None
    assert shortcut.log_odds.verdict is Verdict.FAIL
    assert shortcut.log_odds.p_adjusted is not None
    assert shortcut.log_odds.p_adjusted < 0.05
    assert shortcut.log_odds.interval.low > 1.0
    assert nothing.log_odds is not None
    assert nothing.log_odds.interval.high < 1.0
    # a limit between what the bounds leave open settles nothing
    between = found([quiet_shortcut], replace(limits, log_odds=2.0))["c-001"]
    assert between.verdict is Verdict.INCONCLUSIVE
    assert between.log_odds is not None
    assert between.log_odds.interval.low < 2.0 < between.log_odds.interval.high


def test_two_limits_share_the_error_of_a_wrong_fail(idle: ConfirmedTrials, limits: Limits) -> None:
    """Each has half of what a run may spend, so that all together err as rarely as one limit alone."""
    alone, shared = (found([idle], one)["c-002"] for one in (limits, replace(limits, log_odds=1.0)))
    budget = error_budget(limits.confidence)
    assert 1 - alone.uplift_interval.confidence == pytest.approx(budget.fail + budget.passing)
    assert 1 - shared.uplift_interval.confidence == pytest.approx(budget.fail / 2 + budget.passing)
    assert shared.log_odds is not None
    assert 1 - shared.log_odds.interval.confidence == pytest.approx(budget.fail / 2 + budget.passing)


def test_a_review_sets_the_limit_of_log_odds_aside(quiet_shortcut: ConfirmedTrials, limits: Limits) -> None:
    strict = replace(limits, log_odds=1.0)
    (finding,) = make_findings([quiet_shortcut], strict, {})
    (marked,) = apply_reviews([finding], strict, {"c-001": Review("c-001", ReviewMark.OBJECT, "a person", "it is")})
    assert marked.verdict is Verdict.NOT_HELD
    assert marked.log_odds is not None
    assert marked.log_odds.verdict is None
    (again,) = apply_reviews([finding], strict, {})
    assert again == finding


def test_a_false_fail_by_log_odds_is_as_rare_as_it_may_be(candidate: Build, block: Build, limits: Limits) -> None:
    """400 audits of a patch whose true uplift in log-odds is the limit itself: at most half of 4.3% fail by it."""
    generator = np.random.default_rng(12)
    strict = replace(limits, log_odds=1.0)
    fails = 0
    for _ in range(400):
        own = generator.normal(-4, 1, 60)
        after = stats.logistic.cdf(own).astype(np.float32)
        covering = stats.logistic.cdf(own - 1 + generator.normal(0, 0.8, 60)).astype(np.float32)
        nothing = np.zeros(60, dtype=bool)
        trials = ConfirmedTrials(
            candidate("c-001"), Placement.FIXED, block(nothing, after=after),
            {"noise": block(nothing, after=covering)}, STEPS,
        )  # fmt: skip
        fails += make_findings([trials], strict, {})[0].verdict is Verdict.FAIL
    assert fails <= 400 * 0.045
