"""What decides an audit's numbers, on the disk: its files, and whether they are still what they were.

A file is known by its content. Its size and times are kept beside, so that one that nobody touched is not read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from auditor.core.addresses import address_of
from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError
from auditor.core.hashing import sha256_of, sha256_of_file
from auditor.inputs.images.sources import (
    chosen_unlabelled,
    given_sources,
    list_images,
    pool_path,
    shown,
    whereabouts,
)
from auditor.inputs.images.sources.remote import read_address, state_of
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.sources import source_of

PICTURES, UNLABELLED, ALLOWED = "pictures", "pictures of the pool", "masks of images.places"
_NAMED = 3
"""Files of a kind that a message names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A file's content, and by what it is told that nobody touched it: size in bytes, times in ns of content and state.

    Attributes:
        sha256: 64 hex digits; '' where there is no such file.
    """

    sha256: str
    size: int
    modified: int
    changed: int

    def __str__(self) -> str:
        return f"{self.sha256} {self.size} {self.modified} {self.changed}"

    @classmethod
    def read(cls, text: str) -> Fingerprint:
        """What `str` made of one.

        Raises:
            ValueError: the text is something else.
        """
        sha256, *numbers = text.split(" ")
        size, modified, changed = map(int, numbers)
        return cls(sha256, size, modified, changed)

    @classmethod
    def unread(cls, path: Path) -> Fingerprint:
        """A file's size and times, without its content; `GONE` where there is no file.

        Of a file at an address it is what its store tells: a time, and a mark of the content in place of the other.
        """
        if address := address_of(path):
            state = state_of(address)
            return GONE if state is None else cls("", state.size, state.modified, state.mark)
        try:
            status = path.stat()
        except (OSError, ValueError):
            return GONE
        if not stat.S_ISREG(status.st_mode):  # nobody may ever write into a pipe that is read from
            return GONE
        return cls("", status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    @classmethod
    def of(cls, path: Path, known: Fingerprint | None = None) -> Fingerprint:
        """A file's fingerprint; it is not read where `known`, its own of earlier, says already what is in it."""
        now = cls.unread(path)
        if now == GONE:
            return GONE
        told = now.modified or now.changed  # a store may tell the size alone
        if told and known is not None and now == replace(known, sha256=""):
            return known
        try:
            address = address_of(path)
            return replace(now, sha256=sha256_of(read_address(address)) if address else sha256_of_file(path))
        except OSError:
            return GONE


GONE = Fingerprint("", 0, 0, 0)

Files = Mapping[str, Mapping[str, Fingerprint]]
"""Fingerprints by what the files are, and by where they are as people read it."""


def _names(config: AuditConfig) -> Iterable[Path]:
    return (config.path(config.classes.names),) if config.classes.names is not None else ()


def _boxes(config: AuditConfig) -> Iterable[Path]:
    return _below(config.path(config.images.boxes), ".xml") if config.images.boxes is not None else ()


def _masks(config: AuditConfig) -> Iterable[Path]:
    return _below(config.path(config.images.masks), ".png") if config.images.masks is not None else ()


def _allowed(config: AuditConfig) -> Iterable[Path]:
    return _below(config.path(config.images.places), ".png") if config.images.places is not None else ()


def _patches(config: AuditConfig) -> Iterable[Path]:
    if config.candidates.patches is None:
        return ()
    folder = config.path(config.candidates.patches)
    if not folder.is_dir():
        return ()
    return sorted(each for each in folder.iterdir() if not each.name.startswith(".") and each.is_file())


def _pictures(config: AuditConfig) -> Iterable[Path]:
    """The files that hold pictures, or name them; a picture inside an archive is the archive's."""
    found: dict[Path, None] = {}
    for place in given_sources(config):
        listing = list_images(place.path, config.classes.ignore)
        if place.path.is_file():
            found[place.path] = None
        found |= dict.fromkeys(_holder(Path(each.where)) for each in (*listing.images, *listing.missing))
    return found


def _unlabelled(config: AuditConfig) -> Iterable[Path]:
    """The files that hold the pictures of the pool that are read, and what names them."""
    pool = pool_path(config)
    if pool is None:
        return ()
    named = [pool] if pool.is_file() else []
    return dict.fromkeys([*named, *(_holder(Path(one.where)) for one in chosen_unlabelled(config)[0])])


def _holder(where: Path) -> Path:
    """The file that a picture is, or that it lies in."""
    if address_of(where) or where.exists():
        return where
    return next((above for above in where.parents if above.is_file()), where)


def _below(path: Path, suffix: str) -> Iterable[Path]:
    """Files of a suffix at any depth of a folder; or the one file that is there instead."""
    if not path.is_dir():
        return (path,)
    found: list[Path] = []
    seen: set[str] = set()
    for here, folders, names in os.walk(path, followlinks=True):
        if os.path.realpath(here) in seen:  # links may lead in a circle
            folders.clear()
            continue
        seen.add(os.path.realpath(here))
        found += [Path(here, name) for name in names if Path(name).suffix.lower() == suffix]
    return sorted(found)


def _code(config: AuditConfig) -> Iterable[Path]:
    return source_of(config.model.name).code(config.model.name, config.base)


KINDS: Mapping[str, Callable[[AuditConfig], Iterable[Path]]] = MappingProxyType(
    {
        "the network's code": _code,
        "class names": _names,
        "boxes": _boxes,
        "masks": _masks,
        ALLOWED: _allowed,
        "patches": _patches,
        PICTURES: _pictures,
        UNLABELLED: _unlabelled,
    }
)
"""What decides numbers, and how its files are found. Weights are known by their sha256 wherever they lie."""

_FOUND_ANEW = frozenset(KINDS) - {"the network's code"}
"""Kinds of which a new file counts as well. A new file of code is imported by a known one, which has to change."""


def files_of(config: AuditConfig, kind: str) -> dict[str, Path]:
    """The files of a kind as they are found now, by where they are as people read it.

    Raises:
        ImageError: the pictures' sources cannot be listed.
    """
    return {shown(str(path), config): path for path in KINDS[kind](config)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the files that a run was begun with.

    Attributes:
        now: their fingerprints; changes: what is other, each a sentence's part: 'pictures: … changed'.
    """

    now: Files
    changes: tuple[str, ...]


def compare(config: AuditConfig, then: Files) -> Comparison:
    """Look at every file of the kinds that were noted, and read those that somebody touched."""
    now: dict[str, dict[str, Fingerprint]] = {}
    changes: list[str] = []
    for kind, known in then.items():
        found = _found_now(config, kind, known)
        now[kind] = found
        here = {name for name, one in found.items() if one != GONE}
        there = {name for name, one in known.items() if one != GONE}
        other = {name for name in here & there if found[name].sha256 != known[name].sha256}
        told = [("changed", other), ("gone", there - here), ("new", here - there)]
        parts = [f"{_listed(names)} {word}" for word, names in told if names]
        if parts:
            changes.append(f"{kind}: {', '.join(parts)}")
    return Comparison(now, tuple(changes))


def _found_now(config: AuditConfig, kind: str, known: Mapping[str, Fingerprint]) -> dict[str, Fingerprint]:
    """Today's fingerprints of known files, and of new ones of the kind."""
    listed: dict[str, Path] | None = None
    if kind in _FOUND_ANEW and kind in KINDS:
        # a class folder without pictures, or no folder, cannot be listed: what is gone is told by file
        with contextlib.suppress(ImageError, OSError):
            listed = files_of(config, kind)
    found = {name: Fingerprint.of(Path(whereabouts(name, config)), one) for name, one in known.items()}
    if listed is None:
        return found
    gone = {name: GONE for name in found if name not in listed}
    return {**found, **gone, **{name: Fingerprint.of(path) for name, path in listed.items() if name not in found}}


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return f"{', '.join(ordered[:_NAMED])}{more}"


def network_sha256(module: nn.Module) -> str:
    """The sha256 of all parameters and buffers by name: what a network is whose code brings its own weights.

    Quantised modules keep theirs in forms of their own, which stand in the state dict alone.

    Raises:
        ModelError: the network's own code raised something.
    """
    digest = hashlib.sha256()
    with ForeignCode("reading the network's weights"), torch.no_grad():
        tensors = {**dict(module.named_buffers()), **dict(module.named_parameters())}
        known = set(map(id, tensors.values()))
        others = {name: each for name, each in module.state_dict(keep_vars=True).items() if id(each) not in known}
        for name, value in sorted({**others, **tensors}.items()):
            if isinstance(value, Tensor):
                digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
            digest.update(_bytes_of(value))
    return digest.hexdigest()


def _bytes_of(value: object) -> bytes:
    """The numbers of a tensor, also of one that is made of several, as quantised ones are."""
    if isinstance(value, (list, tuple)):
        return b"".join(map(_bytes_of, value))
    if not isinstance(value, Tensor):
        return repr(value).encode() if isinstance(value, (str, int, float, torch.dtype)) else b""
    if value.is_quantized:
        scales = (value.q_per_channel_scales(), value.q_per_channel_zero_points()) if _by_channel(value) else ()
        return _bytes_of((value.int_repr(), *(scales or (value.q_scale(), value.q_zero_point()))))
    if type(value) not in (Tensor, nn.Parameter) and hasattr(value, "__tensor_flatten__"):
        return _bytes_of([getattr(value, name) for name in value.__tensor_flatten__()[0]])
    if value.layout is not torch.strided or value.is_meta:
        return b""
    return value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _by_channel(tensor: Tensor) -> bool:
    return tensor.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric)
