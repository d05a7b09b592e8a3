"""Push foretold from how the network sees a patch where it lies, learnt from patches that went through the tail.

A first-order push knows nothing of what the tail does with large changes. What it leaves is learnt here, crop by crop,
from the few that the tail has seen; it then orders all the others at the linear rung's cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR

from auditor.candidates.pasted_shards import Pasted, PastedShards
from auditor.core.draws import keyed_generator
from auditor.core.records import FloatArray, IntArray

FOLDS = 4
LEAST_TO_LEARN = 24
"""Patches through the tail, below which nothing is learnt beside the line."""

_OF_LINEAR = 0.5
"""Weight of the first-order push among the features, as a share of the weight that all changes have together."""

_STIFFNESS, _TUBE, _WIDTH = 3.0, 0.1, 2.0
"""Penalty and tube in standard deviations of what is left, and the kernel's width in those of the columns."""

_NOBODY = -1

_NOTHING_LEFT = 1e-3
"""Of the pushes' own spread: what the line leaves below this is rounding."""

Matrix = NDArray[np.float64]


class Columns:
    """What is learnt from: (N, F + 1) changes and first-order push, each standardised over the N patches.

    Only the last column is held, and the rows that are asked for by `at`; of the others one shard at a time.
    """

    def __init__(self, pasted: PastedShards) -> None:
        self._pasted, self._kept = pasted, dict[int, Matrix]()
        self._mean = self._spread = np.empty(0)
        if len(pasted):
            self._mean = pasted.summed(lambda _, shard: _raw(shard)) / len(pasted)
            self._spread = np.sqrt(pasted.summed(lambda _, shard: np.square(_raw(shard) - self._mean)) / len(pasted))
        self._weight = _OF_LINEAR * np.sqrt(max(1, len(self._mean) - 1))
        self.linear: Matrix = self._last(pasted.push.astype(np.float64))
        """(N,) the last column."""

    def __len__(self) -> int:
        """N."""
        return len(self._pasted)

    def at(self, rows: IntArray) -> Matrix:
        """(M, F + 1) of a few patches, which are kept: they are asked for again."""
        unknown = [row for row in rows.tolist() if row not in self._kept]
        if unknown:
            self._kept |= dict(zip(unknown, self._standardised(self._pasted.at(unknown)), strict=True))
        return np.stack([self._kept[row] for row in rows.tolist()])

    def __iter__(self) -> Iterator[tuple[slice, Matrix]]:
        """Shard by shard: which patches, and (n, F + 1) of them."""
        for rows, shard in self._pasted:
            yield rows, self._standardised(shard)

    def _standardised(self, shard: Pasted) -> Matrix:
        standard: Matrix = (_raw(shard) - self._mean) / np.where(self._spread > 0.0, self._spread, 1.0)
        standard[:, -1] *= self._weight
        return standard

    def _last(self, push: Matrix) -> Matrix:
        if not len(push):
            return push
        spread = float(self._spread[-1])
        last: Matrix = (push - self._mean[-1]) / (spread if spread > 0.0 else 1.0) * self._weight
        return last


def _raw(shard: Pasted) -> Matrix:
    return np.concatenate([shard.change, shard.push[:, np.newaxis]], axis=1, dtype=np.float64)


def foretold(columns: Columns, measured: IntArray, pushes: FloatArray, wanted: IntArray) -> FloatArray:
    """Push of the patches `wanted`: a line through the first-order pushes, and what it leaves by support vectors.

    Where the first order says all there is, nothing is left to learn, and the line stands alone.

    Args:
        columns: of N patches.
        measured: (M,) rows of patches that went through the tail; pushes: (M,) theirs, logits.
        wanted: (W,) rows.
    Returns:
        (W,) float32 logits.
    Source: Drucker, Burges, Kaufman, Smola, Vapnik 1996, Support vector regression machines; with a Gaussian kernel.
    """
    by = np.full(len(columns), _NOBODY, dtype=np.int64)
    by[wanted] = 0
    return _foretold(columns, [_Learnt(columns, measured, pushes)], by)[wanted]


def cross_fitted(columns: Columns, measured: IntArray, pushes: FloatArray, fold: IntArray) -> FloatArray:
    """Push of all N patches, each learnt from patches of other folds alone, never from itself.

    Args:
        fold: (N,) of each patch; patches cut from one picture share it (`folds_of`).
    """
    folds, by = np.unique(fold, return_inverse=True)
    others = [fold[measured] != one for one in folds]
    return _foretold(columns, [_Learnt(columns, measured[one], pushes[one]) for one in others], by)


class _Learnt:
    """What some patches teach: a line over all of them, and where it leaves something, what it leaves."""

    def __init__(self, columns: Columns, measured: IntArray, pushes: FloatArray) -> None:
        self.line = _line(columns.linear, measured, pushes)
        self.learner: SVR | None = None
        left = pushes - self.line[measured]
        spread = float(np.std(left)) if len(left) else 0.0
        if len(measured) >= LEAST_TO_LEARN and spread > _NOTHING_LEFT * float(np.std(pushes)):
            known = columns.at(measured)
            self.learner = SVR(C=_STIFFNESS * spread, epsilon=_TUBE * spread, gamma=_gamma(known)).fit(known, left)


def _foretold(columns: Columns, learnt: Sequence[_Learnt], by: IntArray) -> FloatArray:
    """(N,) push of each patch, `by` (N,) the number of what was learnt; NaN of those by nobody. One shard at a time."""
    found: Matrix = np.full(len(columns), np.nan)
    for number, one in enumerate(learnt):
        found[by == number] = one.line[by == number]
    taught = {number: one.learner for number, one in enumerate(learnt) if one.learner is not None}
    if np.isin(by, list(taught)).any():
        for rows, shard in columns:
            for number, learner in taught.items():
                inside = np.flatnonzero(by[rows] == number)
                if len(inside):
                    found[rows.start + inside] += learner.predict(shard[inside])
    return found.astype(np.float32)


def folds_of(image_rows: Sequence[int], keys: Sequence[str], seed: int, count: int = FOLDS) -> IntArray:
    """The fold of each patch: the hash of the seed and the key of the picture it was cut from decides.

    Args:
        image_rows: (N,) rows of the pool; keys: of all pictures of the pool.
    """
    rows, index = np.unique(np.array(image_rows, dtype=np.int64), return_inverse=True)
    folds = [int(keyed_generator(seed, "fold", keys[row]).integers(count)) for row in rows.tolist()]
    chosen: IntArray = np.array(folds, dtype=np.int64)[index]
    return chosen


def _gamma(columns: Matrix) -> float:
    variance = max(float(columns.var()), 1e-12)
    return float(1.0 / (_WIDTH * columns.shape[1] * variance))


def _line(linear: Matrix, measured: IntArray, pushes: FloatArray) -> Matrix:
    """(N,) pushes on a line over the first-order ones, least squares; it rises, whatever few of them say."""
    if not len(measured):
        return linear
    known = linear[measured]
    apart = known - known.mean()
    square = float(apart @ apart)
    slope = float(apart @ (pushes - pushes.mean())) / square if square > 0.0 else 0.0
    if slope <= 0.0:  # the order is kept as long as nothing better is learnt
        slope = float(np.std(pushes)) or 1.0 if len(measured) < LEAST_TO_LEARN else 0.0
    line: Matrix = float(pushes.mean()) + slope * (linear - known.mean())
    return line
