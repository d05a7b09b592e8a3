"""Work whose results are files of their own: one an item, written once and whole, so that who is cut off goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import pyarrow as pa

from auditor.core.errors import DamagedFileError
from auditor.core.work import Work
from auditor.run.engines import hands
from auditor.run.folder import RunFolder
from auditor.run.stage import Run

Context = TypeVar("Context")
Item = TypeVar("Item")


def make_shards(
    run: Run,
    folder: RunFolder,
    called: str,
    items: Mapping[str, Item],
    build: Callable[[Run], Context],
    do: Callable[[Context, Item], pa.Table],
    steps: Callable[[Item], int],
) -> None:
    """Make the table of each item that is not there yet.

    Args:
        called: the work, where somebody watches its progress, counted in `steps`.
        items: by the file that its table goes to.
        build: what all items need, of this process or of another that shares the work.
        do: one item. In this process it tells the progress of its steps itself.
    """
    run.progress.start(called, sum(map(steps, items.values())))
    missing = {file: item for file, item in items.items() if not _is_there(folder, file)}
    run.progress.advance(sum(steps(item) for file, item in items.items() if file not in missing))
    opened = hands(run, build)
    tables = opened.engine.each(Work(opened.open, do, steps), list(missing.values()))
    for file, table in zip(missing, tables, strict=True):
        folder.write_table(file, table)


def _is_there(folder: RunFolder, file: str) -> bool:
    """Whether an earlier process finished it, and it can still be read."""
    if not folder.has(file):
        return False
    try:
        folder.read_table(file)
    except DamagedFileError:
        return False
    return True
