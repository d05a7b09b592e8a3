"""Pictures that lie inside larger files: which files a source is made of, and how a picture there is named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from auditor.core.errors import UnreadableImageError
from auditor.inputs.images.mapping import left_out
from auditor.inputs.images.sources.listing import Listing, Reference, is_named_like_a_picture, is_never_read


def files_of(path: Path, suffix: str) -> list[Path]:
    """The file itself, or a folder's files of a suffix, else those of its folder `data`, in the order of their names.

    Nothing deeper is looked into, since asking must cost nothing where a folder of class folders holds a million files.

    Args:
        suffix: in small letters, with its dot.
    """
    if not path.is_dir():
        return [path] if path.suffix.lower() == suffix else []
    return _inside(path, suffix) or _inside(path / "data", suffix)


def _inside(folder: Path, suffix: str) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [one.name for one in entries if one.name.lower().endswith(suffix) and one.is_file()]
    except OSError:  # there is none, or it says nothing to us; whoever lists it as something else says why
        return []
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def holding_file(path: Path, where: str, suffix: str) -> tuple[Path, str] | None:
    """Of a picture that a run remembers, the file of a source that it is in and its name there; None: no such file."""
    for file in files_of(path, suffix):
        prefix = f"{file}{os.sep}"
        if where.startswith(prefix):
            return file, where[len(prefix) :]
    return None


def listing_of(
    images: Iterable[Reference], ignore: tuple[str, ...], others: Sequence[str] = (), hidden: int = 0
) -> Listing:
    """The listing of a source's pictures without the labels to leave out, ordered by where they are.

    Args:
        others: names of what else lies there; hidden: pictures there that are hidden.
    """
    every = list(images)
    unwanted = left_out((image.label for image in every), ignore)
    kept = [image for image in every if image.label not in unwanted]
    unread = sum(map(is_never_read, others))
    return Listing(tuple(sorted(kept, key=lambda image: image.where)), len(others) - unread, unread, hidden)


def beside(path: Path, files: Sequence[Path]) -> list[str]:
    """Names of files in a source's folder, or its folder `data`, that are neither among its own nor pictures.

    Pictures there are left alone, since rows of a table may name them.
    """
    if not path.is_dir():
        return []
    own = set(files)
    found = [each for folder in {path, *(file.parent for file in files)} for each in folder.iterdir() if each.is_file()]
    return [
        each.name
        for each in found
        if each not in own and not each.name.startswith(".") and not is_named_like_a_picture(each.name)
    ]


def require_size(size: int, max_pixels: int) -> None:
    """Make sure that a picture's encoded bytes are some, and no more than `max_pixels` pixels can have.

    Raises:
        UnreadableImageError: none, or too many.
    """
    if not size:
        raise UnreadableImageError("zero bytes")
    if size > 16 * max_pixels + 2**26:
        raise UnreadableImageError("too many pixels", f"{size:,} bytes for at most {max_pixels:,} pixels")
