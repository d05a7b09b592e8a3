"""The target's own object, taken out of crops that show a little of it: what is left over may be news.

Where the target covers less than `OBJECT_SHARE` of a crop, the crop counts as context, and yet that little may be all
that flips: a rim of lemon in a corner of striped cloth. So it is made transparent, wherever annotations tell it, and
the picture below shows through.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from auditor.core.records import PixelArray
from auditor.trials.areas import AreaArray

EDGE = 1 / 64
"""By how much the object is widened, as a share of the picture's shorter side: its blurred rim goes with it."""


def part_of(area: AreaArray, box: tuple[int, int, int, int]) -> AreaArray:
    """An area of a prepared picture inside a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    return area[top:bottom, left:right]


def without(rgba: PixelArray, gone: AreaArray) -> PixelArray:
    """A crop that is transparent where something is taken out of it, with hard edges.

    Args:
        rgba: (3 or 4, h, w) uint8; gone: at any size, stretched over the crop, pixels to their nearest.
    Returns:
        (4, h, w) uint8; colours stay.
    """
    height, width = rgba.shape[1:]
    stretched = Image.fromarray(gone.astype(np.uint8) * 255).resize((width, height), Image.Resampling.NEAREST)
    alpha = rgba[3] if len(rgba) == 4 else np.full((height, width), 255, dtype=np.uint8)
    return np.concatenate([rgba[:3], np.where(np.asarray(stretched) > 0, 0, alpha).astype(np.uint8)[None]])
