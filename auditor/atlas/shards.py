"""Samples in shards of a few pictures, one aligned file each, so that memory does not grow with their number.

It turns a shard into bytes and reads a file back; where the files lie is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from auditor.atlas.activations import ActivationSet
from auditor.core.records import FloatArray


class ShardShelf(Protocol):
    """Keeps the shards of one collection by their number, 0 and up.

    A shelf belongs to one network, layer, list of pictures and sampling: whoever changes one of them takes another.
    """

    def has(self, number: int) -> bool:
        """Whether a shard stands there whole."""

    def write(self, number: int, samples: ActivationSet) -> None:
        """Put a shard there. One that was interrupted must not be there afterwards."""

    def read(self, number: int) -> ActivationSet:
        """A shard that stands there."""

    def read_attribution(self, number: int) -> FloatArray:
        """A shard's attribution (S, K) alone."""


@dataclass(slots=True)
class MemoryShelf:
    """Shards kept in memory."""

    shards: dict[int, ActivationSet] = field(default_factory=dict)

    def has(self, number: int) -> bool:
        return number in self.shards

    def write(self, number: int, samples: ActivationSet) -> None:
        self.shards[number] = samples

    def read(self, number: int) -> ActivationSet:
        return self.shards[number]

    def read_attribution(self, number: int) -> FloatArray:
        return self.shards[number].attribution


@dataclass(frozen=True, slots=True)
class Shards:
    """A finished collection: shards 0 to `count` - 1 of a shelf. Iterating reads one at a time."""

    shelf: ShardShelf
    count: int

    def __iter__(self) -> Iterator[ActivationSet]:
        for number in range(self.count):
            yield self.shelf.read(number)

    def attributions(self) -> Iterator[FloatArray]:
        """The attribution of each shard in turn."""
        for number in range(self.count):
            yield self.shelf.read_attribution(number)

    def where(self, kept: NDArray[np.bool_]) -> ActivationSet:
        """The samples for which `kept` (S,), over all shards in their order, is True; one shard is read at a time."""
        parts: list[ActivationSet] = []
        start = 0
        for shard in self:
            parts.append(shard.where(kept[start : start + len(shard)]))
            start += len(shard)
        return ActivationSet.joined(parts)

    def whole(self) -> ActivationSet:
        """All samples at once, for collections that fit into memory."""
        return ActivationSet.joined(list(self))


def shard_to_bytes(samples: ActivationSet) -> bytes:
    """A safetensors file with one array a column; the same samples give the same bytes."""
    return save({column.name: getattr(samples, column.name) for column in fields(ActivationSet)})


def read_shard(path: Path) -> ActivationSet:
    """The samples of a file that `shard_to_bytes` made."""
    with safe_open(path, framework="numpy") as file:
        return ActivationSet(*(file.get_tensor(column.name) for column in fields(ActivationSet)))


def read_shard_attribution(path: Path) -> FloatArray:
    """The attribution (S, K) of such a file; nothing else of it is read."""
    with safe_open(path, framework="numpy") as file:
        attribution: FloatArray = file.get_tensor("attribution")
        return attribution
