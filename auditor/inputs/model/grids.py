"""How a layer's output holds a grid over the picture, and the way to the grid and back. It runs no network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from auditor.core.errors import LayerError
from auditor.inputs.model.features import Features

# The borders are not sampled, so a smaller grid has no position left.
_SMALLEST_GRID = 3
# Class, distillation and register tokens; published networks have 0 to 8.
_MOST_PREFIX_TOKENS = 16


class Axes(Enum):
    """How a layer's output is laid out."""

    CHANNELS_FIRST = "(B, D, H, W)"
    CHANNELS_LAST = "(B, H, W, D)"
    TOKENS = "(B, T, D)"


@dataclass(frozen=True, slots=True)
class GridForm:
    """One layer's way of holding a grid.

    Attributes:
        axes: the output's layout.
        shape: (D, H', W') of the grid for one picture.
        prefix_tokens: tokens in front of the picture's own (class, distillation, register); 0 for other layouts.
    """

    axes: Axes
    shape: tuple[int, int, int]
    prefix_tokens: int = 0

    def to_features(self, output: Tensor, height_px: int, width_px: int) -> Features:
        """Lay a layer's output out as a grid, with the prefix tokens beside it. Differentiable.

        Args:
            output: of the layer, for pictures of (height_px, width_px).
        Raises:
            LayerError: the tokens make no grid in the picture's proportions.
        """
        if self.axes is Axes.CHANNELS_FIRST:
            return Features(output)
        if self.axes is Axes.CHANNELS_LAST:
            return Features(output.permute(0, 3, 1, 2))
        tokens = output.transpose(1, 2)
        sides = _token_grid(tokens.shape[2] - self.prefix_tokens, height_px, width_px)
        if sides is None:
            raise LayerError(
                f"{tokens.shape[2]} tokens, {self.prefix_tokens} of them prefix tokens, make no grid over a "
                f"{height_px}x{width_px} picture"
            )
        grid = tokens[:, :, self.prefix_tokens :].reshape(*tokens.shape[:2], *sides)
        return Features(grid, (tokens[:, :, : self.prefix_tokens],) if self.prefix_tokens else ())

    def to_output(self, features: Features) -> Tensor:
        """Undo `to_features`; the result shares no memory with `features`."""
        if self.axes is Axes.CHANNELS_FIRST:
            return features.grid.clone()
        if self.axes is Axes.CHANNELS_LAST:
            return features.grid.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
        grid = features.grid.flatten(2).transpose(1, 2)
        prefix = features.beside[0].transpose(1, 2) if self.prefix_tokens else grid[:, :0]
        return torch.cat((prefix, grid), dim=1)


def grid_form(shape: tuple[int, ...], height_px: int, width_px: int) -> GridForm | None:
    """Read a layer's output for one picture, without the batch, as a grid over the picture.

    Three axes are (D, H', W') or (H', W', D), whichever comes closer to the picture's proportions, and channels
    first where both come as close. Two axes are (T, D) tokens: the picture's row by row, behind as few prefix
    tokens, at most 16, as leave a grid in the picture's proportions.

    Returns:
        None where it is no grid of at least 3x3.
    """
    if len(shape) == 3:
        first, last = (shape[0], shape[1], shape[2]), (shape[2], shape[0], shape[1])
        forms = [GridForm(Axes.CHANNELS_FIRST, first), GridForm(Axes.CHANNELS_LAST, last)]
        fitting = [form for form in forms if is_grid(form.shape, height_px, width_px)]
        # min takes the earlier of equals
        return min(
            fitting, key=lambda form: _distortion(form.shape[1], form.shape[2], height_px, width_px), default=None
        )
    if len(shape) == 2:
        for prefix in range(_MOST_PREFIX_TOKENS + 1):
            sides = _token_grid(shape[0] - prefix, height_px, width_px)
            if sides is not None and is_grid((shape[1], *sides), height_px, width_px):
                return GridForm(Axes.TOKENS, (shape[1], *sides), prefix)
    return None


def is_grid(shape: tuple[int, ...], height_px: int, width_px: int) -> bool:
    """Whether (D, H', W') is a grid over the picture: its proportions, not larger, and at least 3x3."""
    if len(shape) != 3 or min(shape[1:]) < _SMALLEST_GRID or shape[1] > height_px or shape[2] > width_px:
        return False
    # Strided layers round each side on its own; two positions cover every padding rule met in practice.
    return _distortion(shape[1], shape[2], height_px, width_px) <= 2


def _distortion(rows: int, columns: int, height_px: int, width_px: int) -> float:
    """Positions by which a grid misses the picture's proportions, along the side where it misses less."""
    return min(abs(rows - columns * height_px / width_px), abs(columns - rows * width_px / height_px))


def _token_grid(tokens: int, height_px: int, width_px: int) -> tuple[int, int] | None:
    """Rows and columns of that many patches over the picture, each within one of its proportions; None: none fit."""
    if tokens < 1:
        return None
    rows = max(1, round(math.sqrt(tokens * height_px / width_px)))
    columns = tokens // rows
    misses = abs(rows - columns * height_px / width_px) >= 1 or abs(columns - rows * width_px / height_px) >= 1
    return None if rows * columns != tokens or misses else (rows, columns)
