from __future__ import annotations

import numpy as np
import pytest
import torch

from auditor.atlas.activations import collect_activations, interior_positions, sample_positions
from auditor.atlas.attribution import attribution_all_classes, contrast_map
from auditor.errors import LayerError
from auditor.progress import Silence


def collect(cut, pixels, pair, rows=None, batch_size=4, seed=5, strongest=2, progress=None):
    rows = np.arange(len(pixels)) if rows is None else np.array(rows)
    keys = [f"picture-{row}" for row in rows]
    return collect_activations(cut, pixels, rows, keys, *pair, strongest, batch_size, seed, progress or Silence())


def by_picture(samples):
    """Positions and what was recorded there, for each picture whatever the order."""
    order = np.lexsort((samples.x, samples.y, samples.strongest, samples.image_row))
    return samples.where(order)


def test_interior_leaves_out_all_four_borders():
    assert interior_positions(4, 5).tolist() == [[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3]]


def test_a_side_too_short_for_an_interior_is_kept_whole():
    assert interior_positions(2, 4).tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert interior_positions(1, 1).tolist() == [[0, 0]]


def test_strongest_are_the_highest_contrasts_inside_and_stand_for_themselves():
    contrast = np.full((5, 5), 9.0, dtype=np.float32)
    contrast[1:4, 1:4] = [[0, 1, 2], [7, 3, 4], [-9, 5, 6]]
    samples = sample_positions(contrast, interior_positions(5, 5), 2, seed=0, key="a")
    assert [(one.y, one.x, one.weight, one.strongest) for one in samples[1:]] == [
        (2, 1, 1 / 9, True),
        (3, 3, 1 / 9, True),
    ]
    assert not samples[0].strongest
    assert samples[0].weight == 7 / 9
    assert (samples[0].y, samples[0].x) not in {(2, 1), (3, 3)}


def test_without_strongest_one_draw_stands_for_the_whole_picture():
    (only,) = sample_positions(np.zeros((6, 6), np.float32), interior_positions(6, 6), 0, seed=0, key="a")
    assert only.weight == 1.0


def test_a_picture_kept_whole_has_no_random_sample():
    samples = sample_positions(np.zeros((4, 4), np.float32), interior_positions(4, 4), 9, seed=0, key="a")
    assert sorted((one.y, one.x) for one in samples) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(one.strongest and one.weight == 0.25 for one in samples)


def test_weighted_samples_are_unbiased_for_the_whole_interior():
    """Over many keys the weighted mean of any map must come out as its mean over the interior."""
    contrast = np.random.default_rng(0).normal(size=(5, 5)).astype(np.float32)
    interior = interior_positions(5, 5)
    weights = np.zeros((5, 5))
    draws = 4000
    for key in range(draws):
        for one in sample_positions(contrast, interior, 3, seed=1, key=str(key)):
            weights[one.y, one.x] += one.weight / draws
    # Six positions share the draws: each has standard error √(1/6 · 5/6 / 4000) · 6/9 = 0.0039 about 1/9.
    assert np.abs(weights[1:4, 1:4] - 1 / 9).max() < 4 * 0.0039
    assert weights.sum() == pytest.approx(1.0)


def test_recorded_numbers_are_those_of_the_recorded_positions(conv_cut, pixels, pair):
    samples = collect(conv_cut, pixels, pair, rows=[7, 2, 4])
    features = conv_cut.features(torch.from_numpy(pixels[samples.image_row]).float() / 255).detach()
    y, x = torch.from_numpy(samples.y), torch.from_numpy(samples.x)
    rows = torch.arange(len(samples))
    assert samples.image_row.tolist() == [7, 7, 7, 2, 2, 2, 4, 4, 4]
    np.testing.assert_allclose(samples.vectors, features[rows, :, y, x].numpy(), rtol=1e-5, atol=1e-6)
    expected = attribution_all_classes(conv_cut, features, y, x).numpy()
    np.testing.assert_allclose(samples.attribution, expected, rtol=1e-4, atol=1e-6)
    _, contrast = contrast_map(conv_cut, features, *pair)
    np.testing.assert_allclose(samples.contrast, contrast[rows, y, x].numpy(), rtol=1e-4, atol=1e-6)
    highest = contrast[3, 1:7, 1:7].flatten().topk(2).values.numpy()
    np.testing.assert_allclose(samples.contrast[4:6], highest, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 9])
def test_same_draws_whatever_the_batch_size(conv_cut, pixels, pair, batch_size):
    whole, other = collect(conv_cut, pixels, pair), collect(conv_cut, pixels, pair, batch_size=batch_size)
    for column in ("image_row", "y", "x", "strongest", "weight"):
        np.testing.assert_array_equal(getattr(other, column), getattr(whole, column))
    for column in ("vectors", "attribution", "contrast"):
        np.testing.assert_allclose(getattr(other, column), getattr(whole, column), rtol=1e-4, atol=1e-6)


def test_same_draws_whatever_the_order(conv_cut, pixels, pair):
    forwards = by_picture(collect(conv_cut, pixels, pair))
    backwards = by_picture(collect(conv_cut, pixels, pair, rows=range(8, -1, -1)))
    for column in ("image_row", "y", "x", "strongest"):
        np.testing.assert_array_equal(getattr(backwards, column), getattr(forwards, column))


def test_seed_changes_the_draws_and_nothing_else(conv_cut, pixels, pair):
    one, other = collect(conv_cut, pixels, pair, seed=1), collect(conv_cut, pixels, pair, seed=2)
    drawn = ~one.strongest
    assert (one.y[drawn] != other.y[drawn]).any() or (one.x[drawn] != other.x[drawn]).any()
    np.testing.assert_array_equal(one.y[one.strongest], other.y[other.strongest])


def test_no_pictures_give_no_samples(conv_cut, pixels, pair):
    samples = collect(conv_cut, pixels, pair, rows=np.zeros(0, dtype=np.int64))
    assert len(samples) == 0
    assert samples.vectors.shape == (0, 6)


class Counted(Silence):
    def __init__(self):
        self.total, self.done = None, 0

    def start(self, stage, total=None):
        self.total = total

    def advance(self, steps=1):
        self.done += steps


def test_progress_counts_every_picture(conv_cut, pixels, pair):
    progress = Counted()
    collect(conv_cut, pixels, pair, progress=progress)
    assert (progress.total, progress.done) == (9, 9)


class RootTail(torch.nn.Module):
    """Finite logits of any picture, but no derivative where a channel is 0."""

    def forward(self, features):
        return features.abs().sqrt().mean(dim=(2, 3))


def test_a_layer_without_a_derivative_is_refused(conv_cut, pixels, pair):
    conv_cut.head, conv_cut.tail, conv_cut.feature_shape = torch.nn.Identity(), RootTail(), (3, 16, 16)
    assert len(collect(conv_cut, np.maximum(pixels, 1), pair)) == 27
    with pytest.raises(LayerError, match=r"must be finite, but it is not for .* of 27 activations"):
        collect(conv_cut, pixels * 0, pair)
