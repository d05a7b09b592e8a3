"""Pictures inside tar files, as WebDataset keeps them: a picture and its label under one name, key.jpg and key.cls."""

from __future__ import annotations

import functools
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor.core.errors import ImageError, UnreadableImageError
from auditor.inputs.images.sources.inside import beside, files_of, holding_file, listing_of, require_size
from auditor.inputs.images.sources.listing import (
    Listing,
    PictureFile,
    Reference,
    Source,
    is_hidden,
    is_named_like_a_picture,
)

SUFFIX = ".tar"
_LABEL_SUFFIXES = (".cls", ".txt", ".json")
"""The first of them that a picture has: a number or a word, or an object with a key `label`."""
_MOST_LABEL_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Member:
    """Where a member's bytes lie in its tar file."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class PictureInTar:
    """A picture in an uncompressed tar file, found again by its name."""

    file: Path
    name: str
    where: str
    label: str = ""

    def open(self, max_pixels: int) -> bytes:
        try:
            member = members_of(self.file).get(self.name)
            if member is None:
                raise UnreadableImageError("missing file", f"{self.file.name} has no member {self.name!r}")
            require_size(member.size, max_pixels)
            return _bytes(self.file, member)
        except (OSError, ImageError) as problem:
            raise UnreadableImageError("unreadable file", f"{self.file.name}: {problem}") from problem


def members_of(file: Path) -> Mapping[str, Member]:
    """The files in a tar by name, the last of a name; read once as long as the tar stays as it is.

    Raises:
        ImageError: it is no tar, or a compressed one. OSError: it cannot be read.
    """
    stamp = file.stat()
    return _members(file, stamp.st_size, stamp.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _members(file: Path, size: int, modified: int) -> Mapping[str, Member]:
    del size, modified
    try:
        with tarfile.open(file, "r:") as archive:
            return {one.name: Member(one.offset_data, one.size) for one in archive if one.isfile()}
    except tarfile.TarError as problem:
        raise ImageError(
            f"{file} is no whole, uncompressed tar file ({problem}); unpack compressed ones with gunzip or the like"
        ) from problem


def _bytes(file: Path, member: Member) -> bytes:
    with file.open("rb") as opened:
        opened.seek(member.start)
        return opened.read(member.size)


def _listed(path: Path, ignore: tuple[str, ...]) -> Listing:
    images: list[Reference] = []
    files = files_of(path, SUFFIX)
    others, hidden = beside(path, files), 0
    for file in files:
        try:
            members = members_of(file)
        except OSError as problem:
            raise ImageError(f"{file} cannot be read ({problem.strerror}); check its permissions") from problem
        pictures = [name for name in members if is_named_like_a_picture(name)]
        shown = [name for name in pictures if not any(is_hidden(part) for part in name.split("/") if part != ".")]
        labels = {name: _label_member(file, name, members) for name in shown}
        for name, label in labels.items():
            images.append(PictureInTar(file, name, f"{file}{os.sep}{name}", _label(file, label, members)))
        others += sorted(set(members) - set(pictures) - set(labels.values()))
        hidden += len(pictures) - len(shown)
    if not images:
        raise ImageError(
            f"{path} holds no picture; expected tar files with pictures and their labels (key.jpg, key.cls)"
        )
    return listing_of(images, ignore, others, hidden)


def _label_member(file: Path, name: str, members: Mapping[str, Member]) -> str:
    """The member that holds a picture's label: that of the same name up to the first dot of its last part."""
    folder, slash, last = name.rpartition("/")
    key = f"{folder}{slash}{last.partition('.')[0]}"
    found = next((key + suffix for suffix in _LABEL_SUFFIXES if key + suffix in members), None)
    if found is None or members[found].size > _MOST_LABEL_BYTES:
        endings = ", ".join(_LABEL_SUFFIXES)
        raise ImageError(f"{file}: {name} has no label beside it; expected a member {key} with one of {endings}")
    return found


def _label(file: Path, found: str, members: Mapping[str, Member]) -> str:
    text = _bytes(file, members[found]).decode("utf-8", "replace").strip()
    if found.endswith(".json"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        label = value.get("label") if isinstance(value, dict) else None
        text = str(label) if isinstance(label, int | str) else ""
    if not text or "\n" in text:
        raise ImageError(f"{file}: {found} holds no label; expected one word or number, or a JSON object with 'label'")
    return text


def _at(path: Path, where: str) -> Reference:
    held = holding_file(path, where, SUFFIX)
    return PictureFile(where) if held is None else PictureInTar(held[0], held[1], where)


WEBDATASET = Source(
    kind="tar file",
    form="a .tar file or a folder of them, as WebDataset writes them",
    matches=lambda path: bool(files_of(path, SUFFIX)),
    listed=_listed,
    root=lambda path: path,
    at=_at,
)
