"""Activations as a layout asks for them: all in memory, or from files a shard at a time. It computes no layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import FloatArray, IntArray


class Vectors(Protocol):
    """S activations of one width. Iterating gives them part by part, so that all need not be in memory at once."""

    def __len__(self) -> int:
        """S."""

    def __iter__(self) -> Iterator[tuple[slice, FloatArray]]:
        """Each part in turn: which activations, and (n, D)."""

    def at(self, rows: IntArray) -> FloatArray:
        """(M, D) of a few, in the order asked for."""


TOGETHER = 2**17
"""Activations of a part of those in memory: what is computed of all of a part takes a few times its room."""


@dataclass(frozen=True, slots=True)
class Held:
    """Activations (S, D) in memory, as one part where they are few."""

    vectors: FloatArray

    def __len__(self) -> int:
        return len(self.vectors)

    def __iter__(self) -> Iterator[tuple[slice, FloatArray]]:
        for start in range(0, max(1, len(self.vectors)), TOGETHER):
            rows = slice(start, min(start + TOGETHER, len(self.vectors)))
            yield rows, self.vectors[rows]

    def at(self, rows: IntArray) -> FloatArray:
        return self.vectors[rows]


def in_parts(vectors: FloatArray | Vectors) -> Vectors:
    """Activations part by part; an array of up to `TOGETHER` is one."""
    return Held(vectors) if isinstance(vectors, np.ndarray) else vectors


def are_many(vectors: Vectors) -> bool:
    """Whether there are more than `TOGETHER`: then what need not be exact to the last bit is computed faster."""
    return len(vectors) > TOGETHER


def all_of(vectors: Vectors) -> FloatArray:
    """(S, D) all of them, where they are few."""
    return vectors.at(np.arange(len(vectors)))


def second_moment(vectors: Vectors) -> NDArray[np.float64]:
    """(D, D) the mean of h hᵀ; at least one activation."""
    total: NDArray[np.float64] | None = None
    for _, part in vectors:
        wide = part.astype(np.float64)
        total = wide.T @ wide if total is None else total + wide.T @ wide
    if total is None:
        raise ValueError("of no activations there is no second moment")
    return total / len(vectors)
