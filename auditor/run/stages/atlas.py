"""The atlas of a run's pair in each of its layers: activations laid out and binned, and which cells hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from pydantic import TypeAdapter

from auditor.atlas.activations import ActivationSet
from auditor.atlas.build import build_pair_atlases
from auditor.atlas.cell_labels import cell_labels
from auditor.atlas.collection import Mapped
from auditor.atlas.embedding import check_layout
from auditor.atlas.kinds import Atlas, AtlasKind, likeness_of
from auditor.atlas.stability import AtlasStability, halves_of, measure_stability, repeated_layouts
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
        folder.write_arrays(_SAMPLES, {**arrays, "xy": np.empty((0, 2), dtype=np.float32)})
        folder.write_table(_CELLS, cells_table((), ()))
        return {"collected": 0, "kept": 0, "cells": 0, "stability": []}
    check_layout(run.config.atlas.layout)  # a run may be gone on with where less is installed
    layers, pool = open_layers(run), run.get(IMAGES)
    shelves = [Inside(folder, folder_of_layer(ACTIVATIONS, number)) for number in range(len(layers))]
    atlases = build_pair_atlases(layers, shelves, hands(run, open_layers))
    first, *further = [keep_atlas(run, folder, pool, atlas, number) for number, atlas in enumerate(atlases)]
    return {**first, "further": further} if further else first


def of_layer(file: str, number: int) -> str:
    """A file's name for one of a run's layers, counted from 0: the first one's is that of a run with one layer."""
    stem, dot, suffix = file.rpartition(".")
    return f"{stem}-{number + 1}{dot}{suffix}" if number else file


def folder_of_layer(folder: str, number: int) -> str:
    """The same of a folder: the further layers' lie inside the first one's."""
    return f"{folder}/layer-{number + 1}" if number else folder


def open_layers(run: Run) -> tuple[Mapped, ...]:
    """What the atlases of a run's pair are made of, in each of its layers."""
    mapped, each = open_mapped(run), run.inputs.by_layer
    return tuple(replace(mapped, cut=one.cut, layer=one.layer) for one in each) if len(each) > 1 else (mapped,)


def open_mapped(run: Run) -> Mapped:
    """What a run's atlases are made of at its first layer."""
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


def keep_atlas(run: Run, folder: RunFolder, pool: ImagePool, atlas: Atlas, number: int = 0) -> Facts:
    """Measure which of an atlas' cells hold, and write samples and cells. Returns what the manifest notes.

    Args:
        number: of the run's layer that it is of, from 0.
    """
    atlas, stability = _with_stability(atlas, run, pool)
    cells = labelled(atlas.cells, run.inputs.by_layer[number].layer)
    samples, table = (of_layer(file, number) for file in (_SAMPLES, _CELLS))
    write_atlas(folder, replace(atlas, cells=cells), pool, samples, table)
    levels: list[Json] = [asdict(level) for level in stability]
    return {"collected": atlas.collected, "kept": len(atlas.samples), "cells": len(atlas.cells), "stability": levels}


def write_atlas(folder: RunFolder, atlas: Atlas, pool: ImagePool, samples: str, cells: str) -> None:
    """Keep an atlas in two files of a run folder."""
    arrays = {field.name: getattr(atlas.samples, field.name) for field in fields(ActivationSet)}
    folder.write_arrays(samples, {**arrays, "xy": atlas.xy})
    folder.write_table(cells, cells_table(atlas.cells, pool.keys))


def read_atlas(
    folder: RunFolder, collected: int, kind: AtlasKind = AtlasKind.PAIR, samples: str = _SAMPLES, cells: str = _CELLS
) -> Atlas:
    """An atlas as it stands in a run folder."""
    arrays = folder.read_arrays(samples)
    xy = arrays.pop("xy")
    return Atlas(ActivationSet(**arrays), xy, cells_from_table(folder.read_table(cells)), collected, kind)


def labelled(cells: Sequence[Cell], layer: str) -> tuple[Cell, ...]:
    """The cells of a layer with the classes they support."""
    return tuple(replace(cell, supports=cell_labels(cell, LABELS_KEPT), layer=layer) for cell in cells)


def _with_stability(atlas: Atlas, run: Run, pool: ImagePool) -> tuple[Atlas, tuple[AtlasStability, ...]]:
    config = run.config
    if not config.atlas.repeats:
        return atlas, ()
    half = halves_of(atlas.samples, [image.key for image in pool.images], config.seed)
    likeness = likeness_of(config.atlas, device=run.inputs.classifier.device)
    layouts = repeated_layouts(atlas.samples, likeness, config.seed, config.atlas.repeats, run.progress)
    measured = [measure_stability(atlas, level, half, layouts) for level in config.atlas.levels]
    cells = tuple(cell for at_level, _ in measured for cell in at_level)
    return replace(atlas, cells=cells), tuple(summary for _, summary in measured)


def _read(run: Run) -> Atlas:
    return read_atlas(run.folder, run.fact(ATLAS, "collected"))


def atlases_of(run: Run) -> tuple[Atlas, ...]:
    """The atlas of the pair in each of a run's layers, in their order."""
    first = run.get(ATLAS)
    facts = (run.folder.facts(ATLAS.name) or {}).get("further", [])
    noted = TypeAdapter(tuple[_Noted, ...]).validate_python(facts)
    further = []
    for number, one in enumerate(noted, start=1):
        samples, cells = (of_layer(file, number) for file in (_SAMPLES, _CELLS))
        further.append(read_atlas(run.folder, one.collected, AtlasKind.PAIR, samples, cells))
    return (first, *further)


@dataclass(frozen=True, slots=True)
class _Noted:
    """What is read back of what the manifest notes of a further layer."""

    collected: int


_NEEDED = (_SAMPLES, _CELLS, "cache/samples-*.safetensors", "cache/cells-*.parquet")
_FILES = (*_NEEDED, f"{ACTIVATIONS}/*", f"{ACTIVATIONS}/layer-*/*")
ATLAS = Stage("atlas", (IMAGES,), _FILES, _make, _read, needed=_NEEDED)
