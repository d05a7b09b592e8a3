"""A patch pasted in the top left corner, as the `fixed` placement does, or at a spot; apart from the auditor's code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from auditor.core.config import TrialsConfig
from auditor.core.records import PixelArray, Spot
from auditor.inputs.world.drawing import SIDE_PX
from auditor.run.worlds.train import log_odds
from auditor.trials.patch import pasted_size, resize_patch, side_in_pixels

CORNER = Spot(0.0, 0.0, float(TrialsConfig().size))
"""Of the `fixed` placement."""


def pasted(pixels: PixelArray, rgba: PixelArray, spot: Spot | None = None) -> PixelArray:
    """(N, 3, 64, 64) uint8 pictures with a (4, h, w) uint8 patch at a spot; None: in their top left corner."""
    at = spot or CORNER
    patch = resize_patch(rgba, *pasted_size(rgba, side_in_pixels(at.size, SIDE_PX, SIDE_PX))).astype(np.float32)
    opacity = patch[3:] / 255.0
    height, width = patch.shape[1:]
    top, left = round(at.down * (SIDE_PX - height)), round(at.across * (SIDE_PX - width))
    inside = np.s_[:, :, top : top + height, left : left + width]
    result = pixels.copy()
    result[inside] = np.round(result[inside] * (1.0 - opacity) + patch[:3] * opacity).astype(np.uint8)
    return result


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of the source that a network calls source: (N, 3, 64, 64) uint8 pixels."""

    network: nn.Module
    targets: tuple[int, ...]
    pixels: PixelArray

    @classmethod
    def eligible(cls, network: nn.Module, pixels: PixelArray, source: int, targets: Sequence[int]) -> Pictures:
        """Those of some pictures that the network calls source."""
        said, _ = log_odds(network, pixels, targets)
        return cls(network, tuple(targets), pixels[said == source])

    def flips(self, rgba: PixelArray, spot: Spot | None = None) -> int:
        """How many are called target with a patch at a spot; None: in the corner."""
        if not len(self.pixels):
            return 0
        said, _ = log_odds(self.network, pasted(self.pixels, rgba, spot), self.targets)
        return int(np.isin(said, self.targets).sum())
