"""Natural crops for the pictures of an atlas, from the photographs as the network receives them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from auditor.atlas.positions import crop_box
from auditor.core.records import PixelArray

CropOf = Callable[[int, int, int], Image.Image]
"""Natural crop for an exemplar's image_row, y, x; of any size, drawn square."""


def crops_from_pixels(pixels: PixelArray, grid_height: int, grid_width: int, share: float) -> CropOf:
    """Natural crops from the pictures as the network receives them, centred on a position of the layer's grid.

    Args:
        pixels: (N, 3, H, W) uint8 RGB.
        grid_height, grid_width: the layer's grid.
        share: side of a crop as a share of the shorter side of the picture, in (0, 1].
    """

    def crop(image_row: int, y: int, x: int) -> Image.Image:
        picture = pixels[image_row]
        size = (picture.shape[1], picture.shape[2])
        left, top, right, bottom = crop_box(y, x, (grid_height, grid_width), size, share)
        inside = picture[:, top:bottom, left:right]
        return Image.fromarray(np.ascontiguousarray(inside.transpose(1, 2, 0)))

    return crop
