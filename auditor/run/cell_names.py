"""Names that people give to cells of the explorer: read from a CSV, kept in the run folder. It loads no network."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from auditor.core.errors import ConfigError, StoreError
from auditor.core.files import read_utf8
from auditor.core.records.explorer import Explored, ExploredAtlas
from auditor.run.folder import RunFolder

CELL_NAMES = "cell-names.csv"
COLUMNS = ("cell", "name", "atlas")
LONGEST = 60
PAIR = "pair"
"""The atlas that is meant where a row names none."""


def checked_cell_names(path: Path, explored: Explored | None) -> str:
    """The text of a CSV with the columns `cell`, `name` and, where the pair's atlas is not meant, `atlas`.

    Args:
        explored: what the run's explorer draws.
    Raises:
        ConfigError: it cannot be read, lacks a column, or a row has no name, one of more than `LONGEST` characters, no
            cell of the explorer, or a cell that has a name already.
    """
    if explored is None:
        raise ConfigError(
            "this run has no atlas explorer, so there is no cell to name; 'auditor run --resume' makes one"
        )
    try:
        text = read_utf8(path)
        rows = list(_rows(text, str(path)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"the cell names in {path} cannot be read: {error}") from error
    there = {(atlas.key, cell.name) for atlas in explored.atlases for cell in atlas.cells}
    seen: set[tuple[str, str]] = set()
    for where, atlas, cell, _ in rows:
        if (atlas, cell) not in there:
            keys = ", ".join(one.key for one in explored.atlases)
            raise ConfigError(
                f"{where}: atlas {atlas!r} has no cell {cell!r}; a cell is level:column:row, as the explorer calls it, "
                f"and the atlases are {keys}"
            )
        if (atlas, cell) in seen:
            raise ConfigError(f"{where}: cell {cell} of atlas {atlas!r} has a name already; keep one")
        seen.add((atlas, cell))
    return text


def keep_cell_names(folder: RunFolder, text: str) -> None:
    """Put names of cells into a run folder; its reports show them from now on."""
    folder.write_text(CELL_NAMES, text)


def with_cell_names(folder: RunFolder, explored: Explored) -> Explored:
    """What the explorer draws, with the names that lie in the run folder in the place of the model's words.

    Raises:
        StoreError: the names there were damaged.
    """
    if not folder.has(CELL_NAMES):
        return explored
    try:
        rows = list(_rows(folder.read_text(CELL_NAMES), CELL_NAMES))
    except (ConfigError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(
            f"{folder.path / CELL_NAMES} is damaged; take it away, or give names anew: auditor report {folder.path} "
            "--cell-names FILE"
        ) from error
    names = {(atlas, cell): name for _, atlas, cell, name in rows}
    return replace(explored, atlases=tuple(_named(atlas, names) for atlas in explored.atlases))


def _named(atlas: ExploredAtlas, names: dict[tuple[str, str], str]) -> ExploredAtlas:
    cells = (replace(cell, word=names.get((atlas.key, cell.name), cell.word)) for cell in atlas.cells)
    return replace(atlas, cells=tuple(cells))


def _rows(text: str, where: str) -> Iterator[tuple[str, str, str, str]]:
    """For each row where it stands, its atlas, its cell and the name."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for column in COLUMNS[:2]:
        if column not in (reader.fieldnames or ()):
            raise ConfigError(f"{where} needs the columns cell and name, and may have atlas; {column!r} is missing")
    for row in reader:
        line = f"{where} line {reader.line_num}"
        name = " ".join((row["name"] or "").split())
        if not name or len(name) > LONGEST:
            raise ConfigError(f"{line}: a cell's name has 1 to {LONGEST} characters, got {len(name)}")
        yield line, (row.get("atlas") or PAIR).strip(), (row["cell"] or "").strip(), name
