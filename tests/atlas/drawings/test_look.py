from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from auditor.atlas.drawings.canvas import SHARPNESS
from auditor.atlas.drawings.colours import SOURCE_TO_TARGET, contrast_colour
from auditor.atlas.drawings.look import Look, draw_look, tile_side
from auditor.atlas.icons.directions import PictureGrid
from auditor.atlas.icons.render import Icons

PAGE = 24 * SHARPNESS
WIDTH = 340 * SHARPNESS
RIGHT = PAGE + WIDTH + 20 * SHARPNESS
CAPTION = 44 * SHARPNESS


def look(magnitude=(1.0, 4.0), contrast=None, called="wok", picture=(90, 120, 30)):
    """A picture of one colour, 20 × 40, under a grid of 2 × 4, of which every second column is shown, and two icons."""
    pixels = np.broadcast_to(np.array(picture, dtype=np.uint8)[:, None, None], (3, 20, 40))
    icons = np.stack([np.full((3, 6, 6), shade, dtype=np.uint8) for shade in (11, 22)])
    seen = PictureGrid(
        y=np.array([0, 1]),
        x=np.array([0, 2]),
        magnitude=np.array(magnitude, dtype=np.float32),
        icons=Icons(icons, np.zeros(2, dtype=np.float32)),
    )
    numbers = None if contrast is None else np.array(contrast, dtype=np.float32)
    return Look(pixels, seen, numbers, "clean", called, 0.9)


def drawn(*looks):
    return np.asarray(draw_look(looks, "pan", "wok")).astype(int)


def extent(pixels, colour):
    found = np.argwhere((pixels == colour).all(axis=2))
    return found[:, 0].min(), found[:, 0].max(), found[:, 1].min(), found[:, 1].max()


def test_icons_lie_where_their_positions_lie_in_the_picture():
    pixels = drawn(look())
    assert extent(pixels, (90, 120, 30)) == (CAPTION, CAPTION + WIDTH // 2 - 1, PAGE, PAGE + WIDTH - 1)
    for shade, (y, x) in ((11, (0, 0)), (22, (1, 1))):
        top, bottom, left, right = extent(pixels, (shade, shade, shade))
        assert (top + bottom + 1) / 2 == pytest.approx(CAPTION + (y + 0.5) * WIDTH / 4, abs=1)
        assert (left + right + 1) / 2 == pytest.approx(RIGHT + (x + 0.5) * WIDTH / 2, abs=1)


def test_the_area_of_an_icon_grows_with_its_activation():
    pixels = drawn(look())
    weak, strong = (extent(pixels, (shade,) * 3) for shade in (11, 22))
    assert strong[1] - strong[0] + 1 == WIDTH / 4
    assert weak[1] - weak[0] + 1 == WIDTH / 8
    assert tile_side(0.0, 1.0, 100.0) == tile_side(0.0, 0.0, 100.0) == 25


def test_icons_of_every_fourth_position_take_the_room_between_them():
    """Positions 1, 5, …, 25 of 27: seven tiles a side fill the plot, and the middle one lies in the middle."""
    y, x = (each.reshape(-1) for each in np.meshgrid(np.arange(1, 27, 4), np.arange(1, 27, 4), indexing="ij"))
    icons = np.full((49, 3, 6, 6), 11, dtype=np.uint8)
    icons[24] = 22
    seen = PictureGrid(y=y, x=x, magnitude=np.ones(49, np.float32), icons=Icons(icons, np.zeros(49, np.float32)))
    pixels = drawn(dataclasses.replace(look(), picture=np.zeros((3, 27, 27), np.uint8), seen=seen))
    top, bottom, left, right = extent(pixels, (22,) * 3)
    assert (bottom - top + 1, right - left + 1) == (pytest.approx(WIDTH / 7, abs=1),) * 2
    assert (top + bottom + 1) / 2 == pytest.approx(CAPTION + WIDTH / 2, abs=1)
    assert (left + right + 1) / 2 == pytest.approx(RIGHT + WIDTH / 2, abs=1)
    edges = (CAPTION, CAPTION + WIDTH - 1, RIGHT, RIGHT + WIDTH - 1)
    assert extent(pixels, (11,) * 3) == tuple(pytest.approx(edge, abs=1) for edge in edges)


def test_borders_show_the_contrast_at_each_position():
    pixels = drawn(look(contrast=(-1.0, 2.0)))
    for shade, contrast in ((11, -1.0), (22, 2.0)):
        top, _, left, _ = extent(pixels, (shade,) * 3)
        assert tuple(pixels[top - 1, left]) == tuple(pixels[top, left - 1]) == contrast_colour(contrast, 2.0)
    palette = (pixels == SOURCE_TO_TARGET[0]).all(axis=2)
    assert palette.any()
    assert not (drawn(look()) == SOURCE_TO_TARGET[0]).all(axis=2).any()  # without contrast there is no key


def test_before_and_after_share_one_scale():
    before, after = look(contrast=(1.0, 1.0)), look((8.0, 16.0), contrast=(1.0, -4.0), picture=(200, 0, 0))
    pixels = drawn(before, after)
    row = CAPTION + WIDTH // 2
    first, second = pixels[:row], pixels[row:]
    assert extent(first, (90, 120, 30))[0] == extent(second, (200, 0, 0))[0] == CAPTION
    border = round(WIDTH / 4 / 24)
    for part, shade, magnitude in ((first, 22, 4.0), (second, 22, 16.0), (second, 11, 8.0)):
        top, bottom, left, _ = extent(part, (shade,) * 3)
        assert bottom - top + 1 + 2 * border == tile_side(magnitude, 16.0, WIDTH / 4)
        contrast = -4.0 if (shade, magnitude) == (22, 16.0) else 1.0
        assert tuple(part[top, left - 1]) == contrast_colour(contrast, 4.0)


def test_the_caption_says_what_the_model_calls_it():
    assert look().caption == "clean: the model calls it wok, 90%"
    pixels, other = drawn(look()), drawn(look(called="pan"))
    changed = np.argwhere((pixels != other).any(axis=2))
    assert changed[:, 0].max() < CAPTION
    long = drawn(look(called="鍋 " * 400))
    assert (long[:CAPTION, RIGHT:] == pixels[:CAPTION, RIGHT:]).all()
