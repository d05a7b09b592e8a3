"""On how many pictures the survey is measured."""

from __future__ import annotations

import pytest

from auditor.core.records import Correlation, GroupMean, Interval, SuggestionValidity
from auditor.statistics.survey_size import level_of_a_look, settled, survey_steps

UNKNOWN, NONE = Correlation(float("nan"), None, 0), GroupMean(0, 0, 0, float("nan"), None)


@pytest.mark.parametrize(
    ("eligible", "first", "steps"),
    [
        (297, 96, ((0, 96), (96, 297))),
        (5000, 96, ((0, 96), (96, 384), (384, 1536), (1536, 5000))),
        (96, 96, ((0, 96),)),
        (78, 96, ((0, 78),)),
        (297, 0, ((0, 297),)),
        (0, 96, ()),
        (0, 0, ()),
    ],
)
def test_every_picture_belongs_to_one_step(eligible: int, first: int, steps: tuple[tuple[int, int], ...]) -> None:
    assert survey_steps(eligible, first) == steps


def test_the_looks_share_what_may_err() -> None:
    assert level_of_a_look(0.95, 1) == pytest.approx(0.95)
    assert level_of_a_look(0.95, 2) == pytest.approx(0.975)


@pytest.mark.parametrize(
    ("bounds", "said"), [((0.01, 0.2), True), ((-0.2, -0.01), True), ((-0.01, 0.2), False), ((0.0, 0.2), False)]
)
def test_the_answer_is_settled_where_the_interval_lies_to_one_side_of_0(
    bounds: tuple[float, float], said: bool
) -> None:
    interval = Interval(*bounds, 0.95, "")
    validity = SuggestionValidity(UNKNOWN, UNKNOWN, NONE, NONE, sum(bounds) / 2, interval, "noise")
    assert settled(validity) is said


def test_without_crops_to_compare_nothing_is_settled() -> None:
    assert not settled(None)
    assert not settled(SuggestionValidity(UNKNOWN, UNKNOWN, NONE, NONE, float("nan"), None, "noise"))
