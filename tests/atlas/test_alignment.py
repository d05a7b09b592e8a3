from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from auditor.atlas.alignment import aligned_layouts, collect_layers, movement, shared_positions, superposed
from auditor.atlas.attribution import attribution_all_classes
from auditor.atlas.embedding import Likeness
from auditor.atlas.layout import MARGIN, plane_layout
from auditor.core.errors import ImageError
from auditor.core.shelf import MemoryShelf
from auditor.inputs.model.features import Features


@pytest.fixture(scope="module")
def two_layers():
    """Sixty images of four kinds, seen by two layers of different width; kind of each."""
    generator = np.random.default_rng(0)
    kind = generator.permutation(np.repeat(np.arange(4), 15))
    layers = [(5 * np.eye(4, width)[kind] + generator.normal(size=(60, width))).astype(np.float32) for width in (6, 9)]
    return layers, kind


def test_a_concept_keeps_its_place_where_layers_are_laid_out_together(two_layers):
    layers, kind = two_layers
    likeness = Likeness(neighbours=8, fitted=48)
    shallow, deep = aligned_layouts(layers, likeness, seed=2)
    assert min(shallow.min(), deep.min()) == pytest.approx(MARGIN)
    assert max(shallow.max(), deep.max()) == pytest.approx(1 - MARGIN)
    centres = np.stack([shallow[kind == one].mean(axis=0) for one in range(4)])
    nearest = np.linalg.norm(deep[:, np.newaxis] - centres, axis=2).argmin(axis=1)
    assert (nearest == kind).mean() > 0.95  # the deep layer's images, found by the shallow layer's places
    alone = plane_layout(layers[0], likeness, seed=0), plane_layout(layers[1], likeness, seed=1)
    assert movement(shallow, deep) < 0.5 * movement(alone[0], superposed(*alone))
    again = aligned_layouts(layers, likeness, seed=2)
    np.testing.assert_array_equal(again[0], shallow)
    np.testing.assert_array_equal(again[1], deep)


def test_movement_is_nothing_for_the_same_layout_and_one_for_a_shuffled_one():
    generator = np.random.default_rng(0)
    first = generator.uniform(size=(2000, 2)).astype(np.float32)
    assert movement(first, first) == 0.0
    assert movement(first, generator.permutation(first)) == pytest.approx(1.0, abs=0.05)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
    # Shifted by (0, 0.5), others lie at √1.25, √0.25, √3.25 from each in turn; their median is √1.25.
    moved = square + np.array([0, 0.5], dtype=np.float32)
    others = [np.linalg.norm(square[i] - moved[j]) for i in range(4) for j in range(4) if i != j]
    assert movement(square, moved) == pytest.approx(0.5 / np.median(others))


def test_superposing_undoes_turning_mirroring_scaling_and_shifting():
    first = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    turned = first @ np.array([[0.6, -0.8], [-0.8, -0.6]], dtype=np.float32) * 3 + 7
    np.testing.assert_allclose(superposed(first, turned), first, atol=1e-5)


def test_one_place_in_the_picture_is_found_in_every_grid():
    keys = [f"k{row}" for row in range(500)]
    coarse, fine, narrow = shared_positions(keys, [(4, 5), (16, 20), (8, 5)], seed=1)
    np.testing.assert_array_equal(fine // 4, coarse)
    np.testing.assert_array_equal(narrow // np.array([2, 1]), coarse)
    assert {tuple(position) for position in coarse.tolist()} == {(y, x) for y in (1, 2) for x in (1, 2, 3)}
    np.testing.assert_array_equal(shared_positions(keys[7:9], [(4, 5)], seed=1)[0], coarse[7:9])
    assert (shared_positions(keys, [(4, 5)], seed=2)[0] != coarse).any()
    assert shared_positions(keys, [(2, 2)], seed=0)[0].max() == 1


def test_layers_are_collected_at_the_shared_place(linear_cut, pixels, mapped):
    rows, keys = np.array([5, 2, 7]), ["picture-5", "picture-2", "picture-7"]
    small = pixels[:, :, :5, :6]
    wide = collect_layers([mapped(linear_cut, small, batch_size=2)], rows)[0]
    (at,) = shared_positions(keys, [(5, 6)], 0)
    np.testing.assert_array_equal(np.stack([wide.y, wide.x], axis=1), at)
    features = torch.from_numpy(small[rows]).float() / 255
    y, x = torch.from_numpy(at[:, 0]), torch.from_numpy(at[:, 1])
    np.testing.assert_allclose(wide.vectors, features[torch.arange(3), :, y, x])
    expected = attribution_all_classes(linear_cut, Features(features), y, x).numpy()
    np.testing.assert_allclose(wide.attribution, expected, rtol=1e-6)
    assert wide.image_row.tolist() == [5, 2, 7]
    assert np.isnan(wide.contrast).all()


def test_a_layer_on_the_shelf_is_not_collected_again(linear_cut, pixels, pair, mapped):
    """An interrupted collection goes on with the layers that are missing; contrast is that of the pair."""
    rows, shelf = np.array([5, 2, 7]), MemoryShelf()
    small = pixels[:, :, :5, :6]
    of_linear = mapped(linear_cut, small, pair, batch_size=2)
    (first,) = collect_layers([of_linear], rows, shelf)
    np.testing.assert_allclose(first.contrast, first.attribution[:, 2] - first.attribution[:, 0], rtol=1e-6)
    spent = copy.copy(linear_cut)
    spent.features = None  # not to be asked again
    one, two = collect_layers([replace(of_linear, cut=spent), of_linear], rows, shelf)
    np.testing.assert_array_equal(one.vectors, first.vectors)
    np.testing.assert_array_equal(two.vectors, first.vectors)


def test_layers_of_different_images_are_refused():
    with pytest.raises(ImageError, match=r"two or more.*\[12, 11\] images a layer; collect them with collect_layers"):
        aligned_layouts([np.ones((12, 3), np.float32), np.ones((11, 3), np.float32)])
    with pytest.raises(ImageError, match=r"10 images or more"):
        aligned_layouts([np.ones((9, 3), np.float32)] * 2)
