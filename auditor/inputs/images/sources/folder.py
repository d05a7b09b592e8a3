"""Pictures of a folder with one sub-folder a class."""

from __future__ import annotations

import os
from pathlib import Path

from auditor.core.errors import ImageError
from auditor.inputs.images.mapping import plain_label
from auditor.inputs.images.sources.listing import Listing, PictureFile, Source, file_at

PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
)


def _listed(source: Path, left_out: frozenset[str]) -> Listing:
    try:
        entries = sorted(entry for entry in source.iterdir() if not entry.name.startswith("."))
    except OSError as problem:
        raise ImageError(f"the folder {source} cannot be read ({problem.strerror}); check its permissions") from problem
    class_folders = [entry for entry in entries if entry.is_dir()]
    if not class_folders:
        raise ImageError(
            f"{source} has no sub-folders; expected one sub-folder a class with its pictures in it, "
            "or give a CSV with columns path,label"
        )
    images: list[PictureFile] = []
    folders: dict[str, str] = {}
    ignored = len(entries) - len(class_folders)
    for folder in class_folders:
        if plain_label(folder.name) in left_out:
            continue
        pictures, others = _walk(folder)
        if not pictures:
            raise ImageError(
                f"the class folder {folder} holds no picture; put some in, delete it, or add {folder.name!r} to "
                "classes.ignore"
            )
        ignored += others
        folders[folder.name] = str(folder)
        images += [PictureFile(str(path), folder.name) for path in pictures]
    return Listing(tuple(images), ignored, class_folders=folders)


def _walk(folder: Path) -> tuple[list[Path], int]:
    """Pictures below a folder, sorted, and how many other files lie there. Links are followed, each folder once."""
    pictures: list[Path] = []
    others = 0
    seen: set[str] = set()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        # Sorted, so that of two links to one folder the same one is followed on every file system.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(here, name)
            if name.startswith("."):
                continue
            # A pipe named like a picture would block its reader for ever; a dangling link is kept, and reported as
            # missing when it is read.
            if path.suffix.lower() in PICTURE_SUFFIXES and (os.path.isfile(path) or not os.path.exists(path)):
                pictures.append(path)
            else:
                others += 1
    return sorted(pictures), others


def _refuse(problem: OSError) -> None:
    raise ImageError(f"the folder {problem.filename} cannot be read ({problem.strerror}); check its permissions")


FOLDER = Source(
    kind="folder",
    form="a folder with one sub-folder a class",
    matches=lambda path: path.is_dir(),
    listed=_listed,
    root=lambda path: path,
    at=file_at,
)
