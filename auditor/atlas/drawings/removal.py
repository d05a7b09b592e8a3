"""A picture with a feature marked in it, without the feature, and without as much of it elsewhere, in a row."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from auditor.atlas.drawings.colours import Colour
from auditor.core.records import PixelArray

SIDE_PX = 224
"""Each picture is drawn at least about so high."""

_FEATURE: Colour = (255, 214, 0)
_ELSEWHERE: Colour = (0, 200, 255)
_GAP_PX = 8


def draw_removal(
    pictures: tuple[PixelArray, PixelArray, PixelArray], area: NDArray[np.bool_], elsewhere: NDArray[np.bool_]
) -> bytes:
    """The picture with both areas outlined, the feature's yellow and the other blue, and then as they were removed.

    Args:
        pictures: as it is, without the feature, without as much elsewhere; (3, H, W) uint8 each.
        area, elsewhere: (H, W), some pixels each.
    Returns:
        A PNG.
    """
    height, width = area.shape
    scale = max(1, round(SIDE_PX / height))
    size = (width * scale, height * scale)
    drawn = [
        Image.fromarray(np.ascontiguousarray(one.transpose(1, 2, 0))).resize(size, Image.Resampling.BICUBIC)
        for one in pictures
    ]
    for mask, colour in ((elsewhere, _ELSEWHERE), (area, _FEATURE)):
        drawn[0].paste(colour, mask=_outline(mask, size))
    sheet = Image.new("RGB", (len(drawn) * (size[0] + _GAP_PX) - _GAP_PX, size[1]), "white")
    for place, picture in enumerate(drawn):
        sheet.paste(picture, (place * (size[0] + _GAP_PX), 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _outline(mask: NDArray[np.bool_], size: tuple[int, int]) -> Image.Image:
    """Two pixels along the inside of a mask's edge, drawn at a size."""
    whole = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    inner = whole.filter(ImageFilter.MinFilter(5))
    return Image.fromarray(np.asarray(whole) - np.asarray(inner))
