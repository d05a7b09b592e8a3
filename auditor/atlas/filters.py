"""Class filters: which activations speak of a class or of a pair. They select; they change no activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditor.atlas.shards import Shards
from auditor.core.records import ClassGroup, FloatArray

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


def class_filter(attribution: FloatArray, group: ClassGroup, mode: FilterMode, rank: int, magnitude: int) -> BoolArray:
    """Activations kept for one class, or for one group of classes.

    A group of more than `WIDE_GROUP` classes (such as every class but the target) would let the magnitude filter
    keep everything, so it is measured by its largest attribution. A group of more than half of all the classes
    nearly always holds one of the top ranks, so rank says nothing there and magnitude alone decides.

    Args:
        attribution: (S, K), to every class.
        mode: `rank`, `magnitude`, `both` or `either`.
        rank: r of `rank_filter`; magnitude: n of `magnitude_filter`.
    Returns:
        (S,) True where kept.
    """
    return _decide(_evidence(attribution, group, rank), mode, magnitude)


def filter_shards(
    shards: Shards, groups: Sequence[ClassGroup], mode: FilterMode, rank: int, magnitude: int
) -> BoolArray:
    """What `class_filter` keeps for any of the groups, decided over all shards while one is in memory.

    Of each sample only the attributions to the groups' classes stay, since the largest `magnitude` of them are known
    at the end alone.

    Args:
        groups: one for a class atlas, source and target for a pair's.
    Returns:
        (S,) over the samples of all shards, True where kept; `Shards.where` then reads those.
    """
    evidence: list[list[_Evidence]] = [[] for _ in groups]
    for attribution in shards.attributions():
        for of_group, group in zip(evidence, groups, strict=True):
            of_group.append(_evidence(attribution, group, rank))
    kept: BoolArray = np.any([_decide(_joined(of_group), mode, magnitude) for of_group in evidence], axis=0)
    return kept


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What decides for one group: (S, G) attributions to compare over all samples, (S,) whether rank keeps a sample.

    `by_rank` is None where rank says nothing.
    """

    columns: FloatArray
    by_rank: BoolArray | None


def _evidence(attribution: FloatArray, group: ClassGroup, rank: int) -> _Evidence:
    columns = attribution[:, list(group.indices)]
    if len(group.indices) > WIDE_GROUP:
        columns = columns.max(axis=1, keepdims=True)
    if len(group.indices) > attribution.shape[1] / 2:
        return _Evidence(columns, None)
    return _Evidence(columns, rank_filter(attribution, group.indices, rank))


def _joined(parts: Sequence[_Evidence]) -> _Evidence:
    ranks = [part.by_rank for part in parts if part.by_rank is not None]
    columns = np.concatenate([part.columns for part in parts])
    return _Evidence(columns, np.concatenate(ranks) if ranks else None)


def _decide(evidence: _Evidence, mode: FilterMode, magnitude: int) -> BoolArray:
    if mode == "rank" and evidence.by_rank is not None:
        return evidence.by_rank
    by_magnitude = magnitude_filter(evidence.columns, range(evidence.columns.shape[1]), magnitude)
    if mode == "magnitude" or evidence.by_rank is None:
        return by_magnitude
    return evidence.by_rank & by_magnitude if mode == "both" else evidence.by_rank | by_magnitude
