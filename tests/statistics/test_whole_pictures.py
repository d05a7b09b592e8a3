"""Effects over whole pictures from counts: uplift over the strongest control, corrected within the kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core.records import (
    CONTRAST_ALONE,
    Fragility,
    Interval,
    Limits,
    Verdict,
    WholeControl,
    WholeEffect,
    WholePictures,
    WholeTrial,
    WholeTrials,
    by_reach,
)
from auditor.statistics.conclusion import conclude
from auditor.statistics.covering import p_uplift_at_least, p_uplift_at_most
from auditor.statistics.looks import error_budget
from auditor.statistics.paired import PairedCounts
from auditor.statistics.procedure import uplift_interval
from auditor.statistics.whole_pictures import judge_whole_pictures, with_whole_pictures

LIMITS = Limits(0.10, 0.25, 0.95)
HELD = replace(LIMITS, whole_pictures=True)
SOUND = Fragility("all coverings", "", "fixed", 0, 93, 0.0, Interval(0, 0.1, 0.95, "any"), 4, 0.25, Verdict.PASS)


def trial(identity: str, flips: int, controls: dict[str, tuple[int, int]], shows_target: bool = False) -> WholeTrial:
    """Of 93 pictures; of each control its flips, and the effect's that are not its."""
    effect = WholeEffect(identity, identity, "typical", identity, shows_target, 3, 40, 1.5)
    counted = tuple(WholeControl(name, count, alone, 12.0) for name, (count, alone) in controls.items())
    return WholeTrial(effect, flips, 93, 12.0, counted, 0.1, 0.6)


CAST = trial("cast", 61, {"opposite": (0, 61), "other colours": (4, 58), "noise": (2, 60)})
BLUR = trial("blur", 1, {"opposite": (0, 1), "other colours": (1, 0), "noise": (0, 1)})
BEHIND = trial("surroundings", 50, {"surroundings of the source": (2, 48)}, shows_target=True)


def judged(*trials: WholeTrial, limits: Limits = LIMITS) -> WholePictures:
    return judge_whole_pictures(WholeTrials(tuple(one.effect for one in trials), trials), limits)


def test_every_number_of_one_effect() -> None:
    (found,) = judged(CAST).findings
    assert (found.rate, found.control.name, found.control.flips) == (61 / 93, "other colours", 4)
    assert found.uplift == pytest.approx((58 - 1) / 93)
    tables = [PairedCounts(0, 61, 0, 32), PairedCounts(3, 58, 1, 31), PairedCounts(1, 60, 1, 31)]
    assert (found.p_value, found.p_below) == (p_uplift_at_most(tables, 0.1), p_uplift_at_least(tables, 0.1))
    budget = error_budget(0.95)
    bounds = uplift_interval(tables, budget.fail, budget.passing, 0.1)
    assert found.uplift_interval == replace(bounds, method="exact paired, over every control")
    assert found.verdict is Verdict.FAIL
    assert [control.alone for control in found.controls] == [61, 58, 60]


def test_several_are_corrected_together_in_the_order_of_selection() -> None:
    alone, first = judged(CAST).findings[0], judged(CAST, BLUR).findings[0]
    behind = judged(BLUR, CAST).findings[1]
    assert alone.uplift_interval.low > first.uplift_interval.low > behind.uplift_interval.low > 0.1
    assert alone.p_value == first.p_value < first.p_adjusted < behind.p_adjusted
    assert [one.verdict for one in judged(BLUR, CAST).findings] == [Verdict.PASS, Verdict.FAIL]


def times(one: WholeTrial, count: int) -> WholeTrial:
    """The same shares of so many times the pictures."""
    controls = tuple(replace(each, flips=count * each.flips, alone=count * each.alone) for each in one.controls)
    return replace(one, flips=count * one.flips, eligible=count * one.eligible, controls=controls)


def test_pictures_that_would_settle_one() -> None:
    (found,) = judged(UNSETTLED).findings
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.images_needed is not None
    enough = -(-found.images_needed // found.eligible)
    assert enough > 2
    assert judged(times(UNSETTLED, enough)).findings[0].verdict is Verdict.FAIL
    assert judged(times(UNSETTLED, enough - 1)).findings[0].verdict is Verdict.INCONCLUSIVE
    assert [one.images_needed for one in judged(CAST, BLUR).findings] == [None, None]


def test_what_more_pictures_would_settle_keeps_a_run_from_passing() -> None:
    below = trial("shade", 11, {"noise": (2, 11)})
    assert [one.effect.id for one in judged(CAST, UNSETTLED, below, BEHIND).unsettled] == ["tint"]
    # held, what is measured below the limit and not settled keeps it from passing as well
    assert [one.effect.id for one in judged(below, CAST, UNSETTLED, limits=HELD).unsettled] == ["tint", "shade"]
    assert judged(UNSETTLED, limits=replace(LIMITS, may_heed=("tint",))).unsettled == ()
    # added pictures are not annotated
    behind = trial("background", 15, {"background of the source": (2, 14)})
    assert [one.effect.id for one in judged(UNSETTLED, behind).unsettled] == ["background", "tint"]
    assert [one.effect.id for one in judged(UNSETTLED, behind).settled_by_more] == ["tint"]


def test_held_they_share_what_a_run_may_spend_on_a_wrong_fail() -> None:
    free, held = judged(CAST).findings[0], judged(CAST, limits=HELD).findings[0]
    assert held.p_value == free.p_value
    assert held.p_adjusted == pytest.approx(2 * free.p_adjusted)
    assert held.uplift_interval.low < free.uplift_interval.low
    assert held.uplift_interval.high == free.uplift_interval.high


def test_one_that_brings_target_pictures_along_never_fails() -> None:
    found = judged(BEHIND, CAST, limits=HELD)
    assert [one.effect.id for one in found.above] == ["cast", "surroundings"]
    assert [one.effect.id for one in found.held_findings] == ["cast"]
    assert judged(BEHIND, CAST).held_findings == ()


@pytest.mark.parametrize(
    ("before", "trials", "after"),
    [
        (Verdict.PASS, (BLUR,), Verdict.PASS),
        (Verdict.PASS, (CAST, BLUR), Verdict.FAIL),
        (Verdict.INCONCLUSIVE, (CAST,), Verdict.FAIL),
        (Verdict.INCONCLUSIVE, (BLUR,), Verdict.INCONCLUSIVE),
        (Verdict.FAIL, (BLUR,), Verdict.FAIL),
        (Verdict.PASS, (), Verdict.INCONCLUSIVE),
        (Verdict.FAIL, (), Verdict.FAIL),
        (Verdict.PASS, (BEHIND,), Verdict.INCONCLUSIVE),  # nothing that can fail was measured
        (Verdict.PASS, (trial("open", 14, {"noise": (2, 13)}),), Verdict.INCONCLUSIVE),
    ],
)
def test_the_run_s_word_where_they_are_held(before: Verdict, trials: tuple[WholeTrial, ...], after: Verdict) -> None:
    assert with_whole_pictures(before, "so", judged(*trials, limits=HELD), HELD)[0] is after


BACKDROP = trial("background", 58, {"background of the source": (0, 58)})
UNSETTLED = trial("tint", 14, {"noise": (2, 13)})
AT_LIMIT = replace(trial("shade", 9, {"noise": (0, 9)}), eligible=90)


@pytest.mark.parametrize(
    ("before", "trials", "may_heed", "after", "why"),
    [
        (Verdict.PASS, (CAST, BLUR), (), Verdict.INCONCLUSIVE, "; cast over whole pictures moves the model"),
        (Verdict.PASS, (BACKDROP,), (), Verdict.INCONCLUSIVE, "; background over whole pictures moves the model"),
        # the strongest first, whatever their order on selection pictures
        (
            Verdict.PASS,
            (CAST, BACKDROP),
            (),
            Verdict.INCONCLUSIVE,
            "; background and cast over whole pictures move",
        ),
        (Verdict.PASS, (CAST, BACKDROP), ("background",), Verdict.INCONCLUSIVE, "; cast over whole pictures moves"),
        (Verdict.PASS, (CAST, BACKDROP), ("background", "cast"), Verdict.PASS, ""),
        (Verdict.PASS, (BEHIND,), (), Verdict.PASS, ""),  # it may show the target itself
        (Verdict.PASS, (UNSETTLED,), (), Verdict.INCONCLUSIVE, "; tint over whole pictures was measured above"),
        (Verdict.PASS, (AT_LIMIT,), (), Verdict.INCONCLUSIVE, "; shade over whole pictures was measured at the limit"),
        (Verdict.PASS, (BACKDROP, UNSETTLED), (), Verdict.INCONCLUSIVE, "; background over whole pictures moves"),
        (Verdict.PASS, (UNSETTLED,), ("tint",), Verdict.PASS, ""),
        (Verdict.PASS, (trial("tint", 11, {"noise": (2, 11)}),), (), Verdict.PASS, ""),  # open, and not above
        (Verdict.FAIL, (CAST,), (), Verdict.FAIL, ""),
        (Verdict.INCONCLUSIVE, (CAST,), (), Verdict.INCONCLUSIVE, ""),
    ],
)
def test_one_above_the_limit_keeps_a_run_from_passing(
    before: Verdict, trials: tuple[WholeTrial, ...], may_heed: tuple[str, ...], after: Verdict, why: str
) -> None:
    limits = replace(LIMITS, may_heed=may_heed)
    word, reason = with_whole_pictures(before, "so", judged(*trials, limits=limits), limits)
    assert (word, reason.startswith(f"so{why}")) == (after, True)
    assert reason == "so" or reason.endswith(("the model by more than the limit", "and not settled"))
    assert bool(why) == (reason != "so")
    assert with_whole_pictures(before, "so", None, limits) == (before, "so")


def test_what_the_model_may_heed_fails_nobody_and_passes_nobody() -> None:
    limits = replace(HELD, may_heed=("cast",))
    assert judged(CAST, BLUR, limits=limits).held_findings == judged(CAST, BLUR, limits=limits).findings[1:]
    assert with_whole_pictures(Verdict.PASS, "so", judged(CAST, BLUR, limits=limits), limits)[0] is Verdict.PASS
    word, reason = with_whole_pictures(Verdict.PASS, "so", judged(CAST, limits=limits), limits)
    assert (word, reason) == (Verdict.INCONCLUSIVE, "so; whole-picture effects: none that can fail was confirmed")


def test_a_blur_that_moves_more_than_its_contrast_is_named_before_contrast() -> None:
    """A blur flips 92, the contrast that it takes along 60 of them: over that its uplift is smaller than contrast's."""
    contrast = trial("contrast", 70, {"opposite": (0, 70), "other colours": (1, 69)})
    blur = trial("sharpness", 92, {"opposite": (0, 92), CONTRAST_ALONE: (60, 32)})
    cast = trial("cast", 50, {"opposite": (0, 50)})
    found = judged(contrast, cast, blur)
    assert [(one.effect.id, reach) for one, reach in by_reach(found.findings)] == [
        ("sharpness", pytest.approx(69 / 93)),
        ("contrast", pytest.approx(69 / 93)),
        ("cast", pytest.approx(50 / 93)),
    ]
    assert [one.effect.id for one in found.in_the_way] == ["sharpness", "contrast", "cast"]
    # one that moves no more than its contrast is behind it, and so is one that cannot be told from it
    for flips, alone in ((66, 6), (72, 12)):
        weak = trial("sharpness", flips, {"opposite": (0, flips), CONTRAST_ALONE: (60, alone)})
        order = [one.effect.id for one, _ in by_reach(judged(weak, contrast, cast).findings)]
        assert order == ["contrast", "cast", "sharpness"]


def test_what_was_not_measured_is_no_pass_where_they_are_held() -> None:
    assert with_whole_pictures(Verdict.PASS, "so", None, HELD)[0] is Verdict.INCONCLUSIVE
    missing = WholePictures((), (), "no confirmation picture is eligible", True)
    word, reason = with_whole_pictures(Verdict.PASS, "so", missing, HELD)
    assert (word, reason) == (Verdict.INCONCLUSIVE, "so; whole-picture effects: no confirmation picture is eligible")


def test_the_conclusion_hears_them() -> None:
    word, reason = conclude((), SOUND, None, None, HELD, judged(CAST, BLUR, limits=HELD))
    assert word is Verdict.FAIL
    assert reason.endswith("; 2 whole-picture effects: 1 fail, 1 pass, 0 inconclusive")
    assert conclude((), SOUND, None, None, LIMITS, judged(CAST))[0] is Verdict.INCONCLUSIVE
