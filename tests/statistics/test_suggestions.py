"""Suggested against random crops, tier by tier, counted by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from auditor.core.records import Candidate, Origin, Role, Tier
from auditor.core.records.trials import TrialBlock
from auditor.statistics.resampling import two_way_difference_interval
from auditor.statistics.suggestions import compare_with_chance

Build = Callable[..., TrialBlock]
THIRD, OBJECT, IMAGE = Tier.THIRD_CLASS, Tier.TARGET_OBJECT, Tier.TARGET_IMAGE


@pytest.fixture
def audit(candidate: Callable[..., Candidate], block: Build) -> Callable[..., tuple[list[Candidate], dict]]:
    """Crops from (suggested?, tier, flips of 50 pictures), in order."""

    def build(*crops: tuple[bool, Tier, int]) -> tuple[list[Candidate], dict[str, TrialBlock]]:
        made = [
            candidate(f"{'c' if suggested else 'r'}-{number}", tier, role=Role.SUGGESTED if suggested else Role.RANDOM)
            for number, (suggested, tier, _) in enumerate(crops)
        ]
        blocks = {
            one.id: block(np.roll(np.arange(50) < count, 7 * number))
            for number, (one, (_, _, count)) in enumerate(zip(made, crops, strict=True))
        }
        return made, blocks

    return build


def test_third_class_comes_first_and_every_tier_is_compared_with_itself(audit) -> None:
    made, blocks = audit(
        (True, OBJECT, 40), (True, OBJECT, 44), (True, OBJECT, 48), (True, THIRD, 6), (True, THIRD, 4),
        (False, OBJECT, 42), (False, OBJECT, 46), (False, THIRD, 3), (False, THIRD, 5), (False, THIRD, 1),
    )  # fmt: skip
    third, target, everything = compare_with_chance(made, blocks, 0.95, seed=0)
    assert (third.tier, target.tier, everything.tier) == (THIRD, OBJECT, None)
    assert (third.suggested.candidates, third.suggested.flips, third.suggested.trials) == (2, 10, 100)
    assert (third.random.candidates, third.random.flips, third.random.trials) == (3, 9, 150)
    assert third.difference == pytest.approx(10 / 100 - 9 / 150)
    assert target.difference == pytest.approx(132 / 150 - 88 / 100)
    # all together by the suggestions' mix, three of object to two of third class: not 142/250 less 97/250
    assert everything.difference == pytest.approx((3 * target.difference + 2 * third.difference) / 5)
    assert (everything.suggested.candidates, everything.random.candidates) == (5, 5)
    assert third.interval is not None
    stacked = [
        np.stack([blocks[one.id].outcomes for one in made if one.tier is THIRD and one.suggested is kind])
        for kind in (True, False)
    ]
    assert third.interval == two_way_difference_interval([tuple(one.astype(float) for one in stacked)], [1.0], 0.95, 0)
    assert third.interval.low < third.difference < third.interval.high
    assert not third.better_than_chance


def test_a_clear_gain_is_better_than_chance(audit) -> None:
    made, blocks = audit(
        *[(True, THIRD, count) for count in (30, 33, 28, 35, 31)], *[(False, THIRD, count) for count in (2, 0, 4, 1, 3)]
    )
    third, everything = compare_with_chance(made, blocks, 0.95, seed=0)
    assert third.better_than_chance
    assert everything.better_than_chance
    assert everything == replace(third, tier=None)


def test_a_tier_without_either_group_is_shown_and_compared_with_nothing(audit) -> None:
    made, blocks = audit(
        (True, IMAGE, 9), (True, IMAGE, 8), (True, THIRD, 2), (True, THIRD, 1), (False, THIRD, 1), (False, THIRD, 0)
    )
    third, image, everything = compare_with_chance(made, blocks, 0.95, seed=0)
    assert (image.tier, image.suggested.flips, image.random.candidates) == (IMAGE, 17, 0)
    assert math.isnan(image.difference)
    assert (image.interval, image.better_than_chance) == (None, False)
    assert everything.difference == pytest.approx(third.difference)
    assert everything.suggested.candidates == 2


def test_one_crop_has_a_difference_and_no_interval(audit) -> None:
    made, blocks = audit((True, THIRD, 9), (False, THIRD, 4), (False, THIRD, 2))
    third, _ = compare_with_chance(made, blocks, 0.95, seed=0)
    assert third.difference == pytest.approx(9 / 50 - 6 / 100)
    assert third.interval is None
    assert third.suggested.interval is None
    assert third.random.interval is not None


def test_what_is_no_plain_crop_is_left_out(audit, candidate) -> None:
    made, blocks = audit((True, THIRD, 5), (True, THIRD, 6), (False, THIRD, 4), (False, THIRD, 2))
    others = [
        candidate("k-1", THIRD, role=Role.STRONGEST_CONTRAST),  # strongest contrast: a comparison of its own
        replace(candidate("s-1", THIRD), parts=("c-0",)),
        replace(candidate("l-1", Tier.SYNTHETIC), origin=Origin.LIBRARY),
    ]
    assert compare_with_chance([*made, *others], blocks, 0.95, 0) == compare_with_chance(made, blocks, 0.95, 0)
    assert compare_with_chance(others, blocks, 0.95, 0) == ()
