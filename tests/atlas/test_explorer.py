"""What the explorer draws: places, shares and crops of a small atlas, counted by hand."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from PIL import Image

from auditor.atlas import explorer
from auditor.atlas.activations import ActivationSet
from auditor.atlas.drawings.tiles import TileArt
from auditor.atlas.explorer import View, explore
from auditor.atlas.grid import build_cells
from auditor.atlas.kinds import Atlas, AtlasKind
from auditor.core.records import ImagePool, ImageRecord, Split

ROWS = [0, 0, 1, 2]
XY = [[0.1, 0.1], [0.9, 0.1], [0.1, 0.2], [0.9, 0.9]]
ATTRIBUTION = [[1.0, -2.0], [0.5, 0.0], [3.0, -2.0], [-4.0, 0.0]]


def crop_of(image_row: int, y: int, x: int, share: float = float("nan")) -> Image.Image:
    return Image.new("RGB", (4, 4), (40 * image_row, 0, 0))


@pytest.fixture
def atlas() -> Atlas:
    count = len(ROWS)
    samples = ActivationSet(
        vectors=np.ones((count, 2), dtype=np.float32),
        attribution=np.array(ATTRIBUTION, dtype=np.float32),
        contrast=np.array([1.0, 2.0, 3.0, float("nan")], dtype=np.float32),
        image_row=np.array(ROWS),
        y=np.arange(count),
        x=np.arange(count),
        weight=np.ones(count, dtype=np.float32),
        strongest=np.zeros(count, dtype=np.bool_),
    )
    xy = np.array(XY, dtype=np.float32)
    cells = tuple(cell for level in (2, 1) for cell in build_cells(samples, xy, level, 1, 3))
    return Atlas(samples, xy, cells, count)


@pytest.fixture
def pool() -> ImagePool:
    images = tuple(ImageRecord(f"k{row}", "", f"p{row}.png", row % 2, Split.DISCOVERY, 4, 4) for row in range(3))
    return ImagePool(images, (), np.zeros((3, 3, 4, 4), dtype=np.uint8))


def test_cells_of_every_level_stand_with_their_numbers(atlas: Atlas, pool: ImagePool) -> None:
    view = View("pair", "layer", "pan", "wok", atlas, TileArt(crop_of), {"2:0:0": "egg"})
    explored, _ = explore([view], pool)
    (one,) = explored.atlases
    assert [cell.name for cell in one.cells] == ["1:0:0", "2:0:0", "2:1:0", "2:1:1"]
    top_left = one.cells[1]
    assert (top_left.count, top_left.images, top_left.word) == (2, 2, "egg")
    assert top_left.observed == (2.0, 1.0)
    assert one.cells[3].observed is None  # NaN was not measured
    assert one.cells[0].shows == ((0, 2), (1, 1))  # pictures 0 and 2 are of class 0, 1 of class 1; each counts once
    assert not one.pasted


def test_a_picture_lies_in_the_cells_of_its_activations(atlas: Atlas, pool: ImagePool) -> None:
    explored, _ = explore([View("pair", "layer", "a", "b", atlas, TileArt(crop_of))], pool)
    places = {
        picture.key: [explored.atlases[0].cells[number].name for number in numbers]
        for picture, numbers in zip(explored.pictures, explored.atlases[0].places, strict=True)
    }
    assert places == {"k0": ["1:0:0", "2:0:0", "2:1:0"], "k1": ["1:0:0", "2:0:0"], "k2": ["1:0:0", "2:1:1"]}


def test_attribution_comes_back_to_a_step(atlas: Atlas, pool: ImagePool) -> None:
    explored, _ = explore([View("pair", "layer", "a", "b", atlas, TileArt(crop_of))], pool)
    (one,) = explored.atlases
    steps = np.frombuffer(base64.b64decode(one.attribution), dtype=np.int8).reshape(4, 2)
    exact = [np.mean(ATTRIBUTION, axis=0), [2.0, -2.0], [0.5, 0.0], [-4.0, 0.0]]
    assert one.scale == (4.0, 2.0)
    np.testing.assert_allclose(steps / 127 * one.scale, exact, atol=0.5 * 4.0 / 127)


def test_a_crop_is_drawn_once_and_found_where_it_is_said_to_be(atlas: Atlas, pool: ImagePool) -> None:
    explored, (picture,) = explore([View("pair", "layer", "a", "b", atlas, TileArt(crop_of))], pool)
    (one,) = explored.atlases
    assert one.tiles == 4  # the whole level shares its crops with the finer one
    assert sum(len(cell.crops) for cell in one.cells) == 3 + 2 + 1 + 1
    for cell in one.cells:
        for crop in cell.crops:
            left, top = (side * one.tile_px for side in (crop.tile % one.columns, crop.tile // one.columns))
            assert picture.getpixel((left + 1, top + 1)) == (40 * int(explored.pictures[crop.picture].key[1]), 0, 0)


def test_every_cell_gets_a_crop_before_any_gets_its_second(
    atlas: Atlas, pool: ImagePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    icons = {cell.name: np.full((3, 8, 8), 255, dtype=np.uint8) for cell in atlas.cells}
    view = View("pair", "layer", "a", "b", atlas, TileArt(crop_of, icons))
    full, _ = explore([view], pool)
    assert all(cell.icon is not None for cell in full.atlases[0].cells)
    first = len({cell.crops[0].tile for cell in full.atlases[0].cells})
    monkeypatch.setattr(explorer, "MOST_TILES", first)
    tight, _ = explore([view], pool)
    assert tight.atlases[0].tiles == first
    assert all(cell.crops for cell in tight.atlases[0].cells)
    assert all(cell.icon is None for cell in tight.atlases[0].cells)
    monkeypatch.setattr(explorer, "MOST_TILES", 0)
    without, (picture,) = explore([view], pool)
    assert without.pictures == ()
    assert picture.size == (explorer.TILE_PX, explorer.TILE_PX)


def test_an_atlas_without_attribution_or_cells_is_one(atlas: Atlas, pool: ImagePool) -> None:
    empty = Atlas(ActivationSet.empty(), np.empty((0, 2), dtype=np.float32), (), 0, AtlasKind.PASTED)
    explored, _ = explore([View("pasted", "layer", "a", "b", empty, TileArt(crop_of))], pool)
    assert explored.atlases[0].pasted
    assert (explored.atlases[0].cells, explored.atlases[0].attribution, explored.atlases[0].scale) == ((), "", ())
    assert explore([], pool)[0].atlases == ()
