"""Natural crops for the pictures of an atlas, from the photographs as the network receives them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from PIL import Image

from auditor.atlas.positions import crop_box
from auditor.core.records import PixelArray


class CropOf(Protocol):
    """The natural crop of an exemplar; of any size, drawn square."""

    def __call__(self, image_row: int, y: int, x: int, share: float = math.nan) -> Image.Image:
        """`share` is the crop's width as a share of the picture's shorter side; NaN: as wide as crops usually are."""


def crops_from_pixels(prepared: Callable[[int], PixelArray], grid_height: int, grid_width: int, share: float) -> CropOf:
    """Natural crops from the pictures as the network receives them, centred on a position of the layer's grid.

    Args:
        prepared: a picture's row to its (3, H, W) uint8 RGB.
        grid_height, grid_width: the layer's grid.
        share: side of a crop as a share of the shorter side of the picture, in (0, 1], where an exemplar has none.
    """
    usual = share

    def crop(image_row: int, y: int, x: int, share: float = math.nan) -> Image.Image:
        picture = prepared(image_row)
        size = (picture.shape[1], picture.shape[2])
        wide = usual if math.isnan(share) else share
        left, top, right, bottom = crop_box(y, x, (grid_height, grid_width), size, wide)
        inside = picture[:, top:bottom, left:right]
        return Image.fromarray(np.ascontiguousarray(inside.transpose(1, 2, 0)))

    return crop
