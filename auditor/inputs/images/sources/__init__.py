"""Which pictures a source holds and under which label, from names alone; no picture is opened here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from auditor.core.errors import ImageError
from auditor.inputs.images.mapping import plain_label
from auditor.inputs.images.sources.csv import _list_csv
from auditor.inputs.images.sources.folder import _list_folder
from auditor.inputs.images.sources.listing import Listing


def list_images(source: Path, ignore: Iterable[str] = ()) -> Listing:
    """List a folder with one sub-folder a class (pictures at any depth in it), or a CSV with columns path,label.

    Args:
        source: the folder or the .csv file; paths in a CSV are relative to the CSV.
        ignore: labels to leave out; case and `_`, `-` and spaces do not count.
    Raises:
        ImageError: the source is missing, holds no class folder or no row, has an empty class folder, lacks a
            column or a label, or names only files that do not exist.
    """
    left_out = frozenset(plain_label(label) for label in ignore)
    source = Path(os.path.abspath(source))
    if source.is_dir():
        return _list_folder(source, left_out)
    if not source.exists():
        raise ImageError(f"there is no folder or CSV of pictures at {source}; check the paths under [images]")
    if source.suffix.lower() != ".csv":
        raise ImageError(
            f"{source} is neither a folder with one sub-folder a class nor a .csv file with columns path,label"
        )
    return _list_csv(source, left_out)
