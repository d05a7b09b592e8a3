from __future__ import annotations

import numpy as np
import pytest

from auditor.atlas.build import build_pair_atlas
from auditor.atlas.collection import Mapped
from auditor.atlas.filters import class_filter
from auditor.atlas.layout import contrast_axis
from auditor.core.config import AtlasConfig
from auditor.core.errors import ImageError
from auditor.core.progress import Silence
from auditor.core.records import (
    ClassGroup,
    ImagePool,
    ImageRecord,
    Split,
)


@pytest.fixture
def pool():
    """Forty pictures of four classes in turn; every other one belongs to discovery."""
    images = tuple(
        ImageRecord(
            key=f"k{row}",
            sha256=f"k{row}",
            path=f"{row}.png",
            label=row // 2 % 4,
            split=Split.DISCOVERY if row % 2 == 0 else Split.CONFIRMATION,
            width_px=16,
            height_px=16,
        )
        for row in range(40)
    )
    return ImagePool(images, (), np.random.default_rng(6).integers(0, 256, (40, 3, 16, 16), dtype=np.uint8))


def build(cut, pool, pair, batch_size=7, **settings):
    config = AtlasConfig(**{"levels": (2, 4), "min_count": 2, "filter_magnitude": 10, **settings})
    return build_pair_atlas(Mapped(cut, pool, pair, config, batch_size, 0, Silence()))


def test_an_atlas_from_pictures_to_cells(conv_cut, pool, pair):
    atlas = build(conv_cut, pool, pair, filter="magnitude")
    assert atlas.collected == 60  # of 20 discovery pictures a random position and the strongest either way
    assert all(row % 2 == 0 for row in atlas.samples.image_row)
    assert {int(pool.images[row].label) for row in atlas.samples.image_row} == {0, 1, 2, 3}
    of_source, of_target = (class_filter(atlas.samples.attribution, one, "magnitude", 1, 10) for one in pair)
    assert (of_source | of_target).all()
    np.testing.assert_array_equal(atlas.xy[:, 0], contrast_axis(atlas.samples.contrast))
    assert {cell.level for cell in atlas.cells} <= {2, 4}
    assert atlas.at_level(2) + atlas.at_level(4) == atlas.cells
    for cell in atlas.cells:
        low, high = cell.column / cell.level, (cell.column + 1) / cell.level
        inside = (atlas.xy[:, 0] >= low) & ((atlas.xy[:, 0] < high) | (cell.column == cell.level - 1))
        assert {one.image_row for one in cell.exemplars} <= set(atlas.samples.image_row[inside].tolist())


def test_same_atlas_whatever_the_batch_size(conv_cut, pool, pair):
    one, other = build(conv_cut, pool, pair, batch_size=3), build(conv_cut, pool, pair, batch_size=20)
    np.testing.assert_array_equal(one.samples.image_row, other.samples.image_row)
    np.testing.assert_allclose(one.samples.contrast, other.samples.contrast, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(one.xy[:, 0], other.xy[:, 0], atol=1e-5)


def test_no_discovery_picture_is_an_error_that_says_what_to_do(conv_cut, pool, pair):
    bare = ImagePool(tuple(image for image in pool.images if image.split != Split.DISCOVERY), (), pool.pixels[1::2])
    with pytest.raises(ImageError, match=r"discovery .* none; .*images\.shares"):
        build(conv_cut, bare, pair)


def test_too_few_activations_are_an_error_that_says_what_to_do(conv_cut, pool, pair):
    with pytest.raises(ImageError, match=r"of 60 activations from 20 .* holds the 30 expected; .*atlas\.filter_rank"):
        build(conv_cut, pool, (ClassGroup("pan", (0,)), ClassGroup("wok", (2,))), min_count=30, filter="magnitude")
