"""Pictures of a folder with one sub-folder a class, or, without labels, of any folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from auditor.core.errors import ImageError
from auditor.core.plain_text import utf8
from auditor.inputs.images.mapping import left_out
from auditor.inputs.images.sources.listing import (
    Listing,
    PictureFile,
    Source,
    file_at,
    is_hidden,
    is_named_like_a_picture,
    is_never_read,
)


def _listed(source: Path, ignore: tuple[str, ...]) -> Listing:
    try:
        # beside the class folders nothing hidden is looked into: it may be a whole repository
        entries = sorted(entry for entry in source.iterdir() if not entry.name.startswith("."))
    except OSError as problem:
        raise ImageError(f"the folder {source} cannot be read ({problem.strerror}); check its permissions") from problem
    folders = [entry for entry in entries if entry.is_dir()]
    class_folders = [folder for folder in folders if not is_hidden(folder.name)]
    if not class_folders:
        raise ImageError(
            f"{source} has no sub-folders; expected one sub-folder a class with its pictures in it, "
            "or give a CSV with columns path,label"
        )
    images: list[PictureFile] = []
    used: dict[str, str] = {}
    loose = [entry.name for entry in entries if not entry.is_dir()]
    unread = sum(map(is_never_read, loose))
    ignored = len(loose) - unread
    hidden = sum(_pictures_in(folder) for folder in folders if is_hidden(folder.name))
    # a folder's name is a label, which a person may have to write into the configuration
    labels = {folder: utf8(folder.name) for folder in class_folders}
    unwanted = left_out(labels.values(), ignore)
    for folder, label in ((folder, label) for folder, label in labels.items() if label not in unwanted):
        found = _walk(folder)
        if not found.pictures:
            raise ImageError(
                f"the class folder {folder} holds no picture; put some in, delete it, or add {label!r} to "
                "classes.ignore"
            )
        ignored += found.others
        unread += found.unread
        hidden += found.hidden
        used[label] = str(folder)
        images += [PictureFile(str(path), label) for path in sorted(found.pictures)]
    return Listing(tuple(images), ignored, unread, hidden, class_folders=used)


def _unlabelled(source: Path) -> Listing:
    """Every picture at any depth; folders are no classes."""
    found = _walk(source)
    if not found.pictures:
        raise ImageError(f"the folder {source} holds no picture at any depth; put some in, or give another")
    images = tuple(PictureFile(str(path)) for path in sorted(found.pictures))
    return Listing(images, found.others, found.hidden)


@dataclass(slots=True)
class _Found:
    """What lies in a class folder: its pictures, and how many other files, pictures never read and hidden ones."""

    pictures: list[Path] = field(default_factory=list)
    others: int = 0
    unread: int = 0
    hidden: int = 0


def _walk(folder: Path) -> _Found:
    """What lies below a folder. Links are followed, each folder once; nothing hidden is taken."""
    found = _Found()
    seen: set[str] = set()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        found.hidden += sum(_pictures_in(Path(here, name)) for name in folders if is_hidden(name))
        # Sorted, so that of two links to one folder the same one is followed on every file system.
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in files:
            path = Path(here, name)
            if name.startswith("."):
                found.hidden += is_named_like_a_picture(name)
            # A pipe named like a picture would block its reader for ever; a dangling link is kept, and reported as
            # missing when it is read.
            elif is_named_like_a_picture(name) and (os.path.isfile(path) or not os.path.exists(path)):
                found.pictures.append(path)
            elif is_never_read(name):
                found.unread += 1
            else:
                found.others += 1
    return found


def _pictures_in(folder: Path) -> int:
    """How many files at any depth are named like pictures; links are not followed."""
    return sum(is_named_like_a_picture(name) for _, _, files in os.walk(folder) for name in files)


def _refuse(problem: OSError) -> None:
    raise ImageError(f"the folder {problem.filename} cannot be read ({problem.strerror}); check its permissions")


FOLDER = Source(
    kind="folder",
    form="a folder with one sub-folder a class",
    matches=lambda path: path.is_dir(),
    listed=_listed,
    root=lambda path: path,
    at=file_at,
    unlabelled=_unlabelled,
)
