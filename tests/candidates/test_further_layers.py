"""What further layers add to a search: turns, windows once, and one feature of two layers counted once."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.atlas.vectors import Held
from auditor.candidates.crops import CropPlan
from auditor.candidates.further_layers import all_plans, overlap, repeated_features, share_of
from auditor.candidates.ladder import Entry
from auditor.core.records import Tier

FIRST, SECOND = "early", "late"


def plan(row: int, left: int, layer: str) -> CropPlan:
    return CropPlan(row, 0, 0, 0.5, (left, 0, left + 10, 10), "4:1:1", 0.0, layer)


def test_layers_take_turns_and_a_window_is_planned_once() -> None:
    exemplars = [[plan(0, 0, FIRST), plan(1, 0, FIRST)], [plan(0, 0, SECOND), plan(2, 0, SECOND), plan(3, 0, SECOND)]]
    others = [[plan(3, 0, FIRST), plan(4, 0, FIRST)], [plan(4, 5, SECOND)]]
    planned = all_plans(exemplars, others)
    assert [(one.image_row, one.layer) for one in planned] == [
        (0, FIRST), (1, FIRST), (2, SECOND), (3, SECOND), (4, SECOND), (4, FIRST)
    ]  # fmt: skip


def test_one_layer_alone_keeps_every_crop_in_its_order() -> None:
    twice = [plan(0, 0, FIRST), plan(0, 0, FIRST), plan(1, 0, FIRST)]
    assert all_plans([twice], [[plan(1, 0, FIRST)]]) == [*twice, plan(1, 0, FIRST)]


@pytest.mark.parametrize(
    ("second", "share"),
    [
        ((0, 0, 10, 10), 1.0),
        ((5, 0, 15, 10), 1 / 3),
        ((2, 0, 12, 10), 2 / 3),
        ((10, 0, 20, 10), 0.0),
        ((2, 2, 7, 7), 0.25),
    ],
)
def test_overlap_is_the_common_share_of_both(second: tuple[int, int, int, int], share: float) -> None:
    assert overlap((0, 0, 10, 10), second) == pytest.approx(share)
    assert overlap(second, (0, 0, 10, 10)) == pytest.approx(share)


def entries(count: int) -> list[Entry]:
    generator = np.random.default_rng(0)
    return [Entry(generator.integers(0, 256, (3, 16, 16), dtype=np.uint8), Tier.THIRD_CLASS) for _ in range(count)]


def test_of_one_feature_in_two_layers_the_greater_push_stays() -> None:
    """By window, by pixels, and by what the network sees; of one layer's own crops nothing is merged."""
    plans = [
        plan(0, 0, FIRST), plan(0, 2, SECOND),  # windows of one picture that overlap by two thirds
        plan(1, 0, FIRST), plan(2, 0, SECOND),  # the same pixels
        plan(3, 0, FIRST), plan(4, 0, SECOND),  # the same features where they lie
        plan(5, 0, FIRST), plan(5, 2, FIRST),  # of one layer
        plan(6, 0, FIRST), plan(6, 6, SECOND),  # windows of one picture that hardly overlap
    ]  # fmt: skip
    shown = entries(10)
    shown[3] = Entry(shown[2].pixels, Tier.THIRD_CLASS)
    seen = np.random.default_rng(1).standard_normal((10, 40)).astype(np.float32)
    seen[5] = 2 * seen[4] - seen.mean(axis=0)
    pushes = dict(enumerate([1.0, 2.0, 5.0, 4.0, 3.0, 3.0, 1.5, 1.4, 0.5, 0.4]))
    found = repeated_features(plans, shown, pushes, Held(seen))
    assert found == frozenset({0, 3, 5})  # of equal pushes the earlier crop stays
    shown[1] = Entry(shown[1].pixels, Tier.TARGET_IMAGE)
    assert repeated_features(plans, shown, pushes, Held(seen)) == frozenset({3, 5})  # no news gives way to the target


def test_only_what_went_through_the_tail_is_asked() -> None:
    plans = [plan(0, 0, FIRST), plan(0, 2, SECOND)]
    seen = np.eye(2, dtype=np.float32)
    assert repeated_features(plans, entries(2), {1: 0.5}, Held(seen)) == frozenset()
    assert repeated_features(plans, entries(2), {}, Held(seen)) == frozenset()


@pytest.mark.parametrize(
    ("count", "layers", "shares"), [(7, 2, [3, 4]), (1, 3, [0, 0, 1]), (300, 1, [300]), (0, 2, [0, 0])]
)
def test_a_budget_is_dealt_out_whole(count: int, layers: int, shares: list[int]) -> None:
    assert share_of(count, layers) == shares
    assert sum(shares) == count
