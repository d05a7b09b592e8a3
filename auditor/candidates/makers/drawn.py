"""The things and textures that come with auditor: what no photograph of an audit need show. Drawn by tools/patches."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

from auditor.candidates.makers.library import library_folder
from auditor.candidates.makers.maker import Found, Maker
from auditor.core.errors import PatchError
from auditor.core.files import read_utf8
from auditor.core.records import Candidate, Origin, Tier
from auditor.trials.patch import Patch, read_patch

INDEX = "index.csv"
_COLUMNS = ("file", "name", "sha256")


def drawn_folder() -> Path:
    """Where the drawings lie.

    Raises:
        PatchError: the library is not there.
    """
    return library_folder() / "drawn"


def drawings(folder: Path) -> list[tuple[Path, str, str]]:
    """Every drawing that the index of a folder names: file, name for a person, sha256; in the order of their files.

    Raises:
        PatchError: the index is missing or malformed.
    """
    index = folder / INDEX
    try:
        rows = list(csv.DictReader(io.StringIO(read_utf8(index))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PatchError(f"{index}, which names the drawings, cannot be read ({error}); reinstall auditor") from error
    if not rows or any(not row.get(column) for row in rows for column in _COLUMNS):
        raise PatchError(f"{index} needs rows with the columns {', '.join(_COLUMNS)}; reinstall auditor")
    return [(folder / row["file"], row["name"], row["sha256"]) for row in rows]


def read_drawn(folder: Path) -> list[Patch]:
    """Every drawing of a folder.

    Raises:
        PatchError: one is missing, or is not the described one, or the index is no index.
    """
    patches = []
    for path, name, sha256 in drawings(folder):
        rgba = read_patch(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != sha256:
            raise PatchError(f"drawing {path.name}: its sha256 is {digest}, but {INDEX} says {sha256}")
        identity = DRAWN.identity(path.stem)
        patches.append(Patch(Candidate(identity, name, DRAWN.origin, Tier.SYNTHETIC, licence="Apache-2.0"), rgba))
    return patches


def _make(found: Found) -> list[Patch]:
    return read_drawn(drawn_folder()) if found.config.candidates.drawn else []


DRAWN = Maker("t", Origin.LIBRARY, "a thing or texture that auditor draws", _make, own_ladder=True)
