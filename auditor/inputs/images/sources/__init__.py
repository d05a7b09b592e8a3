"""Sources of pictures: which pictures one holds and under which label, from names alone; no picture is opened here.

Another source is one file here and one entry in `SOURCES`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.core.addresses import address_of, is_address, without_file
from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError
from auditor.core.hashing import sha256_of
from auditor.core.plain_text import file_name, utf8
from auditor.core.records import Split
from auditor.inputs.images.sources.csv import CSV
from auditor.inputs.images.sources.folder import FOLDER
from auditor.inputs.images.sources.listing import Listing, PictureFile, Reference, Source
from auditor.inputs.images.sources.parquet import PARQUET
from auditor.inputs.images.sources.remote import REMOTE
from auditor.inputs.images.sources.webdataset import WEBDATASET

SOURCES: tuple[Source, ...] = (REMOTE, WEBDATASET, PARQUET, CSV, FOLDER)
"""In the order in which they are asked whether a path is theirs."""


@dataclass(frozen=True, slots=True)
class GivenSource:
    """A source as the configuration gives it: what was written there, its path, and what it is given for.

    Attributes:
        split: discovery where one source serves for all three.
    """

    written: str
    path: Path
    split: Split


def given_sources(config: AuditConfig) -> list[GivenSource]:
    """The sources that a configuration names; whether anything is there is asked when they are listed."""
    images = config.images
    given = (
        (images.all, Split.DISCOVERY),
        (images.discovery, Split.DISCOVERY),
        (images.selection, Split.SELECTION),
        (images.confirmation, Split.CONFIRMATION),
    )
    return [GivenSource(written, _place(config, written), split) for written, split in given if written is not None]


def _place(config: AuditConfig, written: str) -> Path:
    """Where something is that the configuration names: an absolute path, or an address (`auditor.core.addresses`)."""
    if is_address(written):
        return Path(written)
    base = config.base.resolve()  # below it links stay as they were written, so that people know their paths again
    return Path(os.path.normpath(base / Path(without_file(written)).expanduser()))


def pool_path(config: AuditConfig) -> Path | None:
    """The absolute path or address of `images.pool`; None where none is given."""
    return None if config.images.pool is None else _place(config, config.images.pool)


def chosen_unlabelled(config: AuditConfig) -> tuple[list[Reference], int]:
    """The pictures of `images.pool` that are read, and how many there are; none is opened.

    Of more than `images.pool_pictures` the smallest are taken by a hash of the seed and the name below the pool, so
    that a pool that is moved gives the same ones.

    Raises:
        ImageError: it is missing, or holds no picture.
    """
    path = pool_path(config)
    if path is None:
        return [], 0
    source = source_of(path)
    listing = source.unlabelled(path) if source.unlabelled else source.listed(path, ())
    images, root = [*listing.images, *listing.missing], source.root(path)

    def drawn(image: Reference) -> str:
        return sha256_of(f"{config.seed} {os.path.relpath(image.where, root)}".encode(errors="surrogateescape"))

    most = config.images.pool_pictures
    chosen = images if len(images) <= most else sorted(images, key=drawn)[:most]
    return sorted(chosen, key=lambda image: image.where), len(images)


def source_paths(config: AuditConfig) -> list[Path]:
    """The absolute paths of all sources that pictures of an audit may lie in, labelled or not."""
    pool = pool_path(config)
    return [given.path for given in given_sources(config)] + ([pool] if pool is not None else [])


def source_of(path: Path) -> Source:
    """Which kind of source lies at an absolute path, or an address.

    Raises:
        ImageError: nothing is there, or nothing of any kind.
    """
    if not is_there(path):
        *kinds, last = (source.kind for source in reversed(SOURCES) if source is not REMOTE)
        wanted = f"{', '.join(kinds)} or {last}"
        raise ImageError(f"there is no {wanted} of pictures at {path}; check the paths under [images]")
    for source in SOURCES:
        if source.matches(path):
            return source
    *forms, last = (source.form for source in reversed(SOURCES))
    raise ImageError(f"{path} is no source of pictures; expected {'; '.join(forms)}; or {last}")


def is_there(path: Path) -> bool:
    """Whether anything is at the path of a source; of an address it is asked when it is listed."""
    return address_of(path) is not None or path.exists()


def list_images(path: Path, ignore: Iterable[str] = ()) -> Listing:
    """List a source's pictures.

    Args:
        path: a folder with one sub-folder a class, a CSV with columns path,label, or whatever else `SOURCES` knows.
        ignore: labels to leave out, as `mapping.left_out` reads them.
    Raises:
        ImageError: the source is missing, holds no class folder or no row, has an empty class folder, lacks a
            column or a label, or names only files that do not exist.
    """
    path = path if address_of(path) else Path(os.path.abspath(path))
    return source_of(path).listed(path, tuple(ignore))


def find_image(where: str, sources: Sequence[Path]) -> Reference:
    """The picture that a run remembers by `Reference.where`, in the innermost source that may hold it.

    A picture below none of them is a file, since a CSV may name files anywhere. So is one of a source that is gone;
    opening it says what is missing.

    Args:
        where: an absolute path, as `Reference.where`. sources: absolute paths of the audit's sources.
    """
    there = [(path, source_of(path)) for path in sources if is_there(path)]
    holding = [(path, source) for path, source in there if Path(where).is_relative_to(source.root(path))]
    if not holding:
        return PictureFile(where)
    path, source = max(holding, key=lambda held: len(held[1].root(held[0]).parts))
    return source.at(path, where)


def shown(where: str, config: AuditConfig) -> str:
    """`Reference.where` as people read it: relative to the configuration's folder, wherever that is possible.

    It is text that every file can hold, also where the name is no UTF-8. An address stays as it is.
    """
    if is_address(where) or address_of(Path(where)):
        return utf8(address_of(Path(where)) or where)
    try:
        return utf8(Path(os.path.relpath(where, config.base.resolve())).as_posix())
    except ValueError:  # another drive has no relative path
        return utf8(Path(where).as_posix())


def whereabouts(shown_text: str, config: AuditConfig) -> str:
    """`Reference.where` again from what `shown` made of it."""
    if is_address(shown_text):
        return file_name(shown_text)
    return os.path.normpath(config.base.resolve() / file_name(shown_text))
