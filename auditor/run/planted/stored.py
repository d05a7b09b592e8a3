"""What became of planted copies, as a run folder keeps it. It loads no network."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from auditor.core.errors import DamagedFileError
from auditor.core.records.planted import Planted, PlantedShortcut
from auditor.run.folder import RunFolder
from auditor.statistics.planted import how_often_found

FOLDER = "planted"
"""The folder of a run in which planted copies lie, each in one of its own with its audit."""

FILE = f"{FOLDER}/planted.json"
CUE, FOUND = "cue.png", "found.png"
"""Pictures in a copy's folder: of the cue, and of the first finding that shows it."""

_ROWS = TypeAdapter(tuple[PlantedShortcut, ...])


def planted_shortcuts(folder: RunFolder) -> tuple[PlantedShortcut, ...]:
    """What was planted so far and what became of it, by number; none where nobody asked.

    Raises:
        DamagedFileError: the file cannot be read.
    """
    if not folder.has(FILE):
        return ()
    try:
        return _ROWS.validate_json(folder.read(FILE))
    except ValidationError as error:
        raise DamagedFileError(
            f"{folder.path / FILE} is damaged; delete it, and 'auditor plant {folder.path}' writes it again"
        ) from error


def planted_of(folder: RunFolder, limit: float) -> Planted | None:
    """What a report says of planted copies; None where nobody asked.

    Args:
        limit: of the run's uplift.
    """
    shortcuts = planted_shortcuts(folder)
    return how_often_found(shortcuts, limit) if shortcuts else None


def keep_shortcuts(folder: RunFolder, shortcuts: Sequence[PlantedShortcut]) -> None:
    """Write what became of all copies, by number, changes of whole pictures last."""
    rows = tuple(sorted(shortcuts, key=lambda one: (one.is_whole, one.number)))
    folder.write_json(FILE, _ROWS.dump_python(rows, mode="json"))


def planted_pictures(folder: RunFolder) -> dict[str, bytes]:
    """The pictures that a report shows of planted copies: `planted-COPY-cue` and `planted-COPY-found`."""
    files = {
        f"planted-{one.copy}-{key}": f"{one.folder}/{file}"
        for one in planted_shortcuts(folder)
        for key, file in (("cue", CUE), ("found", FOUND))
    }
    return {key: folder.read(file) for key, file in files.items() if folder.has(file)}
