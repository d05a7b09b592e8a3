"""Which flips survive a shift of the picture and a JPEG of it: counts with their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.core.records.basics import Interval, Placement


@dataclass(frozen=True, slots=True)
class SurvivalOutcomes:
    """What became of the flips of one finding, on B of its pictures, each pasted under V variants.

    Attributes:
        flips_in_all: pictures that it flips, B or more.
        flips: (V, B) whether the picture flips as it was confirmed.
        shifted: (D, V, B) the same after each of D shifts; saved: (V, B) after a JPEG; both: (D, V, B) after a shift
            and then a JPEG.
    """

    candidate: str
    placement: Placement
    flips_in_all: int
    flips: NDArray[np.bool_]
    shifted: NDArray[np.bool_]
    saved: NDArray[np.bool_]
    both: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Survived:
    """So many flips survive, of those looked at again; `interval` bounds their share."""

    count: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Survival:
    """Which flips of one finding survive what a camera and a file do to a picture. It decides no verdict.

    Attributes:
        shift_px: how far the picture moves, up, down, left and right. jpeg_quality: of the JPEG.
        flips: of the finding; again: so many of them were pasted again.
        shifted: those that survive the shift in all directions; saved: the JPEG; both: the JPEG of the shifted picture,
            in all directions.
    """

    candidate: str
    placement: Placement
    shift_px: int
    jpeg_quality: int
    flips: int
    again: int
    shifted: Survived
    saved: Survived
    both: Survived
