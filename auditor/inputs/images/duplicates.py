"""Which pictures are nearly the same, from their thumbnails alone. What to do about it is the splitting's business."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from auditor.core.records import FloatArray, IntArray, PixelArray

THUMBNAIL_PX = 16
MIN_CORRELATION = 0.995
MAX_MEAN_DIFFERENCE = 6.0
# Below this contrast (root mean square, of 255) a thumbnail holds little but compression noise: its correlation with
# anything is chance, so two such pictures are compared by their difference alone.
FLAT_CONTRAST = 2.0
_CHUNK_ROWS = 256
_CHUNK_PAIRS = 16384


def thumbnail(image: Image.Image) -> PixelArray:
    """(16, 16, 3) uint8: the whole RGB picture averaged into 16×16 squares, whatever its shape."""
    return np.asarray(image.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX), dtype=np.uint8)


def near_duplicate_groups(thumbnails: PixelArray) -> IntArray:
    """Number the groups of pictures that are nearly the same, in the order in which they first appear.

    Two pictures are near-duplicates when their thumbnails correlate at 0.995 or more (both centred over all values)
    and differ by at most 6 of 255 on average; flat pictures need the second alone. A group is a connected set of them.

    Args:
        thumbnails: (N, 16, 16, 3) uint8.
    Returns:
        (N,) group numbers from 0.
    """
    count = len(thumbnails)
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    distinct, inverse = np.unique(thumbnails.reshape(count, -1), axis=0, return_inverse=True)
    # The mean difference is at least the difference of the means, so in order of mean only a window need be compared.
    order = np.argsort(distinct.mean(axis=1, dtype=np.float64), kind="stable")
    in_order = _group_sorted(distinct[order])
    of_distinct = np.empty(len(distinct), dtype=np.int64)
    of_distinct[order] = in_order
    return _number_by_appearance(of_distinct[inverse.reshape(-1)])


def _group_sorted(values: PixelArray) -> IntArray:
    """Groups of (M, D) thumbnails that are sorted by mean; memory is bounded by the chunk, not by M²."""
    means = values.mean(axis=1, dtype=np.float64)
    unit, flat = _standardise(values, means)
    labels: IntArray = np.arange(len(values), dtype=np.int64)
    for start in range(0, len(values), _CHUNK_ROWS):
        stop = min(start + _CHUNK_ROWS, len(values))
        reach = int(np.searchsorted(means, means[stop - 1] + MAX_MEAN_DIFFERENCE, side="right"))
        like = unit[start:stop] @ unit[start:reach].T >= MIN_CORRELATION
        like |= flat[start:stop, None] & flat[None, start:reach]
        left, right = np.nonzero(np.triu(like, k=1))
        left, right = left + start, right + start
        # Pairs already in one group need no second proof; this keeps large groups (film frames) cheap.
        fresh = labels[left] != labels[right]
        labels = _join(labels, *_really_near(values, left[fresh], right[fresh]))
    return labels


def _standardise(values: PixelArray, means: NDArray[np.float64]) -> tuple[FloatArray, NDArray[np.bool_]]:
    centred = values.astype(np.float32) - means[:, None].astype(np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", centred, centred))
    flat = norms <= FLAT_CONTRAST * np.sqrt(values.shape[1])
    centred /= np.maximum(norms, 1e-6)[:, None]
    return centred, flat


def _really_near(values: PixelArray, left: IntArray, right: IntArray) -> tuple[IntArray, IntArray]:
    """Those of the pairs whose mean absolute difference is small enough."""
    near = np.zeros(len(left), dtype=bool)
    for start in range(0, len(left), _CHUNK_PAIRS):
        part = slice(start, start + _CHUNK_PAIRS)
        difference = np.abs(values[left[part]].astype(np.int16) - values[right[part]])
        near[part] = difference.mean(axis=1) <= MAX_MEAN_DIFFERENCE
    return left[near], right[near]


def _join(labels: IntArray, left: IntArray, right: IntArray) -> IntArray:
    """Merge the groups of each pair."""
    if len(left) == 0:
        return labels
    count = len(labels)
    edges = coo_array((np.ones(len(left), dtype=np.int8), (labels[left], labels[right])), shape=(count, count))
    _, merged = connected_components(edges, directed=False)
    return np.asarray(merged, dtype=np.int64)[labels]


def _number_by_appearance(labels: IntArray) -> IntArray:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]
