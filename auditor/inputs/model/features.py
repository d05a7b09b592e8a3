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
    distillation, register) lie beside it: the network behind the layer needs them, no place of the picture is theirs.

    Attributes:
        grid: (B, D, H', W').
        beside: (B, D, R), a column each; R is 0 where a layer puts out its grid alone.
    """

    grid: Tensor
    beside: Tensor

    @classmethod
    def of_grid(cls, grid: Tensor) -> Features:
        """(B, D, H', W') with nothing beside it."""
        return cls(grid, grid.new_empty((*grid.shape[:2], 0)))

    @classmethod
    def joined(cls, parts: Sequence[Features]) -> Features:
        """Batches one after the other; at least one."""
        if len(parts) == 1:
            return parts[0]
        return cls(torch.cat([part.grid for part in parts]), torch.cat([part.beside for part in parts]))

    def __len__(self) -> int:
        """B."""
        return len(self.grid)

    def __getitem__(self, rows: slice | Tensor) -> Features:
        """Those pictures of the batch: a slice, or (N,) whole numbers."""
        return Features(self.grid[rows], self.beside[rows])

    def each(self, change: Callable[[Tensor], Tensor]) -> Features:
        """The same change made to both tensors."""
        return Features(change(self.grid), change(self.beside))
