"""Bin laid-out activations into cells. Choosing among cells is the candidates' work."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor.atlas.activations import ActivationSet
from auditor.core.records import Cell, Exemplar, FloatArray, IntArray


def build_cells(
    activations: ActivationSet, xy: FloatArray, level: int, min_count: int, exemplars: int
) -> tuple[Cell, ...]:
    """Average the activations that fall into each bin of a level × level grid.

    Bins are half open, [i / level, (i + 1) / level); a coordinate of exactly 1 goes into the last. So each sample is
    in exactly one bin. Means are weighted by the samples' weights.

    Args:
        activations: S samples.
        xy: (S, 2) in [0, 1]; x grows to the right, y downwards.
        level: bins along each side, 1 or more.
        min_count: bins with fewer samples are empty and left out.
        exemplars: samples nearest the cell's mean that are kept, at most one a picture.
    Returns:
        The cells that are not empty, row by row from the top, in each row from the left.
    """
    return tuple(
        _cell(activations, members, level, number, exemplars)
        for number, members in members_of(bin_numbers(xy, level))
        if len(members) >= min_count
    )


def members_of(bins: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Each number that occurs among `bins` (S,), rising, with the samples that have it, in their order."""
    order = np.argsort(bins, kind="stable").astype(np.int64)
    numbers, starts = np.unique(bins[order], return_index=True)
    for number, members in zip(numbers, np.split(order, starts[1:]), strict=True):
        yield int(number), members


def bin_numbers(xy: FloatArray, level: int) -> IntArray:
    """Number of each sample's bin, row · level + column (S,)."""
    place = np.clip(np.floor(xy.astype(np.float64) * level).astype(np.int64), 0, level - 1)
    numbers: IntArray = place[:, 1] * level + place[:, 0]
    return numbers


def clustered_mean(
    values: NDArray[np.floating], weight: NDArray[np.floating], cluster: IntArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean, and its standard error when samples of one cluster are not independent.

    Each cluster is first reduced to its total weight W_i and mean m_i; with the weighted mean m over n clusters the
    standard error is √(n / (n − 1) · Σ W_i² (m_i − m)²) / Σ W_i, which for equal weights is the usual s / √n
    (the linearised variance of a ratio: Cochran, Sampling Techniques, 3rd ed. 1977, section 6.3).

    Args:
        values: (S, ...) at least one sample; weight: (S,) positive; cluster: (S,).
    Returns:
        Mean (...) and standard error (...); the error of a single cluster is not known, NaN.
    """
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=cluster[order[0]] - 1))
    clusters = len(starts)
    weight, values = weight[order].astype(np.float64), values[order].astype(np.float64)
    mean = np.asarray(np.tensordot(weight, values, axes=1) / weight.sum())
    if clusters == 1:
        return mean, np.full_like(mean, np.nan)
    # W_i (m_i − m) is the cluster's sum of weighted deviations.
    values -= mean
    values *= weight.reshape(-1, *[1] * (values.ndim - 1))
    residual = np.add.reduceat(values, starts, axis=0)
    error = np.sqrt(clusters / (clusters - 1) * (residual**2).sum(axis=0)) / weight.sum()
    return mean, error


def nearest_exemplars(activations: ActivationSet, members: IntArray, mean: FloatArray, most: int) -> IntArray:
    """Members nearest `mean` by cosine, nearest first, one a picture; of equals the one sampled first."""
    vectors = activations.vectors[members].astype(np.float64)
    lengths = np.maximum(np.linalg.norm(vectors, axis=1), np.finfo(np.float32).tiny)
    return nearest_of_pictures(members, (vectors @ mean) / lengths, activations.image_row, most)


def nearest_of_pictures(members: IntArray, likeness: NDArray[np.float64], pictures: IntArray, most: int) -> IntArray:
    """Members (M,) of highest likeness (M,), one a picture; of equals the first. `pictures` (S,) is of all samples."""
    nearest_first = members[np.argsort(-likeness, kind="stable")]
    _, first_of_picture = np.unique(pictures[nearest_first], return_index=True)
    chosen: IntArray = nearest_first[np.sort(first_of_picture)][:most]
    return chosen


def _cell(activations: ActivationSet, members: IntArray, level: int, number: int, exemplars: int) -> Cell:
    weight, pictures = activations.weight[members], activations.image_row[members]
    mean = np.average(activations.vectors[members].astype(np.float64), axis=0, weights=weight.astype(np.float64))
    attribution, attribution_error = clustered_mean(activations.attribution[members], weight, pictures)
    contrast, contrast_error = clustered_mean(activations.contrast[members], weight, pictures)
    mean_activation = mean.astype(np.float32)
    return Cell(
        level=level,
        column=number % level,
        row=number // level,
        count=len(members),
        images=len(np.unique(pictures)),
        mean_activation=mean_activation,
        mean_attribution=attribution.astype(np.float32),
        attribution_error=attribution_error.astype(np.float32),
        contrast=float(contrast),
        contrast_error=float(contrast_error),
        exemplars=tuple(
            Exemplar(
                image_row=int(activations.image_row[sample]),
                y=int(activations.y[sample]),
                x=int(activations.x[sample]),
                contrast=float(activations.contrast[sample]),
            )
            for sample in nearest_exemplars(activations, members, mean_activation, exemplars)
        ),
    )
