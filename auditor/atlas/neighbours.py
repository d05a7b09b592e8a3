"""Exact nearest neighbours among all activations, by blocks of matrix products on any device. It lays nothing out."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK_BYTES = {"cpu": 2**26, "cuda": 2**30}
"""Memory of the cosines held at once, by type of device: a card is quick where many are computed together."""


def nearest_others(unit: Tensor, count: int, block_bytes: int | None = None) -> tuple[Tensor, Tensor]:
    """The `count` others nearest each of S unit vectors by cosine, itself left out.

    Every pair is looked at, some rows at a time, so that memory grows with S and not with its square.

    Args:
        unit: (S, D) float32 of length 1, on the device that is to compute.
        count: from 1 to S - 1.
        block_bytes: of the cosines in memory at once; None: as `BLOCK_BYTES` says. One row is held at least.
    Returns:
        Cosines (S, count) float32, and rows (S, count) int64, nearest first, on the same device. Of others that are
        equally near, such as duplicates, any may be taken.
    """
    samples = len(unit)
    most = block_bytes or BLOCK_BYTES.get(unit.device.type, BLOCK_BYTES["cpu"])
    rows_at_once = min(samples, max(1, most // (4 * samples)))
    cosines = torch.empty((samples, count), dtype=torch.float32, device=unit.device)
    rows = torch.empty((samples, count), dtype=torch.int64, device=unit.device)
    for start in range(0, samples, rows_at_once):
        block = unit[start : start + rows_at_once]
        alike = block @ unit.T
        alike.diagonal(start).fill_(-torch.inf)  # each row's own place
        found = alike.topk(count, dim=1)
        cosines[start : start + len(block)], rows[start : start + len(block)] = found.values, found.indices
        del alike, found  # else two blocks are held while the next is computed
    return cosines, rows
