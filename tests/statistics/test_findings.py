"""Findings from small outcome arrays, every number counted again by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import (
    Candidate,
    ControlResult,
    Finding,
    Fragility,
    Interval,
    Limits,
    Origin,
    Placement,
    Review,
    ReviewMark,
    Step,
    Tier,
    Verdict,
)
from auditor.core.records.trials import ConfirmedTrials
from auditor.statistics.exact import p_at_least, p_at_most
from auditor.statistics.findings import apply_reviews, make_findings, run_verdict
from auditor.statistics.paired import PairedCounts

Build = Callable[..., object]

COVERING = {"noise": Step.COVERING, "grey": Step.COVERING}


@pytest.fixture
def three(candidate: Build, block: Build, flips: Build) -> list[ConfirmedTrials]:
    """Forty pictures; a strong candidate, a middling one and one that does nothing, two controls each."""
    many, some, none = (flips(40, range(count)) for count in (30, 9, 0))
    return [
        ConfirmedTrials(
            candidate("c-middle"),
            Placement.FIXED,
            block(some),
            {"noise": block(flips(40, [0, 20])), "grey": block(flips(40, [8]))},
            COVERING,
        ),
        ConfirmedTrials(
            candidate("c-strong"),
            Placement.FIXED,
            block(many, before=np.full(40, 0.25, np.float32)),
            {"noise": block(flips(40, [0, 1, 35, 36])), "grey": block(flips(40, []))},
            COVERING,
        ),
        ConfirmedTrials(
            candidate("c-none"), Placement.FIXED, block(none), {"noise": block(none), "grey": block(none)}, COVERING
        ),
    ]


def test_the_numbers_of_a_finding_by_hand(three: list[ConfirmedTrials], limits: Limits) -> None:
    strong, middle, nothing = make_findings(three, limits, {})
    assert [one.candidate.id for one in (strong, middle, nothing)] == ["c-strong", "c-middle", "c-none"]
    assert (strong.flips, strong.eligible, strong.rate) == (30, 40, 0.75)
    low, high = proportion_confint(30, 40, 0.05, method="wilson")
    assert (strong.interval.low, strong.interval.high) == pytest.approx((low, high), abs=1e-9)
    assert strong.interval.method == "Wilson"
    # noise flips 0 and 1 beside the candidate and 35 and 36 alone: 28 against 2
    assert strong.control.name == "noise"
    assert (strong.control.flips, strong.control.eligible) == (4, 40)
    assert strong.uplift == pytest.approx((30 - 4) / 40)
    noise, grey = PairedCounts(2, 28, 2, 8), PairedCounts(0, 30, 0, 10)
    # above the limit over every covering: the larger p-value, corrected for neither
    assert strong.p_value == max(p_at_most(noise, 0.1), p_at_most(grey, 0.1))
    below = sorted([p_at_least(noise, 0.1), p_at_least(grey, 0.1)])
    assert strong.p_below == pytest.approx(min(2 * below[0], below[1]))  # Simes, of two
    assert (strong.probability_before, strong.probability_after) == (0.25, 0.75)
    assert {one.name: one.uplift for one in strong.controls} == {"noise": 0.65, "grey": 0.75}
    assert strong.verdict is Verdict.FAIL
    assert strong.images_needed is None

    assert (middle.control.name, middle.uplift) == ("noise", pytest.approx(7 / 40))
    assert middle.p_value == max(p_at_most(PairedCounts(1, 8, 1, 30), 0.1), p_at_most(PairedCounts(1, 8, 0, 31), 0.1))
    assert middle.verdict is Verdict.INCONCLUSIVE
    assert middle.images_needed is not None
    assert middle.images_needed > 40
    assert "spans 10 points" in middle.reason

    # none of 40 flips, which an uplift of 10 points allows with probability 0.9^40
    assert (nothing.uplift, nothing.flips, nothing.verdict) == (0.0, 0, Verdict.PASS)
    assert nothing.p_below == pytest.approx(0.9**40, rel=1e-6)


def test_the_interval_of_rates_is_the_chosen_one(three: list[ConfirmedTrials], limits: Limits) -> None:
    strong = make_findings(three, replace(limits, interval="clopper-pearson"), {})[0]
    low, high = proportion_confint(30, 40, 0.05, method="beta")
    assert (strong.interval.low, strong.interval.high) == pytest.approx((low, high), abs=1e-9)
    assert strong.interval.method == "Clopper–Pearson"


def test_bounds_p_values_and_verdicts_say_the_same(three: list[ConfirmedTrials], limits: Limits) -> None:
    """Whatever the limit, and in whatever order selection put them."""
    for limit in (0.02, 0.1, 0.2, 0.4, 0.6):
        for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
            for finding in make_findings([three[one] for one in order], replace(limits, uplift=limit), {}):
                fails, passes = finding.verdict is Verdict.FAIL, finding.verdict is Verdict.PASS
                assert fails == (finding.uplift_interval.low > limit) == (finding.p_adjusted < 0.05)
                assert passes == (finding.uplift_interval.high < limit)
                assert finding.p_below_adjusted is not None
                assert passes == (finding.p_below_adjusted < 0.05)
                assert finding.uplift_interval.low <= finding.uplift <= finding.uplift_interval.high


def test_the_first_chosen_has_most_of_the_error_and_hands_it_on(three: list[ConfirmedTrials], limits: Limits) -> None:
    first = {one.candidate.id: one for one in make_findings([three[1], three[0], three[2]], limits, {})}
    assert [first[name].place for name in ("c-strong", "c-middle", "c-none")] == [0, 1, 2]
    # four fifths of 0.95 · 0.045; a fail hands it on, so that the second has five fifths less its followers' share
    assert first["c-strong"].p_adjusted == pytest.approx(first["c-strong"].p_value * 0.05 / (0.8 * 0.95 * 0.045))
    later = {one.candidate.id: one for one in make_findings([three[2], three[0], three[1]], limits, {})}
    assert later["c-strong"].p_adjusted > first["c-strong"].p_adjusted


def test_what_cannot_fail_costs_the_others_nothing(three: list[ConfirmedTrials], limits: Limits) -> None:
    alone = {one.candidate.id: one for one in make_findings(three, limits, {})}
    shown = replace(three[0], candidate=replace(three[0].candidate, id="o", tier=Tier.TARGET_OBJECT))
    trained = replace(three[1], candidate=replace(three[1].candidate, id="t", origin=Origin.OPTIMISED))
    beside = {one.candidate.id: one for one in make_findings([shown, trained, *three], limits, {})}
    assert (beside["o"].verdict, beside["t"].verdict) == (Verdict.NOT_HELD, Verdict.NOT_HELD)
    for name, finding in alone.items():
        assert replace(beside[name], place=finding.place) == finding
    # a mark takes one out, and the others are held to the limit anew
    review = Review("c-middle", ReviewMark.OBJECT, "a person", "it shows it")
    marked = {one.candidate.id: one for one in apply_reviews(list(alone.values()), limits, {"c-middle": review})}
    without = {one.candidate.id: one for one in make_findings(three[1:], limits, {})}
    for name, finding in without.items():
        assert replace(marked[name], place=finding.place) == finding


def test_a_patch_that_was_chosen_after_trying_pays_for_all_it_was_chosen_from(
    three: list[ConfirmedTrials], limits: Limits
) -> None:
    first = {finding.candidate.id: finding for finding in make_findings(three, limits, {})}
    again = {finding.candidate.id: finding for finding in make_findings(three, limits, {}, {"c-middle": 145})}
    chosen, others = again["c-middle"], ("c-strong", "c-none")
    assert (chosen.hypotheses, first["c-middle"].hypotheses) == (145, 1)
    assert chosen.p_value == min(1.0, 145 * first["c-middle"].p_value)
    assert chosen.p_below == 1.0
    assert chosen.uplift_interval.low < first["c-middle"].uplift_interval.low
    assert chosen.uplift_interval.high > first["c-middle"].uplift_interval.high
    assert [again[one].p_value for one in others] == [first[one].p_value for one in others]
    assert chosen.images_needed > first["c-middle"].images_needed  # type: ignore[operator]


def test_the_luckiest_of_many_fails_no_more_often_than_it_may(candidate: Build, block: Build, limits: Limits) -> None:
    """Sixty patches, all exactly at the limit; the one that flips most is tried again on the same pictures."""
    generator = np.random.default_rng(7)
    failed = {1: 0, 60: 0}
    for _ in range(100):
        best = max(generator.random((60, 100)) < limits.uplift, key=np.sum)
        trials = ConfirmedTrials(
            candidate("u-best"), Placement.FIXED, block(best), {"noise": block(np.zeros(100, dtype=bool))}, COVERING
        )
        for hypotheses in failed:
            (finding,) = make_findings([trials], limits, {}, {"u-best": hypotheses})
            failed[hypotheses] += finding.verdict is Verdict.FAIL
    assert failed[1] > 50
    assert failed[60] < 5


def test_best_takes_the_best_of_its_variants_and_so_do_its_controls(
    candidate: Build, block: Build, flips: Build, limits: Limits
) -> None:
    variants = np.stack([flips(20, [0, 1]), flips(20, [1, 2])])
    control = np.stack([flips(20, [3]), flips(20, [4])])
    after = np.where(variants, 0.75, 0.25).astype(np.float32)
    trials = ConfirmedTrials(
        candidate("c"), Placement.BEST, block(variants, after=after), {"noise": block(control)}, COVERING
    )
    (finding,) = make_findings([trials], limits, {})
    assert (finding.flips, finding.control.flips, finding.uplift) == (3, 2, pytest.approx(1 / 20))
    assert finding.probability_after == pytest.approx((3 * 0.75 + 17 * 0.25) / 20)


def test_without_an_eligible_picture_there_is_no_finding(candidate: Build, block: Build, limits: Limits) -> None:
    none = block(np.zeros((1, 0), dtype=bool))
    with pytest.raises(NoEligibleImagesError):
        make_findings([ConfirmedTrials(candidate("c"), Placement.FIXED, none, {"noise": none}, COVERING)], limits, {})


def finding_with(candidate: Candidate, low: float, high: float, verdict: Verdict = Verdict.FAIL) -> Finding:
    bounds = Interval(low, high, 0.95, "by hand")
    control = ControlResult("noise", 0, 100, 0.1, bounds, 0.5)
    return Finding(
        candidate, Placement.FIXED, 10, 100, 0.1, bounds, (control,), control, 0.1, bounds, 0.5, 0.5, 0.1, 0.2, verdict,
        reason="", images_needed=412,
    )  # fmt: skip


ABOVE, BELOW, AROUND = (0.11, 0.4), (-0.1, 0.09), (0.02, 0.3)
PLAIN = (Tier.TARGET_CONTEXT, Tier.THIRD_CLASS, Tier.UNLABELLED, Tier.SYNTHETIC, Tier.USER)


@pytest.mark.parametrize(
    ("tier", "bounds", "verdict", "said"),
    [
        *((tier, ABOVE, Verdict.FAIL, "lower bound is above 10 points") for tier in PLAIN),
        *((tier, BELOW, Verdict.PASS, "upper bound is below 10 points") for tier in PLAIN),
        *((tier, AROUND, Verdict.INCONCLUSIVE, "spans 10 points") for tier in PLAIN),
        (Tier.TARGET_IMAGE, ABOVE, Verdict.INCONCLUSIVE, "nobody has said yet"),
        (Tier.TARGET_IMAGE, BELOW, Verdict.PASS, "upper bound is below 10 points"),
        (Tier.TARGET_IMAGE, AROUND, Verdict.INCONCLUSIVE, "spans 10 points"),
        *((Tier.TARGET_OBJECT, bounds, Verdict.NOT_HELD, "never fails the model") for bounds in (ABOVE, BELOW, AROUND)),
        (Tier.USER, (0.1, 0.3), Verdict.INCONCLUSIVE, "spans 10 points"),  # a bound on the limit settles nothing
    ],
)
def test_verdict_by_tier_and_interval(
    candidate: Build, limits: Limits, tier: Tier, bounds: tuple[float, float], verdict: Verdict, said: str
) -> None:
    (judged,) = apply_reviews([finding_with(candidate("c", tier), *bounds)], limits, {})
    assert judged.verdict is verdict
    assert said in judged.reason


@pytest.mark.parametrize("mark", ["read_as_target", "called_target"])
def test_what_resembles_the_target_and_has_no_label_waits_for_a_look(
    candidate: Build, limits: Limits, mark: str
) -> None:
    like = replace(candidate("c", Tier.UNLABELLED), **{mark: True})
    (judged,) = apply_reviews([finding_with(like, *ABOVE)], limits, {})
    assert (judged.verdict, judged.awaits_look) == (Verdict.INCONCLUSIVE, True)
    assert "nobody has said yet" in judged.reason
    assert apply_reviews([finding_with(like, *BELOW)], limits, {})[0].verdict is Verdict.PASS
    for said, verdict in ((ReviewMark.CONTEXT, Verdict.FAIL), (ReviewMark.OBJECT, Verdict.NOT_HELD)):
        (seen,) = apply_reviews([judged], limits, {"c": Review("c", said, "a person", "looked")})
        assert (seen.verdict, seen.awaits_look) == (verdict, False)
    # of a picture with a label the mark is no reason to wait
    labelled = replace(like, tier=Tier.THIRD_CLASS)
    assert apply_reviews([finding_with(labelled, *ABOVE)], limits, {})[0].verdict is Verdict.FAIL


@pytest.mark.parametrize("origin", [Origin.OPTIMISED, Origin.RENDER])
@pytest.mark.parametrize("bounds", [ABOVE, BELOW, AROUND])
def test_what_gradients_made_is_a_ceiling_and_fails_nothing(
    candidate: Build, limits: Limits, bounds: tuple[float, float], origin: Origin
) -> None:
    trained = replace(candidate("o", Tier.SYNTHETIC), origin=origin)
    (judged,) = apply_reviews([finding_with(trained, *bounds)], limits, {})
    assert judged.verdict is Verdict.NOT_HELD
    assert "a ceiling" in judged.reason
    # a run in which nothing else was confirmed has learnt nothing of what anyone could find
    assert run_verdict([judged], fragility_of(Verdict.PASS))[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("mark", "verdict", "tier"),
    [
        (ReviewMark.CONTEXT, Verdict.FAIL, Tier.TARGET_CONTEXT),
        (ReviewMark.OBJECT, Verdict.NOT_HELD, Tier.TARGET_OBJECT),
    ],
)
def test_a_review_settles_a_target_image(
    candidate: Build, limits: Limits, mark: ReviewMark, verdict: Verdict, tier: Tier
) -> None:
    finding = finding_with(candidate("c", Tier.TARGET_IMAGE), *ABOVE)
    review = Review("c", mark, "a person", "looked")
    (judged,) = apply_reviews([finding], limits, {"c": review})
    assert (judged.verdict, judged.review, judged.tier) == (verdict, review, tier)
    assert replace(judged, verdict=finding.verdict, review=None, reason="") == finding
    # the mark is kept where no new one is given, and replaced where one is
    assert apply_reviews([judged], limits, {})[0].verdict is verdict
    other = ReviewMark.OBJECT if mark is ReviewMark.CONTEXT else ReviewMark.CONTEXT
    assert apply_reviews([judged], limits, {"c": replace(review, mark=other)})[0].verdict is not verdict


@pytest.mark.parametrize("tier", PLAIN)
def test_whatever_shows_the_target_after_all_fails_nothing(candidate: Build, limits: Limits, tier: Tier) -> None:
    review = Review("c", ReviewMark.OBJECT, "a person", "a wok hangs behind the goldfish")
    (judged,) = apply_reviews([finding_with(candidate("c", tier), *ABOVE)], limits, {"c": review})
    assert (judged.verdict, judged.tier, judged.held_to_limit) == (Verdict.NOT_HELD, Tier.TARGET_OBJECT, False)
    # taken back, it is what it was
    back = replace(review, mark=ReviewMark.CONTEXT)
    (again,) = apply_reviews([judged], limits, {"c": back})
    assert (again.verdict, again.tier) == (Verdict.FAIL, tier)


def fragility_of(verdict: Verdict) -> Fragility:
    return Fragility("noise", "c", "fixed", 1, 100, 0.01, Interval(0, 0.1, 0.95, "Wilson"), 6, 0.25, verdict)


F, P, I = Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE  # noqa: E741


@pytest.mark.parametrize(
    ("verdicts", "fragility", "wanted"),
    [
        ([P, P], P, P),
        ([P, F, I], P, F),
        ([P, I], P, I),
        ([P, P], F, F),
        ([P, P], I, I),
        ([I], F, F),
        ([F], I, F),
        ([], P, I),
        ([], F, F),
        ([P, P], None, I),
        ([F], None, I),
    ],
)
def test_the_runs_word(candidate: Build, verdicts: list[Verdict], fragility: Verdict | None, wanted: Verdict) -> None:
    findings = [finding_with(candidate("c"), *AROUND, verdict) for verdict in verdicts]
    shown = finding_with(candidate("o", Tier.TARGET_OBJECT), *ABOVE, Verdict.NOT_HELD)
    word, behind = run_verdict([*findings, shown], None if fragility is None else fragility_of(fragility))
    assert word is wanted
    counted = [sum(one is verdict for one in verdicts) for verdict in (F, P, I)]
    assert behind.startswith(
        f"{len(verdicts)} findings that do not show the target object: "
        f"{counted[0]} fail, {counted[1]} pass, {counted[2]} inconclusive"
    )
