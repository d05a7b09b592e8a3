"""What a source of pictures answers with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ListedImage:
    """One picture of a source: its absolute path and the text it is labelled with (its folder, or the CSV's label)."""

    path: Path
    label: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All pictures of a source, ordered by path.

    `ignored_files` counts files that are no pictures by their suffix or lie outside the class folders;
    `missing` are pictures that a CSV names and nobody finds.
    """

    images: tuple[ListedImage, ...]
    ignored_files: int
    missing: tuple[ListedImage, ...]
