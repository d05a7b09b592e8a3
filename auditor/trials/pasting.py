"""Pasting one patch onto a batch of pictures, each at its own draw, as one vectorised operation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from auditor.core.records import PixelArray
from auditor.core.records.trials import Draws
from auditor.inputs.images.pixels import to_float
from auditor.trials.patch import aspect_of, pasted_size, resize_patch
from auditor.trials.placements import half_extents


class Sticker:
    """A patch ready to be pasted: its pixels on the device, resized once for each size it is used at."""

    def __init__(self, rgba: PixelArray, device: torch.device) -> None:
        self._rgba = rgba
        self._device = device
        self._by_size: dict[tuple[int, int], Tensor] = {}
        self.aspect = aspect_of(rgba)

    def at(self, side_px: float) -> Tensor:
        """(4, h, w) float32 in [0, 1], colours premultiplied by opacity, longer side `side_px` (rounded)."""
        size = pasted_size(self._rgba, max(1, round(side_px)))
        if size not in self._by_size:
            pixels = to_float(resize_patch(self._rgba, *size), self._device)
            pixels[:3] *= pixels[3:]
            self._by_size[size] = pixels
        return self._by_size[size]


def paste(images: Tensor, sticker: Sticker, draws: Draws, source_px: float) -> Tensor:
    """Paste a patch onto every picture of a batch, in place.

    Args:
        images: (B, 3, H, W) float32 RGB in [0, 1], contiguous; overwritten where the patch lies.
        sticker: the patch.
        draws: B placements. A patch that reaches over the edge is cut off there.
        source_px: longer side to which the patch is resized, with antialiasing, before it is sampled: the largest
            that a draw can have. It is not taken from the batch, lest a picture's pixels depend on its company.
    Returns:
        `images`.

    A patch that is neither turned nor tilted and whose corner lies on whole pixels keeps its resized
    pixels exactly, to float tolerance. Otherwise it is sampled bilinearly, with soft edges.
    """
    return paste_pixels(images, sticker.at(source_px), draws)


Change = Callable[[Tensor, Tensor], Tensor]
"""(B, 3, h, w) premultiplied colours and (B, 1, h, w) opacity of pasted patches, to other premultiplied colours."""


def paste_pixels(
    images: Tensor,
    source: Tensor,
    draws: Draws,
    change: Change | None = None,
    window: tuple[int, int] | None = None,
) -> Tensor:
    """`paste` for a patch that has its size already; differentiable with respect to its pixels.

    Args:
        images: as for `paste`; on the patch's device.
        source: (4, h, w) float32 in [0, 1], colours premultiplied by opacity; or (B, 4, h, w), one a picture.
        change: makes something else of the patches where they lie, before they are relit.
        window: height and width of the part of each picture that is worked on; None: what the draws take.
    """
    count, _, height, width = images.shape
    device = images.device
    texels = (source.shape[-2], source.shape[-1])
    aspect = (texels[0] / max(texels), texels[1] / max(texels))
    top, left, window_y, window_x = _windows(draws, texels, height, width, window)

    rows = torch.as_tensor(top, device=device).view(count, 1) + torch.arange(window_y, device=device)
    columns = torch.as_tensor(left, device=device).view(count, 1) + torch.arange(window_x, device=device)
    y = rows.view(count, window_y, 1) + 0.5 - _column(draws.centre_y, device)
    x = columns.view(count, 1, window_x) + 0.5 - _column(draws.centre_x, device)
    grid = _patch_coordinates(y, x, draws, aspect)
    sampled = functional.grid_sample(
        source.expand(count, -1, -1, -1), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    colour, alpha = sampled[:, :3], sampled[:, 3:]
    if change is not None:
        colour = change(colour, alpha)
    if draws.brightness.any() or (draws.contrast != 1.0).any():
        brightness, contrast = _column(draws.brightness, device), _column(draws.contrast, device)
        colour = _relight(colour, alpha, brightness.unsqueeze(1), contrast.unsqueeze(1))

    flat = (rows.view(count, window_y, 1) * width + columns.view(count, 1, window_x)).view(count, 1, -1)
    flat = flat.expand(-1, 3, -1)
    pixels = images.view(count, 3, height * width)
    under = pixels.gather(2, flat)
    over = under.mul_(1.0 - alpha.flatten(2)).add_(colour.flatten(2))
    pixels.scatter_(2, flat, over)
    return images


def _windows(
    draws: Draws, texels: tuple[int, int], height: int, width: int, size: tuple[int, int] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """Top-left corners of equally large windows inside the pictures that hold the pasted patches, and their size."""
    longer = max(texels)
    upright = (draws.rotation == 0.0) & (draws.tilt_y == 0.0) & (draws.tilt_x == 0.0)
    # sampling fades a patch out over half a texel around it; of an upright one that reaches no further pixel's centre
    grown_y, grown_x = (np.where(upright, 1.0, 1.0 + 1.0 / count) for count in texels)
    half_y, half_x = half_extents(
        draws.side_px,
        draws.rotation,
        draws.tilt_y * grown_y,
        draws.tilt_x * grown_x,
        (texels[0] / longer * grown_y, texels[1] / longer * grown_x),
    )
    top, window_y = _window(draws.centre_y, half_y, height, size[0] if size else None)
    left, window_x = _window(draws.centre_x, half_x, width, size[1] if size else None)
    return top, left, window_y, window_x


def _window(
    centre: NDArray[np.float64], half: NDArray[np.float64], length: int, size: int | None
) -> tuple[NDArray[np.int64], int]:
    # rounding keeps a patch that lies on whole pixels there, in spite of float error in centre ± half
    first = np.floor((centre - half).round(6))
    window = size or min(length, math.ceil(float((centre + half - first).round(6).max())))
    return first.clip(0, length - window).astype(np.int64), window


def _column(values: NDArray[np.float64], device: torch.device) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=device).view(-1, 1, 1)


def _patch_coordinates(y: Tensor, x: Tensor, draws: Draws, aspect: tuple[float, float]) -> Tensor:
    """(B, h, w, 2) positions in the patch, −1 … 1 from edge to edge, of picture offsets from its centre."""
    # in double precision, so that a device or a batch's length does not show in the last bit
    cosine, sine = _column(np.cos(draws.rotation), y.device), _column(np.sin(draws.rotation), y.device)
    half = _column(draws.side_px, y.device) / 2
    across = (x * cosine - y * sine) / (half * aspect[1])
    down = (x * sine + y * cosine) / (half * aspect[0])
    depth = 1.0 + _column(draws.tilt_x, y.device) * across + _column(draws.tilt_y, y.device) * down
    return torch.stack((across / depth, down / depth), dim=-1)


def _relight(colour: Tensor, alpha: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Contrast about mid grey, then brightness, on premultiplied colours, clipped to [0, alpha]."""
    changed = (colour - 0.5 * alpha) * contrast + (0.5 + brightness) * alpha
    return torch.minimum(changed.clamp_(min=0.0), alpha)
