"""Target pictures' background behind a source picture's own object: an effect over whole pictures, by annotations.

What covers a whole table, or frames a picture, no patch of a third of the width can carry. Where annotations say where
the objects lie, everything but the object can be exchanged. Nothing is tried here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from scipy import ndimage

from auditor.candidates.areas import annotated_area, widened
from auditor.candidates.whole_pictures import TYPICAL, Effect
from auditor.core.records import BACKGROUND, ImagePool, ImageRecord, PixelArray
from auditor.inputs.images.annotations import Annotations
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.trials.areas import AreaArray
from auditor.trials.fills import Hole, filled
from auditor.trials.whole_pictures import Surroundings

DONORS = 32
"""Pictures of a group whose backgrounds are lent, at most: each is filled where its object lay."""

ANNOTATED = 0.5
"""Of the pictures that are changed: where the object is annotated in fewer, the effect is not tried."""

LARGEST = 0.9
"""Of a picture's pixels: an object that covers more leaves no background."""

KEPT, REMOVED = 1 / 64, 1 / 32
"""By how much an object is widened where it stays and where it goes, as shares of the shorter side: its edge goes with
it, and no rim of the target is left."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Where annotated objects lie in prepared pictures.

    Attributes:
        names: of the model's classes, by label.
    """

    pool: ImagePool
    annotations: Annotations
    preprocessing: Preprocessing
    names: Sequence[str]

    def own(self, row: int) -> AreaArray | None:
        """Of the thing that a picture is labelled as; None where it is not annotated, or leaves no background.

        Raises:
            AnnotationError: the picture's mask or boxes cannot be used.
        """
        image = self.pool.images[row]
        area = self._of(image, [self.names[image.label]])
        return area if area is not None and area.any() and area.mean() <= LARGEST else None

    def without(self, row: int, things: Sequence[str]) -> PixelArray | None:
        """A picture, (3, H, W) uint8, without its own object and other things, filled in from what surrounds them.

        None where its own object is not annotated, or nothing would be left.
        """
        gone = self.removed(row, things)
        return None if gone is None else filled("inpainted", Hole(np.asarray(self.pool.pixels[row]), gone, (0, 0)))

    def removed(self, row: int, things: Sequence[str]) -> AreaArray | None:
        """(H, W) what is taken out of a picture before its background is lent; None as `without`."""
        own = self.own(row)
        if own is None:
            return None
        others = self._of(self.pool.images[row], things)
        gone = widened(own if others is None else own | others, REMOVED)
        return None if gone.all() else gone

    def _of(self, image: ImageRecord, things: Sequence[str]) -> AreaArray | None:
        """Where any of some things is annotated; None where the picture is not."""
        return annotated_area(self.annotations, image, things, self.preprocessing)


def around(area: AreaArray) -> PixelArray:
    """(H, W) uint8, how far each pixel is exchanged around an object that stays: 0 on it, 255 away from it."""
    steps = max(1, round(KEPT * min(area.shape)))
    kept = ndimage.uniform_filter(widened(area, KEPT).astype(np.float64), 2 * steps + 1, mode="nearest")
    return np.asarray(np.rint(255 * (1 - kept)), dtype=np.uint8)


def exchanged(objects: Objects, rows: Sequence[int]) -> Mapping[str, PixelArray]:
    """By key, how far each pixel of a picture is exchanged; nothing of those whose object is not annotated."""
    areas = ((objects.pool.images[row].key, objects.own(row)) for row in rows)
    return {key: around(area) for key, area in areas if area is not None}


def background_effect(
    objects: Objects,
    donors: Mapping[str, Sequence[int]],
    things: Sequence[str],
    changed: Sequence[Sequence[int]],
) -> Effect | None:
    """The effect, with the backgrounds of other pictures as its controls.

    Args:
        donors: rows of discovery pictures by whose they are: "the target", and others, which are controls.
        things: names of the pair's classes, of which no lent background shows any, as far as annotations tell.
        changed: rows of the pictures that are to be changed, split by split.
    Returns:
        None where too few objects are annotated: in one of the splits, or in all that could lend a background.
    Raises:
        AnnotationError: a mask or boxes cannot be used.
    """
    where = [exchanged(objects, rows) for rows in changed]
    if any(len(found) < ANNOTATED * len(rows) for found, rows in zip(where, changed, strict=True)):
        return None
    lent = {whose: _lent(objects, rows, things) for whose, rows in donors.items()}
    target = lent.pop("the target")
    controls = {f"background of {whose}": pictures for whose, pictures in lent.items() if pictures}
    if not target or not controls:
        return None
    everywhere = torch.ones(objects.preprocessing.output_size)
    by_key = {key: area for found in where for key, area in found.items()}
    share = float(np.mean([area.mean() for area in by_key.values()])) / 255 if by_key else 0.0
    unmarked = sum(len(rows) for rows in changed) - len(by_key)
    left = f", where the object is annotated: {unmarked} pictures stay as they are" if unmarked else ""
    return Effect(
        kind=BACKGROUND,
        dose=TYPICAL,
        words=f"the background of a target picture, its object removed, behind the own object, {100 * share:.0f}% of "
        f"the area{left}",
        change=Surroundings(np.stack(target), everywhere),
        instead={name: Surroundings(np.stack(pictures), everywhere) for name, pictures in controls.items()},
        where=by_key,
    )


def lenders(objects: Objects, rows: Sequence[int], things: Sequence[str]) -> list[int]:
    """The first `DONORS` of some pictures that can lend a background, since their object is annotated."""
    return list(islice((row for row in rows if objects.removed(row, things) is not None), DONORS))


def _lent(objects: Objects, rows: Sequence[int], things: Sequence[str]) -> list[PixelArray]:
    """The pictures of `lenders`, without their objects."""
    without = (objects.without(row, things) for row in rows)
    return list(islice((picture for picture in without if picture is not None), DONORS))
