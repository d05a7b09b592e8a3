"""Named arrays in files that know their content: written whole or in parts the same, read or mapped the same."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from auditor.core import arrays as module
from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes, map_arrays, write_arrays
from auditor.core.errors import DamagedFileError

ARRAYS = {
    "weight": np.array([0.5, np.nan], dtype=np.float32),
    "y": np.arange(3),
    "vectors": np.arange(6, dtype=np.float32).reshape(2, 3),
    "none": np.empty((0, 2), dtype=np.float32),
    "strongest": np.array([True, False, True]),
    "b": np.array(1.5),
    "pixels": np.arange(250, dtype=np.uint8).reshape(2, 5, 25),
}


def written(some: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    write_arrays(stream, some)
    return stream.getvalue()


@pytest.mark.parametrize("part", [7, 2**24])
def test_parts_make_the_bytes_of_the_library(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PART", part)
    assert written(ARRAYS) == arrays_to_bytes(ARRAYS)
    for name, one in ARRAYS.items():
        assert written({name: one}) == arrays_to_bytes({name: one})
    assert written({}) == arrays_to_bytes({})


def test_mapped_is_as_read_and_cannot_be_written_to(tmp_path: Path) -> None:
    file = tmp_path / "arrays"
    file.write_bytes(arrays_to_bytes(ARRAYS))
    mapped, read = map_arrays(file), arrays_from_bytes(file.read_bytes())
    assert mapped.keys() == read.keys()
    for name, one in read.items():
        assert (mapped[name].dtype, mapped[name].shape) == (one.dtype, one.shape)
        np.testing.assert_array_equal(mapped[name], one)
    with pytest.raises(ValueError, match="read-only"):
        mapped["weight"][0] = 1.0
    file.unlink()
    assert mapped["y"].tolist() == [0, 1, 2]


def test_every_byte_that_changed_is_noticed(tmp_path: Path) -> None:
    whole, file = arrays_to_bytes({"y": np.arange(3), "x": np.ones(2, dtype=np.float32)}), tmp_path / "arrays"
    damaged = [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(len(whole))]
    for data in (*damaged, *(whole[:end] for end in range(0, len(whole), 9)), b"{}", b"\x02" + b"\0" * 7 + b"[]"):
        file.write_bytes(data)
        try:
            found = map_arrays(file)
        except DamagedFileError:
            continue
        # what stands in the header beside names, kinds and places is not content
        assert {name: one.tolist() for name, one in found.items()} == {"y": [0, 1, 2], "x": [1.0, 1.0]}
        assert data[8 + int.from_bytes(data[:8], "little") :] == whole[8 + int.from_bytes(whole[:8], "little") :]
