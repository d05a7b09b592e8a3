"""Where whole files are kept by name: in memory here; a run folder is another. What is in them is the caller's."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Protocol


class Shelf(Protocol):
    """Files by name, `/` between folders. A file is there whole or not at all, also after an interruption."""

    def has(self, *files: str) -> bool:
        """Whether all of these files are there."""

    def write(self, file: str, data: bytes) -> None:
        """Put a file there, over the one of that name."""

    def read(self, file: str) -> bytes:
        """A file that is there."""


@dataclass(slots=True)
class MemoryShelf:
    """Files in memory, for as long as somebody holds them."""

    files: dict[str, bytes] = field(default_factory=dict)

    def has(self, *files: str) -> bool:
        return all(file in self.files for file in files)

    def write(self, file: str, data: bytes) -> None:
        self.files[file] = data

    def read(self, file: str) -> bytes:
        return self.files[file]


@dataclass(frozen=True, slots=True)
class Inside:
    """A folder of a shelf as a shelf of its own."""

    shelf: Shelf
    folder: str

    def has(self, *files: str) -> bool:
        return self.shelf.has(*(f"{self.folder}/{file}" for file in files))

    def write(self, file: str, data: bytes) -> None:
        self.shelf.write(f"{self.folder}/{file}", data)

    def read(self, file: str) -> bytes:
        return self.shelf.read(f"{self.folder}/{file}")


LONGEST_NAME = 80
"""Characters of a name of a person's own that a file's name holds; several names, and more, may stand in one."""


def short(name: str) -> str:
    """A name as it is, or where it is long its beginning and a hash of the whole: file systems take 255 bytes."""
    if len(name.encode(errors="surrogatepass")) <= LONGEST_NAME:
        return name
    beginning = name.encode(errors="surrogatepass")[: LONGEST_NAME - 13].decode(errors="ignore")
    return f"{beginning}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:12]}"


def slug(text: str) -> str:
    """A name fit for a file: lower case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
