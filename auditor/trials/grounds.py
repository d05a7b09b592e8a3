"""What is known of single pictures that tells where a patch may lie, and where it lands by it. Draws no sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.core.draws import keyed_generator
from auditor.core.records import FloatArray
from auditor.core.records.trials import Draws
from auditor.trials.extents import half_extents

_WHOLE = 1.0 - 1e-9
"""Share of a footprint that counts as all of it; sums of zeros and ones are exact, so nothing less does."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """By picture key, of prepared pictures of H × W pixels.

    Attributes:
        allowed: (H, W) bool, where a patch may lie; None: anywhere in any picture.
        attribution: (H, W) float32, the source's attribution around each pixel; None where no placement asks.
    """

    allowed: Mapping[str, NDArray[np.bool_]] | None = None
    attribution: Mapping[str, FloatArray] | None = None


ANYWHERE = Grounds()


@dataclass(frozen=True, slots=True)
class Pastes:
    """What is to be drawn: a patch on B pictures, one paste each; its fields are those of `placements.draw`."""

    image_keys: Sequence[str]
    draw_key: str
    aspect: tuple[float, float]
    input_size: tuple[int, int]
    seed: int
    grounds: Grounds


def where_allowed(draws: Draws, asked: Pastes) -> Draws:
    """The same patches at places drawn anew among those that a mask allows; where there is no mask, as they are.

    A patch's footprint is the upright box around it. It lies inside the picture and, where it fits, all of it where the
    mask is white; where it fits nowhere, at one of the places where most of it is.

    Raises:
        KeyError: there is a mask for other pictures, and none for this one.
    """
    if asked.grounds.allowed is None:
        return draws
    return _landed(draws, asked, [None] * len(asked.image_keys))


def where_most(draws: Draws, asked: Pastes) -> Draws:
    """The same patches where their footprint holds the highest mean attribution to the source."""
    return _by_attribution(draws, asked, 1.0)


def where_least(draws: Draws, asked: Pastes) -> Draws:
    """The same patches where their footprint holds the lowest mean attribution to the source."""
    return _by_attribution(draws, asked, -1.0)


def _by_attribution(draws: Draws, asked: Pastes, sign: float) -> Draws:
    maps = asked.grounds.attribution
    if maps is None:
        raise ValueError("a placement by attribution needs the pictures' attribution, and none was given")
    return _landed(draws, asked, [sign * maps[key].astype(np.float64) for key in asked.image_keys])


def _landed(draws: Draws, asked: Pastes, wanted: Sequence[NDArray[np.float64] | None]) -> Draws:
    """Draws whose centres are at the best of their places, or at one of several that are as good."""
    boxes = _boxes(draws, asked)
    centre_y, centre_x = draws.centre_y.copy(), draws.centre_x.copy()
    for row, (key, box, worth) in enumerate(zip(asked.image_keys, boxes, wanted, strict=True)):
        there = np.ones((asked.input_size[0] - box[0] + 1, asked.input_size[1] - box[1] + 1), dtype=np.bool_)
        if asked.grounds.allowed is not None:
            share = mean_in_boxes(asked.grounds.allowed[key].astype(np.float64), box)
            there = share >= min(_WHOLE, float(share.max()))
        if worth is not None:
            mean = np.where(there, mean_in_boxes(worth, box), -np.inf)
            there = mean == mean.max()
        places = np.flatnonzero(there)
        turn = keyed_generator(asked.seed, "landing", key, asked.draw_key).uniform()
        top, left = divmod(int(places[int(turn * len(places))]), there.shape[1])
        centre_y[row], centre_x[row] = top + box[0] / 2, left + box[1] / 2
    return replace(draws, centre_y=centre_y, centre_x=centre_x)


def _boxes(draws: Draws, asked: Pastes) -> list[tuple[int, int]]:
    """Height and width of the upright box of whole pixels around each patch, cut down to the picture's."""
    half_y, half_x = half_extents(draws.side_px, draws.rotation, draws.tilt_y, draws.tilt_x, asked.aspect)
    height, width = asked.input_size
    return [
        (min(height, max(1, math.ceil(round(2 * down, 6)))), min(width, max(1, math.ceil(round(2 * across, 6)))))
        for down, across in zip(half_y.tolist(), half_x.tolist(), strict=True)
    ]


def mean_in_boxes(values: NDArray[np.float64], box: tuple[int, int]) -> NDArray[np.float64]:
    """Means over every box of a size inside a picture, from sums over rectangles that begin at its corner.

    Args:
        values: (H, W). box: height and width, at most H and W.
    Returns:
        (H − height + 1, W − width + 1), by each box's first row and column.
    """
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    sums[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    down, across = box
    inside = sums[down:, across:] - sums[:-down, across:] - sums[down:, :-across] + sums[:-down, :-across]
    return np.asarray(inside / (down * across), dtype=np.float64)
