"""Where and how large a patch has to be: rates over a grid of places, their words, responses to size and opacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.core.records.basics import FloatArray, IntArray, Placement


@dataclass(frozen=True, slots=True)
class PlaceOutcomes:
    """What became of P places of a patch and of its covering, each on n pictures.

    Attributes:
        places: (P, 3) down and across as shares, and size.
        parts: (P,) which pictures a place was measured on: the same for places of one part, in the same order.
        flips, covering_flips: (P, n); after, covering_after: (P, n) probability of the target, in [0, 1].
    """

    candidate: str
    covering: str
    grid: int
    places: NDArray[np.float64]
    parts: IntArray
    flips: NDArray[np.bool_]
    covering_flips: NDArray[np.bool_]
    after: FloatArray
    covering_after: FloatArray


@dataclass(frozen=True, slots=True)
class DoseOutcomes:
    """Flips of one patch at D sizes or opacities, (D, B), the same B pictures at each.

    `of` is `size` or `opacity`; `covering_flips` are those of its covering, None where none was pasted.
    """

    of: str
    placement: Placement
    doses: tuple[float, ...]
    flips: NDArray[np.bool_]
    covering_flips: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Bounded:
    """An estimate with its bounds, at the confidence of the map that it stands in."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PlaceRate:
    """What a patch does at one place of the grid and one size; counts as measured, estimates pooled over the map.

    Attributes:
        size: the patch's longer side as a share of the picture's shorter one.
        down, across: where, as shares of the way that the patch has inside the picture; (0, 0) touches the top left.
        flips, covering_flips, images: pictures flipped by the patch, by its covering there, of how many.
        rate: flip rate. uplift: over the covering; log_odds: the same in the target's log-odds, logits.
        certain: whether the uplift is above the limit also when all places of the map are corrected for.
    """

    size: float
    down: float
    across: float
    flips: int
    covering_flips: int
    images: int
    rate: Bounded
    uplift: Bounded
    log_odds: Bounded
    certain: bool


@dataclass(frozen=True, slots=True)
class SizeWord:
    """In a word where a patch of one size works: `word` as "anywhere", "nowhere", "only at the top left".

    Places by their bounds of the uplift: above the limit, below it, and open.
    """

    size: float
    word: str
    above: int
    below: int
    open: int


@dataclass(frozen=True, slots=True)
class Dose:
    """Pictures flipped at one size or opacity, on the same pictures at every dose; `fitted` is their rising rate."""

    dose: float
    flips: int
    images: int
    fitted: float
    covering_flips: int | None = None


@dataclass(frozen=True, slots=True)
class DoseResponse:
    """Flip rate against size or opacity, all else as confirmed.

    Attributes:
        of: `size`, as a share of the picture's shorter side, or `opacity`, from 0 to 1.
        half: dose at which half of the pictures flip; None: not within what was tried. half_low, half_high: its bounds;
            None: beyond the smallest dose, or beyond the largest.
        falls: whether the largest dose flips fewer than some smaller one, beyond chance; then no half is told.
    """

    of: str
    placement: Placement
    doses: tuple[Dose, ...]
    half: float | None
    half_low: float | None
    half_high: float | None
    confidence: float
    falls: bool = False


@dataclass(frozen=True, slots=True)
class AtAttribution:
    """What a patch does where a picture's attribution to the source is highest (`on_object`) or lowest (`off_object`).

    Attributes:
        flips, covering_flips, images: pictures flipped by the patch, by its covering there, of how many.
        uplift: over the covering, paired.
    """

    placement: Placement
    flips: int
    covering_flips: int
    images: int
    uplift: Bounded


@dataclass(frozen=True, slots=True)
class PlaceMap:
    """Where and how large one candidate has to be.

    Attributes:
        covering: what the uplift is over. limit: of the uplift, a fraction.
        confidence: of the bounds of each place.
        places: of every size, from the smallest, row by row.
        words: one a size; responses: by size and by opacity.
        on_object: on the object and off it; none where no layer is mapped, and in results of earlier versions.
    """

    candidate: str
    covering: str
    limit: float
    confidence: float
    grid: int
    places: tuple[PlaceRate, ...]
    words: tuple[SizeWord, ...]
    responses: tuple[DoseResponse, ...]
    on_object: tuple[AtAttribution, ...] = ()

    def at_size(self, size: float) -> tuple[PlaceRate, ...]:
        """The places of one size, row by row."""
        return tuple(place for place in self.places if place.size == size)

    @property
    def anywhere_from(self) -> float | None:
        """The smallest size from which on it works anywhere at every size that was tried; None where there is none."""
        return smallest_from([word.size for word in self.words if word.word == ANYWHERE], self.words)


ANYWHERE, NOWHERE = "anywhere", "nowhere"
NOT_EVERYWHERE, SOMEWHERE, OPEN = "not everywhere", "somewhere at least", "open"


def smallest_from(sizes: Sequence[float], words: Sequence[SizeWord]) -> float | None:
    """The smallest size from which on all sizes of the words are among `sizes`; None where the largest is not."""
    found = None
    for word in sorted(words, key=lambda one: -one.size):
        if word.size not in sizes:
            break
        found = word.size
    return found
