"""The target's own object, taken out of crops that show a little of it: what is left over may be news.

Where the target covers less than `OBJECT_SHARE` of a crop, the crop counts as context, and yet that little may be all
that flips: a rim of lemon in a corner of striped cloth. So it is made transparent, wherever annotations tell it, and
the picture below shows through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from auditor.candidates.areas import widened
from auditor.candidates.crops import CropPlan
from auditor.candidates.tiers import OBJECT_SHARE
from auditor.core.records import PixelArray, Tier
from auditor.trials.areas import AreaArray

EDGE = 1 / 64
"""By how much the object is widened, as a share of the picture's shorter side: its blurred rim goes with it."""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """Where prepared pictures show the object that is taken out of crops of them.

    Attributes:
        where: the (H, W) area of a row's picture; None where it has no annotation. Asked once of each.
    """

    where: Callable[[int], AreaArray | None]
    _known: dict[int, tuple[AreaArray, AreaArray] | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def cut(self, plan: CropPlan, rgba: PixelArray, tier: Tier) -> tuple[PixelArray, float]:
        """A crop, (4, h, w), without the little that it shows of the object and the rim around it.

        Args:
            tier: of the crop; one that shows the object itself stays whole.
        Returns:
            The crop, and the share of it that was taken out.
        Raises:
            AnnotationError: the picture's mask or boxes cannot be used.
        """
        areas = None if tier is Tier.TARGET_OBJECT else self._areas(plan.image_row)
        gone = None if areas is None else _part_of(areas[1], plan)
        return (rgba, 0.0) if gone is None or not gone.any() else (without(rgba, gone), float(gone.mean()))

    def screened(self, plan: CropPlan, pixels: PixelArray) -> PixelArray:
        """A prepared crop, (3, h, w), as it is screened: (4, h, w) where a little of the object is taken out."""
        areas = self._areas(plan.image_row)
        if areas is None or _part_of(areas[0], plan).mean() >= OBJECT_SHARE:
            return pixels
        gone = _part_of(areas[1], plan)
        return without(pixels, gone) if gone.any() else pixels

    def _areas(self, row: int) -> tuple[AreaArray, AreaArray] | None:
        """Of a row's picture the object, and the object with its rim; None where there is none."""
        if row not in self._known:
            area = self.where(row)
            self._known[row] = None if area is None or not area.any() else (area, widened(area, EDGE))
        return self._known[row]


NOTHING_KNOWN = TakenOut(lambda _row: None)
"""Of pictures that nobody annotated."""


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


def _part_of(area: AreaArray, plan: CropPlan) -> AreaArray:
    left, top, right, bottom = plan.box
    return area[top:bottom, left:right]
