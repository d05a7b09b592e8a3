"""The icons of a run's cells, rendered a file at a time, so that an interruption costs one file at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from auditor.atlas.icons.objective import Whitening
from auditor.atlas.icons.reading import Reading
from auditor.atlas.icons.render import Icons, icon_settings, render_icons
from auditor.atlas.kinds import Atlas
from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes
from auditor.core.errors import DamagedFileError
from auditor.core.progress import Within
from auditor.core.records import Cell, FloatArray, PixelArray
from auditor.core.work import Hands, Work
from auditor.run.engines import hands
from auditor.run.folder import Json, RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.atlas import ATLAS, atlases_of, folder_of_layer

PLACE = "cache/icons"
ICONS_A_FILE = 32
"""Icons kept in one file, and rendered together: what an interruption costs at most."""


@dataclass(frozen=True, slots=True)
class Lot:
    """The cells of one file: their names, and their mean activations (C, D)."""

    names: tuple[str, ...]
    means: FloatArray


@dataclass(frozen=True, slots=True)
class Studio:
    """Where icons are rendered: a run, how activations are whitened, where icons are read, and of which layer.

    Attributes:
        number: of the run's layer, from 0.
    """

    run: Run
    whitening: Whitening
    reading: Reading | None = None
    number: int = 0

    def render(self, lot: Lot) -> Icons:
        """The icons of a lot."""
        config, cut = self.run.config, self.run.inputs.by_layer[self.number].cut
        return render_icons(
            cut, lot.means, list(lot.names), icon_settings(config.atlas), config.seed,
            Within(self.run.progress), whitening=self.whitening, reading=self.reading,
        )  # fmt: skip


def _studio(run: Run, number: int = 0) -> Studio:
    return Studio(run, Whitening.fit(atlases_of(run)[number].samples.vectors), number=number)


def _make(run: Run, folder: RunFolder) -> Facts:
    most = run.config.atlas.icons
    first, *further = [
        make_icons(
            folder,
            cells_with_icons(atlas, most),
            run,
            hands(run, partial(_studio, number=number)),
            folder_of_layer(PLACE, number),
        )
        for number, atlas in enumerate(atlases_of(run))
    ]
    return {**first, "further": further} if further else first


def make_icons(
    folder: RunFolder, cells: Sequence[Cell], run: Run, at_work: Hands[Studio], place: str = PLACE
) -> dict[str, Json]:
    """Render the icons of some cells, those files of them that are not there. Returns what the manifest notes.

    Args:
        place: the folder of a run that they are kept in.
    """
    lots = [Lot(tuple(cell.name for cell in part), _means(part)) for _, part in _files(cells, place)]
    files = [file for file, _ in _files(cells, place)]
    missing = [(file, lot) for file, lot in zip(files, lots, strict=True) if not _is_whole(folder, file)]
    run.progress.start("icons", len(cells))
    run.progress.advance(len(cells) - sum(len(lot.names) for _, lot in missing))
    made = at_work.engine.each(Work(at_work.open, Studio.render, _icons), [lot for _, lot in missing])
    for (file, _), icons in zip(missing, made, strict=True):
        folder.write(file, arrays_to_bytes({"pixels": icons.pixels, "scores": icons.scores}))
    scores = [score for file in files for score in arrays_from_bytes(folder.read(file))["scores"].tolist()]
    return {"icons": len(cells), "mean_score": round(float(np.mean(scores)), 4) if scores else None}


def _is_whole(folder: RunFolder, file: str) -> bool:
    """Whether icons that an interrupted run rendered are there, and are what it rendered."""
    if not folder.has(file):
        return False
    try:
        arrays_from_bytes(folder.read(file))
    except DamagedFileError:
        return False
    return True


def _icons(lot: Lot) -> int:
    return len(lot.names)


def _means(cells: Sequence[Cell]) -> FloatArray:
    return np.stack([cell.mean_activation for cell in cells])


def cells_with_icons(atlas: Atlas, most: int) -> Sequence[Cell]:
    """Whole levels, the coarse ones first, as long as they fit; of the coarsest its largest cells, as many as fit.

    A sheet on which some tiles have icons and others have none reads as if the others had nothing to show.
    """
    by_level = [atlas.at_level(level) for level in sorted({cell.level for cell in atlas.cells})]
    if by_level and len(by_level[0]) > most:
        return sorted(by_level[0], key=lambda cell: (-cell.count, cell.name))[:most]
    chosen: list[Cell] = []
    for cells in by_level:
        if len(chosen) + len(cells) > most:
            break
        chosen += cells
    return chosen


def read_icons(folder: RunFolder, cells: Sequence[Cell], place: str = PLACE) -> Mapping[str, PixelArray]:
    """The icons that were rendered of these cells, (3, s, s) uint8 by the cell's name."""
    found: dict[str, PixelArray] = {}
    for file, part in _files(cells, place):
        pixels = arrays_from_bytes(folder.read(file))["pixels"]
        found |= {cell.name: icon for cell, icon in zip(part, pixels, strict=True)}
    return found


def _files(cells: Sequence[Cell], place: str) -> list[tuple[str, Sequence[Cell]]]:
    starts = range(0, len(cells), ICONS_A_FILE)
    return [
        (f"{place}/{number:04d}.safetensors", cells[start : start + ICONS_A_FILE])
        for number, start in enumerate(starts)
    ]


def _read(run: Run) -> Mapping[str, PixelArray]:
    return read_icons(run.folder, cells_with_icons(run.get(ATLAS), run.config.atlas.icons))


def icons_of(run: Run) -> tuple[Mapping[str, PixelArray], ...]:
    """The icons of each of a run's layers, in their order."""
    run.ensure(ICONS)
    most = run.config.atlas.icons
    return tuple(
        read_icons(run.folder, cells_with_icons(one, most), folder_of_layer(PLACE, number))
        for number, one in enumerate(atlases_of(run))
    )


_PATTERNS = (f"{PLACE}/*", f"{PLACE}/layer-*/*")
ICONS = Stage("icons", (ATLAS,), _PATTERNS, _make, _read, needed=_PATTERNS)
