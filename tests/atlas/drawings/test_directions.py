"""The contact picture of directions: one row each, icon first, crops behind it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from auditor.atlas.drawings.canvas import SHARPNESS
from auditor.atlas.drawings.directions import Direction, draw_directions

TILE, GAP, HEAD, WORDS, MARGIN = (nominal * SHARPNESS for nominal in (84, 6, 68, 128, 24))


def row(shade: int, crops: list[int]) -> Direction:
    icon = np.full((3, 10, 10), shade, dtype=np.uint8)
    return Direction("channel 3", "cosine 0.50", icon, [Image.new("RGB", (9, 5), (one, one, one)) for one in crops])


def test_rows_hold_the_icon_and_then_its_crops_in_their_order() -> None:
    pixels = np.asarray(draw_directions([row(11, [22, 33]), row(44, [55])], "Channels"))
    for number, shades in enumerate(([11, 22, 33], [44, 55])):
        middle = HEAD + number * (TILE + GAP) + TILE // 2
        starts = [MARGIN + WORDS, MARGIN + WORDS + TILE + 3 * GAP, MARGIN + WORDS + 2 * TILE + 4 * GAP]
        for start, shade in zip(starts, shades, strict=False):
            tile = pixels[middle, start : start + TILE]
            assert (tile == shade).all()
            assert not (pixels[middle, start + TILE + 1] == shade).all()
    assert pixels.shape[0] == HEAD + 2 * (TILE + GAP) + MARGIN


def test_a_direction_that_no_crop_shows_has_its_icon_alone() -> None:
    image = draw_directions([row(11, [])], "Channels")
    assert (np.asarray(image) == 11).all(axis=2).sum() == TILE * TILE
