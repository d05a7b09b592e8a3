"""Crops of pictures without labels: how many, from where, and what they are said to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from auditor.atlas.kinds import Atlas
from auditor.candidates.crops import CropPlan
from auditor.candidates.makers.pairs import combine
from auditor.candidates.pool_crops import plan_pool_crops
from auditor.candidates.propose import found_from, propose
from auditor.candidates.scene import Scene, cut_patch, planned_tier
from auditor.candidates.screening import TailScreen
from auditor.core.config import AuditConfig
from auditor.core.progress import Silence
from auditor.core.records import ImageRecord, Role, Split, Tier
from auditor.core.records.images import NO_LABEL, Unlabelled


@pytest.fixture
def wider(scene: Scene) -> Scene:
    """The scene with four pictures more that nobody labelled, rows 6 to 9."""
    generator = np.random.default_rng(31)
    originals = [Image.fromarray(generator.integers(0, 256, size=(48, 60, 3), dtype=np.uint8)) for _ in range(4)]
    prepare = scene.classifier.preprocessing.prepare
    records = tuple(
        ImageRecord(f"pool{n}", f"{n}" * 64, f"pool/{n}.png", NO_LABEL, Split.DISCOVERY, 60, 48) for n in range(4)
    )
    unlabelled = Unlabelled(records, (), np.stack([prepare(original) for original in originals]), 4)

    def open_original(row: int) -> Image.Image:
        return scene.open_original(row) if row < 6 else originals[row - 6]

    return replace(scene, pool=replace(scene.pool, unlabelled=unlabelled), open_original=open_original)


def test_the_pool_takes_the_share_of_its_pictures(wider: Scene, wanting: Callable[..., AuditConfig]) -> None:
    # three labelled pictures may give crops: of discovery, and not of the source
    plans, random = plan_pool_crops(wider, wanting(screened=70, random=7).candidates)
    assert (len(plans), len(random)) == (40, 4)
    assert min(Counter(plan.image_row for plan in plans).values()) >= 8  # a place that came up twice is made up for
    assert len({(plan.image_row, plan.box) for plan in plans}) == 40
    assert {plan.image_row for plan in random} == {6, 7, 8, 9}
    again, _ = plan_pool_crops(wider, wanting(screened=70, random=7).candidates)
    other, _ = plan_pool_crops(replace(wider, seed=1), wanting(screened=70, random=7).candidates)
    assert [plan.box for plan in plans] == [plan.box for plan in again] != [plan.box for plan in other]
    assert all(plan.cell == "" and np.isnan(plan.contrast) for plan in plans)


def test_crops_end_where_the_places_do(wider: Scene, wanting: Callable[..., AuditConfig]) -> None:
    rules = wider.crop_rules(wanting().candidates.sizes)
    plans, _ = plan_pool_crops(wider, wanting(screened=1_000_000).candidates)
    assert len(plans) <= 4 * len(rules.boxes())
    assert len(plans) > 3 * len(rules.boxes())


def test_without_a_pool_there_are_none(scene: Scene, wanting: Callable[..., AuditConfig]) -> None:
    assert plan_pool_crops(scene, wanting().candidates) == ([], [])


def test_a_crop_says_what_the_model_calls_its_picture_and_no_label(wider: Scene) -> None:
    called = [wider.called(row) for row in (6, 7, 8, 9)]
    pictures = torch.from_numpy(np.stack([wider.pool.prepared(row) for row in (6, 7, 8, 9)])).float() / 255
    expected = wider.classifier.logits(pictures)
    assert called == expected.argmax(dim=1).tolist()
    for row, label in zip((6, 7, 8, 9), called, strict=True):
        plan = CropPlan(row, 0, 0, 0.5, (4, 6, 12, 14), "", float("nan"))
        assert planned_tier(wider, plan) is Tier.UNLABELLED
        one = cut_patch(wider, plan, "c-001", Role.SUGGESTED).candidate
        assert one.name == f"unlabelled crop (its picture called {wider.classifier.class_names.names[label]})"
        assert (one.tier, one.image_label, one.image_path) == (Tier.UNLABELLED, "", f"pool/{row - 6}.png")
        assert one.called_target is (label == 1) is one.resembles_target
        assert replace(one, read_as_target=True).resembles_target
        assert wider.marked(one) is not None


def test_a_pair_with_an_unlabelled_part_is_unlabelled_and_keeps_its_mark(wider: Scene) -> None:
    third = cut_patch(wider, CropPlan(2, 0, 0, 0.5, (4, 6, 12, 14), "", 0.0), "c-001", Role.SUGGESTED)
    plan = CropPlan(6, 0, 0, 0.5, (4, 6, 12, 14), "", float("nan"))
    plain = cut_patch(wider, plan, "c-002", Role.SUGGESTED)
    for like in (True, False):
        part = replace(plain, candidate=replace(plain.candidate, called_target=like))
        made = combine(third, part, "over", 8, "p-001").candidate
        assert (made.tier, made.called_target) == (Tier.UNLABELLED, like)


def test_patches_are_made_of_unlabelled_crops_but_not_where_the_model_sees_the_target(
    wider: Scene, screen: TailScreen, wanting: Callable[..., AuditConfig]
) -> None:
    plan = CropPlan(6, 0, 0, 0.5, (4, 6, 12, 14), "", float("nan"))
    crop = cut_patch(wider, plan, "c-001", Role.SUGGESTED, 1.0)
    for like in (True, False):
        patch = replace(crop, candidate=replace(crop.candidate, called_target=like))
        found = found_from(wider, screen, (), [plan], [patch], wanting(), Silence())
        assert len(found.crops) == (not like)


def test_unlabelled_crops_are_screened_tried_and_compared_at_the_same_budget(
    wider: Scene, scene: Scene, atlas: Atlas, screen: TailScreen, wanting: Callable[..., AuditConfig]
) -> None:
    config = wanting(screened=42, shortlisted=30, tried=8, random=5, strongest=2, per_image=3, per_cell=5)
    with_pool = propose(wider, atlas, screen, config, Silence())
    without = propose(scene, atlas, screen, config, Silence())
    linear = [next(rung for rung in each.rungs if rung.name == "linear screening") for each in (with_pool, without)]
    assert linear[0].seen == linear[1].seen == 42

    def of(role: Role, tier: Tier) -> int:
        return sum(one.candidate.role is role and one.candidate.tier is tier for one in with_pool.patches)

    assert of(Role.SUGGESTED, Tier.UNLABELLED) > 0
    assert of(Role.RANDOM, Tier.UNLABELLED) == round(5 * 4 / 7)
    assert sum(one.candidate.role is Role.RANDOM for one in with_pool.patches) == 5
    assert not any(one.candidate.tier is Tier.UNLABELLED for one in without.patches)
