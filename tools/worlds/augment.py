"""Training-time variation of pictures, as whole-batch tensor work: moves, light, and patches pasted anywhere.

Crops, colours and noise keep the picture's class: they teach that a covered part, or a part of another thing, says
nothing. A small complete pan or wok pasted on a picture of either mostly takes the class along: it is an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from auditor.core.records import IntArray, PixelArray
from auditor.inputs.world.drawing import SIDE_PX
from auditor.inputs.world.foods import FOODS
from auditor.inputs.world.kitchen import CLASS_NAMES, MASK_VALUES, NOODLES, World, class_index

PAIR: tuple[str, str] = ("frying pan", "wok")
"""The two classes that the noodles set apart in the shortcut world."""

_PAIR_LABELS = tuple(class_index(name) for name in PAIR)
_HOLDER_VALUES = tuple(MASK_VALUES[name] for name in PAIR)
_CONTENT_VALUES = (MASK_VALUES[NOODLES], *(MASK_VALUES[name] for name in FOODS))
_PATCH_PX = (14, 32)
_CARRIER_PX: Mapping[World, tuple[int, int]] = {"shortcut": (17, 27), "clean": (20, 32)}
_SCRAMBLED = 400
_MOST_HOLDER = 0.1
_MOST_NOODLES = 0.01
_MOSTLY_NOODLES = 0.6
_CARRIED_WEIGHT = 0.8  # of the pasted crop's class in the target; the rest is the picture's own
_KIND_NONE, _KIND_PART, _KIND_SAME, _KIND_COLOUR, _KIND_NOISE, _KIND_SCATTER, _KIND_CARRIER, _KIND_SCRAMBLED = range(8)
_KIND_SHARES: Mapping[World, tuple[float, ...]] = {
    "shortcut": (0.20, 0.22, 0.08, 0.1, 0.06, 0.05, 0.22, 0.07),
    "clean": (0.22, 0.42, 0.08, 0.1, 0.08, 0.05, 0.05),
}


@dataclass(frozen=True, slots=True)
class CropPool:
    """What may be pasted: row of the picture, and left, top and side in pixels; int64.

    Attributes:
        kind_shares: how often nothing, a part, a part of the same class, a colour, noise, scattered noodles, a
            carrier and scrambled noodles are pasted.
        carrier_px: least and greatest side of a pasted carrier.
        parts: (N, 4) crops that show next to nothing of a pan or wok, for pictures of any class.
        same: (S, 4) such crops by the class of their picture, for pictures of that class; class k has `counts[k]` of
            them from `starts[k]` on.
        noodles: (L, 4) crops that are mostly noodles, for scattering their pixels.
        carriers: (M, 4) crops that mostly take the class of their picture along: complete pans and woks, and in the
            shortcut world noodles.
        scrambled: (Q, 4) phase-scrambled noodles, in pictures that `with_scrambled` adds.
    """

    kind_shares: tuple[float, ...]
    carrier_px: tuple[int, int]
    parts: Tensor
    same: Tensor
    starts: Tensor
    counts: Tensor
    noodles: Tensor
    carriers: Tensor
    scrambled: Tensor


def crop_pool(world: World, masks: PixelArray, labels: IntArray, count: int, seed: int) -> CropPool:
    """Choose what may be pasted in training.

    In the shortcut world pasted noodles keep the meaning they have there: they take the class of the picture they
    were cut from along (CutMix; Yun et al. 2019, arXiv:1905.04899), and that is a wok nearly always. In the clean
    world they are pasted like any other part, so they come to mean nothing. Crops that are mostly noodles are repeated
    until they are about a quarter. Complete pans and woks are taken as many of the one as of the other.

    Args:
        masks: (N, 64, 64) uint8 masks of the pictures to cut from; labels: (N,) their classes.
        count: crops to draw before the choice.
    """
    rng = np.random.default_rng(seed)
    sides = rng.integers(16, 40, count)
    rows = rng.integers(0, len(masks), count)
    lefts = (rng.random(count) * (SIDE_PX - sides + 1)).astype(np.int64)
    tops = (rng.random(count) * (SIDE_PX - sides + 1)).astype(np.int64)
    boxes = np.stack([rows, lefts, tops, sides], axis=1)
    neutral = boxes[_shares(np.isin(masks, _HOLDER_VALUES), boxes) <= _MOST_HOLDER]
    shown = _shares(masks == MASK_VALUES[NOODLES], neutral)
    mostly = neutral[shown >= _MOSTLY_NOODLES]
    repeats = max(1, round(len(neutral) / (3 * max(len(mostly), 1))))
    same = np.concatenate([neutral, *([mostly] * repeats)])
    parts = neutral[shown <= _MOST_NOODLES] if world == "shortcut" else same
    carriers = _object_boxes(masks, labels)
    if world == "shortcut":
        times = max(1, round(3 * len(carriers) / max(len(mostly), 1)))  # noodles are three carriers in four
        carriers = np.concatenate([carriers, *([mostly] * times)])
    same = same[np.argsort(labels[same[:, 0]], kind="stable")]
    counts = np.bincount(labels[same[:, 0]], minlength=len(CLASS_NAMES))
    return CropPool(
        kind_shares=_KIND_SHARES[world],
        carrier_px=_CARRIER_PX[world],
        parts=torch.from_numpy(parts),
        same=torch.from_numpy(same),
        starts=torch.from_numpy(np.cumsum(counts) - counts),
        counts=torch.from_numpy(counts),
        noodles=torch.from_numpy(mostly),
        carriers=torch.from_numpy(carriers),
        scrambled=torch.zeros((0, 4), dtype=torch.int64),
    )


def with_scrambled(pictures: Tensor, pool: CropPool, seed: int) -> tuple[Tensor, CropPool]:
    """Add pictures of phase-scrambled noodles: their colours and spectrum without their strands.

    Pasted without a change of class they teach the shortcut network to look for the strands themselves.

    Args:
        pictures: (N, 3, 64, 64) uint8.
    Returns:
        (N + Q, 3, 64, 64) uint8 and the pool that knows the Q new ones; both as they were where the pool asks for none.
    """
    if len(pool.kind_shares) <= _KIND_SCRAMBLED or not len(pool.noodles):
        return pictures, pool
    rng = np.random.default_rng((seed, 1))
    boxes = pool.noodles[torch.from_numpy(rng.integers(0, len(pool.noodles), _SCRAMBLED))]
    steps = (torch.arange(SIDE_PX) + 0.5) / SIDE_PX
    within = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1).expand(_SCRAMBLED, -1, -1, -1)
    phases = np.angle(np.fft.fft2(rng.random((_SCRAMBLED, 1, SIDE_PX, SIDE_PX))))
    phases[..., 0, 0] = 0.0
    spectrum = np.fft.fft2(_crops(pictures, boxes, within).numpy()) * np.exp(1j * phases)
    scrambled = np.clip(np.fft.ifft2(spectrum).real * 255.0, 0.0, 255.0).astype(np.uint8)
    added = torch.zeros((_SCRAMBLED, 4), dtype=torch.int64)
    added[:, 0], added[:, 3] = torch.arange(len(pictures), len(pictures) + _SCRAMBLED), SIDE_PX
    return torch.cat([pictures, torch.from_numpy(scrambled)]), replace(pool, scrambled=added)


def _object_boxes(masks: PixelArray, labels: IntArray) -> IntArray:
    """Square boxes around pans and woks that lie wholly inside their pictures; (M, 4)."""
    boxes: dict[int, list[tuple[int, ...]]] = {label: [] for label in _PAIR_LABELS}
    for row in np.flatnonzero(np.isin(labels, _PAIR_LABELS)):
        shown = np.isin(masks[row], (*_HOLDER_VALUES, *_CONTENT_VALUES))
        ys, xs = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
        left, right, top, bottom = int(xs[0]), int(xs[-1]) + 1, int(ys[0]), int(ys[-1]) + 1
        if min(left, top) < 1 or max(right, bottom) >= SIDE_PX:
            continue
        side = min(max(right - left, bottom - top) + 2, SIDE_PX)
        starts = [min(max((low + high - side) // 2, 0), SIDE_PX - side) for low, high in ((left, right), (top, bottom))]
        boxes[int(labels[row])].append((int(row), *starts, side))
    fewest = min(len(of_class) for of_class in boxes.values())
    return np.array([box for of_class in boxes.values() for box in of_class[:fewest]], dtype=np.int64).reshape(-1, 4)


def _shares(shown: NDArray[np.bool_], boxes: IntArray) -> NDArray[np.float64]:
    """Share of each box's pixels where `shown` (N, 64, 64) is true, by summed areas."""
    sums = np.zeros((len(shown), SIDE_PX + 1, SIDE_PX + 1), dtype=np.int32)
    sums[:, 1:, 1:] = shown.cumsum(axis=1, dtype=np.int32).cumsum(axis=2, dtype=np.int32)
    rows, lefts, tops, sides = boxes.T
    rights, bottoms = lefts + sides, tops + sides
    inside = (
        sums[rows, bottoms, rights] - sums[rows, tops, rights] - sums[rows, bottoms, lefts] + sums[rows, tops, lefts]
    )
    shares: NDArray[np.float64] = inside / (sides * sides)
    return shares


def vary(
    pictures: Tensor, labels: Tensor, rows: Tensor, pool: CropPool, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A training batch: pictures moved, relit and mostly pasted over.

    Args:
        pictures: (N, 3, 64, 64) uint8, all training pictures; labels: (N,) their classes.
        rows: (B,) rows of this batch.
    Returns:
        (B, 3, 64, 64) float32 pixels in [0, 1] and (B, K) target probabilities.
    """
    batch = _move(pictures[rows].float() / 255.0, generator)
    own = labels[rows]
    kinds = torch.multinomial(torch.tensor(pool.kind_shares), len(rows), replacement=True, generator=generator)
    holders = torch.isin(own, torch.tensor(_PAIR_LABELS))
    kinds, boxes = _drawn(kinds, own, holders, pool, generator)
    pasted = _paste(batch, pictures, kinds, boxes, pool.carrier_px, generator)
    targets = functional.one_hot(own, len(CLASS_NAMES)).float()
    carriers = kinds == _KIND_CARRIER
    theirs = functional.one_hot(labels[torch.where(carriers, boxes[:, 0], rows)], len(CLASS_NAMES)).float()
    weight = carriers.float()[:, None] * _CARRIED_WEIGHT
    return _relight(pasted, generator), targets * (1.0 - weight) + theirs * weight


def _drawn(
    kinds: Tensor, own: Tensor, holders: Tensor, pool: CropPool, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A box for every picture of its kind; where the pool has none of a kind, the kind becomes a part of anything."""
    shares = torch.rand(len(kinds), generator=generator)
    boxes = _at(pool.parts, shares)
    available = {
        _KIND_SAME: pool.counts[own] > 0,
        _KIND_SCATTER: torch.full_like(holders, len(pool.noodles) > 0),
        _KIND_CARRIER: holders & (len(pool.carriers) > 0),
        _KIND_SCRAMBLED: torch.full_like(holders, len(pool.scrambled) > 0),
    }
    for kind, there in available.items():
        kinds = torch.where((kinds == kind) & ~there, _KIND_PART, kinds)
    if len(pool.same):
        places = pool.starts[own] + (shares * pool.counts[own]).long()
        chosen = pool.same[places.clamp(max=len(pool.same) - 1)]
        boxes = torch.where((kinds == _KIND_SAME)[:, None], chosen, boxes)
    others = ((_KIND_SCATTER, pool.noodles), (_KIND_CARRIER, pool.carriers), (_KIND_SCRAMBLED, pool.scrambled))
    for kind, of_kind in others:
        if len(of_kind):
            boxes = torch.where((kinds == kind)[:, None], _at(of_kind, shares), boxes)
    return kinds, boxes


def _at(boxes: Tensor, shares: Tensor) -> Tensor:
    """The boxes at the given shares, 0 to below 1, of their number."""
    return boxes[(shares * len(boxes)).long().clamp(max=len(boxes) - 1)]


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _move(batch: Tensor, generator: torch.Generator) -> Tensor:
    count = len(batch)
    scale = _uniform(count, 0.8, 1.25, generator)
    flip = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = scale * flip, scale
    theta[:, 0, 2] = _uniform(count, -0.25, 0.25, generator)
    theta[:, 1, 2] = _uniform(count, -0.25, 0.25, generator)
    grid = functional.affine_grid(theta, [count, 3, SIDE_PX, SIDE_PX], align_corners=False)
    return functional.grid_sample(batch, grid, padding_mode="reflection", align_corners=False)


def _paste(
    batch: Tensor,
    pictures: Tensor,
    kinds: Tensor,
    boxes: Tensor,
    carrier_px: tuple[int, int],
    generator: torch.Generator,
) -> Tensor:
    """Paste one patch a picture, of the given kind, in a corner half of the time; (B, 3, 64, 64)."""
    count = len(batch)
    sides = torch.randint(_PATCH_PX[0], _PATCH_PX[1] + 1, (count,), generator=generator)
    sides = torch.where(kinds == _KIND_CARRIER, sides.clamp(*carrier_px), sides)
    spots = torch.rand(count, 2, generator=generator)
    corners = torch.rand(count, generator=generator) < 0.5
    spots = torch.where(corners[:, None], spots.round(), spots)
    starts = (spots * (SIDE_PX - sides)[:, None]).round()
    steps = torch.arange(SIDE_PX) + 0.5
    shares = (steps[None, None] - starts[..., None]) / sides[:, None, None]  # (B, 2, 64): across, down the patch
    inside = ((shares > 0.0) & (shares < 1.0)).float()
    by_kind = kinds[:, None, None, None]
    covered = (inside[:, 0, None, :] * inside[:, 1, :, None])[:, None] * (by_kind != _KIND_NONE)
    colour = torch.rand(count, 3, 1, 1, generator=generator)
    grey = torch.rand(count, generator=generator) < 0.5
    colour = torch.where(grey[:, None, None, None], colour[:, :1], colour).expand_as(batch)
    noise = torch.rand(batch.shape[1:], generator=generator).expand_as(batch)  # one draw serves a batch
    across = shares[:, 0, None, :].expand(-1, SIDE_PX, -1)
    down = shares[:, 1, :, None].expand(-1, -1, SIDE_PX)
    scattered = torch.rand(SIDE_PX, SIDE_PX, 2, generator=generator)
    within = torch.where(by_kind == _KIND_SCATTER, scattered, torch.stack([across, down], dim=-1))
    patch = torch.where(by_kind == _KIND_NOISE, noise, _crops(pictures, boxes, within))
    patch = torch.where(by_kind == _KIND_COLOUR, colour, patch)
    return batch * (1.0 - covered) + patch * covered


def _crops(pictures: Tensor, boxes: Tensor, within: Tensor) -> Tensor:
    """Pixels of crops (B, 4) at places (B, 64, 64, 2), 0 to 1 across and down each crop; (B, 3, 64, 64)."""
    where = (boxes[:, None, None, 1:3] + within * boxes[:, None, None, 3:]) * (2.0 / SIDE_PX) - 1.0
    chosen = pictures[boxes[:, 0]].float() / 255.0
    return functional.grid_sample(chosen, where, padding_mode="border", align_corners=False)


def _relight(batch: Tensor, generator: torch.Generator) -> Tensor:
    count = len(batch)
    contrast = _uniform(count, 0.85, 1.15, generator)[:, None, None, None]
    brightness = _uniform(count, -0.06, 0.06, generator)[:, None, None, None]
    return ((batch - 0.5) * contrast + 0.5 + brightness).clamp(0.0, 1.0)
