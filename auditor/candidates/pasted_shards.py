"""Patches as the network sees them where they are pasted, in shards on a shelf: few are in memory at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes
from auditor.core.errors import DamagedFileError
from auditor.core.records import FloatArray, IntArray
from auditor.core.shelf import MemoryShelf, Shelf

SHARD_PATCHES = 1024
"""Patches a shard: whose numbers are held in memory at once, and what an interruption costs at most."""

Sums = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pasted:
    """N patches as the network sees them where they are pasted.

    Attributes:
        push: (N,) first-order predicted push, logits.
        change: (N, F) what each changes in the features under it and close by, pooled.
        seen: (N, D) mean features under it.
    """

    push: FloatArray
    change: FloatArray
    seen: FloatArray

    def __len__(self) -> int:
        return len(self.push)

    def __getitem__(self, rows: IntArray | slice) -> Pasted:
        """Those of the patches."""
        return Pasted(self.push[rows], self.change[rows], self.seen[rows])

    @classmethod
    def none(cls) -> Pasted:
        """Of no patches."""
        nothing = np.empty((0, 1), dtype=np.float32)
        return cls(nothing[:, 0], nothing, nothing)

    @classmethod
    def joined(cls, parts: Sequence[Pasted]) -> Pasted:
        """All patches of some sets, in their order."""
        if not parts:
            return cls.none()
        return cls(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls)))


@dataclass(eq=False)
class PastedShards:
    """The patches 0 to `total` - 1, `size` of them a shard on a shelf. Iterating reads one shard at a time.

    A shelf belongs to one network, layer, list of patches and background: whoever changes one of them takes another.
    Whatever is summed over all patches is summed in their order, so that it does not depend on `size`.
    """

    total: int
    shelf: Shelf = field(default_factory=MemoryShelf)
    size: int = SHARD_PATCHES

    @classmethod
    def holding(cls, pasted: Pasted, size: int = SHARD_PATCHES) -> PastedShards:
        """Shards in memory of patches that are there already."""
        shards = cls(len(pasted), size=size)
        for number, rows in enumerate(shards.slices):
            shards.write(number, pasted[rows])
        return shards

    def __len__(self) -> int:
        """N."""
        return self.total

    @property
    def slices(self) -> list[slice]:
        """The patches of each shard."""
        return [slice(start, min(start + self.size, self.total)) for start in range(0, self.total, self.size)]

    def has(self, number: int) -> bool:
        """Whether a shard is there, whole, and of as many patches as it should hold."""
        if not self.shelf.has(_file(number)):
            return False
        try:
            found = self.read(number)
        except DamagedFileError:
            return False
        rows = self.slices[number]
        return len(found) == len(range(rows.start, rows.stop))

    def write(self, number: int, pasted: Pasted) -> None:
        """Put a shard there."""
        columns = {column.name: np.ascontiguousarray(getattr(pasted, column.name)) for column in fields(Pasted)}
        self.shelf.write(_file(number), arrays_to_bytes(columns))

    def read(self, number: int) -> Pasted:
        """A shard that is there.

        Raises:
            DamagedFileError: it is damaged.
        """
        arrays = arrays_from_bytes(self.shelf.read(_file(number)))
        missing = [column.name for column in fields(Pasted) if column.name not in arrays]
        if missing:
            raise DamagedFileError(f"its patches lack {', '.join(missing)}")
        return Pasted(*(arrays[column.name] for column in fields(Pasted)))

    def __iter__(self) -> Iterator[tuple[slice, Pasted]]:
        """Each shard in turn: which patches it holds, and what is seen of them."""
        for number, rows in enumerate(self.slices):
            yield rows, self.read(number)

    @cached_property
    def push(self) -> FloatArray:
        """(N,) the first-order push of all: one number each is little."""
        return np.concatenate([np.empty(0, dtype=np.float32), *(shard.push for _, shard in self)])

    def at(self, patches: Sequence[int] | IntArray) -> Pasted:
        """Some of the patches, a few, in the order asked for."""
        wanted = np.asarray(patches, dtype=np.int64)
        order = np.argsort(wanted, kind="stable")
        back = np.argsort(order, kind="stable")
        parts = []
        for number in np.unique(wanted // self.size).tolist():
            inside = wanted[order][wanted[order] // self.size == number]
            parts.append(self.read(number)[inside - number * self.size])
        return Pasted.joined(parts)[back]

    @property
    def seen(self) -> Seen:
        """The mean features under each patch, as a layout asks for them."""
        return Seen(self)

    def whole(self) -> Pasted:
        """All patches at once, for as many as fit into memory."""
        return Pasted.joined([shard for _, shard in self])

    def summed(self, of_shard: Callable[[slice, Pasted], Sums]) -> Sums:
        """What each patch adds, (n, …) of a shard's n, over all patches.

        One after the other, whatever the shard: numpy sums rows in another order where there are more of them.
        """
        total: Sums | None = None
        for rows, shard in self:
            added = of_shard(rows, shard)
            first = np.zeros_like(added[:1]) if total is None else total[np.newaxis]
            total = np.cumsum(np.concatenate([first, added]), axis=0)[-1]
        if total is None:
            raise ValueError("of no patches there is no sum")
        return total


@dataclass(frozen=True, slots=True)
class Seen:
    """(N, D) mean features under each patch where it lies, shard by shard."""

    shards: PastedShards

    def __len__(self) -> int:
        return len(self.shards)

    def __iter__(self) -> Iterator[tuple[slice, FloatArray]]:
        for rows, shard in self.shards:
            yield rows, shard.seen

    def at(self, rows: IntArray) -> FloatArray:
        return self.shards.at(rows).seen


def _file(number: int) -> str:
    return f"{number:05d}.safetensors"
