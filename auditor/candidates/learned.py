"""Push foretold from how the network sees a patch where it lies, learnt from patches that went through the tail.

A first-order push knows nothing of what the tail does with large changes. What it leaves is learnt here, crop by crop,
from the few that the tail has seen; it then orders all the others at the linear rung's cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR

from auditor.candidates.linear import Pasted
from auditor.core.draws import keyed_generator
from auditor.core.records import FloatArray, IntArray

FOLDS = 4
LEAST_TO_LEARN = 24
"""Patches through the tail, below which nothing is learnt beside the line."""

_OF_LINEAR = 0.5
"""Weight of the first-order push among the features, as a share of the weight that all changes have together."""

_STIFFNESS, _TUBE, _WIDTH = 3.0, 0.1, 2.0
"""Penalty and tube in standard deviations of what is left, and the kernel's width in those of the columns."""

_NOTHING_LEFT = 1e-3
"""Of the pushes' own spread: what the line leaves below this is rounding."""

Columns = NDArray[np.float64]


def as_columns(pasted: Pasted) -> Columns:
    """(N, F + 1) what is learnt from: changes and first-order push, each standardised over the N patches."""
    changes = _standardised(pasted.change.astype(np.float64))
    linear = _standardised(pasted.push.astype(np.float64)[:, None])
    return np.concatenate([changes, linear * _OF_LINEAR * np.sqrt(changes.shape[1])], axis=1)


def foretold(columns: Columns, measured: IntArray, pushes: FloatArray, wanted: IntArray) -> FloatArray:
    """Push of the patches `wanted`: a line through the first-order pushes, and what it leaves by support vectors.

    Where the first order says all there is, nothing is left to learn, and the line stands alone.

    Args:
        columns: (N, F + 1) of `as_columns`.
        measured: (M,) rows of patches that went through the tail; pushes: (M,) theirs, logits.
        wanted: (W,) rows.
    Returns:
        (W,) float32 logits.
    Source: Drucker, Burges, Kaufman, Smola, Vapnik 1996, Support vector regression machines; with a Gaussian kernel.
    """
    line = _line(columns[:, -1], measured, pushes)
    left = pushes - line[measured]
    spread = float(np.std(left)) if len(left) else 0.0
    found: Columns = line[wanted]
    if len(measured) >= LEAST_TO_LEARN and spread > _NOTHING_LEFT * float(np.std(pushes)) and len(wanted):
        learner = SVR(C=_STIFFNESS * spread, epsilon=_TUBE * spread, gamma=_gamma(columns[measured]))
        found = found + learner.fit(columns[measured], left).predict(columns[wanted])
    return found.astype(np.float32)


def cross_fitted(columns: Columns, measured: IntArray, pushes: FloatArray, fold: IntArray) -> FloatArray:
    """Push of all N patches, each learnt from patches of other folds alone, never from itself.

    Args:
        fold: (N,) of each patch; patches cut from one picture share it (`folds_of`).
    """
    found = np.empty(len(columns), dtype=np.float32)
    for one in np.unique(fold):
        others = fold[measured] != one
        inside = np.flatnonzero(fold == one)
        found[inside] = foretold(columns, measured[others], pushes[others], inside)
    return found


def folds_of(image_rows: Sequence[int], keys: Sequence[str], seed: int, count: int = FOLDS) -> IntArray:
    """The fold of each patch: the hash of the seed and the key of the picture it was cut from decides.

    Args:
        image_rows: (N,) rows of the pool; keys: of all pictures of the pool.
    """
    rows, index = np.unique(np.array(image_rows, dtype=np.int64), return_inverse=True)
    folds = [int(keyed_generator(seed, "fold", keys[row]).integers(count)) for row in rows.tolist()]
    chosen: IntArray = np.array(folds, dtype=np.int64)[index]
    return chosen


def _standardised(values: Columns) -> Columns:
    spread = values.std(axis=0)
    standard: Columns = (values - values.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return standard


def _gamma(columns: Columns) -> float:
    variance = max(float(columns.var()), 1e-12)
    return float(1.0 / (_WIDTH * columns.shape[1] * variance))


def _line(linear: Columns, measured: IntArray, pushes: FloatArray) -> Columns:
    """(N,) pushes on a line over the first-order ones, least squares; it rises, whatever few of them say."""
    if not len(measured):
        return linear
    known = linear[measured]
    apart = known - known.mean()
    square = float(apart @ apart)
    slope = float(apart @ (pushes - pushes.mean())) / square if square > 0.0 else 0.0
    if slope <= 0.0:  # the order is kept as long as nothing better is learnt
        slope = float(np.std(pushes)) or 1.0 if len(measured) < LEAST_TO_LEARN else 0.0
    line: Columns = float(pushes.mean()) + slope * (linear - known.mean())
    return line
