from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from auditor.atlas.activations import ActivationSet
from auditor.atlas.drawings.canvas import SHARPNESS, WIDEST_PX
from auditor.atlas.drawings.colours import SOURCE_TO_TARGET, UNKNOWN
from auditor.atlas.drawings.layer_map import LayerMap, draw_layers, spread_out

PAGE = 24 * SHARPNESS


def extent(pixels, colour):
    found = np.argwhere((pixels == colour).all(axis=2))
    return found[:, 0].min(), found[:, 0].max(), found[:, 1].min(), found[:, 1].max()


def samples(contrast, rows):
    count = len(rows)
    zero = np.zeros(count, dtype=np.int64)
    return ActivationSet(
        vectors=np.zeros((count, 2), dtype=np.float32),
        attribution=np.zeros((count, 2), dtype=np.float32),
        contrast=np.array(contrast, dtype=np.float32),
        image_row=np.array(rows),
        y=zero,
        x=zero,
        weight=np.ones(count, dtype=np.float32),
        strongest=np.zeros(count, dtype=np.bool_),
    )


def crop_of(image_row, y, x, share=0.5):
    return Image.new("RGB", (4, 4), (image_row, 1, 2))


def layer(name, xy, contrast):
    return LayerMap(name, samples(contrast, [10 * (n + 1) for n in range(len(xy))]), np.array(xy, np.float32), crop_of)


def test_the_same_pictures_are_shown_in_every_layer_at_their_places():
    known = [1.0, -1.0, 0.0]
    maps = [layer("early", [(0, 0), (1, 1), (0.5, 0.5)], known), layer("late", [(1, 0), (0, 1), (0.5, 0.5)], known)]
    pixels = np.asarray(draw_layers(maps, "pan", "wok", tiles=2)).astype(int)
    panel, tile, head = 460 * SHARPNESS, 32 * SHARPNESS, 92 * SHARPNESS
    shown = [shade for shade in (10, 20, 30) if (pixels == (shade, 1, 2)).all(axis=2).any()]
    assert len(shown) == 2
    assert 30 in shown  # nearest the middle of both
    corner = shown[0]
    halves = pixels[:, : PAGE + panel], pixels[:, PAGE + panel + 16 * SHARPNESS :]
    places = {10: ((0, 0), (1, 0)), 20: ((1, 1), (0, 1)), 30: ((0.5, 0.5), (0.5, 0.5))}
    for shade in (corner, 30):
        for half, start, (x, y) in zip(halves, (PAGE, 0), places[shade], strict=True):
            _, bottom, _, right = extent(half, (shade, 1, 2))
            inner = panel - tile - 2 * SHARPNESS
            assert right + 2 == pytest.approx(start + x * inner + tile + SHARPNESS, abs=1)
            assert bottom + 2 == pytest.approx(head + y * inner + tile + SHARPNESS, abs=1)


def test_points_are_coloured_by_contrast_and_grey_where_it_is_not_known():
    xy = [(0.5, 0.5), (0.1, 0.9), (0.9, 0.9), (0.9, 0.1)]
    pixels = np.asarray(draw_layers([layer("one", xy, [0.0, 3.0, -3.0, np.nan])], "pan", "wok", tiles=1)).astype(int)
    inner, inset = (460 - 32 - 2) * SHARPNESS, (16 + 1) * SHARPNESS
    for (x, y), colour in zip(xy[1:], (SOURCE_TO_TARGET[-1], SOURCE_TO_TARGET[0], UNKNOWN), strict=True):
        column, row = PAGE + inset + round(x * inner), 92 * SHARPNESS + inset + round(y * inner)
        assert pixels[row, column] == pytest.approx(colour, abs=3)


def test_spread_out_starts_in_the_middle_and_goes_far():
    places = np.array([(0, 0), (5, 5), (10, 10), (9, 9), (5, 5), (0, 10)], dtype=np.float32)
    assert spread_out(places, 4).tolist() == [1, 0, 2, 5]
    assert set(places[spread_out(places, 99)].sum(axis=1)) == {0, 10, 18, 20}  # no place twice
    assert len(spread_out(places, 99)) == 5
    assert spread_out(places[:0], 4).tolist() == []


def test_many_layers_stay_within_the_widest_picture():
    maps = [layer(f"features.{n} " * 20, [(0, 0), (1, 1)], [1.0, 1.0]) for n in range(9)]
    image = draw_layers(maps, "pan", "wok")
    assert WIDEST_PX * 0.9 < image.width <= WIDEST_PX
    bare = draw_layers([dataclasses.replace(one, samples=samples([np.nan] * 2, [1, 2])) for one in maps], "", "")
    assert bare.height < image.height  # nothing to explain where no contrast is known
    assert image.tobytes() == draw_layers(maps, "pan", "wok").tobytes()
