"""Which pictures a source holds and under which label, from names alone; no picture is opened here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import ImageError
from auditor.images.mapping import plain_label
from auditor.images.tables import read_rows

PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
)


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


def list_images(source: Path, ignore: Iterable[str] = ()) -> Listing:
    """List a folder with one sub-folder a class (pictures at any depth in it), or a CSV with columns path,label.

    Args:
        source: the folder or the .csv file; paths in a CSV are relative to the CSV.
        ignore: labels to leave out; case and `_`, `-` and spaces do not count.
    Raises:
        ImageError: the source is missing, holds no class folder or no row, has an empty class folder, lacks a
            column or a label, or names only files that do not exist.
    """
    left_out = frozenset(plain_label(label) for label in ignore)
    source = Path(os.path.abspath(source))
    if source.is_dir():
        return _list_folder(source, left_out)
    if not source.exists():
        raise ImageError(f"there is no folder or CSV of pictures at {source}; check the paths under [images]")
    if source.suffix.lower() != ".csv":
        raise ImageError(
            f"{source} is neither a folder with one sub-folder a class nor a .csv file with columns path,label"
        )
    return _list_csv(source, left_out)


def _list_folder(source: Path, left_out: frozenset[str]) -> Listing:
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
    images: list[ListedImage] = []
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
        images += [ListedImage(path, folder.name) for path in pictures]
    return Listing(tuple(images), ignored, ())


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


def _list_csv(table: Path, left_out: frozenset[str]) -> Listing:
    images: list[ListedImage] = []
    missing: list[ListedImage] = []
    for line, row in read_rows(table, ("path", "label"), ImageError):
        if not row["path"] or not row["label"]:
            raise ImageError(f"{table}, line {line}: expected a path and a label, got {row['path']!r},{row['label']!r}")
        if plain_label(row["label"]) in left_out:
            continue
        image = ListedImage(Path(os.path.normpath(table.parent / row["path"])), row["label"])
        (images if os.path.isfile(image.path) else missing).append(image)
    if not images:
        why = (
            f"none of its {len(missing)} files exists (the first is {missing[0].path}); paths are relative to the CSV"
            if missing
            else "it has no row"
        )
        raise ImageError(f"{table} lists no picture: {why}")
    images.sort(key=lambda image: (image.path, image.label))
    return Listing(tuple(images), 0, tuple(missing))
