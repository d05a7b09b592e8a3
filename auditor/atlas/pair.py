"""Build the class-filtered atlas of a pair, from pictures to cells. Ranking its cells is the candidates' work."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.atlas.activations import ActivationSet, collect_activations
from auditor.atlas.filters import pair_filter
from auditor.atlas.grid import build_cells
from auditor.atlas.layout import pair_layout
from auditor.atlas.network import CutNetwork
from auditor.config import AtlasConfig
from auditor.errors import ImageError
from auditor.progress import Progress
from auditor.records import (
    Cell,
    ClassGroup,
    FloatArray,
    ImagePool,
    Split,
)


@dataclass(frozen=True, slots=True)
class Atlas:
    """A pair's atlas.

    Attributes:
        samples: the S activations that the filters kept.
        xy: (S, 2) their place in [0, 1]; x is the contrast with 0 at 0.5, y grows downwards.
        cells: of all levels, in the order of the levels asked for.
        collected: activations before filtering.
    """

    samples: ActivationSet
    xy: FloatArray
    cells: tuple[Cell, ...]
    collected: int

    def at_level(self, level: int) -> tuple[Cell, ...]:
        """The cells of one level."""
        return tuple(cell for cell in self.cells if cell.level == level)


def build_pair_atlas(
    cut: CutNetwork,
    pool: ImagePool,
    source: ClassGroup,
    target: ClassGroup,
    config: AtlasConfig,
    batch_size: int,
    seed: int,
    progress: Progress,
) -> Atlas:
    """Sample, filter, lay out and bin what the network sees in the discovery pictures of every class.

    Args:
        cut: the network, cut after the layer to map.
        pool: all pictures; only those of the discovery split are used, whatever their class.
        batch_size: pictures a pass.
    Raises:
        ImageError: no discovery pictures, or no cell holds `config.min_count` activations.
    """
    rows = pool.rows(Split.DISCOVERY)
    if len(rows) == 0:
        raise ImageError(
            "the atlas needs pictures of the discovery split, but there are none; "
            "add pictures or raise the discovery share (images.shares)"
        )
    keys = [pool.images[row].key for row in rows]
    collected = collect_activations(
        cut, pool.pixels, rows, keys, source, target, config.strongest_per_image, batch_size, seed, progress
    )
    kept = pair_filter(
        collected.attribution, source, target, config.filter, config.filter_rank, config.filter_magnitude
    )
    samples = collected.where(kept)
    progress.start("atlas", 1 + len(config.levels))
    xy = pair_layout(samples.vectors, samples.contrast, config.neighbours, config.min_dist, seed)
    progress.advance()
    cells: list[Cell] = []
    for level in config.levels:
        cells.extend(build_cells(samples, xy, level, config.min_count, config.exemplars))
        progress.advance()
    if not cells:
        raise ImageError(
            f"the atlas of {source.name} against {target.name} has no cell: of {len(collected)} activations from "
            f"{len(rows)} discovery pictures the filters kept {len(samples)}, and no cell of {max(config.levels)}"
            f"×{max(config.levels)} or coarser holds the {config.min_count} expected; add discovery pictures, or raise "
            "atlas.filter_rank, atlas.filter_magnitude or atlas.strongest_per_image, or lower atlas.levels"
        )
    return Atlas(samples=samples, xy=xy, cells=tuple(cells), collected=len(collected))
