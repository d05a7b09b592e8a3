"""Pairs: which are planned, what of either part shows where, and what the pair is called."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.candidates.makers.pairs import ARRANGEMENTS, combine, plan_pairs
from auditor.core.hashing import sha256_of
from auditor.core.records import Candidate, Origin, Tier
from auditor.trials.patch import Patch, patch_png


def crop(identity: str, cell: str = "", image: str = "", tier: Tier = Tier.THIRD_CLASS, **facts: object) -> Candidate:
    return Candidate(identity, f"crop {identity}", Origin.CROP, tier, "0" * 64, image_key=image, cell=cell, **facts)


def filled(colour: tuple[int, int, int], alpha: int = 255, height: int = 40, width: int = 40) -> np.ndarray:
    return np.broadcast_to(np.array((*colour, alpha), dtype=np.uint8)[:, None, None], (4, height, width)).copy()


RED, BLUE = filled((200, 0, 0)), filled((0, 0, 200))


def test_the_best_pairs_of_different_cells_and_pictures_come_first() -> None:
    candidates = [
        crop("a", "1", "p"),
        crop("b", "1", "q"),  # of a's cell
        crop("c", "2", "p"),  # of a's picture
        crop("d", "3", "r"),
        crop("e", "", ""),  # of no cell and no picture, like a render
        crop("f", "", ""),
    ]
    scores = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.5], dtype=np.float32)
    every = [(0, 3), (1, 2), (0, 4), (1, 3), (0, 5), (1, 4), (2, 3), (1, 5), (2, 4), (2, 5), (3, 4), (3, 5), (4, 5)]
    assert plan_pairs(candidates, scores, most=99, per_part=99) == every
    assert plan_pairs(candidates, scores, most=3, per_part=99) == every[:3]
    # at most one pair each: what is best goes, and what is left pairs up
    assert plan_pairs(candidates, scores, most=99, per_part=1) == [(0, 3), (1, 2), (4, 5)]
    assert plan_pairs(candidates[:2], scores[:2], most=9) == []


def test_the_better_one_goes_first_whatever_their_order() -> None:
    candidates = [crop("a", "1", "p"), crop("b", "2", "q"), crop("c", "3", "r")]
    assert plan_pairs(candidates, np.array([1.0, 2.0, 3.0], dtype=np.float32), 9) == [(2, 1), (2, 0), (1, 0)]


@pytest.mark.parametrize(
    ("arrangement", "first_at", "second_at", "share"),
    [
        ("beside", (20, 2), (20, 37), 0.5),
        ("diagonal", (5, 5), (35, 35), 0.5),
        ("over", (20, 20), (2, 2), np.pi * 0.35**2),
    ],
)
def test_either_part_shows_in_its_place_with_a_soft_seam_between(
    arrangement: str, first_at: tuple[int, int], second_at: tuple[int, int], share: float
) -> None:
    rgba = combine(Patch(crop("a"), RED), Patch(crop("b"), BLUE), arrangement, 40, "p-001").rgba
    assert rgba[:, *first_at].tolist() == [200, 0, 0, 255]
    assert rgba[:, *second_at].tolist() == [0, 0, 200, 255]
    assert (rgba[3] == 255).all()
    np.testing.assert_allclose(rgba[0].astype(int) + rgba[2], 200, atol=1)  # a mixture everywhere
    assert rgba[0].mean() / 200 == pytest.approx(share, abs=0.01)
    assert ((rgba[0] > 20) & (rgba[0] < 180)).mean() > 0.04


def test_alpha_of_the_parts_counts() -> None:
    half = Patch(crop("a"), filled((200, 0, 0), alpha=128))
    rgba = combine(half, Patch(crop("b"), BLUE), "beside", 40, "p-001").rgba
    assert rgba[:, 20, 2].tolist() == [200, 0, 0, 128]
    middle = rgba[:, 20, 19].astype(float)
    share = ARRANGEMENTS["beside"](40)[20, 19]
    assert middle[3] == pytest.approx(128 * share + 255 * (1 - share), abs=1)
    assert middle[0] == pytest.approx(200 * 128 * share / middle[3], abs=1.5)
    clear = combine(Patch(crop("a"), filled((9, 9, 9), 0)), Patch(crop("b"), BLUE), "beside", 40, "p").rgba
    assert clear[:, 20, 2].tolist() == [0, 0, 0, 0]


def test_parts_keep_their_proportions() -> None:
    wide = np.concatenate([filled((0, 99, 0), width=20), RED, filled((0, 99, 0), width=20)], axis=2)
    rgba = combine(Patch(crop("a"), wide), Patch(crop("b"), BLUE), "over", 40, "p-001").rgba
    assert rgba[1].max() == 0  # the middle square of the first is all red


def test_a_pair_is_as_little_news_as_its_lesser_part_and_names_both() -> None:
    first = crop("c-001", "1", "p", image_path="lemon/1.jpg", observed_push=1.0, shows=(("lid", 0.25),))
    second = crop(
        "c-002", "2", "q", Tier.TARGET_IMAGE, image_path="wok/2.jpg", box=(1, 2, 3, 4),
        shows=(("wok", 0.02), ("lid", 0.5)), read_as_target=True,
    )  # fmt: skip
    for parts in ((first, second), (second, first)):
        pair = combine(Patch(parts[0], RED), Patch(parts[1], BLUE), "diagonal", 24, "p-007")
        made = pair.candidate
        assert (made.id, made.tier, made.origin) == ("p-007", Tier.TARGET_IMAGE, Origin.CROP)
        assert made.parts == (parts[0].id, parts[1].id)
        assert (made.image_path, made.box, made.cell) == ("wok/2.jpg", (1, 2, 3, 4), "2")
        assert made.shows == (("lid", 0.375), ("wok", 0.01))
        assert made.name == f"{parts[0].name} + {parts[1].name} (diagonal)"
        assert np.isnan(made.observed_push)
        assert not made.read_as_target
        assert made.sha256 == sha256_of(patch_png(pair.rgba))
