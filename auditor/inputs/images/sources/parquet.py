"""Pictures inside parquet or Arrow files, as the Hugging Face hub keeps data sets: a column of bytes and one of labels.

A `.parquet` file, a folder of them, or a folder that `datasets.save_to_disk` wrote (`.arrow`). Where several columns
could serve, the one that the file's own description calls an image or a class label is taken.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.core.errors import ImageError, UnreadableImageError
from auditor.inputs.images.reading import read_bytes
from auditor.inputs.images.sources.inside import beside, files_of, holding_file, listing_of, require_size
from auditor.inputs.images.sources.listing import Listing, PictureFile, Reference, Source

PARQUET_SUFFIX, ARROW_SUFFIX = ".parquet", ".arrow"
_IMAGE_COLUMNS = ("image", "img", "jpg", "png", "picture")
_LABEL_COLUMNS = ("label", "labels", "class", "fine_label", "target")
_GROUPS_KEPT = 4
"""Blocks of rows held at once: pictures are asked for in the order of their rows, by a few threads."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold pictures and labels, and what the labels' numbers mean; () where they are words already."""

    image: str
    label: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One row of a file: its picture is in that row, or in a file that the row names."""

    file: Path
    row: int
    where: str
    label: str = ""

    def open(self, max_pixels: int) -> bytes:
        try:
            stored = _picture(self.file, self.row)
        except (OSError, pa.ArrowException, IndexError, ImageError) as problem:
            raise UnreadableImageError("unreadable file", f"{self.file.name}: {problem}") from problem
        if isinstance(stored, str):
            return read_bytes(self.file.parent / stored, max_pixels)
        if stored is None:
            raise UnreadableImageError("missing file", f"row {self.row} of {self.file.name} holds no picture")
        require_size(len(stored), max_pixels)
        return stored


def _listed(path: Path, ignore: tuple[str, ...]) -> Listing:
    files = [*files_of(path, PARQUET_SUFFIX), *files_of(path, ARROW_SUFFIX)]
    images: list[Reference] = []
    for file in files:
        try:
            columns = columns_of(file)
            labels = _column(file, columns.label).to_pylist()
        except (OSError, pa.ArrowException) as problem:
            raise ImageError(f"{file} cannot be read ({problem}); it is no whole table of pictures") from problem
        for row, value in enumerate(labels):
            label = _label(file, row, value, columns.names)
            images.append(PictureRow(file, row, where_of(file, row), label))
    if not images:
        raise ImageError(f"{path} holds no row; expected a table of pictures and their labels")
    return listing_of(images, ignore, beside(path, files))


def where_of(file: Path, row: int) -> str:
    """How a run remembers a row; filled with zeros, so that rows sort as they follow each other."""
    return f"{file}{os.sep}{row:08d}"


def columns_of(file: Path) -> Columns:
    """The columns of pictures and labels.

    Raises:
        ImageError: there is no such column, or several that could be it.
    """
    schema = _schema(file)
    features = _features(schema)
    image = _only(file, schema, "Image", _IMAGE_COLUMNS, features, "pictures")
    label = _only(file, schema, "ClassLabel", _LABEL_COLUMNS, features, "labels")
    names = features.get(label, {}).get("names")
    return Columns(image, label, tuple(map(str, names)) if isinstance(names, list) else ())


def _only(
    file: Path,
    schema: pa.Schema,
    kind: str,
    usual: tuple[str, ...],
    features: Mapping[str, Mapping[str, object]],
    what: str,
) -> str:
    described: list[str] = [name for name in schema.names if features.get(name, {}).get("_type") == kind]
    found: list[str] = described or [name for name in schema.names if name.lower() in usual]
    if len(found) != 1:
        raise ImageError(
            f"{file} has {'no column' if not found else 'several columns'} of {what}"
            f"{': ' + ', '.join(found) if found else ''}; expected one called {' or '.join(usual)}, got the columns "
            f"{', '.join(schema.names)}"
        )
    return found[0]


def _features(schema: pa.Schema) -> dict[str, dict[str, object]]:
    """What the `datasets` library writes down of each column; empty where it did not."""
    described = (schema.metadata or {}).get(b"huggingface")
    if described is None:
        return {}
    try:
        features = json.loads(described)["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return (
        {name: each for name, each in features.items() if isinstance(each, dict)} if isinstance(features, dict) else {}
    )


def _label(file: Path, row: int, value: object, names: tuple[str, ...]) -> str:
    if isinstance(value, int) and names:
        if not 0 <= value < len(names):
            raise ImageError(f"{file}, row {row}: label {value} is none of the {len(names)} that the file names")
        return names[value]
    if value is None or value == "":
        raise ImageError(f"{file}, row {row}: the label is missing")
    return str(value)


def _schema(file: Path) -> pa.Schema:
    return pq.read_schema(file) if file.suffix == PARQUET_SUFFIX else _arrow(file).schema


def _column(file: Path, name: str) -> pa.ChunkedArray:
    if file.suffix == PARQUET_SUFFIX:
        return pq.read_table(file, columns=[name])[name]
    return _arrow(file)[name]


def _picture(file: Path, row: int) -> bytes | str | None:
    """A row's encoded bytes, or the path of the file it names; None where it holds neither."""
    stamp = file.stat()
    name = _columns_then(file, stamp.st_size, stamp.st_mtime_ns).image
    if file.suffix == PARQUET_SUFFIX:
        group, before = _group_of(file, stamp.st_size, stamp.st_mtime_ns, row)
        value = _group(file, stamp.st_mtime_ns, group, name)[row - before].as_py()
    else:
        value = _arrow(file)[name][row].as_py()
    if isinstance(value, Mapping):
        data, path = value.get("bytes"), value.get("path")
        return data if isinstance(data, bytes) else path if isinstance(path, str) else None
    return value if isinstance(value, bytes | str) else None


@functools.lru_cache(maxsize=64)
def _columns_then(file: Path, size: int, modified: int) -> Columns:
    del size, modified  # the file as it is now
    return columns_of(file)


@functools.lru_cache(maxsize=64)
def _edges(file: Path, size: int, modified: int) -> tuple[int, ...]:
    del size, modified
    described = pq.read_metadata(file)
    edges = [0]
    for group in range(described.num_row_groups):
        edges.append(edges[-1] + described.row_group(group).num_rows)
    return tuple(edges)


def _group_of(file: Path, size: int, modified: int, row: int) -> tuple[int, int]:
    """The block that holds a row, and how many rows stand before it."""
    edges = _edges(file, size, modified)
    group = next((number for number, end in enumerate(edges[1:]) if row < end), None)
    if group is None:
        raise IndexError(f"there is no row {row} any more")
    return group, edges[group]


@functools.lru_cache(maxsize=_GROUPS_KEPT)
def _group(file: Path, modified: int, group: int, name: str) -> pa.ChunkedArray:
    del modified
    return pq.ParquetFile(file).read_row_group(group, columns=[name])[name]


def _arrow(file: Path) -> pa.Table:
    """An Arrow file, mapped and not read: as a stream, which is how `datasets` writes them, or with a footer."""
    source = pa.memory_map(str(file))
    try:
        return pa.ipc.open_stream(source).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_file(source).read_all()


def _at(path: Path, where: str) -> Reference:
    for suffix in (PARQUET_SUFFIX, ARROW_SUFFIX):
        held = holding_file(path, where, suffix)
        if held is not None and held[1].isdecimal():
            return PictureRow(held[0], int(held[1]), where)
    return PictureFile(where)


PARQUET = Source(
    kind="parquet file",
    form="a .parquet file, or a folder of .parquet or .arrow files",
    matches=lambda path: bool(files_of(path, PARQUET_SUFFIX) or files_of(path, ARROW_SUFFIX)),
    listed=_listed,
    root=lambda path: path,
    at=_at,
)
