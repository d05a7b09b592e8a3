"""What a layer put out: the grid over the picture, and apart from it what stands for no place. It runs no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Features:
    """Activations of a batch of pictures at one layer.

    Whatever asks where in the picture reads the grid. Tokens that stand for the picture as a whole (class,
    distillation, register) lie beside it, and so do the other tensors of a layer that puts out several: the network
    behind the layer needs them, no place of the grid is theirs.

    Attributes:
        grid: (B, D, H', W').
        beside: (B, …) each; of tokens (B, D, R). Most layers put out their grid alone.
    """

    grid: Tensor
    beside: tuple[Tensor, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[Features]) -> Features:
        """Batches one after the other; at least one."""
        if len(parts) == 1:
            return parts[0]
        beside = zip(*(part.beside for part in parts), strict=True)
        return cls(torch.cat([part.grid for part in parts]), tuple(torch.cat(same) for same in beside))

    def __len__(self) -> int:
        """B."""
        return len(self.grid)

    def __getitem__(self, rows: slice | Tensor) -> Features:
        """Those pictures of the batch: a slice, or (N,) whole numbers."""
        return self.each(lambda tensor: tensor[rows])

    def each(self, change: Callable[[Tensor], Tensor]) -> Features:
        """The same change made to all tensors."""
        return Features(change(self.grid), tuple(change(other) for other in self.beside))
