"""What a source of pictures is and what it answers with: a listing of pictures that are not yet opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from auditor.inputs.images.reading import read_bytes


class Reference(Protocol):
    """One picture of a source, not yet opened; it need not be a file of its own."""

    @property
    def where(self) -> str:
        """Where it is, as people read it and as a run remembers it: an absolute path that begins as the source's does.

        Of a picture inside an archive it is the archive's path and the picture's own name there.
        """

    @property
    def label(self) -> str:
        """What it is labelled with: its folder's name, or what a table says."""

    def open(self, max_pixels: int) -> bytes:
        """Its encoded bytes, whole; called from several threads at once.

        Raises:
            UnreadableImageError: missing, unreadable, empty, or larger than any uncompressed picture of `max_pixels`.
        """


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture that is a file of its own."""

    where: str
    label: str = ""

    def open(self, max_pixels: int) -> bytes:
        return read_bytes(Path(self.where), max_pixels)


def file_at(path: Path, where: str) -> PictureFile:
    """`Source.at` of a source whose pictures are files of their own."""
    del path
    return PictureFile(where)


NO_PICTURES = "no pictures by their names"
NOT_READ = "pictures of a kind that is not read, such as JPEG 2000 or camera raw"
HIDDEN = "hidden pictures and a system's own, such as thumbnails"
"""Why files of a source are left out unopened."""

PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm",
     ".avif", ".heic", ".heif", ".jxl")
)  # fmt: skip
"""Of pictures, also of those that this Pillow may not read: they are skipped with a reason, and not passed over."""

_UNREAD_SUFFIXES = frozenset(
    (".apng", ".arw", ".cr2", ".cr3", ".dng", ".eps", ".exr", ".hdr", ".ico", ".j2k", ".jp2", ".jpx", ".nef", ".orf",
     ".pcx", ".pfm", ".psd", ".raf", ".raw", ".rw2", ".svg", ".tga")
)  # fmt: skip


_SYSTEM_FOLDERS = frozenset(
    ("@eadir", "__macosx", "#recycle", "@recycle", "$recycle.bin", "lost+found", "system volume information")
)
"""In small letters: what network drives, archives and systems put beside pictures, such as thumbnails of them."""


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or a system's own, by its name."""
    return name.startswith(".") or name.casefold() in _SYSTEM_FOLDERS


def is_named_like_a_picture(name: str) -> bool:
    """Whether a file is a picture by its name, of a kind that is read."""
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def is_never_read(name: str) -> bool:
    """Whether a file is a picture by its name, of a kind that is not read."""
    return os.path.splitext(name)[1].lower() in _UNREAD_SUFFIXES


@dataclass(frozen=True, slots=True)
class Listing:
    """All pictures of a source, ordered by where they are.

    Attributes:
        images: what can be opened; missing: what the source names and nobody finds.
        ignored_files: files that are no pictures by their suffix or lie outside the class folders.
        unread_files: files that are pictures of a kind that is not read.
        hidden_files: files named like pictures that are hidden, or lie in hidden folders or those of a system, where
            thumbnails of the pictures beside them are kept.
        class_folders: label -> its class folder, where the source has such; one without a single usable picture is an
            error, not a class that vanishes.
    """

    images: tuple[Reference, ...]
    ignored_files: int = 0
    unread_files: int = 0
    hidden_files: int = 0
    missing: tuple[Reference, ...] = ()
    class_folders: Mapping[str, str] = field(default_factory=dict)

    @property
    def left_out(self) -> dict[str, int]:
        """How many files were left out unopened, by why; without those that were not."""
        counts = {NO_PICTURES: self.ignored_files, NOT_READ: self.unread_files, HIDDEN: self.hidden_files}
        return {why: count for why, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of source of pictures.

    Attributes:
        kind: one word for it; form: what it must look like, for the error that says what is expected.
        matches: whether an absolute path is a source of this kind; the path exists.
        listed: its pictures, without those whose labels `classes.ignore` leaves out (`mapping.left_out` says which);
            raises ImageError.
        root: where the names of its pictures start from, such as the paths of masks.
        at: the picture that a run remembers by `Reference.where`. Nothing is opened: if it is gone, opening says so.
        unlabelled: its pictures where no labels are asked for, raises ImageError; None: as `listed` has them.
    """

    kind: str
    form: str
    matches: Callable[[Path], bool]
    listed: Callable[[Path, tuple[str, ...]], Listing]
    root: Callable[[Path], Path]
    at: Callable[[Path, str], Reference]
    unlabelled: Callable[[Path], Listing] | None = None
