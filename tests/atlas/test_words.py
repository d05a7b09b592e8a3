"""Words for cells: named by one half of the pictures, borne out by what the other half shows, or not printed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from auditor.atlas.activations import ActivationSet
from auditor.atlas.cell_labels import cell_labels
from auditor.atlas.grid import build_cells
from auditor.atlas.kinds import Atlas
from auditor.atlas.words import _holm, borne_out

CLASSES, PER_CELL = 4, 96


def atlas_of(support: np.ndarray) -> Atlas:
    """Two cells side by side, a picture a sample, every one speaking for the class `support` (2,) names."""
    count = 2 * PER_CELL
    cell = np.repeat([0, 1], PER_CELL)
    attribution = np.full((count, CLASSES), -1.0, dtype=np.float32)
    attribution[np.arange(count), support[cell]] = 1.0 + 0.01 * (np.arange(count) % 5)
    samples = ActivationSet(
        vectors=np.ones((count, 2), dtype=np.float32),
        attribution=attribution,
        contrast=np.zeros(count, dtype=np.float32),
        image_row=np.arange(count),
        y=np.zeros(count, dtype=np.int64),
        x=np.zeros(count, dtype=np.int64),
        weight=np.ones(count, dtype=np.float32),
        strongest=np.zeros(count, dtype=np.bool_),
    )
    xy = np.stack([0.25 + 0.5 * cell, np.full(count, 0.25)], axis=1).astype(np.float32)
    cells = tuple(replace(one, supports=cell_labels(one, 4)) for one in build_cells(samples, xy, 2, 1, 1))
    return Atlas(samples, xy, cells, count)


HALF = np.arange(2 * PER_CELL) % 2 == 0


def shown(left: list[int], right: list[int]) -> np.ndarray:
    """Labels of the pictures, repeated over each cell; neighbours of a pair fall into different halves."""
    return np.concatenate([np.resize(np.repeat(each, 2), PER_CELL) for each in (left, right)])


def test_a_word_stands_where_the_other_half_shows_its_class() -> None:
    atlas = atlas_of(np.array([2, 3]))
    assert borne_out(atlas, 2, shown([2], [3]), HALF) == {"2:0:0": 2, "2:1:0": 3}


def test_a_word_that_the_pictures_do_not_show_is_not_printed() -> None:
    atlas = atlas_of(np.array([2, 3]))
    assert borne_out(atlas, 2, shown([2], [0, 1]), HALF) == {"2:0:0": 2}
    assert borne_out(atlas, 2, shown([0, 1], [1, 0]), HALF) == {}


def test_more_than_by_chance_is_not_enough_where_most_show_something_else() -> None:
    atlas = atlas_of(np.array([2, 3]))
    assert borne_out(atlas, 2, shown([2, 2, 0, 1], [0]), HALF) == {"2:0:0": 2}
    assert borne_out(atlas, 2, shown([2, 0, 1, 2, 0, 1], [0]), HALF) == {}


def test_what_the_naming_half_shows_does_not_count() -> None:
    atlas = atlas_of(np.array([2, 3]))
    labels = np.where(HALF, 2, 0)  # the naming half is all of class 2, the other shows another class
    assert borne_out(atlas, 2, labels, HALF) == {}


def test_a_class_that_nearly_every_picture_is_of_is_no_news() -> None:
    atlas = atlas_of(np.array([2, 2]))
    assert borne_out(atlas, 2, shown([2], [2]), HALF) == {}


def test_classes_of_the_axis_are_passed_over_and_pictures_without_a_label_show_nothing() -> None:
    atlas = atlas_of(np.array([2, 3]))
    assert borne_out(atlas, 2, shown([2], [3]), HALF, unnamed=(3,)) == {"2:0:0": 2}
    assert borne_out(atlas, 2, np.full(2 * PER_CELL, -1), HALF) == {}


def test_a_cell_that_one_half_never_saw_has_no_word() -> None:
    atlas = atlas_of(np.array([2, 3]))
    half = HALF | (np.arange(2 * PER_CELL) < PER_CELL)
    assert "2:0:0" not in borne_out(atlas, 2, shown([2], [3]), half)


@pytest.mark.parametrize(
    ("chances", "holds"),
    [([0.04, 0.01, 0.03], [False, True, False]), ([0.01, 0.02, 0.05], [True, True, True]), ([0.06], [False]), ([], [])],
)
def test_holms_method_by_hand(chances: list[float], holds: list[bool]) -> None:
    assert _holm(chances) == holds
