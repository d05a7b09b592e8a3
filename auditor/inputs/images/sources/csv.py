"""Pictures that a CSV of path,label names."""

from __future__ import annotations

import os
from pathlib import Path

from auditor.core.errors import ImageError
from auditor.inputs.images.csv_rows import read_rows
from auditor.inputs.images.mapping import plain_label
from auditor.inputs.images.sources.listing import ListedImage, Listing


def _list_csv(table: Path, left_out: frozenset[str]) -> Listing:
    images: list[ListedImage] = []
    missing: list[ListedImage] = []
    for line, row in read_rows(table, ("path", "label"), ImageError):
        if not row["path"] or not row["label"]:
            raise ImageError(f"{table}, line {line}: expected a path and a label, got {row['path']!r},{row['label']!r}")
        if plain_label(row["label"]) in left_out:
            continue
        image = ListedImage(Path(os.path.normpath(table.parent / row["path"])), row["label"])
        (images if os.path.isfile(image.path) else missing).append(image)
    if not images:
        why = (
            f"none of its {len(missing)} files exists (the first is {missing[0].path}); paths are relative to the CSV"
            if missing
            else "it has no row"
        )
        raise ImageError(f"{table} lists no picture: {why}")
    images.sort(key=lambda image: (image.path, image.label))
    return Listing(tuple(images), 0, tuple(missing))
