"""Class filters: which activations speak of the pair. They select; they change no activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditor.records import ClassGroup, FloatArray

BoolArray = NDArray[np.bool_]
FilterMode = Literal["rank", "magnitude", "both", "either"]

WIDE_GROUP = 8
"""A group of more classes than this is filtered by its largest attribution, as if it were one class."""


def rank_filter(attribution: FloatArray, indices: Sequence[int], r: int) -> BoolArray:
    """Activations that have a class of the group among their `r` largest attributions.

    A class tied with the r-th largest counts as among them, so that the order of the classes decides nothing.

    Args:
        attribution: (S, K), to every class.
        indices: the group's classes.
        r: 1 or more; K or more admits everything.
    Returns:
        (S,) True where kept.
    """
    classes = attribution.shape[1]
    if r >= classes:
        return np.ones(len(attribution), dtype=np.bool_)
    threshold = np.partition(attribution, classes - r, axis=1)[:, classes - r]
    kept: BoolArray = attribution[:, list(indices)].max(axis=1) >= threshold
    return kept


def magnitude_filter(attribution: FloatArray, indices: Sequence[int], n: int) -> BoolArray:
    """Activations among the `n` largest positive attributions to any one class of the group.

    Of equal attributions at the n-th place the earlier sample is kept.

    Args:
        attribution: (S, K), to every class.
        indices: the group's classes.
        n: activations kept for each class, 1 or more.
    Returns:
        (S,) True where kept.
    """
    kept = np.zeros(len(attribution), dtype=np.bool_)
    for index in indices:
        column = attribution[:, index]
        largest = np.argsort(-column, kind="stable")[:n]
        kept[largest[column[largest] > 0]] = True
    return kept


def pair_filter(
    attribution: FloatArray, source: ClassGroup, target: ClassGroup, mode: FilterMode, rank: int, magnitude: int
) -> BoolArray:
    """Activations kept for the source or for the target; one that both keep counts once.

    A group of more than `WIDE_GROUP` classes (such as every class but the target) would let the magnitude filter
    keep everything, so it is measured by its largest attribution. A group of more than half of all the classes
    nearly always holds one of the top ranks, so rank says nothing there and magnitude alone decides.

    Args:
        attribution: (S, K), to every class.
        mode: `rank`, `magnitude`, `both` or `either`, applied to each group.
        rank: r of `rank_filter`; magnitude: n of `magnitude_filter`.
    Returns:
        (S,) True where kept.
    """
    return _group_filter(attribution, source.indices, mode, rank, magnitude) | _group_filter(
        attribution, target.indices, mode, rank, magnitude
    )


def _group_filter(
    attribution: FloatArray, indices: tuple[int, ...], mode: FilterMode, rank: int, magnitude: int
) -> BoolArray:
    if len(indices) > WIDE_GROUP:
        by_magnitude = magnitude_filter(attribution[:, list(indices)].max(axis=1, keepdims=True), (0,), magnitude)
    else:
        by_magnitude = magnitude_filter(attribution, indices, magnitude)
    if mode == "magnitude" or len(indices) > attribution.shape[1] / 2:
        return by_magnitude
    by_rank = rank_filter(attribution, indices, rank)
    if mode == "rank":
        return by_rank
    return by_rank & by_magnitude if mode == "both" else by_rank | by_magnitude
