"""Pictures at an address that fsspec opens, such as s3://bucket/photos, one folder a class. Nothing is copied here."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.core.addresses import address_of
from auditor.core.errors import ImageError, UnreadableImageError, first_line
from auditor.core.plain_text import utf8
from auditor.inputs.images.mapping import left_out
from auditor.inputs.images.sources.inside import require_size
from auditor.inputs.images.sources.listing import (
    Listing,
    Reference,
    Source,
    is_hidden,
    is_named_like_a_picture,
    is_never_read,
)
from auditor.inputs.stores import TAGS, TIMES, as_os_errors, opened, told


@dataclass(frozen=True, slots=True)
class State:
    """By what it is told that nobody touched a file: bytes, and numbers that stand for time and mark; 0: not told."""

    size: int
    modified: int
    mark: int


_STATES: dict[str, State] = {}
"""Of the files of every address as it was last listed: asking for each by itself takes a request each."""


@dataclass(frozen=True, slots=True)
class RemotePicture:
    """A picture at an address of its own."""

    where: str
    label: str = ""

    def open(self, max_pixels: int) -> bytes:
        state = state_of(self.where)
        if state is None:
            raise UnreadableImageError("missing file", f"there is nothing at {self.where}")
        require_size(state.size, max_pixels)
        try:
            return read_address(self.where)
        except FileNotFoundError as problem:
            raise UnreadableImageError("missing file", f"there is nothing at {self.where}") from problem
        except OSError as problem:
            raise UnreadableImageError("unreadable file", first_line(problem)) from problem


def state_of(address: str) -> State | None:
    """The state of a file, as its source was last listed, or else as its store tells now; None: there is none.

    Raises:
        ConfigError: what opens such addresses is not installed.
    """
    if address not in _STATES:
        store, path = opened(address)
        try:
            with as_os_errors():
                _STATES[address] = _state(store.info(path))
        except OSError:
            return None
    return _STATES[address]


def read_address(address: str) -> bytes:
    """The bytes of a file.

    Raises:
        OSError: it cannot be read, whatever its store raises.
    """
    store, path = opened(address)
    with as_os_errors():
        data: bytes = store.cat_file(path)
    return data


def _state(info: Mapping[str, Any]) -> State:
    return State(int(info.get("size") or 0), _number(told(info, TIMES)), _number(told(info, TAGS)))


def _number(words: str | None) -> int:
    return 0 if words is None else int(hashlib.sha256(words.encode()).hexdigest()[:15], 16)


def _files(root: str) -> dict[str, str]:
    """Every file below an address: its own address by its name there. The states of all of them are noted.

    Raises:
        ImageError: it cannot be listed, or nothing is there.
    """
    for known in [one for one in _STATES if one.startswith(f"{root}/")]:
        del _STATES[known]
    store, path = opened(root)
    try:
        with as_os_errors():
            store.invalidate_cache()
            found: dict[str, Mapping[str, Any]] = store.find(path, detail=True)
    except OSError as problem:
        raise ImageError(
            f"{root} cannot be listed ({first_line(problem)}); check the address under [images], and that the "
            "environment has the credentials that its store asks for"
        ) from problem
    names = {name.removeprefix(path).lstrip("/"): info for name, info in found.items()}
    if not any(names):
        raise ImageError(f"there is no picture at {root}; expected an address with one folder a class below it")
    _STATES.update({f"{root}/{name}": _state(info) for name, info in names.items()})
    return {name: f"{root}/{name}" for name in sorted(names)}


def _kinds(names: Iterator[str]) -> tuple[list[str], Counter[str]]:
    """The pictures among names of files, and how many others there are of each kind."""
    pictures: list[str] = []
    others: Counter[str] = Counter()
    for name in names:
        parts = name.split("/")
        if is_named_like_a_picture(name) and any(map(is_hidden, parts)):
            others["hidden"] += 1
        elif is_named_like_a_picture(name) and not any(part in ("", ".", "..") for part in parts):
            pictures.append(name)
        else:
            others["unread" if is_never_read(name) else "ignored"] += 1
    return pictures, others


def _listing(images: list[Reference], others: Counter[str], folders: Mapping[str, str]) -> Listing:
    ordered = tuple(sorted(images, key=lambda image: image.where))
    return Listing(ordered, others["ignored"], others["unread"], others["hidden"], class_folders=folders)


def _listed(path: Path, ignore: tuple[str, ...]) -> Listing:
    root = address_of(path) or str(path)
    files = _files(root)
    pictures, others = _kinds(name for name in files if "/" in name)
    others["ignored"] += sum("/" not in name for name in files)
    folders = dict.fromkeys(name.partition("/")[0] for name in pictures)
    if not folders:
        raise ImageError(
            f"{root} has no folder with a picture in it; expected one folder a class. Tables and archives are not read "
            "at an address"
        )
    labels = {folder: utf8(folder) for folder in folders}
    unwanted = left_out(labels.values(), ignore)
    images: list[Reference] = [
        RemotePicture(files[name], labels[name.partition("/")[0]])
        for name in pictures
        if labels[name.partition("/")[0]] not in unwanted
    ]
    used = {label: f"{root}/{folder}" for folder, label in labels.items() if label not in unwanted}
    return _listing(images, others, used)


def _unlabelled(path: Path) -> Listing:
    """Every picture at any depth; folders are no classes."""
    root = address_of(path) or str(path)
    files = _files(root)
    pictures, others = _kinds(iter(files))
    if not pictures:
        raise ImageError(f"there is no picture below {root}; put some there, or give another address")
    return _listing([RemotePicture(files[name]) for name in pictures], others, {})


REMOTE = Source(
    kind="address",
    form="an address such as s3://bucket/photos with one folder a class",
    matches=lambda path: address_of(path) is not None,
    listed=_listed,
    root=lambda path: path,
    at=lambda path, where: RemotePicture(where),  # noqa: ARG005
    unlabelled=_unlabelled,
)
