from __future__ import annotations

import copy
import weakref
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from auditor.atlas.activations import ActivationSet, Sampling
from auditor.atlas.attribution import attribution_all_classes, contrast_map
from auditor.atlas.collection import Mapped, collect_activations
from auditor.atlas.filters import class_filter, filter_shards
from auditor.atlas.relaxed import relaxed_max_pooling
from auditor.atlas.shards import Shards, shard_from_bytes, shard_to_bytes
from auditor.core.config import AtlasConfig
from auditor.core.errors import ImageError, LayerError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, ImagePool, ImageRecord, Split
from auditor.core.shelf import MemoryShelf

COLUMNS = [column.name for column in fields(ActivationSet)]


def shards_of(cut, pixels, sampling, rows=None, batch_size=4, shelf=None, shard_images=4, progress=None):
    rows = np.arange(len(pixels)) if rows is None else np.array(rows, dtype=np.int64)
    mapped = Mapped(cut, pool_of(pixels), None, AtlasConfig(), batch_size, 0, progress or Silence())
    return collect_activations(mapped, rows, sampling, shelf, shard_images)


def pool_of(pixels):
    records = (ImageRecord(f"picture-{row}", "", "", 0, Split.DISCOVERY, 1, 1) for row in range(len(pixels)))
    return ImagePool(tuple(records), (), pixels)


def collect(cut, pixels, pair, seed=5, strongest=1, **settings):
    return shards_of(cut, pixels, Sampling(seed, pair, strongest_per_image=strongest), **settings).whole()


def by_picture(samples):
    """Positions and what was recorded there, for each picture whatever the order."""
    order = np.lexsort((samples.x, samples.y, samples.strongest, samples.image_row))
    return samples.where(order)


def test_recorded_numbers_are_those_of_the_recorded_positions(conv_cut, pixels, pair):
    samples = collect(conv_cut, pixels, pair, rows=[7, 2, 4])
    features = conv_cut.features(torch.from_numpy(pixels[samples.image_row]).float() / 255).each(Tensor.detach)
    y, x = torch.from_numpy(samples.y), torch.from_numpy(samples.x)
    rows = torch.arange(len(samples))
    assert samples.image_row.tolist() == [7, 7, 7, 2, 2, 2, 4, 4, 4]
    np.testing.assert_allclose(samples.vectors, features.grid[rows, :, y, x].numpy(), rtol=1e-5, atol=1e-6)
    expected = attribution_all_classes(conv_cut, features, y, x).numpy()
    np.testing.assert_allclose(samples.attribution, expected, rtol=1e-4, atol=1e-6)
    _, contrast = contrast_map(conv_cut, features, *pair)
    np.testing.assert_allclose(samples.contrast, contrast[rows, y, x].numpy(), rtol=1e-4, atol=1e-6)
    inside = contrast[3, 1:7, 1:7]
    np.testing.assert_allclose(samples.contrast[4:6], [inside.max(), inside.min()], rtol=1e-4, atol=1e-6)


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


def test_no_pictures_are_an_error(conv_cut, pixels):
    with pytest.raises(ImageError, match="there are no pictures"):
        shards_of(conv_cut, pixels, Sampling(0), rows=[])


def test_without_a_pair_there_is_attribution_but_no_contrast(conv_cut, pixels, pair):
    alone = shards_of(conv_cut, pixels, Sampling(5, positions_per_image=2)).whole()
    paired = shards_of(conv_cut, pixels, Sampling(5, pair, positions_per_image=2)).whole()
    assert np.isnan(alone.contrast).all()
    for column in COLUMNS:
        if column != "contrast":
            np.testing.assert_array_equal(getattr(alone, column), getattr(paired, column))


def test_contrast_of_groups_is_that_of_the_map(conv_cut, pixels):
    pair = ClassGroup("either", (0, 1)), ClassGroup("others", (2, 3, 4))
    samples = collect(conv_cut, pixels, pair)
    features = conv_cut.features(torch.from_numpy(pixels).float() / 255).each(Tensor.detach)
    _, contrast = contrast_map(conv_cut, features, *pair)
    expected = contrast.numpy()[samples.image_row, samples.y, samples.x]
    np.testing.assert_allclose(samples.contrast, expected, rtol=1e-4, atol=1e-7)


def test_relaxed_pooling_reaches_attribution_and_choice(conv_cut, pixels, pair):
    state = copy.deepcopy(conv_cut.tail.state_dict())
    plain = collect(conv_cut, pixels, pair)
    relaxed = shards_of(conv_cut, pixels, Sampling(5, pair, 1, 1, relaxed_pooling=True)).whole()
    features = conv_cut.features(torch.from_numpy(pixels[relaxed.image_row]).float() / 255).each(Tensor.detach)
    y, x, rows = torch.from_numpy(relaxed.y), torch.from_numpy(relaxed.x), torch.arange(len(relaxed))
    with relaxed_max_pooling():
        expected = attribution_all_classes(conv_cut, features, y, x)
        _, contrast = contrast_map(conv_cut, features, *pair)
    np.testing.assert_allclose(relaxed.attribution, expected.numpy(), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(relaxed.contrast, contrast[rows, y, x].numpy(), rtol=1e-4, atol=1e-7)
    highest = contrast[1::3, 1:7, 1:7].flatten(1).max(dim=1).values
    np.testing.assert_allclose(relaxed.contrast[1::3], highest.numpy(), rtol=1e-4, atol=1e-7)
    assert np.abs(relaxed.attribution[::3] - plain.attribution[::3]).max() > 1e-3
    assert all(torch.equal(state[name], value) for name, value in conv_cut.tail.state_dict().items())


class Watched(MemoryShelf):
    """Stands for a disk: counts what is written and read; stops after some writes."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.writes, self.reads, self.stop_after = [], [], stop_after

    def write(self, file, data):
        if len(self.writes) == self.stop_after:
            raise KeyboardInterrupt
        super().write(file, data)
        self.writes.append(int(file.partition(".")[0]))

    def read(self, file):
        self.reads.append(int(file.partition(".")[0]))
        return super().read(file)


def test_an_interrupted_collection_goes_on_where_it_stopped(conv_cut, pixels, pair):
    sampling = Sampling(5, pair, strongest_per_image=1)
    whole = shards_of(conv_cut, pixels, sampling)
    shelf = Watched(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        shards_of(conv_cut, pixels, sampling, shelf=shelf)
    shelf.stop_after = None
    progress = Counted()
    resumed = shards_of(conv_cut, pixels, sampling, shelf=shelf, progress=progress)
    assert shelf.writes == [0, 1, 2]
    assert (progress.total, progress.done) == (9, 9)
    for number in range(3):
        assert shard_to_bytes(resumed.read(number)) == shard_to_bytes(whole.read(number))


def test_a_shard_holds_its_pictures_whatever_the_shard_size(conv_cut, pixels, pair):
    small, large = (collect(conv_cut, pixels, pair, shard_images=images) for images in (2, 9))
    for column in COLUMNS:
        np.testing.assert_allclose(getattr(small, column), getattr(large, column), rtol=1e-4, atol=1e-6)
    shards = shards_of(conv_cut, pixels, Sampling(5, pair), shard_images=4)
    assert [shard.image_row.tolist() for shard in shards] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


def test_a_shard_comes_back_as_it_was(conv_cut, pixels, pair):
    samples = collect(conv_cut, pixels, pair)
    back = shard_from_bytes(shard_to_bytes(samples))
    for column in COLUMNS:
        assert getattr(back, column).dtype == getattr(samples, column).dtype
        np.testing.assert_array_equal(getattr(back, column), getattr(samples, column))


@pytest.mark.parametrize("mode", ["rank", "magnitude", "both", "either"])
def test_filtering_shards_keeps_what_filtering_everything_keeps(conv_cut, pixels, pair, mode):
    shards = shards_of(conv_cut, pixels, Sampling(5, pair, 3, 2), shard_images=2)
    # whole numbers tie across shards at the n-th place, where the earlier sample must win
    generator = np.random.default_rng(2)
    for number, shard in enumerate(shards):
        drawn = generator.integers(-20, 20, shard.attribution.shape).astype(np.float32)
        shards.write(number, replace(shard, attribution=drawn))
    whole = shards.whole()
    several = ClassGroup("several", (1, 3)), ClassGroup("most", (0, 2, 4))
    for source, target in (pair, several):
        kept = filter_shards(shards, (source, target), mode, 1, 5)
        of_either = [class_filter(whole.attribution, group, mode, 1, 5) for group in (source, target)]
        np.testing.assert_array_equal(kept, of_either[0] | of_either[1])
        assert 0 < kept.sum() < len(kept)
        for column in COLUMNS:
            np.testing.assert_array_equal(getattr(shards.where(kept), column), getattr(whole.where(kept), column))
        alone = filter_shards(shards, (source,), mode, 1, 5)
        np.testing.assert_array_equal(alone, class_filter(whole.attribution, source, mode, 1, 5))


def test_filtering_reads_each_shard_once_and_keeps_none_of_them(conv_cut, pixels, pair, monkeypatch):
    """What is in memory at most: one shard beside what was kept."""
    shelf = Watched()
    shards = shards_of(conv_cut, pixels, Sampling(5, pair, 2), shelf=shelf, shard_images=2)
    alive, most = {}, 0
    read = Shards.read

    def tracked(self, number):
        nonlocal most
        samples = read(self, number)
        alive[len(alive)] = weakref.ref(samples.vectors)
        most = max(most, sum(reference() is not None for reference in alive.values()))
        return samples

    monkeypatch.setattr(Shards, "read", tracked)
    kept = filter_shards(shards, pair, "magnitude", 1, 2)
    assert shelf.reads == [0, 1, 2, 3, 4]
    samples = shards.where(kept)
    assert shelf.reads == [0, 1, 2, 3, 4] * 2
    assert len(samples) == kept.sum() <= 4
    assert most <= 2  # the one read and the one that its reading replaces
    del samples
    assert all(reference() is None for reference in alive.values())


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
    with pytest.raises(LayerError, match=r"must be finite, but it is not for .* of 12 activations"):
        collect(conv_cut, pixels * 0, pair)


class RoundedTail(torch.nn.Module):
    """Logits in steps of a tenth: almost everywhere flat."""

    def forward(self, features):
        return torch.round(features.mean(dim=(2, 3)) * 10) / 10


def test_attribution_of_0_everywhere_is_no_atlas(conv_cut, pixels, pair):
    conv_cut.head, conv_cut.tail, conv_cut.feature_shape = torch.nn.Identity(), RoundedTail(), (3, 16, 16)
    shelf = MemoryShelf()
    message = r"attribution is 0 everywhere, for all 12 activations .*: no logit changes .* as where logits are rounded"
    with pytest.raises(LayerError, match=message):
        collect(conv_cut, pixels, pair, shelf=shelf)
    assert not shelf.has(0)


def test_activations_of_0_everywhere_are_no_atlas(conv_cut, pixels, pair):
    conv_cut.head = torch.nn.Sequential(conv_cut.head, torch.nn.Threshold(1e9, 0.0))
    with pytest.raises(LayerError, match=r"attribution is 0 everywhere, .*: every activation of the layer is 0"):
        collect(conv_cut, pixels, pair)


def test_a_later_shard_may_be_flat(conv_cut, pixels, pair):
    conv_cut.head, conv_cut.tail, conv_cut.feature_shape = torch.nn.Identity(), torch.nn.Flatten(), (3, 16, 16)
    pixels = np.concatenate([pixels[:4], np.zeros_like(pixels[:1])])
    assert not collect(conv_cut, pixels, pair).attribution[-1].any()


@pytest.mark.parametrize("sizes", [(3,), (4, 4, 1), (1, 9, 2, 5), (2, 0, 3)])
def test_shards_put_together_are_their_samples_in_order(sizes):
    """However many a shard has: where the first has few, room is made."""
    parts = []
    for number, size in enumerate(sizes):
        values = np.arange(size, dtype=np.float32) + 100 * number
        rows = np.arange(size) + 100 * number
        wide = np.repeat(values[:, None], 3, axis=1)
        parts.append(ActivationSet(wide, wide[:, :2] + 1, values, rows, rows, rows, values, values % 2 == 0))
    shards = Shards(MemoryShelf(), len(sizes))
    for number, part in enumerate(parts):
        shards.write(number, part)
    whole, joined = shards.whole(), ActivationSet.joined(parts)
    for name in COLUMNS:
        assert getattr(whole, name).dtype == getattr(joined, name).dtype
        np.testing.assert_array_equal(getattr(whole, name), getattr(joined, name))
        assert getattr(whole, name).flags.c_contiguous
