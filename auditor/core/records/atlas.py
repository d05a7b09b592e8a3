"""What an atlas is made of: exemplars and cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditor.core.records.basics import FloatArray


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One activation that stands for its cell: row of the picture in the pool and grid position in the layer.

    Where a crop stands for its cell, `share` is its width as a share of the picture's shorter side; else NaN.
    """

    image_row: int
    y: int
    x: int
    contrast: float
    share: float = float("nan")


@dataclass(frozen=True, slots=True)
class CellLabel:
    """A class that a cell supports: its index, mean attribution in logits, and the standard error over pictures."""

    index: int
    attribution: float
    error: float


@dataclass(frozen=True, slots=True)
class CellStability:
    """Whether a cell's contrast holds on other pictures and in other layouts.

    Attributes:
        halves: contrast of the cell's feature in two halves of the pictures, each looked up by likeness of
            activations, not by contrast; NaN where a half does not show the feature.
        layouts: contrast of the region its activations fall into, one number a repeated layout.
        together: share of pairs of its activations that lie in one region again, mean over the repeated layouts.
        survives: contrast keeps its sign, and is not lost in its error, in both halves and in every layout.
    """

    halves: tuple[float, float]
    layouts: tuple[float, ...]
    together: float
    survives: bool


@dataclass(frozen=True, slots=True)
class CellHeld:
    """Whether crops of a cell that had no part in placing it push as the cell does (atlas of patches as pasted).

    Attributes:
        pictures: that the crops were cut from, each counted once; push: their mean over covering, logits; NaN of none.
        error: its standard error; holds: the push lies on the cell's side of covering, and is not lost in its error.
    """

    pictures: int
    push: float
    error: float
    holds: bool


@dataclass(frozen=True, slots=True)
class HeldLevel:
    """One level of a layer's atlas of patches as pasted: its cells, those that hold, and of these those that push.

    To push is to move further towards the target than covering does.
    """

    level: int
    cells: int
    holding: int
    pushing: int
    layer: str = ""

    @classmethod
    def of(cls, level: int, cells: Sequence[Cell]) -> HeldLevel:
        """Counted among the cells of the level, which are of one layer."""
        holding = [cell for cell in cells if cell.holds]
        pushing = sum(cell.predicted_push > 0.0 for cell in holding)
        return cls(level, len(cells), len(holding), pushing, next((cell.layer for cell in cells), ""))


@dataclass(frozen=True, slots=True)
class Cell:
    """A bin of the layout at one grid level.

    Attributes:
        layer: whose activations it holds; "" in runs of earlier versions, which had one.
        level: bins along each side of the grid; column 0 is at the left (towards the source), row 0 at the top.
        count: activations in the cell; images: distinct pictures they come from; mean_activation: (D,).
        mean_attribution: (K,) to every class; attribution_error: its standard error over images.
        contrast: observed push, the mean in the cell; contrast_error: its standard error over images.
        predicted_push: mean screened effect of its exemplars on source images, NaN until screened; and its error.
        exemplars: activations nearest the cell's mean, nearest first, at most one a picture.
        stability: None where it was not measured.
        supports: the classes it supports most, largest attribution first; only those told apart from 0.
        held: of a cell of patches as pasted; None of any other.
    """

    level: int
    column: int
    row: int
    count: int
    images: int
    mean_activation: FloatArray
    mean_attribution: FloatArray
    attribution_error: FloatArray
    contrast: float
    contrast_error: float
    exemplars: tuple[Exemplar, ...]
    predicted_push: float = float("nan")
    predicted_push_error: float = float("nan")
    stability: CellStability | None = None
    supports: tuple[CellLabel, ...] = ()
    held: CellHeld | None = None
    layer: str = ""

    @property
    def name(self) -> str:
        return f"{self.level}:{self.column}:{self.row}"

    @property
    def holds(self) -> bool | None:
        """Whether what the cell says of push held on other pictures; None where that was not asked."""
        if self.held is not None:
            return self.held.holds
        return None if self.stability is None else self.stability.survives


def by_push(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Cells by predicted push, the strongest first; after them those without one, by observed push."""

    def order(cell: Cell) -> tuple[bool, float, str]:
        unknown = math.isnan(cell.predicted_push)
        return unknown, -(cell.contrast if unknown else cell.predicted_push), cell.name

    return tuple(sorted(cells, key=order))
