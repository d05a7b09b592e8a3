"""What the model says of its own classes, counted by hand, and what speaks against a model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from auditor.core.records import ClassGroup, CleanAccuracy, Confusion, IntArray, Limits, Verdict
from auditor.statistics.accuracy import LEAST_KNOWN, ONE_ANSWER, clean_accuracy, with_doubts

NAMES = ("pan", "wok", "cup", "jug")
PAN, WOK, CUP, JUG = range(4)


def answers(*rows: tuple[int, int, int]) -> tuple[IntArray, IntArray]:
    """Labels and predictions, from rows of label, answer and count."""
    labels = np.repeat([label for label, _, _ in rows], [count for _, _, count in rows])
    predicted = np.repeat([answer for _, answer, _ in rows], [count for _, _, count in rows])
    return labels.astype(np.int64), predicted.astype(np.int64)


def measured(limits: Limits, *rows: tuple[int, int, int], accepted: bool = False) -> CleanAccuracy:
    labels, predicted = answers(*rows)
    pair = ClassGroup("pan", (PAN,)), ClassGroup("wok", (WOK,))
    return clean_accuracy(labels, predicted, *pair, NAMES, limits, accepted)


def test_every_count(limits: Limits) -> None:
    found = measured(
        limits, (PAN, PAN, 8), (PAN, WOK, 2), (WOK, WOK, 6), (WOK, PAN, 3), (WOK, JUG, 1), (CUP, CUP, 4), (CUP, JUG, 1)
    )
    shares = [
        (one.count, one.pictures) for one in (found.overall, found.source, found.target, found.others_called_target)
    ]
    assert shares == [(18, 25), (8, 10), (6, 10), (2, 15)]
    assert (found.answer, found.answered.count, found.answered.pictures) == (PAN, 11, 25)
    assert (found.answered_others.count, found.answered_others.pictures) == (3, 15)
    assert found.classes == (PAN, WOK, JUG, CUP)
    assert found.table == ((8, 2, 0, 0, 0), (3, 6, 1, 0, 0), (0, 0, 0, 0, 0), (0, 0, 1, 4, 0))
    assert found.confusions == (
        Confusion(WOK, PAN, 3, 10), Confusion(PAN, WOK, 2, 10), Confusion(WOK, JUG, 1, 10), Confusion(CUP, JUG, 1, 5),
    )  # fmt: skip
    assert found.doubts == ()
    low, high = proportion_confint(6, 10, 0.05, "wilson")
    assert found.target.interval is not None
    assert (found.target.interval.low, found.target.interval.high) == pytest.approx((low, high))


def test_groups_are_counted_as_groups(limits: Limits) -> None:
    """A wok called by the other class of its group is called target, and is still a confusion of classes."""
    labels, predicted = answers((WOK, CUP, 5), (CUP, CUP, 5), (PAN, PAN, 5), (JUG, JUG, 5))
    source, target = ClassGroup("any", (PAN, JUG)), ClassGroup("woks", (WOK, CUP))
    found = clean_accuracy(labels, predicted, source, target, NAMES, limits)
    assert (found.overall.count, found.source.count, found.target.count, found.others_called_target.count) == (
        15,
        10,
        10,
        0,
    )
    assert found.classes == (PAN, JUG, WOK, CUP)
    assert found.confusions == (Confusion(WOK, CUP, 5, 5),)
    assert found.doubts == ()


def test_a_target_that_is_hardly_known(limits: Limits) -> None:
    rest = ((PAN, PAN, 20), (CUP, CUP, 20))
    assert LEAST_KNOWN == 4 / 20
    assert measured(limits, (WOK, WOK, 4), (WOK, CUP, 16), *rest).doubts == ()
    assert measured(limits, (WOK, WOK, 3), (WOK, CUP, 17), *rest).doubts == (
        "the model recognises 3 of 20 pictures of wok, so it hardly knows the target",
    )
    assert len(measured(limits, (WOK, PAN, 1), *rest).doubts) == 1
    assert measured(limits, (WOK, WOK, 1), *rest).doubts == ()


def test_a_target_that_is_not_told_from_the_others(limits: Limits) -> None:
    """A model that tosses a coin calls half of the target's pictures target, and half of everything else."""
    coin = ((WOK, WOK, 10), (WOK, PAN, 10), (PAN, PAN, 10), (PAN, WOK, 10))
    (doubt,) = measured(limits, *coin).doubts
    assert doubt == (
        "the model recognises 10 of 20 pictures of wok, and calls 10 of 20 of other classes wok, so it is not shown "
        "to tell the target from them"
    )
    # Wilson's lower bound of 10 of 20 is 29.9%
    assert measured(limits, (WOK, WOK, 10), (WOK, PAN, 10), (PAN, PAN, 71), (PAN, WOK, 29)).doubts == ()
    assert len(measured(limits, (WOK, WOK, 10), (WOK, PAN, 10), (PAN, PAN, 70), (PAN, WOK, 30)).doubts) == 1


def test_nearly_one_answer_for_everything(limits: Limits) -> None:
    def doubts(others: int) -> tuple[str, ...]:
        """The target is known; so many of a hundred other pictures are called jug as well as all jugs."""
        rows = ((WOK, WOK, 20), (JUG, JUG, 500), (CUP, JUG, others), (CUP, CUP, 80 - others))
        return measured(limits, *rows).doubts

    assert ONE_ANSWER == 80 / 100
    assert doubts(79) == ()
    assert doubts(80) == (
        "the model calls 80 of 100 pictures of other classes jug, so it answers nearly one class for everything",
    )


def test_no_picture_of_the_target(limits: Limits) -> None:
    found = measured(limits, (PAN, PAN, 3))
    assert (found.target.interval, found.doubts) == (
        None,
        ("no discovery picture of wok tells whether the model knows it",),
    )


@pytest.mark.parametrize("verdict", Verdict)
def test_a_doubtful_model_cannot_pass_unless_confirmed(limits: Limits, verdict: Verdict) -> None:
    doubtful = measured(limits, (WOK, PAN, 9), (PAN, PAN, 9))
    word, reason = with_doubts(verdict, "3 findings", doubtful)
    assert word is (Verdict.INCONCLUSIVE if verdict is Verdict.PASS else verdict)
    assert reason.startswith("3 findings; the model recognises 0 of 9 pictures of wok")
    assert reason.endswith("confirm it by limits.unknown_target")
    accepted = replace(doubtful, accepted=True)
    assert (doubtful.forbids_a_pass, accepted.forbids_a_pass) == (True, False)
    word, reason = with_doubts(verdict, "3 findings", accepted)
    assert word is verdict
    assert reason.startswith("3 findings; confirmed by limits.unknown_target: the model recognises 0 of 9")


@pytest.mark.parametrize("verdict", Verdict)
def test_a_model_without_doubts_and_a_run_without_the_measurement_stay_as_they_are(
    limits: Limits, verdict: Verdict
) -> None:
    fine = measured(limits, (WOK, WOK, 9), (PAN, PAN, 9))
    assert with_doubts(verdict, "3 findings", fine) == (verdict, "3 findings")
    assert with_doubts(verdict, "3 findings", None) == (verdict, "3 findings")
