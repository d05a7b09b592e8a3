"""The pictures of a run's atlas, with the cells marked that gave candidates, and the table of its cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
from auditor.core.records import ImagePool, PixelArray, by_push
from auditor.inputs.opening import Inputs
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.candidates import CANDIDATES, pushed_atlas
from auditor.run.stages.icons import ICONS
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
    gave = {patch.candidate.cell for patch in proposals.patches if patch.candidate.suggested}
    draw_atlas(run, folder, pushed_atlas(run), run.get(ICONS), gave)
    if proposals.pasted is not None:
        gave = {patch.candidate.pasted_cell for patch in proposals.patches if patch.candidate.suggested}
        draw_pasted(run, folder, proposals.pasted, gave, icons_of_pasted(run, folder, proposals.pasted))
    return {"levels": list(run.config.atlas.levels)}


def draw_atlas(
    run: Run, folder: RunFolder, atlas: Atlas, icons: Mapping[str, PixelArray], gave_candidates: Collection[str] = ()
) -> None:
    """Write the table of cells and draw the pair's atlas: a sheet a level, coloured by either push, strips, a diagram.

    Args:
        gave_candidates: cells to be marked, by name.
    """
    inputs, pool = run.inputs, run.get(IMAGES)
    folder.write_table(CELLS, cells_table(atlas.cells, [image.key for image in pool.images]))
    art = TileArt(natural_crops(inputs, pool), icons)
    strongest = by_push(atlas.cells)[:STRIPS]
    gave = [cell for cell in atlas.cells if cell.name in gave_candidates]
    for cell in {one.name: one for one in (*strongest, *gave)}.values():
        strip = webp_bytes(draw_cell_strip(cell, art))
        folder.write(f"{FOLDER}/cells/{cell.name.replace(':', '-')}.webp", strip)
    scope = Scope(inputs.source.name, inputs.target.name)
    captions = Captions(inputs, scope, pool, FOLDER, gave_candidates, _said_by_the_axis(inputs))
    draw_sheets(folder, atlas, art, captions, run.progress)


def draw_pasted(
    run: Run, folder: RunFolder, atlas: Atlas, gave_candidates: Collection[str], icons: Mapping[str, PixelArray]
) -> None:
    """Draw the atlas of crops as pasted, a sheet a level, coloured by the push foretold."""
    inputs = run.inputs
    art = TileArt(natural_crops(inputs, run.get(IMAGES)), icons)
    scope = Scope(inputs.source.name, inputs.target.name, AtlasKind.PASTED)
    levels = inputs.config.atlas.levels
    run.progress.start("drawing the atlas of patches as pasted", len(levels))
    for level in levels:
        gave = {name for cell in gave_candidates if (name := coarser(cell, level))}
        notes = Notes(colour_by="predicted", candidates=frozenset(gave))
        sheet = draw_sheet(atlas.at_level(level), art, scope, notes)
        folder.write(f"{FOLDER}/pasted-{level}.webp", webp_bytes(sheet))
        run.progress.advance()


def coarser(cell: str, level: int) -> str:
    """The name of the bin of another level that holds the middle of a cell, "" of no cell."""
    if not cell:
        return ""
    own, column, row = map(int, cell.split(":"))
    return f"{level}:{(2 * column + 1) * level // (2 * own)}:{(2 * row + 1) * level // (2 * own)}"


def _said_by_the_axis(inputs: Inputs) -> tuple[int, ...]:
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


_FILES = (CELLS, f"{FOLDER}/*", f"{FOLDER}/cells/*")
SHEETS = Stage("sheets", (IMAGES, ICONS, CANDIDATES), (*_FILES, f"{PASTED_ICONS}/*"), _make, _read, needed=_FILES)
