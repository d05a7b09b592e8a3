"""Samples in shards of a few pictures, one file each on a shelf, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from auditor.atlas.activations import ActivationSet
from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes
from auditor.core.errors import DamagedFileError
from auditor.core.records import FloatArray
from auditor.core.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Shards:
    """A collection: shards 0 to `count` - 1 on a shelf. Iterating reads one at a time.

    A shelf belongs to one network, layer, list of pictures and sampling: whoever changes one of them takes another.
    """

    shelf: Shelf
    count: int

    def has(self, number: int) -> bool:
        """Whether a shard is there, and whole."""
        if not self.shelf.has(_file(number)):
            return False
        try:
            self.read(number)
        except DamagedFileError:
            return False
        return True

    def write(self, number: int, samples: ActivationSet) -> None:
        """Put a shard there."""
        self.shelf.write(_file(number), shard_to_bytes(samples))

    def read(self, number: int) -> ActivationSet:
        """A shard that is there."""
        return shard_from_bytes(self.shelf.read(_file(number)))

    def __iter__(self) -> Iterator[ActivationSet]:
        for number in range(self.count):
            yield self.read(number)

    def attributions(self) -> Iterator[FloatArray]:
        """The attribution (S, K) of each shard in turn."""
        for shard in self:
            yield shard.attribution

    def where(self, kept: NDArray[np.bool_]) -> ActivationSet:
        """The samples for which `kept` (S,), over all shards in their order, is True; one shard is read at a time."""
        parts: list[ActivationSet] = []
        start = 0
        for shard in self:
            parts.append(shard.where(kept[start : start + len(shard)]))
            start += len(shard)
        return ActivationSet.joined(parts)

    def whole(self) -> ActivationSet:
        """All samples at once, for collections that fit into memory: in it once, however many there are."""
        held: dict[str, np.ndarray] = {}
        filled = 0
        for shard in self:
            end = filled + len(shard)
            for column in fields(ActivationSet):
                part = getattr(shard, column.name)
                if column.name not in held or end > len(held[column.name]):
                    # shards have as many pictures each, so there is mostly room for all from the first one on; memory
                    # that nothing was written to is none
                    room = np.empty((max(self.count * len(shard), 2 * end), *part.shape[1:]), part.dtype)
                    room[:filled] = held[column.name][:filled] if filled else 0
                    held[column.name] = room
                held[column.name][filled:end] = part
            filled = end
        return ActivationSet(*(held[column.name][:filled] for column in fields(ActivationSet)))


def shard_to_bytes(samples: ActivationSet) -> bytes:
    """A safetensors file with one array a column; the same samples give the same bytes."""
    return arrays_to_bytes({column.name: getattr(samples, column.name) for column in fields(ActivationSet)})


def shard_from_bytes(data: bytes) -> ActivationSet:
    """The samples of a file that `shard_to_bytes` made.

    Raises:
        DamagedFileError: it is damaged.
    """
    arrays = arrays_from_bytes(data)
    missing = [column.name for column in fields(ActivationSet) if column.name not in arrays]
    if missing:
        raise DamagedFileError(f"its samples lack {', '.join(missing)}")
    return ActivationSet(*(arrays[column.name] for column in fields(ActivationSet)))


def _file(number: int) -> str:
    return f"{number:05d}.safetensors"
