"""Rows of a small CSV with named columns. It checks the columns; what the values mean is the caller's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from auditor.core.errors import AuditorError
from auditor.core.files import read_utf8


def read_rows(path: Path, columns: tuple[str, ...], error: type[AuditorError]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, column -> stripped text) for each row that is not blank; other columns are left out.

    Args:
        path: a UTF-8 CSV whose first line names its columns (case does not count).
        columns: the columns it must have; a cell that a short row lacks reads as ''.
        error: what to raise, so that each caller speaks of its own kind of file.
    Raises:
        error: no such file, not text, not CSV, or a column is missing.
    """
    try:
        with io.StringIO(read_utf8(path), newline="") as lines:
            reader = csv.reader(lines)
            header = [cell.strip().lower() for cell in next(reader, [])]
            absent = [column for column in columns if column not in header]
            if absent:
                raise error(
                    f"{path} needs the columns {','.join(columns)}, but has {','.join(header) or 'none'}; "
                    f"add {','.join(absent)} to its first line"
                )
            positions = {column: header.index(column) for column in columns}
            for cells in reader:
                row = {column: cells[at].strip() if at < len(cells) else "" for column, at in positions.items()}
                if any(row.values()):
                    yield reader.line_num, row
    except FileNotFoundError as problem:
        raise error(f"there is no file {path}; check the path in the configuration") from problem
    except OSError as problem:
        raise error(f"{path} cannot be read: {problem.strerror or problem}") from problem
    except (UnicodeDecodeError, csv.Error) as problem:
        raise error(f"{path} cannot be read as a UTF-8 CSV ({problem}); save it as one") from problem
