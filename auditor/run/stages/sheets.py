"""The pictures of a run's atlas, with the cells marked that gave candidates, and the table of its cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor.atlas.drawings.canvas import png_bytes, webp_bytes
from auditor.atlas.drawings.hinton import choose_cells, draw_hinton
from auditor.atlas.drawings.natural_crops import CropOf, crops_from_pixels
from auditor.atlas.drawings.sheet import Notes, Scope, draw_sheet
from auditor.atlas.drawings.strip import draw_cell_strip
from auditor.atlas.drawings.tiles import TileArt
from auditor.atlas.kinds import Atlas, AtlasKind
from auditor.atlas.stability import halves_of
from auditor.atlas.words import borne_out
from auditor.core.progress import Progress
from auditor.core.records import Candidate, ImagePool, PixelArray, by_push
from auditor.inputs.opening import Inputs
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.atlas import folder_of_layer
from auditor.run.stages.candidates import CANDIDATES, pushed_atlases
from auditor.run.stages.icons import ICONS, icons_of
from auditor.run.stages.images import IMAGES
from auditor.run.stages.pasted_icons import PASTED_ICONS, icons_of_pasted
from auditor.run.tables import cells_table

FOLDER = "atlas"
HINTON = "hinton.png"
CELLS = "cells.parquet"
STRIPS = 10
"""Cells of strongest push whose exemplars are drawn in a row for the report, beside those that gave candidates."""


def _make(run: Run, folder: RunFolder) -> Facts:
    proposals = run.get(CANDIDATES)
    if not run.inputs.mapped:
        folder.write_table(CELLS, cells_table((), ()))
        return {"levels": []}
    suggested = [patch.candidate for patch in proposals.patches if patch.candidate.suggested]
    draw_atlases(run, folder, pushed_atlases(run), suggested)
    for number, pasted in enumerate(proposals.all_pasted):
        gave = {one.pasted_cell for one in _of_layer(suggested, run.inputs.by_layer[number].layer)}
        draw_pasted(run, folder, pasted, gave, icons_of_pasted(run, folder, pasted, number), number)
    return {"levels": list(run.config.atlas.levels)}


def draw_atlases(run: Run, folder: RunFolder, atlases: Sequence[Atlas], suggested: Sequence[Candidate] = ()) -> None:
    """Write the table of all layers' cells and draw the pair's atlas in each layer.

    Args:
        atlases: of the run's layers, in their order; suggested: candidates whose cells are marked.
    """
    cells = [cell for atlas in atlases for cell in atlas.cells]
    folder.write_table(CELLS, cells_table(cells, run.get(IMAGES).keys))
    for number, (atlas, icons) in enumerate(zip(atlases, icons_of(run), strict=True)):
        layer = run.inputs.by_layer[number].layer
        _draw_atlas(run, folder, atlas, icons, {one.cell for one in _of_layer(suggested, layer)}, number)


def _of_layer(candidates: Sequence[Candidate], layer: str) -> list[Candidate]:
    """Those that lie in a layer's atlases; those of an earlier version name none, and lie in its only one."""
    return [one for one in candidates if one.layer in ("", layer)]


def _draw_atlas(
    run: Run,
    folder: RunFolder,
    atlas: Atlas,
    icons: Mapping[str, PixelArray],
    gave_candidates: Collection[str],
    number: int,
) -> None:
    """Draw one layer's atlas: a sheet a level, coloured by either push, strips, and a diagram.

    Args:
        gave_candidates: cells to be marked, by name; number: of the layer among the run's, from 0.
    """
    inputs, pool, place = run.inputs.by_layer[number], run.get(IMAGES), folder_of_layer(FOLDER, number)
    art = TileArt(natural_crops(inputs, pool), icons)
    strongest = by_push(atlas.cells)[:STRIPS]
    gave = [cell for cell in atlas.cells if cell.name in gave_candidates]
    for cell in {one.name: one for one in (*strongest, *gave)}.values():
        strip = webp_bytes(draw_cell_strip(cell, art))
        folder.write(f"{place}/cells/{cell.name.replace(':', '-')}.webp", strip)
    scope = Scope(inputs.source.name, inputs.target.name, layer=_told(run, number))
    captions = Captions(inputs, scope, pool, place, gave_candidates, said_by_the_axis(inputs))
    draw_sheets(folder, atlas, art, captions, run.progress)


def _told(run: Run, number: int) -> str:
    """The layer's name where there are several."""
    return run.inputs.by_layer[number].layer if run.inputs.further else ""


def draw_pasted(
    run: Run,
    folder: RunFolder,
    atlas: Atlas,
    gave_candidates: Collection[str],
    icons: Mapping[str, PixelArray],
    number: int = 0,
) -> None:
    """Draw one layer's atlas of crops as pasted, a sheet a level, coloured by the push foretold."""
    inputs = run.inputs.by_layer[number]
    art = TileArt(natural_crops(inputs, run.get(IMAGES)), icons)
    scope = Scope(inputs.source.name, inputs.target.name, AtlasKind.PASTED, layer=_told(run, number))
    levels = inputs.config.atlas.levels
    run.progress.start("drawing the atlas of patches as pasted", len(levels))
    for level in levels:
        gave = {name for cell in gave_candidates if (name := coarser(cell, level))}
        notes = Notes(colour_by="predicted", candidates=frozenset(gave))
        sheet = draw_sheet(atlas.at_level(level), art, scope, notes)
        folder.write(f"{folder_of_layer(FOLDER, number)}/pasted-{level}.webp", webp_bytes(sheet))
        run.progress.advance()


def coarser(cell: str, level: int) -> str:
    """The name of the bin of another level that holds the middle of a cell, "" of no cell."""
    if not cell:
        return ""
    own, column, row = map(int, cell.split(":"))
    return f"{level}:{(2 * column + 1) * level // (2 * own)}:{(2 * row + 1) * level // (2 * own)}"


def said_by_the_axis(inputs: Inputs) -> tuple[int, ...]:
    """The pair's own classes: which of them a cell supports its place across says already."""
    source, target = inputs.source, inputs.target
    everything = source.and_other_are_all(target, len(inputs.class_names))
    return target.indices if everything else (*source.indices, *target.indices)


@dataclass(frozen=True, slots=True)
class Captions:
    """What stands on an atlas' sheets, and where they go.

    Attributes:
        scope: what the atlas is of; folder: of the run, "" for the run folder itself.
        gave_candidates: cells to be marked, by name.
        unnamed: classes that no cell is labelled with, since its place says so, or all cells support them.
        pool: what the pictures show decides which word stands.
    """

    inputs: Inputs
    scope: Scope
    pool: ImagePool
    folder: str = ""
    gave_candidates: Collection[str] = ()
    unnamed: Collection[int] = ()

    def file(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    def labels(self, atlas: Atlas, level: int) -> dict[str, str]:
        """The name of the class that each cell of a level supports most, where other pictures bear it out."""
        keys = self.pool.keys
        shown = np.array([self.pool.image(row).label for row in range(len(keys))], dtype=np.int64)
        half = halves_of(atlas.samples, keys, self.inputs.config.seed)
        named = borne_out(atlas, level, shown, half, self.unnamed)
        return {cell: self.inputs.class_names[index] for cell, index in named.items()}


def draw_sheets(folder: RunFolder, atlas: Atlas, art: TileArt, captions: Captions, progress: Progress) -> None:
    """Draw a sheet a level, coloured by either push, and a Hinton diagram, which comes last."""
    inputs = captions.inputs
    levels = inputs.config.atlas.levels
    progress.start("drawing the atlas", len(levels))
    for level in levels:
        cells = atlas.at_level(level)
        notes = Notes(labels=captions.labels(atlas, level), candidates=frozenset(captions.gave_candidates))
        folder.write(captions.file(f"{level}.webp"), webp_bytes(draw_sheet(cells, art, captions.scope, notes)))
        if any(np.isfinite(cell.predicted_push) for cell in cells):
            notes = replace(notes, colour_by="predicted")
            sheet = draw_sheet(cells, art, captions.scope, notes)
            folder.write(captions.file(f"{level}-predicted.webp"), webp_bytes(sheet))
        progress.advance()
    coarsest = atlas.at_level(min(levels))
    hinton = draw_hinton(choose_cells(coarsest), art, inputs.class_names, inputs.source, inputs.target)
    folder.write(captions.file(HINTON), png_bytes(hinton))


def natural_crops(inputs: Inputs, pool: ImagePool) -> CropOf:
    """Crops of the pool's pictures around the layer's positions, as wide as the widest candidate."""
    _, grid_height, grid_width = inputs.cut.feature_shape
    return crops_from_pixels(pool.prepared, grid_height, grid_width, max(inputs.config.candidates.sizes))


def _read(run: Run) -> None:
    del run


_FILES = (CELLS, f"{FOLDER}/*", f"{FOLDER}/cells/*", f"{FOLDER}/layer-*/*", f"{FOLDER}/layer-*/cells/*")
_ICONS = (f"{PASTED_ICONS}/*", f"{PASTED_ICONS}/layer-*/*")
SHEETS = Stage("sheets", (IMAGES, ICONS, CANDIDATES), (*_FILES, *_ICONS), _make, _read, needed=_FILES)
