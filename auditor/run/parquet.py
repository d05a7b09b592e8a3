"""Tables as Parquet files: written, read, and joined in memory that does not grow with their number."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from auditor.core.errors import DamagedFileError
from auditor.core.plain_text import plain, utf8


def write_parquet(path: Path, table: pa.Table) -> None:
    with _for_arrow(path, "wb") as place:
        pq.write_table(table, place, compression="zstd")


def write_shown_csv(path: Path, table: pa.Table) -> None:
    """Write a table for people: its words are shown as in every report."""
    shown = [
        {name: plain(one) if isinstance(one, str) else one for name, one in row.items()} for row in table.to_pylist()
    ]
    with _for_arrow(path, "wb") as place:
        pyarrow.csv.write_csv(pa.Table.from_pylist(shown, table.schema), place)


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file to read from.

    Raises:
        DamagedFileError: it cannot be read as one.
    """
    try:
        with _for_arrow(path, "rb") as place, pq.ParquetFile(place) as stored:
            yield stored
    except (OSError, pa.ArrowException) as error:
        raise DamagedFileError(f"{path} cannot be read as parquet: {error}") from error


def join_parquet(path: Path, parts: Sequence[Path]) -> int:
    """Concatenate Parquet files, thousands of rows at a time; a column that a part lacks is null in its rows.

    Small parts are gathered before they are written: a group of rows for each would cost more than its numbers.

    Returns:
        How many rows there are in all.
    """
    rows = 0
    with _for_arrow(path, "wb") as place:
        writer: pq.ParquetWriter | None = None
        try:
            schema = pa.unify_schemas([_schema(part) for part in parts])
            for table in _gathered(_table(part) for part in parts):
                writer = writer or pq.ParquetWriter(place, schema, compression="zstd")
                writer.write_table(pa.concat_tables([schema.empty_table(), table], promote_options="default"))
                rows += len(table)
        finally:
            if writer:
                writer.close()
    return rows


def _schema(path: Path) -> pa.Schema:
    with open_parquet(path) as stored:
        return stored.schema_arrow


def _table(path: Path) -> pa.Table:
    with open_parquet(path) as stored:
        return stored.read()


@contextlib.contextmanager
def _for_arrow(path: Path, mode: Literal["rb", "wb"]) -> Iterator[Path | BinaryIO]:
    """A file as Arrow takes it: by its path, or open where that is no UTF-8."""
    if utf8(str(path)) == str(path):
        yield path
    else:
        with path.open(mode) as stream:
            yield stream


_GATHERED_ROWS = 2**15


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of tables in tables of some thousands, the last one smaller."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= _GATHERED_ROWS:
            yield pa.concat_tables(waiting, promote_options="default")
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting, promote_options="default")
