"""The atlas of a run: collected, laid out, rendered and drawn once, kept in the run folder, and read back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from auditor.atlas.activations import ActivationSet
from auditor.atlas.build import build_pair_atlas
from auditor.atlas.cell_labels import cell_labels
from auditor.atlas.drawings.canvas import png_bytes, webp_bytes
from auditor.atlas.drawings.hinton import choose_cells, draw_hinton
from auditor.atlas.drawings.natural_crops import CropOf, crops_from_pixels
from auditor.atlas.drawings.sheet import Notes, Scope, draw_sheet
from auditor.atlas.drawings.strip import draw_cell_strip
from auditor.atlas.drawings.tiles import TileArt
from auditor.atlas.icons.objective import Whitening
from auditor.atlas.icons.render import icon_settings, render_icons
from auditor.atlas.kinds import Atlas, AtlasKind, likeness_of
from auditor.atlas.shards import read_shard, read_shard_attribution, shard_to_bytes
from auditor.atlas.stability import AtlasStability, halves_of, measure_stability, repeated_layouts
from auditor.core.progress import Within
from auditor.core.records import Cell, FloatArray, ImagePool, PixelArray, by_push
from auditor.inputs.opening import Setup
from auditor.run.folder import Json, RunFolder
from auditor.run.stages.old_stages import fact, timed, write_cells
from auditor.run.tables import cells_from_table

ICONS_A_FILE = 32
"""Icons kept in one file: what an interruption costs at most."""

HINTON = "hinton.png"
LABELS_KEPT = 5
STRIPS = 10
"""Cells of strongest push whose exemplars are drawn in a row for the report, beside those that gave candidates."""


@dataclass(frozen=True, slots=True)
class RunShelf:
    """The shards of one collection in a run folder, one safetensors file each."""

    run: RunFolder
    folder: str = "activations"

    def _file(self, number: int) -> str:
        return f"{self.folder}/{number:05d}.safetensors"

    def has(self, number: int) -> bool:
        return self.run.has(self._file(number))

    def write(self, number: int, samples: ActivationSet) -> None:
        self.run.write_bytes(self._file(number), shard_to_bytes(samples))

    def read(self, number: int) -> ActivationSet:
        return read_shard(self.run.path / self._file(number))

    def read_attribution(self, number: int) -> FloatArray:
        return read_shard_attribution(self.run.path / self._file(number))


def atlas_stage(run: RunFolder, setup: Setup, pool: ImagePool) -> Atlas:
    """Build the atlas of the pair, and measure which of its cells hold."""

    def make() -> Mapping[str, Json]:
        config = setup.config
        atlas = build_pair_atlas(
            setup.cut, pool, setup.source, setup.target, config.atlas, config.trials.batch_size, config.seed,
            setup.progress, RunShelf(run),
        )  # fmt: skip
        return keep_atlas(run, setup, pool, atlas)

    timed(run, "atlas", make)
    return read_atlas(run, fact(run, "atlas", "collected"))


def keep_atlas(run: RunFolder, setup: Setup, pool: ImagePool, atlas: Atlas) -> Mapping[str, Json]:
    """Measure which of an atlas' cells hold, and write samples and cells. Returns what the manifest notes."""
    atlas, stability = _with_stability(atlas, setup, pool)
    write_samples(run, atlas)
    if not run.has("cells.parquet"):  # after a lost cache, the screened cells that stand there are worth more
        write_cells(run, pool, labelled(atlas.cells))
    levels: list[Json] = [asdict(level) for level in stability]
    return {"collected": atlas.collected, "kept": len(atlas.samples), "cells": len(atlas.cells), "stability": levels}


def write_samples(run: RunFolder, atlas: Atlas) -> None:
    """Keep an atlas' samples and where they lie."""
    arrays = {field.name: getattr(atlas.samples, field.name) for field in fields(ActivationSet)}
    run.write_bytes("cache/samples.safetensors", save_arrays({**arrays, "xy": atlas.xy}))


def read_atlas(run: RunFolder, collected: int, kind: AtlasKind = AtlasKind.PAIR) -> Atlas:
    """An atlas as it stands in a run folder."""
    arrays = load_arrays(run.read_bytes("cache/samples.safetensors"))
    xy = arrays.pop("xy")
    return Atlas(ActivationSet(**arrays), xy, cells_from_table(run.read_table("cells.parquet")), collected, kind)


def labelled(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells with the classes they support."""
    return tuple(replace(cell, supports=cell_labels(cell, LABELS_KEPT)) for cell in cells)


def _with_stability(atlas: Atlas, setup: Setup, pool: ImagePool) -> tuple[Atlas, tuple[AtlasStability, ...]]:
    config = setup.config
    if not config.atlas.repeats:
        return atlas, ()
    half = halves_of(atlas.samples, [image.key for image in pool.images], config.seed)
    layouts = repeated_layouts(
        atlas.samples, likeness_of(config.atlas), config.seed, config.atlas.repeats, setup.progress
    )
    measured = [measure_stability(atlas, level, half, layouts) for level in config.atlas.levels]
    cells = tuple(cell for at_level, _ in measured for cell in at_level)
    return replace(atlas, cells=cells), tuple(summary for _, summary in measured)


def icons_stage(run: RunFolder, setup: Setup, atlas: Atlas) -> Mapping[str, PixelArray]:
    """Render the icons of at most as many cells as configured; name of the cell → (3, s, s) uint8."""
    cells = cells_with_icons(atlas, setup.config.atlas.icons)

    def make() -> Mapping[str, Json]:
        scores = render_cells(run, setup, cells, atlas.samples.vectors)
        return {"icons": len(cells), "mean_score": round(float(np.mean(scores)), 4) if scores else None}

    timed(run, "icons", make)
    return read_icons(run, cells)


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


def render_cells(run: RunFolder, setup: Setup, cells: Sequence[Cell], vectors: FloatArray) -> list[float]:
    """Render the icons of cells a file at a time; files that are there are kept. Returns the icons' scores."""
    whitening = Whitening.fit(vectors) if cells else None
    scores: list[float] = []
    setup.progress.start("icons", len(cells))
    for number, part in _files(cells):
        file = f"cache/icons/{number:04d}.safetensors"
        if run.has(file):
            setup.progress.advance(len(part))
        else:
            means = np.stack([cell.mean_activation for cell in part])
            names = [cell.name for cell in part]
            icons = render_icons(
                setup.cut, means, names, icon_settings(setup.config.atlas), setup.config.seed, Within(setup.progress),
                whitening=whitening,
            )  # fmt: skip
            run.write_bytes(file, save_arrays({"pixels": icons.pixels, "scores": icons.scores}))
        scores += load_arrays(run.read_bytes(file))["scores"].tolist()
    return scores


def read_icons(run: RunFolder, cells: Sequence[Cell]) -> Mapping[str, PixelArray]:
    """The icons that `render_cells` made for these cells, by the cell's name."""
    found: dict[str, PixelArray] = {}
    for number, part in _files(cells):
        pixels = load_arrays(run.read_bytes(f"cache/icons/{number:04d}.safetensors"))["pixels"]
        found |= {cell.name: icon for cell, icon in zip(part, pixels, strict=True)}
    return found


def _files(cells: Sequence[Cell]) -> list[tuple[int, Sequence[Cell]]]:
    starts = range(0, len(cells), ICONS_A_FILE)
    return [(number, cells[start : start + ICONS_A_FILE]) for number, start in enumerate(starts)]


def sheets_stage(
    run: RunFolder, setup: Setup, pool: ImagePool, atlas: Atlas, icons: Mapping[str, PixelArray], gave: Collection[str]
) -> None:
    """Draw the pair's atlas with its candidates' cells marked."""

    def make() -> Mapping[str, Json]:
        draw_atlas(run, setup, pool, atlas, icons, gave)
        return {"levels": list(setup.config.atlas.levels)}

    timed(run, "sheets", make)


def draw_atlas(
    run: RunFolder,
    setup: Setup,
    pool: ImagePool,
    atlas: Atlas,
    icons: Mapping[str, PixelArray],
    gave_candidates: Collection[str] = (),
) -> None:
    """Draw the pair's atlas into `atlas/`: a sheet a level, coloured by either push, strips, and a Hinton diagram.

    Args:
        gave_candidates: cells to be marked, by name.
    """
    art = TileArt(natural_crops(setup, pool), icons)
    strongest = by_push(atlas.cells)[:STRIPS]
    gave = [cell for cell in atlas.cells if cell.name in gave_candidates]
    for cell in {one.name: one for one in (*strongest, *gave)}.values():
        strip = webp_bytes(draw_cell_strip(cell, art))
        run.write_bytes(f"atlas/cells/{cell.name.replace(':', '-')}.webp", strip)
    scope = Scope(setup.source.name, setup.target.name)
    draw_sheets(run, setup, atlas, art, scope, "atlas", gave_candidates, _said_by_the_axis(setup))


def _said_by_the_axis(setup: Setup) -> tuple[int, ...]:
    """The pair's own classes: which of them a cell supports its place across says already."""
    source, target = setup.source, setup.target
    everything = source.and_other_are_all(target, len(setup.class_names))
    return target.indices if everything else (*source.indices, *target.indices)


def draw_sheets(
    run: RunFolder,
    setup: Setup,
    atlas: Atlas,
    art: TileArt,
    scope: Scope,
    folder: str,
    gave_candidates: Collection[str] = (),
    unnamed: Collection[int] = (),
) -> None:
    """Draw a sheet a level, coloured by either push, and a Hinton diagram, which comes last, into a folder of a run.

    Args:
        gave_candidates: cells to be marked, by name.
        unnamed: classes that no cell is labelled with, since its place says so, or all cells support them.
    """
    names = setup.class_names
    supported = {cell.name: [one.index for one in cell.supports if one.index not in unnamed] for cell in atlas.cells}
    labels = {cell: names[indices[0]] for cell, indices in supported.items() if indices}
    setup.progress.start("drawing the atlas", len(setup.config.atlas.levels))
    for level in setup.config.atlas.levels:
        cells = atlas.at_level(level)
        notes = Notes(labels=labels, candidates=frozenset(gave_candidates))
        run.write_bytes(f"{folder}/{level}.webp", webp_bytes(draw_sheet(cells, art, scope, notes)))
        if any(np.isfinite(cell.predicted_push) for cell in cells):
            notes = replace(notes, colour_by="predicted")
            run.write_bytes(f"{folder}/{level}-predicted.webp", webp_bytes(draw_sheet(cells, art, scope, notes)))
        setup.progress.advance()
    coarsest = atlas.at_level(min(setup.config.atlas.levels))
    hinton = draw_hinton(choose_cells(coarsest), art, names, setup.source, setup.target)
    run.write_bytes(f"{folder}/{HINTON}", png_bytes(hinton))


def natural_crops(setup: Setup, pool: ImagePool) -> CropOf:
    """Crops of the pool's pictures around the layer's positions, as wide as the widest candidate."""
    _, grid_height, grid_width = setup.cut.feature_shape
    return crops_from_pixels(pool.pixels, grid_height, grid_width, max(setup.config.candidates.sizes))
