from __future__ import annotations

import numpy as np
import pytest

from auditor.atlas.filters import class_filter, filter_shards, magnitude_filter, rank_filter
from auditor.core.records import ClassGroup

ATTRIBUTION = np.array(
    [
        [5.0, 4.0, 3.0, 2.0, 1.0],
        [1.0, 2.0, 3.0, 4.0, 5.0],
        [-1.0, -2.0, -3.0, -4.0, -5.0],
        [0.0, 9.0, 0.0, 0.0, 8.0],
        [2.0, 2.0, 2.0, 0.0, 0.0],
    ],
    dtype=np.float32,
)


class TwoShards:
    def attributions(self):
        yield from (ATTRIBUTION[:2], ATTRIBUTION[2:])


def kept(mask):
    return np.flatnonzero(mask).tolist()


def test_rank_keeps_where_the_class_is_among_the_largest():
    assert kept(rank_filter(ATTRIBUTION, [0], 1)) == [0, 2, 4]
    assert kept(rank_filter(ATTRIBUTION, [1], 2)) == [0, 2, 3, 4]
    assert kept(rank_filter(ATTRIBUTION, [4], 2)) == [1, 3]


def test_rank_of_a_group_is_that_of_its_best_class():
    assert kept(rank_filter(ATTRIBUTION, [3, 4], 1)) == [1]
    assert kept(rank_filter(ATTRIBUTION, [1, 4], 1)) == [1, 3, 4]


def test_rank_of_all_classes_admits_everything():
    assert kept(rank_filter(ATTRIBUTION, [4], 5)) == [0, 1, 2, 3, 4]


def test_rank_agrees_with_sorting():
    attribution = np.random.default_rng(0).normal(size=(200, 12)).astype(np.float32)
    top = np.argsort(-attribution, axis=1)[:, :4]
    expected = [bool({2, 7} & set(row.tolist())) for row in top]
    assert rank_filter(attribution, (2, 7), 4).tolist() == expected


def test_magnitude_keeps_the_largest_positive_of_each_class():
    assert kept(magnitude_filter(ATTRIBUTION, [0], 2)) == [0, 4]
    assert kept(magnitude_filter(ATTRIBUTION, [0, 4], 1)) == [0, 3]


def test_magnitude_never_keeps_what_is_not_positive():
    assert kept(magnitude_filter(ATTRIBUTION, [3], 100)) == [0, 1]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("rank", [0, 2, 4]),
        ("magnitude", [0, 4]),
        ("both", [0, 4]),
        ("either", [0, 2, 4]),
    ],
)
def test_one_class_is_filtered_by_rank_magnitude_both_or_either(mode, expected):
    assert kept(class_filter(ATTRIBUTION, ClassGroup("pan", (0,)), mode, rank=1, magnitude=2)) == expected


def test_both_keeps_less_and_either_more_than_one_of_them():
    group = ClassGroup("wok", (1,))
    by_mode = {mode: kept(class_filter(ATTRIBUTION, group, mode, 2, 2)) for mode in ("rank", "magnitude")}
    assert by_mode == {"rank": [0, 2, 3, 4], "magnitude": [0, 3]}
    assert kept(class_filter(ATTRIBUTION, group, "both", 1, 2)) == [3]
    assert kept(class_filter(ATTRIBUTION, group, "either", 1, 2)) == [0, 3, 4]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("rank", [0, 1, 2, 4]),  # source by rank: 0, 2, 4; target: 1
        ("magnitude", [0, 3]),  # source by magnitude: 0; target: 3
        ("both", [0]),
        ("either", [0, 1, 2, 3, 4]),
    ],
)
def test_pair_is_the_union_of_its_two_classes(mode, expected):
    source, target = ClassGroup("pan", (0,)), ClassGroup("wok", (4,))
    assert kept(filter_shards(TwoShards(), (source, target), mode, rank=1, magnitude=1)) == expected


def test_every_class_but_the_target_is_filtered_by_its_largest_attribution():
    """Rank admits everything for 99 classes, and one sample a class would keep 99; the group must still select."""
    attribution = np.random.default_rng(1).normal(size=(500, 100)).astype(np.float32)
    source = ClassGroup("*", tuple(range(1, 100)))
    strongest = set(np.argsort(-attribution[:, 1:].max(axis=1))[:20].tolist())
    assert set(kept(class_filter(attribution, source, "either", 3, 20))) == strongest
