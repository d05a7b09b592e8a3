"""The atlas of a run's pair: activations collected, laid out and binned, and which of its cells hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace

import numpy as np

from auditor.atlas.activations import ActivationSet
from auditor.atlas.build import build_pair_atlas
from auditor.atlas.cell_labels import cell_labels
from auditor.atlas.collection import Mapped
from auditor.atlas.kinds import Atlas, AtlasKind, likeness_of
from auditor.atlas.stability import AtlasStability, halves_of, measure_stability, repeated_layouts
from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes
from auditor.core.records import Cell, ImagePool
from auditor.core.shelf import Inside
from auditor.run.engines import hands
from auditor.run.folder import Json, RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.images import IMAGES
from auditor.run.tables import cells_from_table, cells_table

LABELS_KEPT = 5
ACTIVATIONS = "activations"
_SAMPLES, _CELLS = "cache/samples.safetensors", "cache/cells.parquet"


def _make(run: Run, folder: RunFolder) -> Facts:
    if not run.inputs.mapped:  # an empty one, so that what follows has nothing to map and goes on
        empty = ActivationSet.empty()
        arrays = {field.name: getattr(empty, field.name) for field in fields(ActivationSet)}
        folder.write(_SAMPLES, arrays_to_bytes({**arrays, "xy": np.empty((0, 2), dtype=np.float32)}))
        folder.write_table(_CELLS, cells_table((), ()))
        return {"collected": 0, "kept": 0, "cells": 0, "stability": []}
    atlas = build_pair_atlas(open_mapped(run), Inside(folder, ACTIVATIONS), hands(run, open_mapped))
    return keep_atlas(run, folder, run.get(IMAGES), atlas)


def open_mapped(run: Run) -> Mapped:
    """What a run's atlases are made of."""
    inputs, config = run.inputs, run.config
    return Mapped(
        cut=inputs.cut,
        pool=run.get(IMAGES),
        pair=(inputs.source, inputs.target),
        config=config.atlas,
        batch_size=config.compute.batch_size,
        seed=config.seed,
        progress=run.progress,
    )


def keep_atlas(run: Run, folder: RunFolder, pool: ImagePool, atlas: Atlas) -> Facts:
    """Measure which of an atlas' cells hold, and write samples and cells. Returns what the manifest notes."""
    atlas, stability = _with_stability(atlas, run, pool)
    write_atlas(folder, replace(atlas, cells=labelled(atlas.cells)), pool, _SAMPLES, _CELLS)
    levels: list[Json] = [asdict(level) for level in stability]
    return {"collected": atlas.collected, "kept": len(atlas.samples), "cells": len(atlas.cells), "stability": levels}


def write_atlas(folder: RunFolder, atlas: Atlas, pool: ImagePool, samples: str, cells: str) -> None:
    """Keep an atlas in two files of a run folder."""
    arrays = {field.name: getattr(atlas.samples, field.name) for field in fields(ActivationSet)}
    folder.write(samples, arrays_to_bytes({**arrays, "xy": atlas.xy}))
    folder.write_table(cells, cells_table(atlas.cells, pool.keys))


def read_atlas(
    folder: RunFolder, collected: int, kind: AtlasKind = AtlasKind.PAIR, samples: str = _SAMPLES, cells: str = _CELLS
) -> Atlas:
    """An atlas as it stands in a run folder."""
    arrays = arrays_from_bytes(folder.read(samples))
    xy = arrays.pop("xy")
    return Atlas(ActivationSet(**arrays), xy, cells_from_table(folder.read_table(cells)), collected, kind)


def labelled(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells with the classes they support."""
    return tuple(replace(cell, supports=cell_labels(cell, LABELS_KEPT)) for cell in cells)


def _with_stability(atlas: Atlas, run: Run, pool: ImagePool) -> tuple[Atlas, tuple[AtlasStability, ...]]:
    config = run.config
    if not config.atlas.repeats:
        return atlas, ()
    half = halves_of(atlas.samples, [image.key for image in pool.images], config.seed)
    layouts = repeated_layouts(
        atlas.samples, likeness_of(config.atlas), config.seed, config.atlas.repeats, run.progress
    )
    measured = [measure_stability(atlas, level, half, layouts) for level in config.atlas.levels]
    cells = tuple(cell for at_level, _ in measured for cell in at_level)
    return replace(atlas, cells=cells), tuple(summary for _, summary in measured)


def _read(run: Run) -> Atlas:
    return read_atlas(run.folder, run.fact(ATLAS, "collected"))


ATLAS = Stage("atlas", (IMAGES,), (_SAMPLES, _CELLS, f"{ACTIVATIONS}/*"), _make, _read, needed=(_SAMPLES, _CELLS))
