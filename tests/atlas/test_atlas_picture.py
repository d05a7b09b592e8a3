from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from auditor.atlas.picture import (
    SHARPNESS,
    SOURCE_TO_TARGET,
    contrast_colour,
    crops_from_pixels,
    draw_cell_strip,
    draw_pair_sheet,
    tile_share,
)
from auditor.records import Cell, Exemplar

CROPS = {(0, 1, 1): (0, 200, 0), (1, 2, 1): (200, 0, 200), (2, 1, 2): (0, 0, 200)}


def crop_of(image_row, y, x):
    return Image.new("RGB", (7, 5), CROPS[image_row, y, x])


def cell(column, row, count, contrast, *exemplars):
    zero = np.zeros(2, dtype=np.float32)
    return Cell(
        level=4,
        column=column,
        row=row,
        count=count,
        images=1,
        mean_activation=zero,
        mean_attribution=zero,
        attribution_error=zero,
        contrast=contrast,
        contrast_error=0.1,
        exemplars=tuple(Exemplar(*one, contrast=contrast) for one in exemplars),
    )


def opened(png):
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB")).astype(int)


def extent(pixels, colour):
    """Rows and columns that hold the colour: top, bottom, left, right."""
    found = np.argwhere((pixels == colour).all(axis=2))
    return found[:, 0].min(), found[:, 0].max(), found[:, 1].min(), found[:, 1].max()


@pytest.fixture
def cells():
    return [cell(0, 0, 4, -2.0, (0, 1, 1), (1, 2, 1)), cell(3, 2, 16, 1.0, (2, 1, 2))]


def test_the_ends_of_the_palette_are_the_largest_contrasts():
    assert contrast_colour(-3.0, 3.0) == SOURCE_TO_TARGET[0]
    assert contrast_colour(3.0, 3.0) == SOURCE_TO_TARGET[-1]
    assert contrast_colour(0.0, 3.0) == SOURCE_TO_TARGET[3]
    assert contrast_colour(9.0, 3.0) == SOURCE_TO_TARGET[-1]
    assert contrast_colour(0.0, 0.0) == contrast_colour(float("nan"), 1.0) == SOURCE_TO_TARGET[3]


def test_both_ends_are_as_dark_as_each_other():
    """A reader who sees no hue still sees which cells are strong."""
    lightness = [np.dot(colour, (0.2126, 0.7152, 0.0722)) for colour in SOURCE_TO_TARGET]
    assert lightness[0] < lightness[1] < lightness[2] < lightness[3] > lightness[4] > lightness[5] > lightness[6]


def test_first_exemplars_stand_in_their_bins_and_denser_cells_are_larger(cells):
    pixels = opened(draw_pair_sheet(cells, crop_of, "frying pan", "wok", tile_px=120))
    tile = 120 * SHARPNESS
    left, top = 24 * SHARPNESS, 66 * SHARPNESS
    sparse, dense = extent(pixels, (0, 200, 0)), extent(pixels, (0, 0, 200))
    for (first_row, last_row, first_column, last_column), column, row in ((sparse, 0, 0), (dense, 3, 2)):
        assert (first_row + last_row) / 2 == pytest.approx(top + (row + 0.5) * tile, abs=2)
        assert (first_column + last_column) / 2 == pytest.approx(left + (column + 0.5) * tile, abs=2)
    assert not (pixels == (200, 0, 200)).all(axis=2).any()  # a second exemplar has no place on the sheet
    side = {name: found[1] - found[0] for name, found in (("sparse", sparse), ("dense", dense))}
    border = 2 * (tile // 22)
    measured = (side["sparse"] + border) / (side["dense"] + border)
    assert measured == pytest.approx(tile_share(4, 16) / tile_share(16, 16), abs=0.01)


def test_borders_show_the_contrast(cells):
    pixels = opened(draw_pair_sheet(cells, crop_of, "frying pan", "wok", tile_px=120))
    for inner, contrast in (((0, 200, 0), -2.0), ((0, 0, 200), 1.0)):
        top, bottom, left, right = extent(pixels, inner)
        for row, column in ((top - 2, left), (bottom + 2, right), (top, left - 2), (bottom, right + 2)):
            assert tuple(pixels[row, column]) == contrast_colour(contrast, 2.0)


def test_long_names_are_cut_and_stay_inside(cells):
    short = opened(draw_pair_sheet(cells, crop_of, "pan", "wok"))
    long = opened(draw_pair_sheet(cells, crop_of, "every class of the model " * 5, "wok " * 30))
    assert long.shape == short.shape
    margin = 20 * SHARPNESS
    paper = short[0, 0]
    for edge in (long[:, :margin], long[:, -margin:]):
        assert (edge == paper).all()
    centre = slice(short.shape[1] // 2 - 20, short.shape[1] // 2 + 20)
    assert (long[-100 * SHARPNESS :, centre] == short[-100 * SHARPNESS :, centre]).all()  # the words keep off the 0


def test_a_cell_without_exemplars_and_a_sheet_without_cells_are_drawn_blank(cells):
    blank = opened(draw_pair_sheet([], crop_of, "pan", "wok"))
    assert blank.std() > 0
    bare = opened(draw_pair_sheet([cell(0, 0, 4, 1.0), cells[1]], crop_of, "pan", "wok"))
    assert not (bare == (0, 200, 0)).all(axis=2).any()


def test_same_cells_same_bytes(cells):
    assert draw_pair_sheet(cells, crop_of, "pan", "wok") == draw_pair_sheet(cells, crop_of, "pan", "wok")


def test_a_strip_shows_the_exemplars_in_order(cells):
    pixels = opened(draw_cell_strip(cells[0], crop_of, tile_px=10))
    assert pixels.shape == (20, 2 * 20 + 8, 3)
    assert (pixels[:, :20] == (0, 200, 0)).all()
    assert (pixels[:, 20:28] == 255).all()
    assert (pixels[:, 28:] == (200, 0, 200)).all()
    assert opened(draw_cell_strip(cells[0], crop_of, tile_px=10, most=1)).shape == (20, 20, 3)
    assert (opened(draw_cell_strip(cell(0, 0, 3, 0.0), crop_of, tile_px=10)) == 255).all()


def test_crops_are_centred_on_their_position_and_stay_inside():
    pixels = np.zeros((2, 3, 40, 80), dtype=np.uint8)
    pixels[1, 0] = np.arange(40)[:, None]
    pixels[1, 1] = np.arange(80)[None, :]
    crop = crops_from_pixels(pixels, grid_height=4, grid_width=8, share=0.5)
    inside = np.asarray(crop(1, 2, 3))
    assert inside.shape == (20, 20, 3)
    assert (inside[0, 0, 0], inside[-1, -1, 0]) == (15, 34)  # centre row 2.5 / 4 of 40 = 25
    assert (inside[0, 0, 1], inside[-1, -1, 1]) == (25, 44)  # centre column 3.5 / 8 of 80 = 35
    corner = np.asarray(crop(1, 0, 7))
    assert (corner[0, 0, 0], corner[-1, -1, 1]) == (0, 79)
    assert not np.asarray(crop(0, 0, 0)).any()
