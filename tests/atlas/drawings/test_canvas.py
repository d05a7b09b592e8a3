from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from auditor.atlas.drawings.canvas import Canvas, drawable, png_bytes, shorten, square
from auditor.atlas.drawings.colours import SOURCE_TO_TARGET, UNKNOWN, blend, contrast_colour, largest_size
from auditor.atlas.drawings.natural_crops import crops_from_pixels
from auditor.atlas.drawings.strip import draw_cell_strip
from auditor.atlas.drawings.tiles import TileArt
from auditor.core.records import Cell, Exemplar

NAN = float("nan")
GREEN, PINK = (0, 200, 0), (200, 0, 200)
ICON = np.full((3, 4, 4), 9, dtype=np.uint8)


def cell(*exemplars):
    zero = np.zeros(2, dtype=np.float32)
    return Cell(4, 1, 2, 4, 1, zero, zero, zero, 1.0, 0.1, tuple(Exemplar(*one, contrast=0.0) for one in exemplars))


def crop_of(image_row, y, x, share=0.5):
    return Image.new("RGB", (7, 5), {(0, 1, 1): GREEN, (1, 2, 1): PINK}[image_row, y, x])


def test_the_ends_of_the_palette_are_the_largest_contrasts():
    assert contrast_colour(-3.0, 3.0) == SOURCE_TO_TARGET[0]
    assert contrast_colour(3.0, 3.0) == contrast_colour(9.0, 3.0) == SOURCE_TO_TARGET[-1]
    assert contrast_colour(0.0, 3.0) == contrast_colour(0.0, 0.0) == SOURCE_TO_TARGET[3]
    assert contrast_colour(1.0, 3.0) == SOURCE_TO_TARGET[4]
    assert contrast_colour(NAN, 1.0) == contrast_colour(NAN, 0.0) == UNKNOWN
    assert UNKNOWN not in SOURCE_TO_TARGET


def test_both_ends_are_as_dark_as_each_other():
    """A reader who sees no hue still sees which cells are strong."""
    lightness = [np.dot(colour, (0.2126, 0.7152, 0.0722)) for colour in SOURCE_TO_TARGET]
    assert lightness[0] < lightness[1] < lightness[2] < lightness[3] > lightness[4] > lightness[5] > lightness[6]


def test_the_scale_ends_at_the_largest_known_value():
    assert largest_size([1.0, -2.5, NAN]) == 2.5
    assert largest_size([NAN]) == largest_size([]) == 0.0
    assert blend((0, 100, 200), (100, 0, 200), 0.25) == (25, 75, 200)


def test_words_are_cut_to_their_room():
    canvas = Canvas.blank(10, 10, unit=1.0)
    assert shorten("frying pan", 20, 1000) == "frying pan"
    for room in range(0, 100, 7):
        cut = shorten("frying pan and wok", 20, room)
        assert canvas.width_of(cut, 20) <= room
        assert cut == "" or cut.endswith("...")
    assert shorten("frying pan", 20, canvas.width_of("fr...", 20)) == "fr..."
    assert shorten("frying pan", 20, canvas.width_of("frying...", 20) + 2) == "frying..."  # no space before the dots


def test_words_become_one_line_that_the_font_knows():
    assert drawable(" crème\n brûlée\x00 ") == "creme brulee"
    assert drawable("wok") == "wok"


def test_a_tile_is_the_middle_of_its_picture():
    wide = Image.new("RGBA", (30, 10), (*PINK, 255))
    wide.paste((*GREEN, 255), (10, 0, 20, 10))
    assert (np.asarray(square(wide, 10)) == GREEN).all()


def test_a_strip_shows_the_exemplars_in_order():
    two = cell((0, 1, 1), (1, 2, 1))
    strip = draw_cell_strip(two, TileArt(crop_of), tile_px=10)
    pixels = np.asarray(strip)
    assert pixels.shape == (20, 2 * 20 + 8, 3)
    assert (pixels[:, :20] == GREEN).all()
    assert (pixels[:, 20:28] == 255).all()
    assert (pixels[:, 28:] == PINK).all()
    assert draw_cell_strip(two, TileArt(crop_of), tile_px=10, most=1).size == (20, 20)
    assert Image.open(io.BytesIO(png_bytes(strip))).format == "PNG"


def test_a_strip_begins_with_the_icon_and_never_shows_it_alone():
    art = TileArt(crop_of, {"4:1:2": ICON})
    pixels = np.asarray(draw_cell_strip(cell((0, 1, 1)), art, tile_px=10))
    assert pixels.shape == (20, 20 + 24 + 20, 3)
    assert (pixels[:, :20] == 9).all()
    assert (pixels[:, 44:] == GREEN).all()
    between = (pixels[:, 20:44] < 255).any(axis=(0, 2))
    assert 0 < between.sum() <= 3  # a line parts what was made from what was seen
    assert not between[:8].any()
    assert not between[-8:].any()
    blank = np.asarray(draw_cell_strip(cell(), art, tile_px=10))
    assert blank.shape == (20, 20, 3)
    assert (blank == 255).all()


@pytest.mark.parametrize(("y", "x", "rows", "columns"), [(2, 3, (15, 34), (25, 44)), (0, 7, (0, 19), (60, 79))])
def test_crops_are_centred_on_their_position_and_stay_inside(y, x, rows, columns):
    pixels = np.zeros((2, 3, 40, 80), dtype=np.uint8)
    pixels[1, 0] = np.arange(40)[:, None]
    pixels[1, 1] = np.arange(80)[None, :]
    crop = crops_from_pixels(pixels.__getitem__, grid_height=4, grid_width=8, share=0.5)
    inside = np.asarray(crop(1, y, x))
    assert inside.shape == (20, 20, 3)
    assert (inside[0, 0, 0], inside[-1, -1, 0]) == rows  # centre row 2.5 / 4 of 40 = 25
    assert (inside[0, 0, 1], inside[-1, -1, 1]) == columns  # centre column 3.5 / 8 of 80 = 35
    assert not np.asarray(crop(0, y, x)).any()


def test_type_shrinks_until_a_line_fits_and_no_further_than_it_may():
    canvas = Canvas.blank(400, 40, 1)
    words = "What the network sees between every class but wok and wok"
    whole = canvas.width_of(words, 18)
    assert canvas.fitting(words, 18, whole) == 18
    fitted = canvas.fitting(words, 18, 0.7 * whole)
    assert 9 < fitted < 18
    assert canvas.width_of(words, fitted) <= 0.7 * whole
    assert canvas.fitting(words, 18, 10) == 9
