"""The zip archives in which torch saves programs. It reads their list of names alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

from auditor.core.errors import ModelError


def archive_names(path: Path) -> list[str]:
    """Names of the files in a saved program.

    Raises:
        ModelError: no such file, or no archive.
    """
    if not path.is_file():
        raise ModelError(f"there is no model file at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(
            f"{path} is not a file that torch.jit.save or torch.export.save wrote, or is damaged"
        ) from error
