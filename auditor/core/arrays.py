"""Named arrays as the bytes of a safetensors file that knows its own content, so that damage is noticed.

Large ones are written array by array and mapped rather than read: the bytes of such a file never lie in memory beside
the arrays.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from auditor.core.errors import DamagedFileError
from auditor.core.hashing import sha256_of

_CHECKSUM = "sha256"
_LENGTH_BYTES = 8

_PART = 2**24
"""Bytes that are hashed or written at a time."""

_KINDS = {"bool": "BOOL", "uint8": "U8", "float32": "F32", "float64": "F64", "int64": "I64"}
"""What the format calls the kinds of numbers that are kept here; it lays the later of these first."""

Arrays = Mapping[str, NDArray[Any]]


def arrays_to_bytes(arrays: Arrays) -> bytes:
    """A safetensors file of these arrays, the sha256 of the same file without it among its metadata."""
    named = dict(arrays)
    return save(named, metadata={_CHECKSUM: sha256_of(save(named))})


def arrays_from_bytes(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file of `arrays_to_bytes`; of one without a sha256 what stands there.

    Raises:
        DamagedFileError: it is no whole safetensors file, or its content is another than was written.
    """
    try:
        arrays: dict[str, np.ndarray] = load(data)
        end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
        noted = json.loads(data[_LENGTH_BYTES:end]).get("__metadata__", {}).get(_CHECKSUM)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(f"its arrays cannot be read ({error})") from error
    if noted is not None and sha256_of(save(arrays)) != noted:
        raise DamagedFileError("its arrays are others than were written")
    return arrays


def write_arrays(stream: BinaryIO, arrays: Arrays) -> None:
    """Write the bytes of `arrays_to_bytes`, a part of an array at a time.

    Args:
        arrays: of bool, uint8, int64, float32 or float64.
    """
    digest = hashlib.sha256()
    for part in _parts(arrays, {}):
        digest.update(part)
    for part in _parts(arrays, {_CHECKSUM: digest.hexdigest()}):
        stream.write(part)


def map_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file of `arrays_to_bytes`, which stay in the file: read-only, in memory as they are looked at.

    Raises:
        DamagedFileError: as `arrays_from_bytes`. OSError: there is no such file.
    """
    with path.open("rb") as stream:
        try:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            start = _LENGTH_BYTES + int.from_bytes(mapped[:_LENGTH_BYTES], "little")
            told = json.loads(mapped[_LENGTH_BYTES:start])
            noted = told.pop("__metadata__", {}).get(_CHECKSUM)
            arrays = {name: _mapped(mapped, start, one) for name, one in told.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedFileError(f"its arrays cannot be read ({error})") from error
    digest = hashlib.sha256()
    for part in _parts(arrays, {}):
        digest.update(part)
    if noted is not None and digest.hexdigest() != noted:
        raise DamagedFileError("its arrays are others than were written")
    return arrays


def _mapped(mapped: mmap.mmap, start: int, told: Mapping[str, Any]) -> np.ndarray:
    kind = {called: name for name, called in _KINDS.items()}[told["dtype"]]
    begin, end = told["data_offsets"]
    if not 0 <= begin <= end <= len(mapped) - start:
        raise ValueError("the file ends before them")
    flat = np.frombuffer(mapped, np.uint8, end - begin, start + begin)
    return flat.view(kind).reshape(told["shape"])


def _parts(arrays: Arrays, metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """The bytes of a safetensors file, as its library lays them out: kinds of numbers in its order, then names."""
    kinds = list(_KINDS)
    order = sorted(arrays, key=lambda name: (-kinds.index(arrays[name].dtype.name), name))
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name in order:
        array = arrays[name]
        header[name] = {
            "dtype": _KINDS[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [end, end + array.nbytes],
        }
        end += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    yield len(text).to_bytes(_LENGTH_BYTES, "little") + text
    for name in order:
        flat = np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8)
        for start in range(0, len(flat), _PART):
            yield flat[start : start + _PART].data
