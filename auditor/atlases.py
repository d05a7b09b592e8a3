"""The atlases of a run: collected, laid out and drawn once, kept in the run folder, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from auditor.atlas.activations import ActivationSet
from auditor.atlas.pair import Atlas, build_pair_atlas
from auditor.atlas.pictures.canvas import png_bytes
from auditor.atlas.pictures.crops import crops_from_pixels
from auditor.atlas.pictures.sheet import Scope, draw_sheet
from auditor.atlas.pictures.tiles import TileArt
from auditor.records import ImagePool
from auditor.setup import Setup
from auditor.stages import fact, timed
from auditor.store import Json, RunFolder
from auditor.tables import cells_from_table, cells_table


def atlas_stage(run: RunFolder, setup: Setup, pool: ImagePool) -> Atlas:
    """Build the atlas of the pair and draw its sheets."""

    def make() -> Mapping[str, Json]:
        config = setup.config
        atlas = build_pair_atlas(
            setup.cut,
            pool,
            setup.source,
            setup.target,
            config.atlas,
            config.trials.batch_size,
            config.seed,
            setup.progress,
        )
        arrays = {field.name: getattr(atlas.samples, field.name) for field in fields(ActivationSet)}
        run.write_bytes("cache/samples.safetensors", save_arrays({**arrays, "xy": atlas.xy}))
        if not run.has("cells.parquet"):  # after a lost cache, the screened cells that stand there are worth more
            run.write_table("cells.parquet", cells_table(atlas.cells, [image.key for image in pool.images]))
        _draw_sheets(run, setup, pool, atlas)
        return {"collected": atlas.collected, "kept": len(atlas.samples), "cells": len(atlas.cells)}

    timed(run, "atlas", make)
    arrays = load_arrays(run.read_bytes("cache/samples.safetensors"))
    xy = arrays.pop("xy")
    return Atlas(
        samples=ActivationSet(**arrays),
        xy=xy,
        cells=cells_from_table(run.read_table("cells.parquet")),
        collected=fact(run, "atlas", "collected"),
    )


def _draw_sheets(run: RunFolder, setup: Setup, pool: ImagePool, atlas: Atlas) -> None:
    _, grid_height, grid_width = setup.cut.feature_shape
    crop_of = crops_from_pixels(pool.pixels, grid_height, grid_width, max(setup.config.candidates.sizes))
    for level in setup.config.atlas.levels:
        sheet = draw_sheet(atlas.at_level(level), TileArt(crop_of), Scope(setup.source.name, setup.target.name))
        run.write_bytes(f"atlas/{level}.png", png_bytes(sheet))
