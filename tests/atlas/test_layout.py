from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from auditor.atlas.embedding import (
    METHODS,
    Likeness,
    embed,
    extend,
    keep_compiled,
    nearest_of,
    nearest_of_many,
    unit_vectors,
    whiten,
)
from auditor.atlas.layout import MARGIN, contrast_axis, fit_square, likeness_axis, pair_layout, plane_layout
from auditor.atlas.vectors import in_parts, second_moment
from auditor.core.config import AtlasConfig


def test_the_methods_are_those_that_a_configuration_may_name():
    field = AtlasConfig.model_fields["layout"]
    assert get_args(field.annotation) == tuple(METHODS)
    assert Likeness().method == field.default
    assert [Likeness(method).fitted_at_most for method in METHODS] == [each.fitted for each in METHODS.values()]
    assert Likeness("tsne", fitted=50).fitted_at_most == 50


@pytest.fixture(params=METHODS)
def method(request):
    """Each in turn; one whose library is not installed is left out."""
    if request.param == "torchdr":
        pytest.importorskip("torchdr")
    return request.param


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


def test_what_numba_compiles_for_a_layout_is_kept_for_the_next_process():
    import umap.aligned_umap
    import umap.layouts
    import umap.umap_

    keep_compiled()
    for slow in (
        umap.umap_.smooth_knn_dist,
        umap.umap_.compute_membership_strengths,
        umap.layouts._nb_optimize_layout_euclidean_single_epoch,
        umap.aligned_umap.in1d,
        umap.aligned_umap.procrustes_align,
        umap.aligned_umap.build_neighborhood_similarities,
        umap.aligned_umap.init_from_existing_internal,
    ):
        assert slow.stats.cache_path


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


def test_a_plane_keeps_its_aspect_but_for_a_small_stretch():
    def square(width, height):
        x, y = np.meshgrid(np.linspace(0, width, 101), np.linspace(-height, 0, 101))
        return fit_square(np.stack([x.ravel(), y.ravel()], axis=1))

    full = (MARGIN, 1 - MARGIN)
    for width, height in ((1.0, 1.0), (3.0, 2.0), (7.0, 7.0)):  # up to 3 : 2 the square is filled
        placed = square(width, height)
        assert (placed.min(), placed.max()) == pytest.approx(full)
        assert (placed[:, 1].min(), placed[:, 1].max()) == pytest.approx(full)
    narrow = square(1.0, 4.0)  # a quarter as wide as high, stretched half as much again, in the middle
    assert (narrow[:, 1].min(), narrow[:, 1].max()) == pytest.approx(full)
    half = 0.375 * (1 - 2 * MARGIN) / 2
    assert (narrow[:, 0].min(), narrow[:, 0].max()) == pytest.approx((0.5 - half, 0.5 + half))
    # The outermost of the 101 columns lie beyond the 1st and 99th percentiles and are clipped to them.
    assert len(np.unique(narrow[:, 0])) == 99
    assert fit_square(np.array([[1.0, 5.0], [2.0, 5.0]])).tolist() == [
        [pytest.approx(MARGIN), 0.5],
        [pytest.approx(1 - MARGIN), 0.5],
    ]


def test_a_plane_parts_the_kinds_and_the_same_seed_repeats_it(three_kinds, method):
    vectors, kind = three_kinds
    likeness = Likeness(method, neighbours=10, perplexity=10.0)
    xy = plane_layout(vectors, likeness, seed=1)
    distance = np.linalg.norm(xy[:, np.newaxis] - xy[np.newaxis], axis=2) + 9 * np.eye(90)
    assert (kind[distance.argsort(axis=1)[:, :5]] == kind[:, np.newaxis]).mean() > 0.95
    np.testing.assert_array_equal(plane_layout(vectors, likeness, seed=1), xy)
    assert np.abs(plane_layout(vectors, likeness, seed=2) - xy).max() > 0.01 or method == "tsne"  # starts from PCA


def test_whitened_vectors_have_a_second_moment_near_one_in_every_direction():
    generator = np.random.default_rng(0)
    vectors = (generator.normal(size=(5000, 3)) * [1.0, 10.0, 0.0]).astype(np.float32)
    vectors[:, 2] = 0.0
    white = whiten(vectors, ridge=1e-6).astype(np.float64)
    np.testing.assert_allclose(white.T @ white / 5000, np.diag([1.0, 1.0, 0.0]), atol=1e-3)
    strong = whiten(vectors, ridge=1.0).astype(np.float64)
    moment = np.square(vectors.astype(np.float64)).mean(axis=0)
    expected = moment / (moment + moment.mean())
    np.testing.assert_allclose(np.square(strong).mean(axis=0), expected, rtol=0.01)


def test_nearest_are_the_highest_cosines():
    generator = np.random.default_rng(0)
    unit, others = (unit_vectors(generator.normal(size=(size, 5)).astype(np.float32)) for size in (40, 7))
    cosine, rows = nearest_of(unit, others, 3)
    expected = others @ unit.T
    np.testing.assert_array_equal(rows, np.argsort(-expected, axis=1)[:, :3])
    np.testing.assert_allclose(cosine, np.take_along_axis(expected, rows, axis=1), atol=1e-6)


def test_joining_takes_the_mean_place_of_the_nearest_weighted_by_cosine():
    unit = unit_vectors(np.array([[1, 0], [1, 1], [0, 1], [-1, 0], [1, 0]], dtype=np.float32))
    places = np.array([[0.0], [1.0], [4.0], [100.0]])
    joined = extend(unit, np.array([0, 1, 2, 3]), places)
    assert joined[:4].tolist() == places.tolist()
    half = np.sqrt(0.5)  # cosines of the last with its nearest three: 1, √½ and 0
    assert joined[4, 0] == pytest.approx(half / (1 + half), abs=1e-4)


def test_a_layout_leaves_the_number_of_threads_alone(three_kinds, method):
    """numba sets OpenMP's, which is PyTorch's too: later stages would run on another number than a resumed run."""
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            embed(three_kinds[0], 2, Likeness(method, neighbours=10, perplexity=10.0), seed=0)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_nearest_of_many_are_the_nearest():
    generator = np.random.default_rng(0)
    unit, others = (unit_vectors(generator.normal(size=(size, 16)).astype(np.float32)) for size in (300, 1500))
    (cosine, rows), (exact, exact_rows) = nearest_of_many(unit, others, 3), nearest_of(unit, others, 3)
    np.testing.assert_array_equal(rows, exact_rows)
    np.testing.assert_allclose(cosine, exact, atol=1e-6)
    assert (cosine.dtype, rows.dtype) == (exact.dtype, exact_rows.dtype)


@pytest.mark.parametrize("whitened", [False, True])
def test_many_activations_join_in_parts(three_kinds, monkeypatch, whitened):
    """Where those in memory come in parts, each still lies where it lay when all came at once."""
    vectors, _ = three_kinds
    likeness = Likeness("tsne", fitted=40, perplexity=5, whitened=whitened)
    at_once = embed(vectors, 2, likeness, 0)
    monkeypatch.setattr("auditor.atlas.vectors.TOGETHER", 7)
    np.testing.assert_allclose(embed(vectors, 2, likeness, 0), at_once, rtol=1e-3 if whitened else 1e-5)
    assert [rows.stop - rows.start for rows, _ in in_parts(vectors)] == [7] * 12 + [6]
    np.testing.assert_allclose(second_moment(in_parts(vectors)), vectors.T @ vectors / 90, rtol=1e-5)
    assert [len(part) for _, part in in_parts(vectors[:0])] == [0]
