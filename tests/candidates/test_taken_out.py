"""Crops that show a little of the target show none of it: they are transparent there, in screening and in trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from auditor.candidates.crops import CropPlan, prepared_crops
from auditor.candidates.makers.pairs import combine
from auditor.candidates.propose import crop_entries
from auditor.candidates.scene import Scene, cut_patch
from auditor.candidates.taken_out import NOTHING_KNOWN, TakenOut, without
from auditor.core.records import Role, Tier

ROW, THIRD = 4, 2
"""A wok's picture and one of the third class, 60 × 48 pixels; prepared 10 × 8."""


@pytest.fixture
def annotated(scene: Scene) -> Scene:
    """Every prepared picture shows the target in its middle pixel; the crops' annotations tell 3%."""
    height, width = scene.input_size
    prepared = np.zeros((height, width), dtype=np.bool_)
    prepared[height // 2, width // 2] = True
    return replace(
        scene, taken_out=TakenOut(lambda _row: prepared), shows_of=lambda _row, _box: (("spoon", 0.1), ("wok", 0.03))
    )


def whole(scene: Scene, row: int) -> CropPlan:
    height, width = scene.input_size
    return CropPlan(row, 1, 1, 1.0, (0, 0, width, height), "", 0.0)


def test_what_is_taken_out_is_transparent_and_all_else_as_it_was() -> None:
    rgba = np.random.default_rng(0).integers(1, 256, size=(4, 4, 6), dtype=np.uint8)
    gone = np.array([[True, False, False], [False, False, True]])
    left = without(rgba, gone)
    stretched = gone.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(left[:3], rgba[:3])
    np.testing.assert_array_equal(left[3], np.where(stretched, 0, rgba[3]))
    opaque = without(rgba[:3], gone)
    np.testing.assert_array_equal(opaque[3], np.where(stretched, 0, 255))


@pytest.mark.parametrize(("row", "tier"), [(ROW, Tier.TARGET_CONTEXT), (THIRD, Tier.THIRD_CLASS)])
def test_a_crop_that_shows_a_little_of_the_target_is_transparent_there(annotated: Scene, row: int, tier: Tier) -> None:
    patch = cut_patch(annotated, whole(annotated, row), "c-001", Role.SUGGESTED)
    height, width = annotated.input_size
    alpha = patch.rgba[3].reshape(height, patch.rgba.shape[1] // height, width, -1)[:, 0, :, 0]
    expected = np.full((height, width), 255, dtype=np.uint8)
    expected[height // 2 - 1 : height // 2 + 2, width // 2 - 1 : width // 2 + 2] = 0  # with a rim of one pixel
    np.testing.assert_array_equal(alpha, expected)
    assert patch.candidate.tier is tier
    assert patch.candidate.shows == (("spoon", 0.1),)
    assert patch.candidate.taken_out == pytest.approx(9 / (height * width))
    assert (patch.rgba[3] == 0).mean() == pytest.approx(patch.candidate.taken_out)


def test_what_shows_the_target_itself_and_what_nobody_annotated_stay_whole(annotated: Scene) -> None:
    object_itself = replace(annotated, shows_of=lambda _row, _box: (("wok", 0.05),))
    unknown = replace(annotated, taken_out=NOTHING_KNOWN, shows_of=lambda _row, _box: None)
    beside = replace(annotated, taken_out=TakenOut(lambda _row: np.zeros(annotated.input_size, dtype=np.bool_)))
    tiers = (Tier.TARGET_OBJECT, Tier.TARGET_IMAGE, Tier.TARGET_CONTEXT)
    for scene, tier in zip((object_itself, unknown, beside), tiers, strict=True):
        patch = cut_patch(scene, whole(scene, ROW), "c-001", Role.SUGGESTED)
        assert (patch.rgba[3] == 255).all()
        assert (patch.candidate.tier, patch.candidate.taken_out) == (tier, 0.0)


def test_it_is_screened_as_it_is_tried(annotated: Scene) -> None:
    plans = [whole(annotated, row) for row in (ROW, THIRD)]
    target, third = (entry.pixels for entry in crop_entries(annotated, plans))
    prepared, _ = prepared_crops(annotated.pool, plans)
    np.testing.assert_array_equal(target[:3], prepared)
    tried = cut_patch(annotated, plans[0], "c-001", Role.SUGGESTED)
    assert (target[3] == 0).mean() == pytest.approx(tried.candidate.taken_out)
    assert len(third) == 3  # its mask is not opened for the screening
    height, width = annotated.input_size
    close = replace(plans[0], box=(width // 2 - 1, height // 2 - 1, width // 2 + 2, height // 2 + 2))
    assert len(crop_entries(annotated, [close])[0].pixels) == 3  # a ninth of it is the target: the object itself


def test_a_pair_says_what_was_taken_out_of_its_parts(annotated: Scene) -> None:
    own = cut_patch(annotated, whole(annotated, ROW), "c-001", Role.SUGGESTED)
    plain = cut_patch(replace(annotated, taken_out=NOTHING_KNOWN), whole(annotated, THIRD), "c-002", Role.SUGGESTED)
    pair = combine(own, plain, "beside", 16, "p-001")
    assert pair.candidate.taken_out == pytest.approx(own.candidate.taken_out / 2)
