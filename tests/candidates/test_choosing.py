"""What a candidate's tier is, and who goes on when the tiers take turns."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.candidates.choosing import TIER_ORDER, Contender, choose_diverse, rank_agreement
from auditor.candidates.tiers import OBJECT_SHARE, Shares, crop_tier
from auditor.core.records import ClassGroup, ReviewMark, Tier
from auditor.core.records.findings import reviewed_tier

NAMES = ("pan", "wok", "wok lid", "cup")
TARGET = ClassGroup("woks", (1, 2))


@pytest.mark.parametrize(
    ("label", "shows", "tier"),
    [
        (1, None, Tier.TARGET_IMAGE),
        (2, None, Tier.TARGET_IMAGE),
        (3, None, Tier.THIRD_CLASS),
        (0, None, Tier.THIRD_CLASS),
        (1, (), Tier.TARGET_CONTEXT),
        (1, (("noodles", 0.9),), Tier.TARGET_CONTEXT),
        (1, (("noodles", 0.9), ("wok", 0.049)), Tier.TARGET_CONTEXT),
        (1, (("noodles", 0.9), ("wok", OBJECT_SHARE)), Tier.TARGET_OBJECT),
        (1, (("wok", 0.03), ("wok lid", 0.03)), Tier.TARGET_OBJECT),  # the group's objects count together
        (3, (("wok", 0.5), ("cup", 0.5)), Tier.TARGET_OBJECT),  # whatever the picture is labelled
        (3, (("cup", 1.0),), Tier.THIRD_CLASS),
        (3, (("wok", 0.049),), Tier.THIRD_CLASS),
    ],
)
def test_a_crops_tier_by_label_and_annotation(label: int, shows: Shares | None, tier: Tier) -> None:
    assert crop_tier(label, TARGET, NAMES, shows) is tier


def test_a_mark_stands_above_every_tier() -> None:
    """`object` is the object whatever it was taken for; what never was of the target has no context of it to show."""
    after = {
        Tier.TARGET_OBJECT: Tier.TARGET_CONTEXT,
        Tier.TARGET_IMAGE: Tier.TARGET_CONTEXT,
        Tier.TARGET_CONTEXT: Tier.TARGET_CONTEXT,
        Tier.THIRD_CLASS: Tier.THIRD_CLASS,
        Tier.UNLABELLED: Tier.UNLABELLED,
        Tier.SYNTHETIC: Tier.SYNTHETIC,
        Tier.USER: Tier.USER,
    }
    assert {tier: reviewed_tier(tier, ReviewMark.CONTEXT) for tier in Tier} == after
    assert {reviewed_tier(tier, ReviewMark.OBJECT) for tier in Tier} == {Tier.TARGET_OBJECT}
    assert [reviewed_tier(tier, None) for tier in Tier] == list(Tier)


def contenders(*made: tuple[float, Tier, str, int, int]) -> list[Contender]:
    return [Contender(*one) for one in made]


THIRD, CONTEXT, OBJECT = Tier.THIRD_CLASS, Tier.TARGET_CONTEXT, Tier.TARGET_OBJECT


def test_tiers_take_turns_each_with_its_best() -> None:
    all_of_them = contenders(
        (9.0, OBJECT, "a", 0, 0),
        (8.0, OBJECT, "b", 1, 1),
        (1.0, THIRD, "c", 2, 2),
        (5.0, CONTEXT, "d", 3, 3),
        (2.0, THIRD, "e", 4, 4),
        (4.0, CONTEXT, "f", 5, 5),
    )
    assert choose_diverse(all_of_them, 6) == [4, 3, 0, 2, 5, 1]
    assert choose_diverse(all_of_them, 4) == [4, 3, 0, 2]
    assert choose_diverse(all_of_them, 99) == [4, 3, 0, 2, 5, 1]
    assert choose_diverse(all_of_them, 0) == []
    assert choose_diverse([], 5) == []


def test_turns_go_from_most_news_to_least() -> None:
    one_each = contenders(*((0.0, tier, "", -1, number) for number, tier in enumerate(Tier)))
    assert [list(Tier)[index] for index in choose_diverse(one_each, 7)] == list(TIER_ORDER)
    assert set(TIER_ORDER) == set(Tier)


def test_no_cell_and_no_picture_gives_more_than_its_share() -> None:
    one_tier = contenders(
        (9.0, THIRD, "a", 0, 0),
        (8.0, THIRD, "a", 1, 1),
        (7.0, THIRD, "a", 2, 2),
        (6.0, THIRD, "b", 0, 3),
        (5.0, THIRD, "b", 3, 4),
    )
    assert choose_diverse(one_tier, 5) == [0, 1, 2, 3, 4]
    assert choose_diverse(one_tier, 5, per_cell=2) == [0, 1, 3, 4]
    assert choose_diverse(one_tier, 5, per_image=1) == [0, 1, 2, 4]
    assert choose_diverse(one_tier, 5, per_cell=2, per_image=1) == [0, 1, 4]


def test_caps_hold_across_tiers_and_spare_what_has_no_cell_or_picture() -> None:
    mixed = contenders(
        (9.0, THIRD, "a", 0, 0),
        (8.0, CONTEXT, "a", 1, 1),
        (7.0, CONTEXT, "", -1, 2),
        (6.0, CONTEXT, "", -1, 3),
    )
    assert choose_diverse(mixed, 4, per_cell=1, per_image=1) == [0, 2, 3]


def test_of_look_alikes_the_first_that_comes_up_is_taken() -> None:
    alike = contenders((3.0, OBJECT, "a", 0, 7), (2.0, THIRD, "b", 1, 7), (1.0, OBJECT, "c", 2, 8))
    assert choose_diverse(alike, 3) == [1, 2]


def test_ties_go_to_the_earlier_contender() -> None:
    tied = contenders(*((1.0, THIRD, "", -1, number) for number in range(4)))
    assert choose_diverse(tied, 3) == [0, 1, 2]


def test_a_contender_without_a_score_comes_last() -> None:
    unscored = contenders((float("-inf"), THIRD, "", -1, 0), (-5.0, THIRD, "", -1, 1))
    assert choose_diverse(unscored, 2) == [1, 0]


def test_what_the_network_sees_alike_is_taken_once() -> None:
    """Directions count from the features' mean: 0 and 1 point the same way, 2 the other, 3 across."""
    contenders = [
        Contender(score, Tier.THIRD_CLASS, "", -1, number) for number, score in enumerate((4.0, 3.0, 2.0, 1.0))
    ]
    features = np.array([[2.0, 0.1], [1.0, 0.0], [-3.0, 0.0], [0.0, -0.1]], dtype=np.float32)
    assert choose_diverse(contenders, 4) == [0, 1, 2, 3]
    assert choose_diverse(contenders, 4, features=features) == [0, 2, 3]
    assert choose_diverse(contenders, 4, features=features + 100) == [0, 2, 3]


def test_agreement_is_spearmans_and_silent_where_nothing_can_be_said() -> None:
    assert rank_agreement([1.0, 2.0, 3.0, 4.0], [0.1, 0.3, 0.2, 9.0]) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert rank_agreement([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]) is None
    assert rank_agreement([1.0, 2.0], [1.0, 2.0]) is None


def test_crops_of_refuted_cells_come_after_all_others_of_their_tier() -> None:
    third, context = Tier.THIRD_CLASS, Tier.TARGET_CONTEXT
    contenders = [
        Contender(0.9, third, "a", 0, 0, refuted=True),
        Contender(0.2, third, "b", 1, 1),
        Contender(0.3, third, "c", 2, 2),
        Contender(0.1, context, "d", 3, 3),
        Contender(0.8, context, "e", 4, 4),
    ]
    assert choose_diverse(contenders, 5) == [2, 4, 1, 3, 0]
