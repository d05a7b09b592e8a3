"""Pictures that a CSV of path,label names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from auditor.core.errors import ImageError
from auditor.inputs.images.csv_rows import read_rows
from auditor.inputs.images.mapping import left_out
from auditor.inputs.images.sources.listing import Listing, PictureFile, Source, file_at


def _listed(table: Path, ignore: tuple[str, ...]) -> Listing:
    rows: list[PictureFile] = []
    for line, row in read_rows(table, ("path", "label"), ImageError):
        if not row["path"] or not row["label"]:
            raise ImageError(f"{table}, line {line}: expected a path and a label, got {row['path']!r},{row['label']!r}")
        rows.append(PictureFile(os.path.normpath(table.parent / row["path"]), row["label"]))
    ignored = left_out((row.label for row in rows), ignore)
    return _there(table, [row for row in rows if row.label not in ignored])


def _unlabelled(table: Path) -> Listing:
    """Every picture that the column `path` names, once."""
    rows = read_rows(table, ("path",), ImageError)
    paths = dict.fromkeys(os.path.normpath(table.parent / row["path"]) for _, row in rows)
    return _there(table, [PictureFile(path) for path in paths])


def _there(table: Path, rows: Sequence[PictureFile]) -> Listing:
    images: list[PictureFile] = []
    missing: list[PictureFile] = []
    for image in rows:
        (images if os.path.isfile(image.where) else missing).append(image)
    if not images:
        why = (
            f"none of its {len(missing)} files exists (the first is {missing[0].where}); paths are relative to the CSV"
            if missing
            else "it has no row"
        )
        raise ImageError(f"{table} lists no picture: {why}")
    images.sort(key=lambda image: (Path(image.where), image.label))
    return Listing(tuple(images), missing=tuple(missing))


CSV = Source(
    kind="CSV",
    form="a .csv file with columns path,label",
    matches=lambda path: path.suffix.lower() == ".csv" and not path.is_dir(),
    listed=_listed,
    root=lambda path: path.parent,
    at=file_at,
    unlabelled=_unlabelled,
)
