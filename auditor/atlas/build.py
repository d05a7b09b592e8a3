"""From pictures to an atlas of a pair, of one class or of everything. Ranking its cells is the candidates' work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.atlas.activations import ActivationSet
from auditor.atlas.collection import Mapped, collect_activations, collect_together
from auditor.atlas.filters import filter_shards
from auditor.atlas.kinds import Atlas, class_atlas, full_atlas, pair_atlas
from auditor.atlas.shards import Shards
from auditor.core.config import AtlasConfig
from auditor.core.errors import ConfigError, ImageError
from auditor.core.records import ClassGroup, IntArray, Split
from auditor.core.shelf import Shelf
from auditor.core.work import Hands


def build_pair_atlas(mapped: Mapped, shelf: Shelf | None = None, hands: Hands[Mapped] | None = None) -> Atlas:
    """Sample, filter, lay out and bin what of the pair the network sees in the discovery pictures of every class.

    Args:
        mapped: with its pair.
        shelf: where the activations are kept before filtering, and looked for first; None: memory.
        hands: who collects them; None: this process.
    Raises:
        ImageError: no discovery pictures, or no cell holds `config.min_count` activations.
    """
    return _pair_atlas(mapped, collect_pair(mapped, shelf, hands))


def build_pair_atlases(
    layers: Sequence[Mapped], shelves: Sequence[Shelf], hands: Hands[Sequence[Mapped]] | None = None
) -> Iterator[Atlas]:
    """The atlas of a pair in each of several layers, in their order; activations are collected together.

    Args:
        layers: the same but for cut and name; shelves: one for each; hands: as for `collect_together`.
    Raises:
        ImageError: as for `build_pair_atlas`.
    """
    first = layers[0]
    sampling = first.sampling(first.config.strongest_per_image)
    for mapped, shards in zip(
        layers, collect_together(layers, _discovery(first), sampling, shelves, hands=hands), strict=True
    ):
        yield _pair_atlas(mapped, shards)


def _pair_atlas(mapped: Mapped, shards: Shards) -> Atlas:
    source, target = pair_of(mapped)
    samples, collected = _filtered(shards, (source, target), mapped.config)
    atlas = pair_atlas(samples, mapped.config, mapped.seed, mapped.progress, collected, mapped.device)
    return _with_cells(atlas, f"{source.name} against {target.name}", mapped)


def build_class_atlas(mapped: Mapped, group: ClassGroup, shelf: Shelf | None = None) -> Atlas:
    """The same for the activations that speak of one class, in a plane of likeness.

    Positions are random ones alone, so that density means how much of the pictures looks like that.

    Args:
        mapped: the cells carry its pair's contrast beside; without a pair their contrast is NaN.
        group: the class, or several as one.
        shelf: as for `build_pair_atlas`.
    Raises:
        ImageError: as for `build_pair_atlas`.
    """
    samples, collected = _filtered(_collect(mapped, 0, shelf), (group,), mapped.config)
    atlas = class_atlas(samples, mapped.config, mapped.seed, mapped.progress, collected, mapped.device)
    return _with_cells(atlas, group.name, mapped)


def build_full_atlas(mapped: Mapped, shelf: Shelf | None = None) -> Atlas:
    """The same for every activation collected, in a plane of likeness; arguments as for `build_class_atlas`."""
    samples = _collect(mapped, 0, shelf).whole()
    atlas = full_atlas(samples, mapped.config, mapped.seed, mapped.progress, device=mapped.device)
    return _with_cells(atlas, "everything", mapped)


def collect_pair(mapped: Mapped, shelf: Shelf | None = None, hands: Hands[Mapped] | None = None) -> Shards:
    """What `build_pair_atlas` collects before it filters, for whoever needs activations alone."""
    return _collect(mapped, mapped.config.strongest_per_image, shelf, hands)


def pair_of(mapped: Mapped) -> tuple[ClassGroup, ClassGroup]:
    """Source and target of what is mapped with a pair."""
    if mapped.pair is None:
        raise ConfigError("the atlas of a pair needs a source and a target, and got none")
    return mapped.pair


def _collect(
    mapped: Mapped, strongest_per_image: int, shelf: Shelf | None, hands: Hands[Mapped] | None = None
) -> Shards:
    return collect_activations(mapped, _discovery(mapped), mapped.sampling(strongest_per_image), shelf, hands=hands)


def _discovery(mapped: Mapped) -> IntArray:
    """The pictures that are mapped, as rows of the pool."""
    rows = mapped.pool.rows(Split.DISCOVERY)
    if len(rows) == 0:
        raise ImageError(
            "the atlas needs pictures of the discovery split, but there are none; "
            "add pictures or raise the discovery share (images.shares)"
        )
    return rows


def _filtered(shards: Shards, groups: Sequence[ClassGroup], config: AtlasConfig) -> tuple[ActivationSet, int]:
    """What the filters keep for the groups, and out of how many."""
    kept = filter_shards(shards, groups, config.filter, config.filter_rank, config.filter_magnitude)
    return shards.where(kept), len(kept)


def _with_cells(atlas: Atlas, words: str, mapped: Mapped) -> Atlas:
    config = mapped.config
    if not atlas.cells:
        finest, pictures = max(config.levels), len(mapped.pool.rows(Split.DISCOVERY))
        raise ImageError(
            f"{mapped.whose}the atlas of {words} has no cell: of {atlas.collected} activations from {pictures} "
            "discovery pictures "
            f"the filters kept {len(atlas.samples)}, and no cell of {finest}×{finest} or coarser holds the "
            f"{config.min_count} expected; add discovery pictures, or raise "
            "atlas.filter_rank, atlas.filter_magnitude or atlas.positions_per_image, or lower atlas.levels"
        )
    return atlas
