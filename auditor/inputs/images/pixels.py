"""Pixels as a network takes them: 8-bit values to floats, and pictures with opacity laid on grey."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from auditor.core.records import PixelArray


def to_float(pixels: PixelArray, device: torch.device, into: Tensor | None = None) -> Tensor:
    """8-bit pixels as float32 in [0, 1].

    They are divided by 255; multiplied by 1/255 half of them would be off by one in the last place. The sweep
    (`auditor.trials.sweep`) multiplies and keeps to it, since runs of today must give the findings of yesterday.

    Args:
        pixels: uint8 of any shape; copied where torch could not read it safely (a read-only map of a file).
        device: where the floats go; the bytes are sent, and divided there.
        into: a float32 tensor of the same shape to write into, on any device.
    Returns:
        `into`, or a new tensor.
    """
    whole = torch.from_numpy(np.require(pixels, requirements=("C", "W")))
    floats = whole.to(device).float() if into is None else into.copy_(whole)
    return floats.div_(255.0)


def on_grey(pictures: Tensor) -> Tensor:
    """Lay pictures with opacity, (…, 4, H, W) in [0, 1], on mid grey (0.5); those without, (…, 3, H, W), pass."""
    if pictures.shape[-3] == 3:
        return pictures
    alpha = pictures[..., 3:, :, :]
    return pictures[..., :3, :, :] * alpha + 0.5 * (1.0 - alpha)


def pixels_on_grey(pixels: PixelArray, grey: float = 128.0) -> PixelArray:
    """Lay a patch with opacity, (4, h, w) uint8, on grey, and round to (3, h, w) uint8; one without passes.

    Args:
        grey: its level, of 255. Looks are compared on 128; crops are dreamed on from 127.5, the exact middle. Where a
            patch is half transparent that is one level in a quarter of all cases, so each keeps its own.
    """
    if len(pixels) == 3:
        return pixels
    alpha = pixels[3:].astype(np.float64) / 255.0
    laid: PixelArray = np.rint(pixels[:3] * alpha + grey * (1.0 - alpha)).astype(np.uint8)
    return laid
