"""Small random movements under which an icon must hold, drawn for each icon by itself. It only moves pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from auditor.core.draws import keyed_generator


@dataclass(frozen=True, slots=True)
class Movement:
    """How far one step may move an icon.

    Attributes:
        jitter_px: shift in icon pixels, uniform in ±jitter_px down and across.
        scale: size, uniform in 1 ± scale.
        rotation_degrees: uniform in ±rotation_degrees.
    """

    jitter_px: float = 8.0
    scale: float = 0.1
    rotation_degrees: float = 20.0


def draw_movements(movement: Movement, steps: int, seed: int, keys: Sequence[str]) -> Tensor:
    """Draw every step's movement of every icon.

    Args:
        keys: one an icon; with the seed it decides the icon's draws.
    Returns:
        (steps, N, 4) float32: shift down and across in pixels, scale, clockwise angle in radians.
    """
    spread = np.array([movement.jitter_px, movement.jitter_px, movement.scale, np.radians(movement.rotation_degrees)])
    draws = [keyed_generator(seed, "icon movement", key).uniform(-1, 1, (steps, 4)) * spread for key in keys]
    drawn = np.stack(draws, axis=1) if draws else np.zeros((steps, 0, 4))
    return torch.from_numpy((drawn + np.array([0.0, 0.0, 1.0, 0.0])).astype(np.float32))


def still(pictures: int) -> Tensor:
    """(N, 4) movements that move nothing."""
    return torch.tensor([0.0, 0.0, 1.0, 0.0]).repeat(pictures, 1)


def move(images: Tensor, movements: Tensor, size: tuple[int, int]) -> Tensor:
    """Shift, scale and turn pictures about their centres, and bring them to the network's input size.

    The icon fills the shorter side of `size`; around it the picture is mirrored.

    Args:
        images: (N, C, s, s). movements: (N, 4) of `draw_movements`. size: (H, W) of the result.
    Returns:
        (N, C, H, W), bilinear.
    """
    side, (height, width) = images.shape[-1], size
    down, across, scale, angle = movements.to(images.device).unbind(dim=1)
    step = side / min(height, width) / scale
    cos, sin = torch.cos(angle) * step, torch.sin(angle) * step
    rows = [cos * width, sin * height, -2 * across, -sin * width, cos * height, -2 * down]
    matrix = torch.stack(rows, dim=1).view(-1, 2, 3) / side
    grid = F.affine_grid(matrix, [len(images), 1, height, width], align_corners=False)
    if images.device.type == "cpu":
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return sample_mirrored(images, grid)


def sample_mirrored(images: Tensor, grid: Tensor) -> Tensor:
    """Bilinear sampling of a picture that is mirrored around its edges: `grid_sample` with reflection, to rounding.

    Of grid_sample a GPU adds the gradients up in whatever order its threads arrive. Here the corners are taken by
    index, whose derivative is sorted by index first, so that icons come out the same every time.

    Args:
        images: (N, C, H, W). grid: (N, h, w, 2) positions across and down, −1 … 1 from edge to edge.
    Returns:
        (N, C, h, w).
    """
    left, right, across = _mirrored_corners(grid[..., 0], images.shape[3])
    top, bottom, down = _mirrored_corners(grid[..., 1], images.shape[2])
    pixels, picture = images.permute(0, 2, 3, 1), torch.arange(len(images), device=images.device).view(-1, 1, 1)
    above = pixels[picture, top, left] * (1 - across) + pixels[picture, top, right] * across
    below = pixels[picture, bottom, left] * (1 - across) + pixels[picture, bottom, right] * across
    return (above * (1 - down) + below * down).permute(0, 3, 1, 2)


def _mirrored_corners(positions: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """The pixels before and behind positions along one axis, as indices, and the second one's share (…, 1)."""
    from_edge = ((positions + 1) * length / 2).abs()
    folded = torch.remainder(from_edge, 2 * length)
    inside = (torch.minimum(folded, 2 * length - folded) - 0.5).clamp(0, length - 1)
    before = inside.floor()
    first = before.long()
    return first, (first + 1).clamp(max=length - 1), (inside - before).unsqueeze(-1)
