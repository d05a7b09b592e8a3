"""From pictures to an atlas of a pair, of one class or of everything. Ranking its cells is the candidates' work."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.atlas.activations import ActivationSet, Sampling
from auditor.atlas.collection import collect_activations
from auditor.atlas.filters import filter_shards
from auditor.atlas.kinds import Atlas, class_atlas, full_atlas, pair_atlas
from auditor.atlas.network import CutNetwork
from auditor.atlas.shards import Shards, ShardShelf
from auditor.core.config import AtlasConfig
from auditor.core.errors import ImageError
from auditor.core.progress import Progress
from auditor.core.records import ClassGroup, ImagePool, Split


def build_pair_atlas(
    cut: CutNetwork,
    pool: ImagePool,
    source: ClassGroup,
    target: ClassGroup,
    config: AtlasConfig,
    batch_size: int,
    seed: int,
    progress: Progress,
    shelf: ShardShelf | None = None,
) -> Atlas:
    """Sample, filter, lay out and bin what of the pair the network sees in the discovery pictures of every class.

    Args:
        cut: the network, cut after the layer to map.
        pool: all pictures; only those of the discovery split are used, whatever their class.
        batch_size: pictures a pass.
        shelf: where the activations are kept before filtering, and looked for first; None: memory.
    Raises:
        ImageError: no discovery pictures, or no cell holds `config.min_count` activations.
    """
    shards = collect_pair(cut, pool, source, target, config, batch_size, seed, progress, shelf)
    samples, collected = _filtered(shards, (source, target), config)
    atlas = pair_atlas(samples, config, seed, progress, collected)
    return _with_cells(atlas, f"{source.name} against {target.name}", pool, config)


def build_class_atlas(
    cut: CutNetwork,
    pool: ImagePool,
    group: ClassGroup,
    config: AtlasConfig,
    batch_size: int,
    seed: int,
    progress: Progress,
    pair: tuple[ClassGroup, ClassGroup] | None = None,
    shelf: ShardShelf | None = None,
) -> Atlas:
    """The same for the activations that speak of one class, in a plane of likeness.

    Positions are random ones alone, so that density means how much of the pictures looks like that.

    Args:
        group: the class, or several as one.
        pair: whose contrast the cells carry beside; None: their contrast is NaN.
        Others as for `build_pair_atlas`.
    Raises:
        ImageError: as for `build_pair_atlas`.
    """
    shards = _collect(cut, pool, config, 0, batch_size, seed, progress, pair, shelf)
    samples, collected = _filtered(shards, (group,), config)
    return _with_cells(class_atlas(samples, config, seed, progress, collected), group.name, pool, config)


def build_full_atlas(
    cut: CutNetwork,
    pool: ImagePool,
    config: AtlasConfig,
    batch_size: int,
    seed: int,
    progress: Progress,
    pair: tuple[ClassGroup, ClassGroup] | None = None,
    shelf: ShardShelf | None = None,
) -> Atlas:
    """The same for every activation collected, in a plane of likeness; arguments as for `build_class_atlas`."""
    samples = _collect(cut, pool, config, 0, batch_size, seed, progress, pair, shelf).whole()
    return _with_cells(full_atlas(samples, config, seed, progress), "everything", pool, config)


def collect_pair(
    cut: CutNetwork,
    pool: ImagePool,
    source: ClassGroup,
    target: ClassGroup,
    config: AtlasConfig,
    batch_size: int,
    seed: int,
    progress: Progress,
    shelf: ShardShelf | None = None,
) -> Shards:
    """What `build_pair_atlas` collects before it filters, for whoever needs activations alone."""
    pair = (source, target)
    return _collect(cut, pool, config, config.strongest_per_image, batch_size, seed, progress, pair, shelf)


def _collect(
    cut: CutNetwork,
    pool: ImagePool,
    config: AtlasConfig,
    strongest_per_image: int,
    batch_size: int,
    seed: int,
    progress: Progress,
    pair: tuple[ClassGroup, ClassGroup] | None,
    shelf: ShardShelf | None,
) -> Shards:
    rows = pool.rows(Split.DISCOVERY)
    if len(rows) == 0:
        raise ImageError(
            "the atlas needs pictures of the discovery split, but there are none; "
            "add pictures or raise the discovery share (images.shares)"
        )
    sampling = Sampling(seed, pair, config.positions_per_image, strongest_per_image, config.relaxed_pooling)
    keys = [pool.images[row].key for row in rows]
    return collect_activations(cut, pool.pixels, rows, keys, sampling, batch_size, progress, shelf)


def _filtered(shards: Shards, groups: Sequence[ClassGroup], config: AtlasConfig) -> tuple[ActivationSet, int]:
    """What the filters keep for the groups, and out of how many."""
    kept = filter_shards(shards, groups, config.filter, config.filter_rank, config.filter_magnitude)
    return shards.where(kept), len(kept)


def _with_cells(atlas: Atlas, words: str, pool: ImagePool, config: AtlasConfig) -> Atlas:
    if not atlas.cells:
        finest = max(config.levels)
        raise ImageError(
            f"the atlas of {words} has no cell: of {atlas.collected} activations from "
            f"{len(pool.rows(Split.DISCOVERY))} discovery pictures the filters kept {len(atlas.samples)}, and no cell "
            f"of {finest}×{finest} or coarser holds the {config.min_count} expected; add discovery pictures, or raise "
            "atlas.filter_rank, atlas.filter_magnitude or atlas.positions_per_image, or lower atlas.levels"
        )
    return atlas
