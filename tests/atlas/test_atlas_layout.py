from __future__ import annotations

import numpy as np
import pytest

from auditor.atlas.embedding import Likeness
from auditor.atlas.layout import MARGIN, contrast_axis, likeness_axis, pair_layout


@pytest.fixture(scope="module")
def three_kinds():
    """Ninety activations of three kinds that point in three directions, in mixed order; kind of each."""
    generator = np.random.default_rng(0)
    kind = generator.permutation(np.repeat(np.arange(3), 30))
    vectors = 5 * np.eye(3, 8)[kind] + 0.3 * generator.normal(size=(90, 8))
    return vectors.astype(np.float32), kind


def test_contrast_is_scaled_by_its_99th_percentile_and_clipped():
    contrast = np.arange(-100, 101, dtype=np.float32)  # 201 sizes: the 99th percentile of |contrast| is 99
    x = contrast_axis(contrast)
    assert x[100] == 0.5
    assert x[100 + 99] == 1.0
    assert x[200] == 1.0
    assert x[0] == 0.0
    assert x[100 - 33] == pytest.approx(0.5 - 33 / 99 / 2)


def test_contrast_of_nothing_lies_in_the_middle():
    assert contrast_axis(np.zeros(4, np.float32)).tolist() == [0.5] * 4
    assert contrast_axis(np.zeros(0, np.float32)).tolist() == []


def test_few_samples_lie_along_their_first_component():
    along = np.array([0.0, 1.0, 2.0, 4.0, 8.0])
    vectors = np.outer(along, [3.0, 4.0]).astype(np.float32)
    y = likeness_axis(vectors, Likeness(), seed=0)
    low, high = np.percentile(along, [1, 99])
    expected = MARGIN + (1 - 2 * MARGIN) * (np.clip(along, low, high) - low) / (high - low)
    np.testing.assert_allclose(y, expected, atol=1e-6)


def test_samples_all_alike_lie_in_the_middle():
    assert likeness_axis(np.ones((4, 3), np.float32), Likeness(), 0).tolist() == [0.5] * 4
    assert likeness_axis(np.ones((1, 3), np.float32), Likeness(), 0).tolist() == [0.5]
    assert likeness_axis(np.ones((0, 3), np.float32), Likeness(), 0).tolist() == []


def bands(y, kind):
    """Lowest and highest y of each kind, in the order of the bands."""
    return sorted((float(y[kind == one].min()), float(y[kind == one].max())) for one in range(3))


def test_like_activations_share_a_band_and_the_same_seed_repeats_it(three_kinds):
    vectors, kind = three_kinds
    contrast = np.linspace(-1, 1, len(vectors)).astype(np.float32)
    xy = pair_layout(vectors, contrast, Likeness(neighbours=10), seed=4)
    first, second, third = bands(xy[:, 1], kind)
    assert first[1] < second[0]
    assert second[1] < third[0]
    assert (xy[:, 1].min(), xy[:, 1].max()) == pytest.approx((MARGIN, 1 - MARGIN))
    assert (np.diff(xy[:, 0]) >= 0).all()
    np.testing.assert_array_equal(xy, pair_layout(vectors, contrast, Likeness(neighbours=10), seed=4))


def test_samples_beyond_the_limit_join_the_band_of_their_kind(three_kinds):
    vectors, kind = three_kinds
    first, second, third = bands(likeness_axis(vectors, Likeness(neighbours=8, fitted=45), seed=4), kind)
    assert first[1] < second[0]
    assert second[1] < third[0]


@pytest.mark.parametrize("count", [10, 12])
def test_neighbours_shrink_with_the_samples(three_kinds, count):
    y = likeness_axis(three_kinds[0][:count], Likeness(), seed=0)
    assert np.isfinite(y).all()
    assert len(np.unique(y)) > count // 2


def test_an_activation_of_zeros_does_no_harm(three_kinds, recwarn):
    vectors = three_kinds[0].copy()
    vectors[:3] = 0.0
    y = likeness_axis(vectors, Likeness(neighbours=10, fitted=60), seed=0)
    assert np.isfinite(y).all()
    assert y.min() >= 0.0
    assert y.max() <= 1.0
    assert not recwarn.list
