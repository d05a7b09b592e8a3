"""What takes the place of a part of a picture that is removed. Where the part lies is found elsewhere.

Each fill answers another question (docs/numbers.md). A new one is one function here and one entry in `FILLS`. They work
on one picture at a time, so that none hangs on a batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from auditor.core.records import PixelArray
from auditor.trials.areas import AreaArray, Shift, moved

Colours = NDArray[np.float64]

_BLUR_SHARE = 1 / 8
"""Standard deviation of the blur, as a share of the shorter side."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A part of a picture to be filled.

    Attributes:
        picture: (3, H, W) uint8; area: (H, W), the pixels to fill, some but not all.
        donor: from a pixel of the area to the one that `elsewhere` copies.
    """

    picture: PixelArray
    area: AreaArray
    donor: Shift

    @property
    def rest(self) -> Colours:
        """(3, N) colours of the pixels that stay."""
        return self.picture[:, ~self.area].astype(np.float64)


Fill = Callable[[Hole], Colours]
"""(3, n) colours of the n pixels of the area, row by row, in [0, 255]; or (3, 1), the same for all of them."""


def inpainted(hole: Hole) -> Colours:
    """Continue the surroundings inwards: each pixel is the mean of its neighbours above, below, left and right.

    That is Laplace's equation on the area, with the pixels around it given, solved exactly. A pixel at the picture's
    edge has the fewer neighbours.

    Source: Bertalmio et al. 2000, doi:10.1145/344779.344972 (inpainting by a differential equation; this is the
    simplest one).
    """
    height, width = hole.area.shape
    count = int(hole.area.sum())
    number = np.cumsum(hole.area).reshape(height, width) - 1
    neighbours, given = np.zeros(count), np.zeros((3, count))
    pairs: list[NDArray[np.int64]] = []
    first, last, all_of = slice(None, -1), slice(1, None), slice(None)
    sides = ((first, all_of), (last, all_of)), ((all_of, first), (all_of, last))
    for here, there in (pair for one, other in sides for pair in ((one, other), (other, one))):
        neighbours += np.bincount(number[here][hole.area[here]], minlength=count)
        both, edge = hole.area[here] & hole.area[there], hole.area[here] & ~hole.area[there]
        pairs.append(np.stack([number[here][both], number[there][both]]))
        for channel, picture in enumerate(hole.picture):
            given[channel] += np.bincount(number[here][edge], picture[there][edge], minlength=count)
    rows, columns = np.concatenate(pairs, axis=1)
    inside = sparse.csc_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count))
    equations = (sparse.diags(neighbours) - inside).tocsc()
    # it is symmetric and its own diagonal is large enough, so no pivot has to be looked for
    solved = linalg.splu(equations, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return np.asarray(solved.solve(given.T).T, dtype=np.float64)


def mean_colour(hole: Hole) -> Colours:
    """The mean colour of the rest of the picture."""
    mean: Colours = hole.rest.mean(axis=1, keepdims=True)
    return mean


def blurred(hole: Hole) -> Colours:
    """The same picture without its details: its colours stay, softened over an eighth of the shorter side."""
    height, width = hole.area.shape
    deviation = _BLUR_SHARE * min(height, width)
    soft: Colours = _gaussian(height, deviation) @ hole.picture.astype(np.float64) @ _gaussian(width, deviation).T
    return soft[:, hole.area]


@functools.lru_cache(maxsize=4)
def _gaussian(length: int, deviation: float) -> Colours:
    """(length, length) weights that average along one side; each row adds up to 1, at the picture's edges too."""
    places = np.arange(length, dtype=np.float64)
    weights = np.exp(-0.5 * ((places[:, None] - places[None, :]) / deviation) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def elsewhere(hole: Hole) -> Colours:
    """Another part of the same picture, of the same shape."""
    return hole.picture[:, moved(hole.area, hole.donor)].astype(np.float64)


FILLS: Mapping[str, Fill] = {
    "inpainted": inpainted,
    "mean colour": mean_colour,
    "blurred": blurred,
    "from elsewhere": elsewhere,
}
"""Every fill, by the name that reports call it. None is picked: the one that costs least counts."""


def filled(name: str, hole: Hole) -> PixelArray:
    """A picture with a part of it removed, (3, H, W) uint8; outside of the area bit for bit as it was.

    Args:
        name: of `FILLS`.
    """
    after = hole.picture.copy()
    after[:, hole.area] = np.rint(FILLS[name](hole)).clip(0, 255).astype(np.uint8)
    return after
