"""Matched areas: as much of the same picture, of the same shape, beside it. What lies there is not known here."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from auditor.core.records import IntArray

AreaArray: TypeAlias = NDArray[np.bool_]
"""(H, W) pixels of a prepared picture."""

Shift: TypeAlias = tuple[int, int]
"""Rows downwards and columns to the right."""

NEAREST = 0.1
"""Share of the free places, the nearest ones, among which a matched area is drawn.

What a class is known by lies in and around its object, and corners of the table cost nothing: drawn anywhere, matched
areas make whatever lies on the object look needed (docs/numbers.md)."""

MOST_OVERLAP = 0.1
"""Share of an area that a matched one may have in common with it, where no place is free of it."""


def moved(area: AreaArray, shift: Shift) -> AreaArray:
    """An area moved within its picture, which it does not leave."""
    return np.roll(area, shift, axis=(0, 1))


def matched_shift(area: AreaArray, generator: np.random.Generator) -> Shift | None:
    """Where to move an area so that it covers as much of the picture beside it.

    Drawn among the nearest of all places within the picture that have no pixel in common with it; where there are none,
    of those that have the fewest in common with it.

    Args:
        area: some pixels, not all.
    Returns:
        None where the picture has no room: each place has more than `MOST_OVERLAP` of the area in common with it.
    """
    shifts, common = _least_common(area, area)
    if common > MOST_OVERLAP * area.sum():
        return None
    far = np.argsort((shifts**2).sum(axis=1), kind="stable")
    return _drawn(shifts[far[: math.ceil(NEAREST * len(far))]], generator)


def donor_shift(area: AreaArray, shift: Shift, generator: np.random.Generator) -> Shift:
    """Where to move an area so that it has the fewest pixels in common with itself and its matched area.

    What lies there can be copied to both: the same pixels cover the one and the other.
    """
    return _drawn(_least_common(area, area | moved(area, shift))[0], generator)


def _least_common(area: AreaArray, taken: AreaArray) -> tuple[IntArray, int]:
    """Every way to move an area within its picture, (N, 2), with the fewest pixels on those `taken`; and how many."""
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    shape = area[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64)
    # counts of pixels, whole numbers whatever the transform rounds
    common = np.rint(signal.fftconvolve(taken.astype(np.float64), shape[::-1, ::-1], mode="valid"))
    fewest = int(common.min())
    return np.argwhere(common == fewest) - np.array([rows[0], columns[0]]), fewest


def _drawn(shifts: IntArray, generator: np.random.Generator) -> Shift:
    down, right = shifts[int(generator.integers(len(shifts)))].tolist()
    return down, right


def squares(chosen: NDArray[np.bool_], input_size: tuple[int, int]) -> AreaArray:
    """The pixels that positions of a layer's grid stand for, (H', W') to (H, W): each pixel belongs to one position."""
    tall, wide = chosen.shape
    height, width = input_size
    rows, columns = np.arange(height) * tall // height, np.arange(width) * wide // width
    return np.asarray(chosen[np.ix_(rows, columns)], dtype=np.bool_)
