from __future__ import annotations

import math

import numpy as np
import pytest

from auditor.atlas.activations import ActivationSet
from auditor.atlas.grid import bin_numbers, build_cells, clustered_mean


def samples_of(vectors, attribution, contrast, image_row, weight):
    count = len(contrast)
    return ActivationSet(
        vectors=np.array(vectors, dtype=np.float32),
        attribution=np.array(attribution, dtype=np.float32),
        contrast=np.array(contrast, dtype=np.float32),
        image_row=np.array(image_row, dtype=np.int64),
        y=np.arange(count, dtype=np.int64),
        x=np.arange(count, dtype=np.int64) + 10,
        weight=np.array(weight, dtype=np.float32),
        strongest=np.zeros(count, dtype=bool),
    )


@pytest.fixture
def hand_made():
    """Four samples of three pictures in the top right bin of four, and one at the bottom left."""
    samples = samples_of(
        vectors=[[1, 0], [0, 1], [1, 1], [2, 0], [5, 5]],
        attribution=[[1, 0], [3, 0], [2, 4], [6, 4], [9, 9]],
        contrast=[1.0, 3.0, 2.0, 6.0, -9.0],
        image_row=[4, 4, 7, 2, 4],
        weight=[0.5, 0.5, 1.0, 2.0, 1.0],
    )
    xy = np.array([[0.5, 0.0], [0.75, 0.25], [1.0, 0.49], [0.99, 0.1], [0.0, 1.0]], dtype=np.float32)
    return samples, xy


def test_bins_are_half_open_and_the_last_is_closed():
    xy = np.array([[0, 0], [0.25, 0], [0.2499, 0.999], [0.5, 0.75], [1.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    assert bin_numbers(xy, 4).tolist() == [0, 1, 12, 14, 15, 12]


def test_each_sample_is_in_exactly_one_cell():
    generator = np.random.default_rng(0)
    count = 300
    samples = samples_of(
        generator.normal(size=(count, 3)),
        generator.normal(size=(count, 4)),
        generator.normal(size=count),
        generator.integers(0, 40, count),
        np.ones(count),
    )
    cells = build_cells(samples, generator.uniform(size=(count, 2)).astype(np.float32), 5, 1, 500)
    assert sum(cell.count for cell in cells) == count
    assert len({cell.name for cell in cells}) == len(cells)
    total = sum(cell.count * np.float64(cell.contrast) for cell in cells)
    assert total == pytest.approx(samples.contrast.sum(dtype=np.float64), rel=1e-5)


def test_a_cell_by_hand(hand_made):
    cell, *others = build_cells(*hand_made, level=2, min_count=2, exemplars=5)
    assert not others  # the single sample at the bottom left is below the minimum
    assert (cell.level, cell.column, cell.row, cell.count, cell.images) == (2, 1, 0, 4, 3)
    # Weighted means: ((1 + 3) / 2 + 2 + 2 * 6) / 4 = 4, and so on.
    assert cell.contrast == 4.0
    assert cell.mean_activation.tolist() == [(0.5 + 1 + 4) / 4, (0.5 + 1) / 4]
    assert cell.mean_attribution.tolist() == [4.0, 3.0]
    # Pictures: W = 1, 1, 2 and m = 2, 2, 6 about 4, so Σ W² (m − m̄)² = 4 + 4 + 16, times 3 / 2, over 4².
    assert cell.contrast_error == pytest.approx(math.sqrt(1.5 * 24) / 4)
    # Second class: m = 0, 4, 4 about 3: 9 + 1 + 4.
    np.testing.assert_allclose(cell.attribution_error, [math.sqrt(1.5 * 24) / 4, math.sqrt(1.5 * 14) / 4], rtol=1e-6)


def test_exemplars_are_nearest_by_cosine_one_a_picture(hand_made):
    (cell,) = build_cells(*hand_made, level=2, min_count=2, exemplars=5)
    # The mean points along (11, 3): (1, 0) and (2, 0) tie at cosine 0.965, (1, 1) has 0.868, and picture 4's
    # second sample (0, 1) does not appear beside its first.
    assert [(one.image_row, one.y, one.x, one.contrast) for one in cell.exemplars] == [
        (4, 0, 10, 1.0),
        (2, 3, 13, 6.0),
        (7, 2, 12, 2.0),
    ]
    (fewer,) = build_cells(*hand_made, level=2, min_count=2, exemplars=2)
    assert fewer.exemplars == cell.exemplars[:2]


def test_cells_come_row_by_row(hand_made):
    cells = build_cells(*hand_made, level=2, min_count=1, exemplars=1)
    assert [cell.name for cell in cells] == ["2:1:0", "2:0:1"]
    assert math.isnan(cells[1].contrast_error)
    assert np.isnan(cells[1].attribution_error).all()


def test_error_of_equal_weights_is_that_of_the_mean():
    values = np.random.default_rng(2).normal(size=(30, 3))
    mean, error = clustered_mean(values, np.full(30, 0.25), np.arange(30))
    np.testing.assert_allclose(mean, values.mean(axis=0))
    np.testing.assert_allclose(error, values.std(axis=0, ddof=1) / math.sqrt(30))


def test_copies_of_a_picture_do_not_shrink_the_error():
    values = np.random.default_rng(3).normal(size=12)
    _, once = clustered_mean(values, np.ones(12), np.arange(12))
    _, five_times = clustered_mean(np.repeat(values, 5), np.ones(60), np.repeat(np.arange(12), 5))
    assert five_times == pytest.approx(float(once))


def test_error_agrees_with_resampling_pictures():
    generator = np.random.default_rng(4)
    cluster = np.repeat(np.arange(80), 3)
    values = np.repeat(generator.normal(size=80), 3) + 0.3 * generator.normal(size=240)
    weight = np.tile([0.8, 0.1, 0.1], 80) * np.repeat(generator.uniform(0.5, 1.5, 80), 3)
    _, error = clustered_mean(values, weight, cluster)
    draws = generator.integers(0, 80, (4000, 80))
    totals = np.add.reduceat(values * weight, np.arange(0, 240, 3))
    weights = np.add.reduceat(weight, np.arange(0, 240, 3))
    bootstrap = (totals[draws].sum(axis=1) / weights[draws].sum(axis=1)).std()
    assert float(error) == pytest.approx(bootstrap, rel=0.06)
