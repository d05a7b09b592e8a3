"""Annotated areas as they lie in prepared pictures, and how they are widened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy import ndimage

from auditor.core.records import ImageRecord
from auditor.inputs.images.annotations import Annotations
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.trials.areas import AreaArray


def prepared_area(original: AreaArray, preprocessing: Preprocessing) -> AreaArray:
    """An area of an original picture as it lies in the prepared one: pixels that are at least half of it."""
    grey = Image.fromarray(original.astype(np.uint8) * 255).convert("RGB")
    return np.asarray(preprocessing.prepare(grey)[0] >= 128, dtype=np.bool_)


def annotated_area(
    annotations: Annotations, image: ImageRecord, things: Sequence[str], preprocessing: Preprocessing
) -> AreaArray | None:
    """(H, W) where one of some things is annotated in a prepared picture; None where the picture is not annotated.

    Raises:
        AnnotationError: the picture's mask or boxes cannot be used.
    """
    area = annotations.where(image, *things)
    return None if area is None else prepared_area(area, preprocessing)


def widened(area: AreaArray, share: float) -> AreaArray:
    """An area and all pixels that lie within a share of the shorter side of it, by rows and columns; at least one."""
    steps = max(1, round(share * min(area.shape)))
    return np.asarray(ndimage.binary_dilation(area, np.ones((3, 3)), iterations=steps), dtype=np.bool_)
