"""Where and how large a patch has to be: what is pasted to find out, on few confirmation pictures a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor.core.config import AuditConfig, PlacesConfig
from auditor.core.draws import keyed_generator
from auditor.core.records import IntArray, PixelArray, Placement, Split
from auditor.core.records.places import DoseOutcomes, PlaceOutcomes
from auditor.core.records.trials import TrialBlock, TrialName
from auditor.trials.bench import Bench, Part, Trial
from auditor.trials.patch import Patch
from auditor.trials.placements import Variant, variants_of
from auditor.trials.stand_ins import Control


@dataclass(frozen=True, slots=True)
class Mapped:
    """A confirmed patch whose places are measured, and the covering that its uplift is over."""

    patch: Patch
    covering: Control


def measure_places(bench: Bench, one: Mapped) -> tuple[PlaceOutcomes, tuple[DoseOutcomes, ...]]:
    """Paste a patch and its covering at every place of the grid, and at every size and opacity where it was confirmed.

    Every place takes its turn of the confirmation pictures, so that the map rests on many of them although each place
    sees few; which place sees which is drawn by the candidate's name. Every dose sees the same pictures.
    """
    return _grid(bench, one), _doses(bench, one)


def grid_variants(config: PlacesConfig) -> tuple[Variant, ...]:
    """The places of the map: sizes from the smallest, row by row."""
    steps = [step / (config.grid - 1) for step in range(config.grid)]
    return tuple(
        Variant(Placement.FIXED, f"{size:g} at {down:.3g} down, {across:.3g} across", size, centre=(down, across))
        for size in sorted(config.sizes)
        for down in steps
        for across in steps
    )


def grid_pastes(config: AuditConfig, eligible: int) -> int:
    """Pastes that the map of one patch takes, upright, on so many eligible confirmation pictures."""
    return 2 * len(grid_variants(config.places)) * min(config.places.pictures, eligible)


def dose_pastes(config: AuditConfig, eligible: int) -> int:
    """Pastes that one patch's sizes and opacities take, where it was confirmed first."""
    variants = len(variants_of(config.trials.placements[0], _at_size(config, config.trials.size).trials))
    doses = 2 * len(_sizes(config, config.trials.size)) + len(_opacities(config)) - 1
    return doses * variants * min(config.places.dose_pictures, eligible)


def _grid(bench: Bench, one: Mapped) -> PlaceOutcomes:
    config, identity = bench.config.places, one.patch.candidate.id
    variants = grid_variants(config)
    eligible = bench.eligible(Split.CONFIRMATION)
    pictures = min(config.pictures, eligible)
    turns = eligible // pictures
    generator = keyed_generator(bench.config.seed, "places", identity)
    a_size = config.grid**2
    parts = np.concatenate([generator.permutation(a_size) % turns for _ in range(len(variants) // a_size)])
    used = np.unique(parts)
    trials = [
        _trial(one, control, Placement.FIXED, tuple(variants[row] for row in np.flatnonzero(parts == turn)), part)
        for turn in used
        for part in [(int(turn) * pictures, int(turn + 1) * pictures)]
        for control in (None, one.covering)
    ]
    blocks = bench.measure(trials, f"places of {identity}")
    own, covering = (_by_place(blocks[first::2], parts, used) for first in (0, 1))
    return PlaceOutcomes(
        candidate=identity,
        covering=one.covering.name,
        grid=config.grid,
        places=np.array([(*variant.shares, variant.size) for variant in variants]),
        parts=parts.astype(np.int64),
        flips=own.flips,
        covering_flips=covering.flips,
        after=own.after,
        covering_after=covering.after,
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    flips: np.ndarray
    after: np.ndarray


def _by_place(blocks: Sequence[TrialBlock], parts: IntArray, used: IntArray) -> _Rows:
    """What blocks say, one row a place in the order of the grid; each block holds the places of one part."""
    order = np.argsort(np.concatenate([np.flatnonzero(parts == turn) for turn in used]))
    flips = np.concatenate([block.flips for block in blocks])[order]
    return _Rows(flips, np.concatenate([block.after for block in blocks])[order])


def _doses(bench: Bench, one: Mapped) -> tuple[DoseOutcomes, ...]:
    config, identity = bench.config, one.patch.candidate.id
    spot = one.patch.candidate.spot
    (placement, *_) = one.patch.candidate.placements(config.trials.placements)
    confirmed = config.trials.size if spot is None else spot.size
    part = (0, min(config.places.dose_pictures, bench.eligible(Split.CONFIRMATION)))
    sizes, opacities = _sizes(config, confirmed), _opacities(config)

    def at(size: float, control: Control | None = None, opacity: float = 1.0) -> Trial:
        told = f"{size:g} of the side, opacity {opacity:g}"
        resized = None if spot is None else replace(spot, size=size)
        rules = variants_of(placement, _at_size(config, size).trials, resized)
        variants = tuple(replace(variant, name=f"{variant.name}: {told}") for variant in rules)
        faded = replace(one.patch, rgba=with_opacity(one.patch.rgba, opacity))
        return _trial(replace(one, patch=faded), control, placement, variants, part)

    trials = [at(size) for size in sizes] + [at(size, one.covering) for size in sizes]
    trials += [at(confirmed, opacity=opacity) for opacity in opacities if opacity < 1]
    blocks = bench.measure(trials, f"sizes and opacities of {identity}")
    flips = [block.outcomes for block in blocks]
    own, covering, faded = flips[: len(sizes)], flips[len(sizes) : 2 * len(sizes)], flips[2 * len(sizes) :]
    opaque = own[sizes.index(confirmed)]
    return (
        DoseOutcomes("size", placement, sizes, np.stack(own), np.stack(covering)),
        DoseOutcomes("opacity", placement, opacities, np.stack([*faded, opaque])),
    )


def with_opacity(rgba: PixelArray, opacity: float) -> PixelArray:
    """A (4, h, w) uint8 patch whose opacity is multiplied by a share, to the nearest of 255 steps."""
    if opacity == 1:
        return rgba
    faded = rgba.copy()
    faded[3] = np.round(rgba[3] * opacity).astype(np.uint8)
    return faded


def _trial(
    one: Mapped, control: Control | None, placement: Placement, variants: tuple[Variant, ...], part: Part
) -> Trial:
    name = TrialName(Split.CONFIRMATION, one.patch.candidate.id, control.name if control else "", placement)
    return Trial(name, one.patch.rgba, part, control, variants)


def _at_size(config: AuditConfig, size: float) -> AuditConfig:
    trials = config.trials.model_copy(update={"size": size, "best_sizes": (size,)})
    return config.model_copy(update={"trials": trials})


def _sizes(config: AuditConfig, confirmed: float) -> tuple[float, ...]:
    """The sizes of the dose-response, the confirmed one among them."""
    return tuple(sorted({*config.places.dose_sizes, confirmed}))


def _opacities(config: AuditConfig) -> tuple[float, ...]:
    return tuple(sorted({*config.places.opacities, 1.0}))
