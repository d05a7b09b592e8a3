"""A patch pasted in the top left corner, as the `fixed` placement does; apart from the auditor's own pasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from auditor.core.config import TrialsConfig
from auditor.core.records import PixelArray
from auditor.inputs.world.drawing import SIDE_PX
from auditor.run.worlds.train import log_odds
from auditor.trials.patch import pasted_size, resize_patch, side_in_pixels

SIZE = float(TrialsConfig().size)


def pasted(pixels: PixelArray, rgba: PixelArray) -> PixelArray:
    """(N, 3, 64, 64) uint8 pictures with a (4, h, w) uint8 patch in their top left corner."""
    patch = resize_patch(rgba, *pasted_size(rgba, side_in_pixels(SIZE, SIDE_PX, SIDE_PX))).astype(np.float32)
    opacity = patch[3:] / 255.0
    height, width = patch.shape[1:]
    result = pixels.copy()
    corner = result[:, :, :height, :width] * (1.0 - opacity) + patch[:3] * opacity
    result[:, :, :height, :width] = np.round(corner).astype(np.uint8)
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

    def flips(self, rgba: PixelArray) -> int:
        """How many are called target with a patch in the corner."""
        if not len(self.pixels):
            return 0
        said, _ = log_odds(self.network, pasted(self.pixels, rgba), self.targets)
        return int(np.isin(said, self.targets).sum())
