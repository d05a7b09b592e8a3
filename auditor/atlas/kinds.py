"""The three kinds of atlas, made from samples: of a pair, of one class, of everything. Collecting comes before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import torch

from auditor.atlas.activations import ActivationSet
from auditor.atlas.embedding import CPU, PAPER_CLASS, PAPER_FULL, Likeness
from auditor.atlas.grid import build_cells
from auditor.atlas.layout import pair_layout, plane_layout
from auditor.core.config import AtlasConfig
from auditor.core.progress import Progress
from auditor.core.records import Cell, FloatArray

PAIR_FITTED = 2000
"""Samples of a pair's atlas that UMAP sees: its one axis needs no more, and every audit waits for it."""


class AtlasKind(StrEnum):
    """What an atlas shows, which decides what its two axes mean."""

    PAIR = "pair"
    PASTED = "pasted"
    CLASS = "class"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Atlas:
    """Activations laid out and binned.

    Attributes:
        samples: the S activations that the filters kept.
        xy: (S, 2) their place in [0, 1], y downwards. In a pair's atlas x is the contrast with 0 at 0.5; in the others
            the axes have no meaning but nearness.
        cells: of all levels, in the order of the levels asked for. Contrast is NaN where no pair is given.
        collected: activations before filtering.
        kind: of a pair, of one class, or of everything.
    """

    samples: ActivationSet
    xy: FloatArray
    cells: tuple[Cell, ...]
    collected: int
    kind: AtlasKind = AtlasKind.PAIR

    @property
    def layer(self) -> str:
        """The layer that it is of, as its cells say; "" where none says so."""
        return next((cell.layer for cell in self.cells), "")

    def at_level(self, level: int) -> tuple[Cell, ...]:
        """The cells of one level."""
        return tuple(cell for cell in self.cells if cell.level == level)


def pair_atlas(
    samples: ActivationSet,
    config: AtlasConfig,
    seed: int,
    progress: Progress,
    collected: int | None = None,
    device: torch.device = CPU,
) -> Atlas:
    """The atlas of a pair: contrast to the right, likeness downwards.

    Args:
        samples: what the filters kept for the pair, with its contrast.
        seed: decides the layout.
        collected: activations before filtering; None: as many as there are samples.
        device: as for `likeness_of`.
    """
    progress.start("atlas", 1 + len(config.levels))
    likeness = replace(likeness_of(config, device=device), fitted=PAIR_FITTED)
    xy = pair_layout(samples.vectors, samples.contrast, likeness, seed)
    return _binned(samples, xy, AtlasKind.PAIR, config, progress, collected)


def class_atlas(
    samples: ActivationSet,
    config: AtlasConfig,
    seed: int,
    progress: Progress,
    collected: int | None = None,
    device: torch.device = CPU,
) -> Atlas:
    """The atlas of one class, in a plane of likeness; `samples` is what the filters kept for the class.

    What the configuration leaves out, UMAP takes from the paper's settings for sparse atlases: 50 neighbours, min_dist
    0.05.
    """
    progress.start("atlas", 1 + len(config.levels))
    xy = plane_layout(samples.vectors, likeness_of(config, PAPER_CLASS, device), seed)
    return _binned(samples, xy, AtlasKind.CLASS, config, progress, collected)


def full_atlas(
    samples: ActivationSet,
    config: AtlasConfig,
    seed: int,
    progress: Progress,
    xy: FloatArray | None = None,
    device: torch.device = CPU,
) -> Atlas:
    """The atlas of everything collected, in a plane of likeness.

    Args:
        xy: (S, 2) in [0, 1], a layout made elsewhere, such as one of several layers' common ones; None: a new one.
        device: as for `likeness_of`.
    """
    progress.start("atlas", 1 + len(config.levels))
    if xy is None:
        xy = plane_layout(samples.vectors, likeness_of(config, device=device), seed)
    return _binned(samples, xy, AtlasKind.FULL, config, progress, None)


def likeness_of(config: AtlasConfig, unset: Likeness = PAPER_FULL, device: torch.device = CPU) -> Likeness:
    """The configured likeness.

    Args:
        unset: gives what the configuration leaves out of neighbours and min_dist.
        device: the run's, which a method that can use a card is computed on.
    """
    return Likeness(
        method=config.layout,
        neighbours=unset.neighbours if config.neighbours is None else config.neighbours,
        min_dist=unset.min_dist if config.min_dist is None else config.min_dist,
        perplexity=config.perplexity,
        whitened=config.whiten,
        device=device,
    )


def _binned(
    samples: ActivationSet,
    xy: FloatArray,
    kind: AtlasKind,
    config: AtlasConfig,
    progress: Progress,
    collected: int | None,
) -> Atlas:
    progress.advance()
    cells: list[Cell] = []
    for level in config.levels:
        cells.extend(build_cells(samples, xy, level, config.min_count, config.exemplars))
        progress.advance()
    return Atlas(samples, xy, tuple(cells), len(samples) if collected is None else collected, kind)
