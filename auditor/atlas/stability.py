"""Whether a cell's contrast holds on other pictures and in other layouts. It measures; it drops no cell.

A pair's layout bins by contrast, so to look into the same bin again would find the same contrast again. Here a cell's
feature is always looked up by likeness of activations, which knows nothing of contrast, and its contrast is read from
pictures other than those that said where to look:

- halves: the pictures are split in two. One half's samples give each cell a mean activation; a sample of the other half
  shows the cell whose mean is nearest by cosine. The mean contrast of those that show it is the feature's contrast
  there; and the other way round.
- layouts: the plane of likeness is laid out again with other seeds and settings, and cut into regions. One half's
  members of the cell say in which regions it lies, in which shares; the other half's activations in those regions, in
  those shares, give the contrast; and the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from auditor.atlas.activations import ActivationSet
from auditor.atlas.embedding import Likeness, nearest_of, unit_vectors
from auditor.atlas.grid import bin_numbers, clustered_mean
from auditor.atlas.kinds import PAIR_FITTED, Atlas
from auditor.atlas.layout import plane_layout
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import Cell, CellStability, FloatArray, IntArray

REGION_SAMPLES = 20
"""Samples a region of a repeated layout holds on average; fewer would leave its contrast to chance."""

LEAST_ERRORS = 2.0
"""A contrast within this many standard errors of 0 is lost in its error."""


@dataclass(frozen=True, slots=True)
class AtlasStability:
    """How much of one level's contrast holds.

    Attributes:
        cells: cells of the level; surviving: those that survive.
        halves: Spearman's correlation over cells of the contrast in one half with that in the other.
        layouts: of a cell's contrast with that of its region, one number a repeated layout.
        together: mean over cells of the share of pairs of a cell's samples that lie in one region again.
        together_by_chance: that share for any two samples.
    """

    level: int
    cells: int
    surviving: int
    halves: float
    layouts: tuple[float, ...]
    together: float
    together_by_chance: float


def repeated_layouts(
    samples: ActivationSet, likeness: Likeness, seed: int, repeats: int, progress: Progress
) -> tuple[FloatArray, ...]:
    """Planes of likeness to compare with: each of another seed, every other one with wider neighbourhoods as well.

    Args:
        likeness: the atlas' own; at most 2000 samples are fitted and the others join them.
        repeats: layouts, 0 or more.
    Returns:
        (S, 2) in [0, 1] each.
    """
    progress.start("repeated layouts", repeats)
    layouts: list[FloatArray] = []
    for repeat in range(repeats):
        wider = 2.5 if repeat % 2 else 1.0  # the paper's own range of settings: 20 neighbours to 50
        settings = replace(
            likeness,
            neighbours=round(likeness.neighbours * wider),
            min_dist=likeness.min_dist * 2 * wider if repeat % 2 else likeness.min_dist,
            fitted=PAIR_FITTED,
        )
        again = int(keyed_generator(seed, "repeated layout", repeat).integers(2**31))
        layouts.append(plane_layout(samples.vectors, settings, again))
        progress.advance()
    return tuple(layouts)


def halves_of(samples: ActivationSet, keys: Sequence[str], seed: int) -> NDArray[np.bool_]:
    """Which samples (S,) are of the first half of the pictures; the hash of seed and key decides, picture by picture.

    Args:
        keys: of all pictures of the pool, so that `samples.image_row` is an index into it.
    """
    rows, index = np.unique(samples.image_row, return_inverse=True)
    first = np.array([keyed_generator(seed, "half", keys[row]).random() < 0.5 for row in rows], dtype=np.bool_)
    chosen: NDArray[np.bool_] = first[index]
    return chosen


def measure_stability(
    atlas: Atlas, level: int, first_half: NDArray[np.bool_], layouts: Sequence[FloatArray]
) -> tuple[tuple[Cell, ...], AtlasStability]:
    """The cells of one level with their stability, and the level's as a whole.

    A cell survives if in both halves and in every repeated layout its contrast has the sign it has in the cell and lies
    more than two standard errors over images from 0. So a cell whose contrast is near 0 does not survive: it claims
    nothing that could hold.

    Args:
        atlas: with contrast, so a pair's, or one that was given a pair.
        level: of the grid.
        first_half: (S,) from `halves_of`.
        layouts: (S, 2) each, from `repeated_layouts`; none: only the halves decide.
    """
    samples, cells = atlas.samples, atlas.at_level(level)
    members = _members(atlas, cells, level)
    halves = _contrast_in_halves(samples, members, first_half)
    regions = [bin_numbers(layout, _region_level(len(samples))) for layout in layouts]
    found: list[Cell] = []
    seen: list[list[_Contrast]] = []
    for number, (cell, own) in enumerate(zip(cells, members, strict=True)):
        in_layouts = [_contrast_in_regions(samples, own, region, first_half) for region in regions]
        seen.append(in_layouts)
        stability = CellStability(
            halves=(halves[0][number].mean, halves[1][number].mean),
            layouts=tuple(each.mean for each in in_layouts),
            together=float(np.mean([_together(region[own]) for region in regions])) if regions else float("nan"),
            survives=all(each.holds(cell.contrast) for each in (halves[0][number], halves[1][number], *in_layouts)),
        )
        found.append(replace(cell, stability=stability))
    return tuple(found), _summary(level, found, regions)


@dataclass(frozen=True, slots=True)
class _Contrast:
    """Mean contrast and its standard error over images; NaN where nothing shows the feature."""

    mean: float
    error: float

    def holds(self, contrast: float) -> bool:
        return bool(np.sign(self.mean) == np.sign(contrast) and abs(self.mean) > LEAST_ERRORS * self.error)


_NOWHERE = _Contrast(float("nan"), float("nan"))


def _members(atlas: Atlas, cells: Sequence[Cell], level: int) -> list[IntArray]:
    bins = bin_numbers(atlas.xy, level)
    return [np.flatnonzero(bins == cell.row * level + cell.column).astype(np.int64) for cell in cells]


def _contrast_in_halves(
    samples: ActivationSet, members: Sequence[IntArray], first_half: NDArray[np.bool_]
) -> tuple[list[_Contrast], list[_Contrast]]:
    """Contrast of each cell's feature in the first half, looked up by the second's means; and in the second."""
    unit = unit_vectors(samples.vectors)
    return (
        _looked_up(samples, unit, members, ~first_half),
        _looked_up(samples, unit, members, first_half),
    )


def _looked_up(
    samples: ActivationSet, unit: FloatArray, members: Sequence[IntArray], known: NDArray[np.bool_]
) -> list[_Contrast]:
    """Cell means from the samples where `known`, contrast from the others."""
    of_known = [own[known[own]] for own in members]
    shown = [number for number, own in enumerate(of_known) if len(own)]
    contrasts = [_NOWHERE] * len(members)
    others = np.flatnonzero(~known)
    if not shown or not len(others):
        return contrasts
    means = np.stack(
        [np.average(samples.vectors[of_known[n]], axis=0, weights=samples.weight[of_known[n]]) for n in shown]
    )
    _, nearest = nearest_of(unit_vectors(means), unit[others], 1)
    for place, number in enumerate(shown):
        contrasts[number] = _contrast(samples, others[nearest[:, 0] == place])
    return contrasts


def _contrast_in_regions(
    samples: ActivationSet, own: IntArray, regions: IntArray, first_half: NDArray[np.bool_]
) -> _Contrast:
    """Contrast of the regions (S,) where a cell's samples lie, each half's regions read from the other half."""
    share = np.zeros(len(samples))
    for known in (first_half, ~first_half):
        numbers, counts = np.unique(regions[own[known[own]]], return_counts=True)
        for number, count in zip(numbers, counts, strict=True):
            there = ~known & (regions == number)
            total = samples.weight[there].sum(dtype=np.float64)
            share[there] += count / total if total else 0.0
    inside = np.flatnonzero(share)
    return _contrast(samples, inside, share[inside])


def _contrast(samples: ActivationSet, rows: IntArray, share: NDArray[np.float64] | None = None) -> _Contrast:
    if not len(rows):
        return _NOWHERE
    weight = samples.weight[rows].astype(np.float64)
    mean, error = clustered_mean(
        samples.contrast[rows], weight if share is None else weight * share, samples.image_row[rows]
    )
    return _Contrast(float(mean), float(error))


def _together(regions: IntArray) -> float:
    """Share of pairs of samples that lie in one region."""
    counts = np.unique(regions, return_counts=True)[1].astype(np.float64)
    total = counts.sum()
    return float((counts * (counts - 1)).sum() / (total * (total - 1))) if total > 1 else float("nan")


def _region_level(samples: int) -> int:
    return int(np.clip(np.sqrt(samples / REGION_SAMPLES), 2, 20))


def _summary(level: int, cells: Sequence[Cell], regions: Sequence[IntArray]) -> AtlasStability:
    known = [cell.stability for cell in cells if cell.stability is not None]
    contrast = np.array([cell.contrast for cell in cells])
    layouts = np.array([each.layouts for each in known]).reshape(len(cells), len(regions))
    halves = np.array([each.halves for each in known]).reshape(len(cells), 2)
    together = np.array([each.together for each in known])
    return AtlasStability(
        level=level,
        cells=len(cells),
        surviving=sum(each.survives for each in known),
        halves=_rank_correlation(halves[:, 0], halves[:, 1]),
        layouts=tuple(_rank_correlation(contrast, column) for column in layouts.T),
        together=float(np.nanmean(together)) if np.isfinite(together).any() else float("nan"),
        together_by_chance=float(np.mean([_together(region) for region in regions])) if regions else float("nan"),
    )


def _rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3 or np.ptp(first[both]) == 0.0 or np.ptp(second[both]) == 0.0:
        return float("nan")
    return float(spearmanr(first[both], second[both]).statistic)
