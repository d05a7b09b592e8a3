from __future__ import annotations

import numpy as np
import pytest

from auditor.atlas.activations import Sampling, interior_positions, sample_positions
from auditor.core.records import ClassGroup

PAIR = (ClassGroup("pan", (0,)), ClassGroup("wok", (2,)))
INTERIOR = interior_positions(5, 5)


def drawn(sampling, key="a", interior=INTERIOR, contrast=None):
    return [(one.y, one.x, one.weight, one.strongest) for one in sample_positions(sampling, key, interior, contrast)]


def test_interior_leaves_out_all_four_borders():
    assert interior_positions(4, 5).tolist() == [[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3]]


def test_a_side_too_short_for_an_interior_is_kept_whole():
    assert interior_positions(2, 4).tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert interior_positions(1, 1).tolist() == [[0, 0]]


def test_the_reference_is_one_position_that_stands_for_the_whole_picture():
    ((y, x, weight, strongest),) = drawn(Sampling(seed=0))
    assert [y, x] in INTERIOR.tolist()
    assert (weight, strongest) == (1.0, False)


def test_several_positions_are_distinct_and_share_the_picture():
    samples = drawn(Sampling(seed=0, positions_per_image=4))
    assert len({(y, x) for y, x, _, _ in samples}) == 4
    assert [weight for _, _, weight, _ in samples] == [0.25] * 4
    fewer = drawn(Sampling(seed=0, positions_per_image=2))
    assert [one[:2] for one in fewer] == [one[:2] for one in samples[:2]]


def test_more_positions_than_there_are_give_each_once():
    samples = drawn(Sampling(seed=0, positions_per_image=20))
    assert sorted([y, x] for y, x, _, _ in samples) == INTERIOR.tolist()
    assert {weight for _, _, weight, _ in samples} == {1 / 9}


def test_strongest_are_the_extreme_contrasts_inside_and_stand_for_themselves():
    contrast = np.full((5, 5), 9.0, dtype=np.float32)
    contrast[1:4, 1:4] = [[0, 1, 2], [7, 3, 4], [-9, 5, -6]]
    random, *strongest = drawn(Sampling(0, PAIR, strongest_per_image=2), contrast=contrast)
    towards_target = [(2, 1, 1 / 9, True), (3, 2, 1 / 9, True)]
    towards_source = [(3, 1, 1 / 9, True), (3, 3, 1 / 9, True)]
    assert strongest == towards_target + towards_source
    assert random[2:] == (5 / 9, False)
    assert random[:2] not in {one[:2] for one in strongest}


def test_of_equal_contrasts_the_earlier_position_is_kept_and_none_twice():
    _, highest, lowest = drawn(Sampling(0, PAIR, strongest_per_image=1), contrast=np.zeros((5, 5), np.float32))
    assert highest[:2] == (1, 1)
    assert lowest[:2] == (1, 2)


def test_contrasts_that_differ_in_their_last_bits_are_equal():
    """As where no position pushes: which comes first must not depend on how many pictures went through at once."""
    contrast = np.full((5, 5), 0.0, np.float32)
    contrast[3, 3] = -5.7e-4
    sampling = Sampling(0, PAIR, strongest_per_image=2)
    exact = drawn(sampling, contrast=contrast)
    for y, x in ((2, 2), (3, 1)):
        noisy = contrast.copy()
        noisy[y, x] = 2.8e-9
        assert drawn(sampling, contrast=noisy) == exact
    assert [one[:2] for one in exact[1:]] == [(1, 1), (1, 2), (3, 3), (1, 3)]
    contrast[2, 2] = 5.7e-6  # a hundredth is more than that
    assert drawn(sampling, contrast=contrast)[1][:2] == (2, 2)
    contrast[1, 1] = np.nan  # of a broken network, which is told of elsewhere: no position comes twice
    assert len({one[:2] for one in drawn(sampling, contrast=contrast)}) == 5
    assert drawn(sampling, contrast=contrast)[1][:2] == (2, 2)


@pytest.mark.parametrize("strongest", [2, 3, 9])
def test_a_picture_kept_whole_has_no_random_sample(strongest):
    contrast = np.arange(16, dtype=np.float32).reshape(4, 4)
    sampling = Sampling(0, PAIR, strongest_per_image=strongest)
    samples = drawn(sampling, interior=interior_positions(4, 4), contrast=contrast)
    assert sorted(one[:2] for one in samples) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(one[2:] == (0.25, True) for one in samples)


def test_weighted_samples_are_unbiased_for_the_whole_interior():
    """Over many keys the weighted mean of any map must come out as its mean over the interior."""
    contrast = np.random.default_rng(0).normal(size=(5, 5)).astype(np.float32)
    sampling = Sampling(1, PAIR, positions_per_image=2, strongest_per_image=2)
    weights = np.zeros((5, 5))
    draws = 4000
    for key in range(draws):
        for y, x, weight, _ in drawn(sampling, str(key), contrast=contrast):
            weights[y, x] += weight / draws
    # Five positions share two draws of weight 5/18: each has standard error √(2/5 · 3/5 / 4000) · 5/18 about 1/9.
    assert np.abs(weights[1:4, 1:4] - 1 / 9).max() < 4 * np.sqrt(0.24 / draws) * 5 / 18
    assert weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"positions_per_image": 0}, "positions_per_image must be 1 or more, got 0"),
        ({"strongest_per_image": 1}, "strongest_per_image must be 0 without a pair"),
        ({"strongest_per_image": -1, "pair": PAIR}, "0 or more with one, got -1"),
    ],
)
def test_samplings_that_cannot_be_are_refused(settings, expected):
    with pytest.raises(ValueError, match=expected):
        Sampling(seed=0, **settings)
