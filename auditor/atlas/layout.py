"""Lay activations out in the unit square: a plane of likeness, or contrast by likeness. Binning comes after."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auditor.atlas.embedding import PAPER_FULL, Likeness, embed
from auditor.atlas.vectors import Vectors
from auditor.core.records import FloatArray

MARGIN = 0.02
MOST_STRETCH = 1.5
"""How much more the short side of a plane may be stretched than the long one, to fill the square."""


def plane_layout(vectors: FloatArray, likeness: Likeness = PAPER_FULL, seed: int = 0) -> FloatArray:
    """Coordinates of a full or a class atlas: like activations lie close, and no direction has a meaning.

    Each axis runs from its 1st to its 99th percentile, which lie the same margin inside the square; what is further
    out is clipped to them. Both axes keep one scale, but for a stretch of up to 1.5 that lets the layout fill the
    square; a layout longer still is centred.

    Args:
        vectors: (S, D) activations.
        likeness: method and settings; `embed` says how more samples than `likeness.fitted` are placed.
        seed: decides every draw.
    Returns:
        (S, 2) in [0, 1]; x, then y downwards.
    """
    return fit_square(embed(vectors, 2, likeness, seed))


def pair_layout(vectors: FloatArray | Vectors, contrast: FloatArray, likeness: Likeness, seed: int) -> FloatArray:
    """Coordinates with the pair's contrast to the right and likeness of activations downwards.

    x is `contrast_axis`; y is `likeness` in one dimension, stretched from its 1st to its 99th percentile with an equal
    margin on both sides.

    Args:
        vectors: S activations, (S, D) or in parts.
        contrast: (S,) in logits.
        likeness, seed: as for `plane_layout`.
    Returns:
        (S, 2) in [0, 1]; x, then y.
    """
    return np.stack([contrast_axis(contrast), likeness_axis(vectors, likeness, seed)], axis=1)


def contrast_axis(contrast: FloatArray) -> FloatArray:
    """Contrast (S,) to [0, 1]: 0.5 is no contrast, 0 and 1 are the 99th percentile of its size towards either side."""
    if len(contrast) == 0:
        return np.zeros(0, dtype=np.float32)
    scale = float(np.percentile(np.abs(contrast), 99))
    if scale == 0.0:
        return np.full(len(contrast), 0.5, dtype=np.float32)
    return ((np.clip(contrast.astype(np.float64) / scale, -1.0, 1.0) + 1.0) / 2.0).astype(np.float32)


def likeness_axis(vectors: FloatArray | Vectors, likeness: Likeness, seed: int) -> FloatArray:
    """One coordinate (S,) in [0, 1] in which like activations lie close; see `pair_layout`."""
    return _place(embed(vectors, 1, likeness, seed), np.array([1.0]))[:, 0]


def fit_square(places: NDArray[np.float64]) -> FloatArray:
    """Move raw coordinates (S, 2) into the unit square as `plane_layout` says.

    Several layouts that share their axes are fitted together, stacked to one, so that they go on sharing them.
    """
    if len(places) == 0:
        return np.zeros((0, 2), dtype=np.float32)
    low, high = np.percentile(places, [1, 99], axis=0)
    length = high - low
    fill = np.ones(2)
    if length.min() > 0.0:
        fill[length.argmin()] = min(1.0, MOST_STRETCH * float(length.min() / length.max()))
    return _place(places, fill)


def _place(places: NDArray[np.float64], fill: NDArray[np.float64]) -> FloatArray:
    """Map the 1st to 99th percentile of each column onto the middle `fill` of [margin, 1 − margin], and clip."""
    placed = np.full(places.shape, 0.5, dtype=np.float32)
    if len(places) == 0:
        return placed
    for column, part in enumerate(fill * (1.0 - 2.0 * MARGIN)):
        low, high = np.percentile(places[:, column], [1, 99])
        if high - low > 1e-9 * max(1.0, abs(low)):
            placed[:, column] = np.interp(places[:, column], [low, high], [0.5 - part / 2, 0.5 + part / 2])
    return placed
