"""Patches as pasted in shards: the same numbers whatever their size, a killed screening goes on, damage is noticed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from auditor.candidates.learned import Columns, cross_fitted, foretold
from auditor.candidates.linear import LinearScreen
from auditor.candidates.pasted_shards import Pasted, PastedShards
from auditor.core.draws import keyed_generator
from auditor.core.records import PixelArray
from auditor.core.shelf import MemoryShelf
from tests.candidates.test_pasted import placed

PATCHES, PICTURES = 90, 30


def drawn(count: int = PATCHES, width: int = 6) -> Pasted:
    numbers = keyed_generator(2, "shards").standard_normal((count, width)).astype(np.float32)
    return Pasted(numbers[:, 0].copy(), numbers, np.abs(numbers[:, :3]))


def equal(one: Pasted, other: Pasted) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("push", "change", "seen"))


def test_shards_hold_what_was_put_there() -> None:
    pasted = drawn()
    shards = PastedShards.holding(pasted, 32)
    assert len(shards) == PATCHES
    assert [rows.stop - rows.start for rows in shards.slices] == [32, 32, 26]
    assert equal(shards.whole(), pasted)
    np.testing.assert_array_equal(shards.push, pasted.push)
    wanted = [70, 3, 89, 3, 31, 32]
    assert equal(shards.at(wanted), pasted[np.array(wanted)])
    assert len(shards.at([])) == 0
    empty = PastedShards(0)
    assert (len(empty.whole()), len(empty.push), list(empty)) == (0, 0, [])


def test_what_is_learnt_does_not_depend_on_the_shards() -> None:
    pasted = drawn()
    pushes = (pasted.push * (1.0 + pasted.change[:, 1]))[:60]
    measured, fold = np.arange(60), np.arange(PATCHES) % 4
    known = [Columns(PastedShards.holding(pasted, size)) for size in (1, 32, 1024)]
    changes = pasted.change.astype(np.float64)
    wanted = (changes - changes.mean(axis=0)) / changes.std(axis=0)
    for columns in known:
        np.testing.assert_allclose(columns.at(np.arange(PATCHES))[:, :-1], wanted, atol=1e-12)
        np.testing.assert_array_equal(columns.linear, columns.at(np.arange(PATCHES))[:, -1])
        for found, first in (
            (foretold(columns, measured, pushes, measured[::-1]), foretold(known[0], measured, pushes, measured[::-1])),
            (cross_fitted(columns, measured, pushes, fold), cross_fitted(known[0], measured, pushes, fold)),
        ):
            np.testing.assert_array_equal(found, first)


def test_the_atlas_does_not_depend_on_the_shards() -> None:
    whole, parts = placed(), placed(size=7)
    np.testing.assert_array_equal(parts.xy, whole.xy)
    for cell, other in zip(parts.cells, whole.cells, strict=True):
        np.testing.assert_array_equal(cell.mean_activation, other.mean_activation)
        blank = np.empty(0)
        assert repr(replace(cell, mean_activation=blank)) == repr(replace(other, mean_activation=blank))


class Looking(LinearScreen):
    """Sees of each patch its mean colour, and stops after so many batches."""

    def __init__(self, stops_after: int = 1000) -> None:
        self._batch_size, self.seen, self.left = 4, list[int](), stops_after

    class _Told:
        def advance(self, steps: int = 1) -> None:
            del steps

    _progress: Any = _Told()

    def _looked(self, parts: Any) -> Iterator[Pasted]:
        for part in parts:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            self.seen += [int(patch[0, 0, 0]) for patch in part.patches]
            mean = np.array([patch.mean() for patch in part.patches], dtype=np.float32)
            yield Pasted(mean, mean[:, None], mean[:, None])


def patches(count: int = 60) -> list[PixelArray]:
    return [np.full((3, 2, 2), number, dtype=np.uint8) for number in range(count)]


def test_a_killed_screening_goes_on_at_its_shard_and_damage_is_made_again() -> None:
    whole, shelf = MemoryShelf(), MemoryShelf()
    Looking().pasted(patches(), (), whole, 16)
    with pytest.raises(KeyboardInterrupt):
        Looking(stops_after=10).pasted(patches(), (), shelf, 16)
    assert sorted(shelf.files) == ["00000.safetensors", "00001.safetensors"]
    again = Looking()
    again.pasted(patches(), (), shelf, 16)
    assert again.seen == list(range(32, 60))
    assert shelf.files == whole.files
    data = bytearray(shelf.files["00001.safetensors"])
    data[-1] ^= 1
    shelf.files |= {"00001.safetensors": bytes(data), "00003.safetensors": b""}
    mending = Looking()
    mending.pasted(patches(), (), shelf, 16)
    assert mending.seen == [*range(16, 32), *range(48, 60)]
    assert shelf.files == whole.files
    fewer = Looking()
    fewer.pasted(patches(50), (), shelf, 16)
    assert fewer.seen == [48, 49]


class Drawn(MemoryShelf):
    """Shards that are drawn when they are read, so that none is held."""

    def has(self, *files: str) -> bool:
        return True

    def read(self, file: str) -> bytes:
        held = MemoryShelf()
        numbers = keyed_generator(4, file).standard_normal((128, 256)).astype(np.float32)
        PastedShards(128, held, 128).write(0, Pasted(numbers[:, 0].copy(), numbers, np.abs(numbers[:, :64])))
        return held.files["00000.safetensors"]


def test_memory_does_not_grow_with_the_patches() -> None:
    def peak(shards: int) -> int:
        pasted, measured = PastedShards(128 * shards, Drawn(), 128), np.arange(60)
        tracemalloc.start()
        columns = Columns(pasted)
        cross_fitted(columns, measured, pasted.push[:60] ** 2, np.arange(len(pasted)) % 4)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1)
    few, many = peak(4), peak(16)
    assert many - few < 12 * 128 * 256 * 4 / 10  # of what the further shards hold, less than a tenth
