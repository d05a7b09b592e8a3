from __future__ import annotations

import math

import numpy as np
import pytest

from auditor.atlas.activations import ActivationSet
from auditor.atlas.embedding import Likeness
from auditor.atlas.grid import build_cells
from auditor.atlas.kinds import Atlas, AtlasKind
from auditor.atlas.layout import contrast_axis
from auditor.atlas.stability import halves_of, measure_stability, repeated_layouts
from auditor.core.progress import Silence


def samples_of(vectors, contrast, image_row):
    count = len(contrast)
    return ActivationSet(
        vectors=np.array(vectors, dtype=np.float32),
        attribution=np.zeros((count, 2), dtype=np.float32),
        contrast=np.array(contrast, dtype=np.float32),
        image_row=np.array(image_row, dtype=np.int64),
        y=np.zeros(count, dtype=np.int64),
        x=np.zeros(count, dtype=np.int64),
        weight=np.ones(count, dtype=np.float32),
        strongest=np.zeros(count, dtype=np.bool_),
    )


def atlas_of(samples, y, level):
    xy = np.stack([contrast_axis(samples.contrast), np.asarray(y, dtype=np.float32)], axis=1)
    return Atlas(samples, xy, build_cells(samples, xy, level, 1, 1), len(samples), AtlasKind.PAIR)


@pytest.fixture
def by_hand():
    """Two features; the upper has contrast near 2 in every picture, the lower 2 in pictures 0, 1 and −2 in 2, 3."""
    samples = samples_of(
        vectors=[[1, 0]] * 4 + [[0, 1]] * 4,
        contrast=[2.0, 2.2, 1.8, 2.0, 2.0, 2.2, -2.0, -2.2],
        image_row=[0, 1, 2, 3] * 2,
    )
    first_half = np.array([True, True, False, False] * 2)
    layout = np.array([[0.1, 0.1]] * 4 + [[0.9, 0.9]] * 4, dtype=np.float32)
    return atlas_of(samples, [0.1] * 4 + [0.9] * 4, 2), first_half, layout


def test_a_feature_is_looked_up_by_likeness_and_read_from_the_other_half(by_hand):
    cells, whole = measure_stability(by_hand[0], 2, by_hand[1], [by_hand[2]])
    upper, lower_source, lower_target = cells
    assert (upper.column, upper.row, upper.count) == (1, 0, 4)
    assert upper.stability.halves == pytest.approx((2.1, 1.9))
    assert upper.stability.layouts == pytest.approx((2.0,))
    assert upper.stability.together == 1.0
    assert upper.stability.survives
    # The target side of the lower feature comes from the first half alone, the source side from the second: each is
    # contradicted by the half that had no part in it, and the own half has nobody to be looked up from.
    assert (lower_target.column, lower_source.column) == (1, 0)
    assert math.isnan(lower_target.stability.halves[0])
    assert lower_target.stability.halves[1] == pytest.approx(-2.1)
    assert lower_source.stability.halves[0] == pytest.approx(2.1)
    assert lower_target.stability.layouts == pytest.approx((-2.1,))
    assert not lower_target.stability.survives
    assert not lower_source.stability.survives
    assert (whole.cells, whole.surviving, whole.together) == (3, 1, 1.0)
    # Of 28 pairs of the eight samples, 6 + 6 lie in one region.
    assert whole.together_by_chance == pytest.approx(12 / 28)


def test_a_region_counts_by_the_share_of_the_cell_in_it(by_hand):
    """Three quarters of a cell of 8 in one region, the rest in another that holds another contrast as well."""
    rows = np.repeat(np.arange(8), 2)
    samples = samples_of([[1, 0]] * 16, [1.0] * 12 + [1.0, 1.0, -3.0, -3.0], rows)
    atlas = atlas_of(samples, [0.1] * 16, 2)
    first_half = np.arange(16) % 2 == 0
    layout = np.array([[0.1, 0.1]] * 10 + [[0.9, 0.9]] * 6, dtype=np.float32)
    cells, _ = measure_stability(atlas, 2, first_half, [layout])
    target = next(cell for cell in cells if cell.column == 1)
    # Each half has 7 of the cell's 14: 5 in the first region (contrast 1), 2 in the second (mean of 1, 1 and −3).
    assert target.stability.layouts == pytest.approx(((5 * 1 + 2 * (-1 / 3)) / 7,))
    # Pairs of the 14 in one region: 10 · 9 + 4 · 3 of 14 · 13.
    assert target.stability.together == pytest.approx(102 / 182)


def clouds(seed, speaks):
    """Six hundred samples of six features from 300 pictures; contrast follows the feature, or nothing."""
    generator = np.random.default_rng(seed)
    kind = generator.integers(0, 6, 600)
    vectors = 6 * np.eye(6, 10)[kind] + generator.normal(size=(600, 10))
    contrast = (kind - 2.5 if speaks else 0) + generator.normal(size=600) * (0.3 if speaks else 1)
    layout = np.stack([kind / 6 + 0.05, generator.uniform(size=600)], axis=1).astype(np.float32)
    samples = samples_of(vectors, contrast, np.arange(600) // 2)
    return atlas_of(samples, kind / 6 + 0.05, 6), [layout], halves_of(samples, [f"k{row}" for row in range(300)], seed)


def test_contrast_that_follows_the_feature_survives_and_noise_does_not():
    atlas, layouts, halves = clouds(0, speaks=True)
    large, whole = measure_stability(atlas, 6, halves, layouts)
    assert all(cell.stability.survives for cell in large if cell.count >= 20)
    assert sum(cell.count >= 20 for cell in large) >= 5
    assert whole.halves > 0.8
    assert whole.layouts[0] > 0.8
    atlas, layouts, halves = clouds(1, speaks=False)
    noise, whole = measure_stability(atlas, 6, halves, layouts)
    clear = [cell for cell in noise if abs(cell.contrast) > 2 * cell.contrast_error]
    assert len(clear) > 15  # binned by contrast, noise looks like something
    assert whole.surviving <= 1
    assert abs(whole.halves) < 0.5


def test_halves_part_pictures_by_their_key_and_seed():
    samples = samples_of(np.ones((400, 2)), np.zeros(400), np.repeat(np.arange(200), 2))
    keys = [f"k{row}" for row in range(200)]
    halves = halves_of(samples, keys, 0)
    assert (halves[::2] == halves[1::2]).all()
    assert 70 < halves[::2].sum() < 130
    np.testing.assert_array_equal(halves_of(samples.where(np.arange(400) >= 300), keys, 0), halves[300:])
    assert (halves_of(samples, keys, 1) != halves).any()


def test_repeated_layouts_differ_and_repeat():
    generator = np.random.default_rng(0)
    samples = samples_of(generator.normal(size=(30, 4)), np.zeros(30), np.arange(30))
    one, two = repeated_layouts(samples, Likeness(neighbours=5), 0, 2, Silence())
    assert np.abs(one - two).max() > 0.1
    np.testing.assert_array_equal(repeated_layouts(samples, Likeness(neighbours=5), 0, 1, Silence())[0], one)
    assert repeated_layouts(samples, Likeness(), 0, 0, Silence()) == ()
