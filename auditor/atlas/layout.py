"""Lay a pair's activations out in two dimensions. It gives coordinates; binning and drawing come after."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from auditor.records import FloatArray, IntArray

FITTED_AT_MOST = 2000
"""Samples given to UMAP; the time for more grows past what an audit can wait for (docstring of `pair_layout`)."""

TOO_FEW_FOR_UMAP = 10
MARGIN = 0.02


def pair_layout(
    vectors: FloatArray, contrast: FloatArray, neighbours: int, min_dist: float, seed: int, most: int = FITTED_AT_MOST
) -> FloatArray:
    """Coordinates with the pair's contrast to the right and likeness of activations downwards.

    x is the contrast scaled by the 99th percentile of its size, clipped, with 0 in the middle. y is a one-dimensional
    UMAP (McInnes, Healy, Melville 2018, arXiv:1802.03426) of the vectors by cosine, stretched from its 1st to its 99th
    percentile with an equal margin on both sides; fewer than 10 samples are laid out by their first principal
    component instead, as UMAP needs a neighbourhood. More than `most` samples: a random subset is laid out, and each
    further sample takes the mean y of its three nearest laid-out ones, weighted by cosine. The default keeps that to
    some five seconds on two cores for widths up to 512, beside seven for compiling UMAP once a process.

    Args:
        vectors: (S, D) activations.
        contrast: (S,) in logits.
        neighbours: UMAP's n_neighbors; shrunk where there are fewer samples.
        min_dist: UMAP's.
        seed: decides the subset and UMAP's own draws.
        most: samples given to UMAP.
    Returns:
        (S, 2) in [0, 1]; x, then y.
    """
    return np.stack([contrast_axis(contrast), likeness_axis(vectors, neighbours, min_dist, seed, most)], axis=1)


def contrast_axis(contrast: FloatArray) -> FloatArray:
    """Contrast (S,) to [0, 1]: 0.5 is no contrast, 0 and 1 are the 99th percentile of its size towards either side."""
    if len(contrast) == 0:
        return np.zeros(0, dtype=np.float32)
    scale = float(np.percentile(np.abs(contrast), 99))
    if scale == 0.0:
        return np.full(len(contrast), 0.5, dtype=np.float32)
    return ((np.clip(contrast.astype(np.float64) / scale, -1.0, 1.0) + 1.0) / 2.0).astype(np.float32)


def likeness_axis(vectors: FloatArray, neighbours: int, min_dist: float, seed: int, most: int) -> FloatArray:
    """One coordinate (S,) in [0, 1] in which like activations (S, D) lie close; see `pair_layout`."""
    samples = len(vectors)
    if samples < TOO_FEW_FOR_UMAP:
        return _stretch(_first_component(vectors))
    if samples <= most:
        return _stretch(_umap(vectors, neighbours, min_dist, seed))
    generator = np.random.default_rng([seed, samples])
    fitted = np.sort(generator.choice(samples, most, replace=False)).astype(np.int64)
    return _stretch(_extend(vectors, fitted, _umap(vectors[fitted], neighbours, min_dist, seed)))


def _umap(vectors: FloatArray, neighbours: int, min_dist: float, seed: int) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        # It warns of what is wanted here: one thread because of the seed, one dimension, unlike groups.
        warnings.simplefilter("ignore")
        import umap  # takes seconds, so only a run that lays something out pays for it

        reducer = umap.UMAP(
            n_components=1,
            n_neighbors=max(2, min(neighbours, len(vectors) - 2)),
            min_dist=min_dist,
            metric="cosine",
            random_state=seed,
            n_jobs=1,
        )
        column: NDArray[np.float64] = np.asarray(reducer.fit_transform(vectors), dtype=np.float64)[:, 0]
    return np.nan_to_num(column)


def _extend(
    vectors: FloatArray, fitted: IntArray, coordinate: NDArray[np.float64], nearest: int = 3, chunk: int = 2048
) -> NDArray[np.float64]:
    """Coordinates of all samples from those of the fitted ones, by the nearest fitted by cosine."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    extended = np.zeros(len(vectors))
    others = np.setdiff1d(np.arange(len(vectors)), fitted)
    for start in range(0, len(others), chunk):
        part = others[start : start + chunk]
        likeness = unit[part] @ unit[fitted].T
        closest = np.argpartition(-likeness, nearest - 1, axis=1)[:, :nearest]
        weight = np.maximum(np.take_along_axis(likeness, closest, axis=1), 1e-6)
        extended[part] = (coordinate[closest] * weight).sum(axis=1) / weight.sum(axis=1)
    extended[fitted] = coordinate
    return extended


def _first_component(vectors: FloatArray) -> NDArray[np.float64]:
    """Scores along the first principal component, signed so that its largest loading is positive."""
    if len(vectors) == 0:
        return np.zeros(0)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    scores: NDArray[np.float64] = centred @ direction * np.sign(direction[np.abs(direction).argmax()])
    return scores


def _stretch(coordinate: NDArray[np.float64]) -> FloatArray:
    """Map the 1st to 99th percentile onto [margin, 1 − margin]; what lies outside is clipped to the ends."""
    if len(coordinate) == 0:
        return np.zeros(0, dtype=np.float32)
    low, high = np.percentile(coordinate, [1, 99])
    if high - low <= 1e-9 * max(1.0, abs(low)):
        return np.full(len(coordinate), 0.5, dtype=np.float32)
    stretched: FloatArray = np.interp(coordinate, [low, high], [MARGIN, 1.0 - MARGIN]).astype(np.float32)
    return stretched
