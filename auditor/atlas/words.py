"""Which cells may be given a word: the class that a cell supports most, where other pictures bear it out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.atlas.cell_labels import LEAST_ERRORS
from auditor.atlas.grid import bin_numbers, clustered_mean
from auditor.atlas.kinds import Atlas
from auditor.core.records import Cell, IntArray

LEVEL = 0.05
"""The chance that any word of a sheet is borne out by luck alone, at most."""

LEAST_SHARE = 0.5
"""Of a cell's other pictures show the class: a word is read as what the cell is, not as a tendency."""


def borne_out(
    atlas: Atlas, level: int, labels: IntArray, first_half: NDArray[np.bool_], unnamed: Collection[int] = ()
) -> dict[str, int]:
    """Words for the cells of a grid level, class index by cell name; a cell without one has none that would hold.

    Attribution names the class in one half of the pictures, and what the other half's pictures show decides: at least
    half of those in the cell are of that class, and more than by chance (exact binomial test against the class's share
    of that half, corrected over the level by Holm's method). Attribution is not asked twice, since every activation of
    a picture of a class tends to speak for it.

    Args:
        labels: (N,) class of each picture of the pool; a negative one is of none.
        first_half: (S,) which samples are of the first half, by picture.
        unnamed: classes that no cell is named after.
    """
    bins = bin_numbers(atlas.xy, level)
    other_pictures = np.unique(atlas.samples.image_row[~first_half])
    shown = np.bincount(
        labels[other_pictures][labels[other_pictures] >= 0], minlength=atlas.samples.attribution.shape[1]
    )
    asked: list[tuple[str, int, float, float]] = []
    for cell in atlas.at_level(level):
        members = bins == cell.row * level + cell.column
        index = _named(atlas, members & first_half, unnamed)
        pictures = np.unique(atlas.samples.image_row[members & ~first_half])
        if index is None or index != _supported(cell, unnamed) or not len(pictures):
            continue
        hits = int((labels[pictures] == index).sum())
        chance = float(stats.binom.sf(hits - 1, len(pictures), shown[index] / len(other_pictures)))
        asked.append((cell.name, index, hits / len(pictures), chance))
    holding = _holm([chance for *_, chance in asked])
    return {
        name: index
        for (name, index, share, _), holds in zip(asked, holding, strict=True)
        if holds and share >= LEAST_SHARE
    }


def _supported(cell: Cell, unnamed: Collection[int]) -> int | None:
    return next((one.index for one in cell.supports if one.index not in unnamed), None)


def _named(atlas: Atlas, members: NDArray[np.bool_], unnamed: Collection[int]) -> int | None:
    """The class that these samples support most, beyond two standard errors; None where none is."""
    samples = atlas.samples
    if not members.any():
        return None
    mean, error = clustered_mean(samples.attribution[members], samples.weight[members], samples.image_row[members])
    supported = (mean > 0) & (mean > LEAST_ERRORS * error)  # the error of one picture is NaN, and NaN compares as False
    supported[list(unnamed)] = False
    return int(np.argmax(np.where(supported, mean, -np.inf))) if supported.any() else None


def _holm(chances: Sequence[float]) -> list[bool]:
    """Which hypotheses Holm's method rejects at `LEVEL`."""
    holds = [False] * len(chances)
    for rank, place in enumerate(np.argsort(chances, kind="stable")):
        if chances[place] > LEVEL / (len(chances) - rank):
            break
        holds[place] = True
    return holds
