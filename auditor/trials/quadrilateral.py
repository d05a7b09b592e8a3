"""A patch onto four given corners: the numbers of a draw that lays it there. Pastes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.core.config import TrialsConfig
from auditor.core.records.trials import Draws
from auditor.trials.effects import SHAPE
from auditor.trials.many_draws import uniforms

_FLATTEST = 1e-3
"""Of a corner: its two edges' cross product, as a share of the shorter side squared."""


def corners_px(
    config: TrialsConfig, image_keys: Sequence[str], draw_key: str, input_size: tuple[int, int], seed: int
) -> NDArray[np.float64]:
    """(B, 4, 2) down and across, in pixels, of top left, top right, bottom right and bottom left, each moved by itself.

    Where moved corners would dent the quadrilateral, the move is halved until they do not.
    """
    given = np.array(config.quadrilateral, dtype=np.float64).reshape(4, 2) * np.array(input_size, dtype=np.float64)
    shorter = min(input_size)
    drawn = uniforms(seed, [("quadrilateral", key, draw_key) for key in image_keys], 8)
    moves = (2.0 * drawn - 1.0).reshape(len(image_keys), 4, 2) * (config.corner_jitter * shorter)
    least = min(_FLATTEST * shorter**2, float(_turns(given[None]).min()) / 2)
    for _ in range(60):
        dented = _turns(given + moves).min(axis=1) < least
        if not dented.any():
            break
        moves[dented] /= 2
    moved: NDArray[np.float64] = given + moves
    return moved


def longest_edge_px(config: TrialsConfig, input_size: tuple[int, int]) -> float:
    """The longest edge that any quadrilateral drawn can have, in pixels."""
    given = np.array(config.quadrilateral, dtype=np.float64).reshape(4, 2) * np.array(input_size, dtype=np.float64)
    # two corners may move apart, each along the diagonal
    return float(_edges(given).max()) + 2 * math.sqrt(2.0) * config.corner_jitter * min(input_size)


def draws_onto(corners: NDArray[np.float64], aspect: tuple[float, float]) -> Draws:
    """The draws that lay a patch's corners on given ones.

    A patch is stretched and sheared, turned, tilted and moved: eight numbers, as many as four corners have.

    Args:
        corners: (B, 4, 2) down and across, in pixels, as of `corners_px`, convex.
        aspect: height and width of the patch, the longer one 1.
    """
    a, b, c, d, e, f, g, h = _homographies(corners)
    # offset from the middle's image: L p / (1 + g p_x + h p_y); L is a turn times an upper triangle
    across, down = np.stack([a - c * g, d - f * g]), np.stack([b - c * h, e - f * h])
    rotation = np.arctan2(-across[1], across[0])
    sine, cosine = np.sin(rotation), np.cos(rotation)
    side = _edges(corners).max(axis=1)
    half_y, half_x = side / 2 * aspect[0], side / 2 * aspect[1]
    numbers = (
        (sine * down[0] + cosine * down[1]) / half_y,
        np.hypot(*across) / half_x,
        (cosine * down[0] - sine * down[1]) / half_x,
    )
    return Draws(
        centre_y=f,
        centre_x=c,
        side_px=side,
        rotation=rotation,
        tilt_y=-h,
        tilt_x=-g,
        brightness=np.zeros(len(corners)),
        contrast=np.ones(len(corners)),
        also=dict(zip(SHAPE, numbers, strict=True)),
    )


def _homographies(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(8, B) numbers a … h: the patch's (x, y) lie at (ax + by + c, dx + ey + f) / (gx + hy + 1).

    Its x and y run from −1 to 1 from edge to edge.
    """
    rows, right = [], []
    for place, (y, x) in enumerate(((-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0))):
        v, u = corners[:, place, 0], corners[:, place, 1]
        zero, one = np.zeros_like(u), np.ones_like(u)
        rows.append(np.stack([x * one, y * one, one, zero, zero, zero, -u * x, -u * y], axis=1))
        rows.append(np.stack([zero, zero, zero, x * one, y * one, one, -v * x, -v * y], axis=1))
        right += [u, v]
    solved = np.linalg.solve(np.stack(rows, axis=1), np.stack(right, axis=1)[..., None])[..., 0].T
    return np.asarray(solved, dtype=np.float64)


def _edges(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(np.roll(corners, -1, axis=-2) - corners, axis=-1), dtype=np.float64)


def _turns(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, 4) cross products of the two edges at each corner: above 0 where none is dented."""
    edges = np.roll(corners, -1, axis=1) - corners
    after = np.roll(edges, -1, axis=1)
    return np.asarray(edges[..., 1] * after[..., 0] - edges[..., 0] * after[..., 1], dtype=np.float64)
