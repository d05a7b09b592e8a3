"""How far a turned, tilted or deformed patch reaches from its centre."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def half_extents(
    side_px: NDArray[np.float64],
    rotation: NDArray[np.float64],
    tilt_y: NDArray[np.float64],
    tilt_x: NDArray[np.float64],
    aspect: tuple[float | NDArray[np.float64], float | NDArray[np.float64]],
    deformed: Iterable[float | NDArray[np.float64]] = (1.0, 1.0, 0.0),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far a turned and tilted patch reaches from its centre, up or down and left or right, in pixels.

    Its corners are what reaches farthest: a tilted square is still a quadrilateral.

    Args:
        deformed: by how much it is stretched down and across, and sheared, before.
    """
    stretch_y, stretch_x, shear = deformed
    sine, cosine = np.sin(rotation), np.cos(rotation)
    half_y, half_x = np.zeros_like(side_px), np.zeros_like(side_px)
    for edge_y, edge_x in itertools.product((-1.0, 1.0), repeat=2):
        # a corner tilted to the horizon or beyond it counts as very far away
        nearness = side_px / 2 / np.maximum(1.0 - tilt_y * edge_y - tilt_x * edge_x, 1e-3)
        down = edge_y * stretch_y * aspect[0] * nearness
        across = (edge_x * stretch_x + edge_y * shear) * aspect[1] * nearness
        half_y = np.maximum(half_y, np.abs(down * cosine - across * sine))
        half_x = np.maximum(half_x, np.abs(down * sine + across * cosine))
    return half_y, half_x
