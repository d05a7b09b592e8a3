"""The atlas of patches as pasted: crops placed by what they would push, and by what the network sees of them there.

The paper's atlas maps activations in their own photographs. What a patch does depends on the features it has where it
is pasted, so here a sample is a crop, its vector the mean features under it on source pictures, and left to right is
the push foretold by crops of other pictures, over what covering does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from auditor.atlas.activations import ActivationSet
from auditor.atlas.embedding import CPU
from auditor.atlas.grid import bin_numbers, clustered_mean, members_of, nearest_of_pictures
from auditor.atlas.kinds import PAIR_FITTED, Atlas, AtlasKind, likeness_of
from auditor.atlas.layout import pair_layout
from auditor.atlas.vectors import Vectors
from auditor.candidates.crops import CropPlan, cell_names
from auditor.candidates.ladder import Climb
from auditor.candidates.scene import Scene
from auditor.candidates.screening import TailScreen
from auditor.core.config import AtlasConfig
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import Cell, CellHeld, Exemplar, FloatArray, HeldLevel, IntArray, PixelArray, Split

COVERINGS = 16
"""Drawn of each kind to tell what covering alone pushes."""

COVERING_PATCHES = 2 * COVERINGS + 1
"""Of all kinds together."""

_COVERED_WITH = ("noise", "grey", "a part of a source picture")
"""The kinds in their order, for messages."""

HELD_CROPS = 3
"""Crops of a cell, each of another picture, whose own push says whether the cell holds."""

_ONE_SIDED_95 = 1.645


def covering_push(scene: Scene, screen: TailScreen) -> float:
    """What covering alone pushes, logits: the strongest kind's mean over what is drawn of it."""
    kinds = covering_patches(scene, screen.side_px)
    names = [f"a covering of {name}" for name, kind in zip(_COVERED_WITH, kinds, strict=False) for _ in kind]
    pushes = screen.screen([patch for kind in kinds for patch in kind], names)
    starts = np.cumsum([0, *map(len, kinds)])
    return max(float(pushes[start : start + len(kind)].mean()) for start, kind in zip(starts, kinds, strict=False))


def covering_patches(scene: Scene, side_px: int) -> list[list[PixelArray]]:
    """Patches without content by their kind: noise, grey, and places of source pictures of discovery, where there are.

    Returns:
        (3, side_px, side_px) uint8 each.
    """
    generator = keyed_generator(scene.seed, "covering for screening")
    kinds: list[list[PixelArray]] = [
        [generator.integers(0, 256, (3, side_px, side_px), dtype=np.uint8) for _ in range(COVERINGS)],
        [np.full((3, side_px, side_px), 128, dtype=np.uint8)],
    ]
    rows = scene.pool.rows(Split.DISCOVERY, scene.source.indices)
    if len(rows):
        drawn = generator.choice(rows, COVERINGS).tolist()
        kinds.append([_anywhere(scene.pool.pixels[row], side_px, generator) for row in drawn])
    return kinds


def _anywhere(picture: PixelArray, side: int, generator: np.random.Generator) -> PixelArray:
    top, left = (int(generator.integers(length - side + 1)) for length in picture.shape[1:])
    return picture[:, top : top + side, left : left + side]


def place_crops(
    plans: Sequence[CropPlan],
    climbed: Climb,
    covering: float,
    config: AtlasConfig,
    seed: int,
    progress: Progress,
    device: torch.device = CPU,
) -> Atlas:
    """Lay crops out by the push foretold and by likeness of what is seen in them, and bin them.

    Args:
        plans: (S,) crops, as the climb numbers them.
        covering: the push that 0 stands for, logits.
        seed: decides the layout.
        device: as for `likeness_of`.
    Returns:
        An atlas of kind `PASTED`. Its samples stand for the (S, D) mean features under each crop where it is pasted,
        which stay in the climb's shards (`vectors` is (S, 0)); their contrast is the push foretold over covering. Cells
        carry that push as predicted, and as observed push the mean contrast of their crops' centres in their own
        photographs, NaN where it is known of none.
    """
    progress.start("atlas of patches as pasted", 1 + len(config.levels))
    rows = np.array([plan.image_row for plan in plans], dtype=np.int64)
    _, picture, crops = np.unique(rows, return_inverse=True, return_counts=True)
    samples = ActivationSet(
        vectors=np.empty((len(plans), 0), dtype=np.float32),
        attribution=np.empty((len(plans), 0), dtype=np.float32),
        contrast=climbed.foretold - np.float32(covering),
        image_row=rows,
        y=np.array([plan.y for plan in plans], dtype=np.int64),
        x=np.array([plan.x for plan in plans], dtype=np.int64),
        weight=(1.0 / crops[picture]).astype(np.float32),
        strongest=np.zeros(len(plans), dtype=np.bool_),
    )
    likeness = replace(likeness_of(config, device=device), fitted=PAIR_FITTED)
    seen = climbed.pasted.seen
    xy = pair_layout(seen, samples.contrast, likeness, seed)
    progress.advance()
    cells: list[Cell] = []
    for level in config.levels:
        members = [(at, inside) for at, inside in members_of(bin_numbers(xy, level)) if len(inside) >= config.min_count]
        means, alike = _means_and_likeness(seen, samples.weight, [inside for _, inside in members])
        cells += [
            _cell(samples, plans, _Members(level, number, inside, mean, alike[inside]), config.exemplars)
            for (number, inside), mean in zip(members, means, strict=True)
        ]
        progress.advance()
    return Atlas(samples, xy, tuple(cells), len(plans), AtlasKind.PASTED)


def _means_and_likeness(
    seen: Vectors, weight: FloatArray, cells: Sequence[IntArray]
) -> tuple[FloatArray, NDArray[np.float64]]:
    """(C, D) mean vector of each cell's samples, and (S,) the cosine of each sample with it, times the mean's length.

    Two passes over the parts. Samples are added one after the other, so that no sum depends on the parts.
    """
    own = np.full(len(seen), -1, dtype=np.int64)
    for number, inside in enumerate(cells):
        own[inside] = number
    sums: NDArray[np.float64] = np.zeros((len(cells), 0))
    for rows, part in seen:
        sums = sums if sums.shape[1] else np.zeros((len(cells), part.shape[1]))
        inside = np.flatnonzero(own[rows] >= 0)
        weighted = part[inside].astype(np.float64) * weight[rows][inside, np.newaxis]
        np.add.at(sums, own[rows][inside], weighted)
    weights = np.array([weight[inside].sum(dtype=np.float64) for inside in cells])
    means: FloatArray = (sums / weights[:, np.newaxis]).astype(np.float32)
    alike = np.full(len(seen), np.nan)
    for rows, part in seen:
        inside = np.flatnonzero(own[rows] >= 0)
        wide = part[inside].astype(np.float64)
        lengths = np.maximum(np.linalg.norm(wide, axis=1), np.finfo(np.float32).tiny)
        alike[rows.start + inside] = np.einsum("nd,nd->n", wide, means[own[rows][inside]]) / lengths
    return means, alike


@dataclass(frozen=True, slots=True)
class _Members:
    """The samples of a cell, their mean vector (D,), and how like it each of them is."""

    level: int
    number: int
    samples: IntArray
    mean: FloatArray
    alike: NDArray[np.float64]


def _cell(samples: ActivationSet, plans: Sequence[CropPlan], inside: _Members, exemplars: int) -> Cell:
    members, level, number = inside.samples, inside.level, inside.number
    weight, pictures = samples.weight[members], samples.image_row[members]
    push, push_error = clustered_mean(samples.contrast[members], weight, pictures)
    observed = np.array([plans[member].contrast for member in members.tolist()])
    known = np.isfinite(observed)
    contrast, contrast_error = math.nan, math.nan
    if known.any():
        contrast, contrast_error = map(float, clustered_mean(observed[known], weight[known], pictures[known]))
    none = np.empty(0, dtype=np.float32)
    return Cell(
        level=level,
        column=number % level,
        row=number // level,
        count=len(members),
        images=len(np.unique(pictures)),
        mean_activation=inside.mean,
        mean_attribution=none,
        attribution_error=none,
        contrast=contrast,
        contrast_error=contrast_error,
        exemplars=tuple(
            Exemplar(plans[crop].image_row, plans[crop].y, plans[crop].x, plans[crop].contrast, plans[crop].size)
            for crop in nearest_of_pictures(members, inside.alike, samples.image_row, exemplars).tolist()
        ),
        predicted_push=float(push),
        predicted_push_error=float(push_error),
    )


def crops_to_measure(atlas: Atlas, measured: Sequence[int], most: int, seed: int) -> list[int]:
    """Which crops to send through the tail beside those that went, so that it can be told which cells hold.

    Coarse levels come first. Of each cell as many pictures as are missing to `HELD_CROPS`, a crop of each, drawn at
    random; where that is more than `most`, the first cells in a random order.
    """
    generator = keyed_generator(seed, "crops that hold cells")
    rows, known = atlas.samples.image_row, set(measured)
    wanted: list[int] = []
    for level in sorted({cell.level for cell in atlas.cells}):
        names = {cell.name for cell in atlas.at_level(level)}
        named = np.array(cell_names(atlas.xy, level))
        for name in generator.permutation(sorted(names)).tolist():
            members = np.flatnonzero(named == name).tolist()
            seen = {int(rows[crop]) for crop in members if crop in known}
            for crop in generator.permutation(members).tolist():
                if len(seen) >= HELD_CROPS or len(wanted) >= most:
                    break
                if int(rows[crop]) not in seen:
                    seen.add(int(rows[crop]))
                    known.add(crop)
                    wanted.append(crop)
    return wanted


def with_held(atlas: Atlas, measured: IntArray, pushes: FloatArray, covering: float) -> Atlas:
    """The atlas with its cells told whether they hold, by crops that the tail has measured.

    A crop is placed by other pictures' crops alone, so its own push is news to its cell. Of each picture in a cell the
    mean counts once. Their spread within cells, taken over all cells of a level together, gives the error of a cell's
    mean; a cell holds where that mean lies on the side of covering on which the cell does, by more than 1.645 errors.

    Args:
        measured: (M,) numbers of crops; pushes: (M,) theirs, logits.
    """
    over, rows = pushes.astype(np.float64) - covering, atlas.samples.image_row[measured]
    cells: list[Cell] = []
    for level in dict.fromkeys(cell.level for cell in atlas.cells):
        named = np.array(cell_names(atlas.xy, level))[measured]
        own = atlas.at_level(level)
        values = [_picture_means(over[named == cell.name], rows[named == cell.name]) for cell in own]
        spread = _spread_within(values)
        cells += [replace(cell, held=_held(cell, of_cell, spread)) for cell, of_cell in zip(own, values, strict=True)]
    return replace(atlas, cells=tuple(cells))


def _picture_means(values: NDArray[np.float64], rows: IntArray) -> NDArray[np.float64]:
    """One mean a picture."""
    _, picture, count = np.unique(rows, return_inverse=True, return_counts=True)
    means: NDArray[np.float64] = np.bincount(picture, values, len(count)) / count
    return means


def _spread_within(cells: Sequence[NDArray[np.float64]]) -> float:
    """Standard deviation within cells, over all of them together; NaN where no cell has two values."""
    freedom = sum(len(values) - 1 for values in cells if len(values))
    apart = sum(float(np.square(values - values.mean()).sum()) for values in cells if len(values))
    return math.sqrt(apart / freedom) if freedom else math.nan


def _held(cell: Cell, values: NDArray[np.float64], spread: float) -> CellHeld:
    if not len(values):
        return CellHeld(0, math.nan, math.nan, False)
    mean, error = float(values.mean()), spread / math.sqrt(len(values))
    side = math.copysign(1.0, cell.predicted_push)
    return CellHeld(len(values), mean, error, side * mean > _ONE_SIDED_95 * error)


def held_levels(atlas: Atlas) -> tuple[HeldLevel, ...]:
    """How many cells of each level hold."""
    levels = dict.fromkeys(cell.level for cell in atlas.cells)
    return tuple(HeldLevel.of(level, atlas.at_level(level)) for level in levels)


def in_refuted_cells(atlas: Atlas) -> NDArray[np.bool_]:
    """(S,) whether each sample lies in a cell of the finest level that does not hold, or pushes less than covering."""
    refuted = {
        cell.name for cell in atlas.cells if cell.held is not None and not (cell.held.holds and cell.predicted_push > 0)
    }
    return np.array([name in refuted for name in finest_cells(atlas)], dtype=np.bool_)


def finest_cells(atlas: Atlas) -> list[str]:
    """The name of each sample's cell at the finest level, (S,); "" where its bin holds too few to be one."""
    level = max(cell.level for cell in atlas.cells) if atlas.cells else 1
    known = {cell.name for cell in atlas.at_level(level)}
    return [name if name in known else "" for name in cell_names(atlas.xy, level)]
