from __future__ import annotations

import numpy as np
import pytest

from auditor.atlas.activations import ActivationSet
from auditor.atlas.build import build_class_atlas, build_full_atlas
from auditor.atlas.embedding import PAPER_CLASS, PAPER_FULL
from auditor.atlas.filters import class_filter
from auditor.atlas.grid import bin_numbers
from auditor.atlas.kinds import AtlasKind, class_atlas, full_atlas, likeness_of, pair_atlas
from auditor.core.config import AtlasConfig
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, ImagePool, ImageRecord, Split


@pytest.fixture
def samples():
    """Sixty activations of two kinds; contrast is 1 for one kind and −1 for the other."""
    generator = np.random.default_rng(0)
    kind = np.arange(60) % 2
    return ActivationSet(
        vectors=(5 * np.eye(2, 6)[kind] + generator.normal(size=(60, 6))).astype(np.float32),
        attribution=generator.normal(size=(60, 3)).astype(np.float32),
        contrast=np.where(kind == 0, 1.0, -1.0).astype(np.float32),
        image_row=np.arange(60) // 3,
        y=np.arange(60),
        x=np.arange(60),
        weight=np.ones(60, dtype=np.float32),
        strongest=np.zeros(60, dtype=np.bool_),
    )


@pytest.fixture
def pool():
    images = tuple(
        ImageRecord(f"k{row}", f"k{row}", f"{row}.png", row % 3, Split.DISCOVERY, 16, 16) for row in range(8)
    )
    return ImagePool(images, (), np.random.default_rng(6).integers(0, 256, (8, 3, 16, 16), dtype=np.uint8))


CONFIG = AtlasConfig(levels=(2, 5, 40), min_count=2, neighbours=10, filter="magnitude", filter_magnitude=6)


def test_cells_hold_all_samples_but_those_of_sparse_bins(samples):
    xy = np.random.default_rng(1).uniform(size=(60, 2)).astype(np.float32)
    atlas = full_atlas(samples, CONFIG, 0, Silence(), xy=xy)
    assert atlas.kind is AtlasKind.FULL
    assert atlas.collected == 60
    for level in CONFIG.levels:
        counts = np.bincount(bin_numbers(xy, level))
        assert sum(cell.count for cell in atlas.at_level(level)) == counts[counts >= 2].sum()


def test_a_plane_parts_kinds_and_a_pair_lies_along_contrast(samples):
    plane = class_atlas(samples, CONFIG, 3, Silence(), collected=99)
    assert (plane.kind, plane.collected) == (AtlasKind.CLASS, 99)
    assert {abs(cell.contrast) for cell in plane.at_level(5)} == {1.0}  # no cell mixes the two
    pair = pair_atlas(samples, CONFIG, 3, Silence())
    assert pair.kind is AtlasKind.PAIR
    assert {(cell.column, cell.contrast) for cell in pair.at_level(5)} == {(0, -1.0), (4, 1.0)}


def test_a_class_takes_the_papers_settings_unless_others_are_asked_for():
    assert likeness_of(AtlasConfig(layout="umap"), PAPER_CLASS) == PAPER_CLASS
    asked = likeness_of(AtlasConfig(neighbours=7, layout="tsne", perplexity=9.0, whiten=True), PAPER_CLASS)
    assert (asked.neighbours, asked.min_dist, asked.method, asked.perplexity) == (7, 0.05, "tsne", 9.0)
    assert asked.whitened


def test_a_stored_configuration_asks_for_no_more_than_the_one_it_was_made_from():
    """A run folder holds every key with its value: what was left out has to stay left out."""
    stored = AtlasConfig.model_validate(AtlasConfig().model_dump(mode="json"))
    assert likeness_of(stored, PAPER_CLASS) == PAPER_CLASS
    assert likeness_of(stored) == PAPER_FULL


def test_atlases_of_a_class_and_of_everything_from_pictures(conv_cut, pool, mapped):
    config = CONFIG.model_copy(update={"positions_per_image": 2, "filter": "rank", "filter_rank": 3})
    full = build_full_atlas(mapped(conv_cut, pool, None, config, 5))
    assert len(full.samples) == full.collected == 16
    assert np.isnan(full.samples.contrast).all()
    assert np.isnan(full.cells[0].contrast)
    group = ClassGroup("wok", (2,))
    one = build_class_atlas(mapped(conv_cut, pool, (ClassGroup("pan", (0,)), group), config, 5), group)
    kept = class_filter(full.samples.attribution, group, "rank", 3, 6)
    np.testing.assert_array_equal(one.samples.image_row, full.samples.image_row[kept])
    np.testing.assert_array_equal(one.samples.y, full.samples.y[kept])
    expected = one.samples.attribution[:, 2] - one.samples.attribution[:, 0]
    np.testing.assert_allclose(one.samples.contrast, expected, atol=1e-6)
    assert one.collected == 16
