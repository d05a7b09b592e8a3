"""Named arrays as the bytes of a safetensors file that knows its own content, so that damage is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from auditor.core.errors import DamagedFileError
from auditor.core.hashing import sha256_of

_CHECKSUM = "sha256"
_LENGTH_BYTES = 8

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
