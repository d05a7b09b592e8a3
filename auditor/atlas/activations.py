"""What a sampled activation is, and which positions of a picture are sampled. Running networks is collection's work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from auditor.core.draws import keyed_generator
from auditor.core.records import ClassGroup, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class ActivationSet:
    """S sampled activations, each at one position of one picture.

    Attributes:
        vectors: (S, D) activations h.
        attribution: (S, K) attribution to every class, in logits.
        contrast: (S,) contrast of the pair, in logits; NaN where the samples were collected without a pair.
        image_row: (S,) row of the picture in the pool.
        y, x: (S,) position in the layer's grid.
        weight: (S,) share of its picture's interior that a sample stands for; a picture's samples sum to 1.
        strongest: (S,) kept for its strong contrast (True) or drawn at random (False).
    """

    vectors: FloatArray
    attribution: FloatArray
    contrast: FloatArray
    image_row: IntArray
    y: IntArray
    x: IntArray
    weight: FloatArray
    strongest: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.contrast)

    def place(self, index: int) -> tuple[int, int, int]:
        """Row of the picture, y and x of one sample."""
        return int(self.image_row[index]), int(self.y[index]), int(self.x[index])

    def where(self, kept: NDArray[np.bool_]) -> ActivationSet:
        """The samples for which `kept` (S,) is True. Weights stay as they are."""
        return ActivationSet(*(getattr(self, column.name)[kept] for column in fields(self)))

    @staticmethod
    def empty() -> ActivationSet:
        """No sample: of a network of which no layer is mapped."""
        none, rows = np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64)
        return ActivationSet(
            none.reshape(0, 0), none.reshape(0, 0), none, rows, rows, rows, none, np.empty(0, dtype=np.bool_)
        )

    @staticmethod
    def joined(parts: Sequence[ActivationSet]) -> ActivationSet:
        """All samples of one or more sets, in their order."""
        if len(parts) == 1:
            return parts[0]
        return ActivationSet(
            *(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(ActivationSet))
        )


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which activations of each picture are kept, and how their attribution is taken.

    Attributes:
        seed: with a picture's key it decides the picture's random positions.
        pair: source and target, whose contrast is recorded; None where no pair is meant.
        positions_per_image: random positions, 1 (the paper's) or more.
        strongest_per_image: positions kept beside them for their contrast, this many towards the target and as many
            towards the source; only where there is a pair.
        relaxed_pooling: take derivatives through max-pooling as `relaxed_max_pooling` does.
    """

    seed: int
    pair: tuple[ClassGroup, ClassGroup] | None = None
    positions_per_image: int = 1
    strongest_per_image: int = 0
    relaxed_pooling: bool = False

    def __post_init__(self) -> None:
        if self.positions_per_image < 1:
            raise ValueError(f"positions_per_image must be 1 or more, got {self.positions_per_image}")
        if self.strongest_per_image < 0 or (self.strongest_per_image and self.pair is None):
            raise ValueError(
                f"strongest_per_image must be 0 without a pair and 0 or more with one, got {self.strongest_per_image}"
            )


@dataclass(frozen=True, slots=True)
class Sample:
    """One position to keep of one picture."""

    y: int
    x: int
    weight: float
    strongest: bool


TIE = 1e-5
"""Contrasts nearer to each other than this share of the picture's largest are equal: their last bits depend on how many
pictures go through the network at once, and which positions are kept must not."""


def interior_positions(grid_height: int, grid_width: int) -> IntArray:
    """Positions (P, 2) as y, x without the border, row by row. A side shorter than 3 has no interior and is kept whole.

    Border activations are shaped by the padding around the picture more than by the picture.
    """
    ys = np.arange(1, grid_height - 1) if grid_height >= 3 else np.arange(grid_height)
    xs = np.arange(1, grid_width - 1) if grid_width >= 3 else np.arange(grid_width)
    return np.stack(np.meshgrid(ys, xs, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.int64)


def sample_positions(sampling: Sampling, key: str, interior: IntArray, contrast: FloatArray | None) -> list[Sample]:
    """Positions to keep of one picture, weighted so that they stand for its whole interior.

    Of the P interior positions the k of highest contrast and the k of lowest are kept, each standing for itself. m
    more are drawn at random without repetition and share the others between them: weighted sums over the samples are
    unbiased for sums over the interior.

    Args:
        key: the picture's; with the seed it decides the draw.
        interior: (P, 2) positions as y, x.
        contrast: (H', W') of the picture; needed only where `sampling.strongest_per_image` is not 0.
    Returns:
        The random samples, then the strongest towards the target by falling contrast, then those towards the source
        by rising contrast (of equals the earlier position). Weights sum to 1. Where the strongest are all there is,
        nothing is drawn; where fewer than m are left, all of them are.
    """
    total = len(interior)
    strongest: list[int] = []
    if contrast is not None and sampling.strongest_per_image:
        strongest = _extremes(contrast[interior[:, 0], interior[:, 1]], sampling.strongest_per_image)
    order = keyed_generator(sampling.seed, "activations", key).permutation(total).tolist()
    others = [position for position in order if position not in strongest] if strongest else order
    drawn = others[: sampling.positions_per_image]
    share = (total - len(strongest)) / (total * len(drawn)) if drawn else 0.0
    places = [(position, share, False) for position in drawn] + [(position, 1 / total, True) for position in strongest]
    return [Sample(int(interior[at, 0]), int(interior[at, 1]), weight, kept) for at, weight, kept in places]


def _extremes(values: FloatArray, most: int) -> list[int]:
    """Places of the `most` highest values by falling value, then of the `most` lowest others by rising value."""
    highest = _highest(values, most, [])
    return highest + _highest(-values, most, highest)


def _highest(values: FloatArray, most: int, taken: list[int]) -> list[int]:
    """Places of the `most` highest values but for those taken, of equals (`TIE`) the earlier; NaN is the lowest."""
    tie = TIE * float(np.nanmax(np.abs(values), initial=0.0))
    order = np.argsort(-values, kind="stable")
    left = order[~np.isin(order, taken)]
    places: list[int] = []
    while len(left) and len(places) < most:
        equal = left[values[left] >= values[left[0]] - tie]
        places.append(int(equal.min() if len(equal) else left[0]))
        left = left[left != places[-1]]
    return places
