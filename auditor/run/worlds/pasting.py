"""A patch pasted in the top left corner, as the `fixed` placement does, or at a spot; apart from the auditor's code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from auditor.core.config import TrialsConfig
from auditor.core.records import PixelArray, Spot
from auditor.inputs.world.drawing import SIDE_PX
from auditor.run.worlds.train import log_odds
from auditor.trials.patch import pasted_size, resize_patch, side_in_pixels
from auditor.trials.stand_ins import Control, CutFromPictures, Draw

CORNER = Spot(0.0, 0.0, float(TrialsConfig().size))
"""Of the `fixed` placement."""

Colours = NDArray[np.float32]

Instead = Callable[[Colours, Colours], Colours]
"""(3, h, w) colours times opacity and (1, h, w) opacity of a patch as it lies, to each picture's own (N, 3, h, w)."""


def pasted(
    pixels: PixelArray, rgba: PixelArray, spot: Spot | None = None, instead: Instead | None = None
) -> PixelArray:
    """(N, 3, 64, 64) uint8 pictures with a (4, h, w) uint8 patch on them.

    Args:
        spot: where; None: in their top left corner.
        instead: what is pasted in its place, of its size and under its opacity; None: the patch.
    """
    at = spot or CORNER
    patch = resize_patch(rgba, *pasted_size(rgba, side_in_pixels(at.size, SIDE_PX, SIDE_PX))).astype(np.float32)
    opacity: Colours = patch[3:] / np.float32(255.0)
    colours = patch[:3] * opacity
    if instead is not None:
        colours = 255.0 * instead(colours / np.float32(255.0), opacity)
    height, width = patch.shape[1:]
    top, left = round(at.down * (SIDE_PX - height)), round(at.across * (SIDE_PX - width))
    inside = np.s_[:, :, top : top + height, left : left + width]
    result = pixels.copy()
    result[inside] = np.round(result[inside] * (1.0 - opacity) + colours).astype(np.uint8)
    return result


@dataclass(frozen=True, slots=True)
class Standing:
    """A control of a candidate on pictures that no trial saw, drawn anew for each as the trials draw it.

    Attributes:
        keys: of the pictures; seed: of the audit; pool: (M, 3, 64, 64) uint8 prepared pictures that crops are cut from.
    """

    control: Control
    candidate: str
    keys: Sequence[str]
    seed: int
    pool: PixelArray

    def __call__(self, colours: Colours, opacity: Colours) -> Colours:
        draw, stand_in = Draw(self.seed, self.candidate, self.control.name), self.control.stand_in
        alpha, device = torch.from_numpy(opacity), torch.device("cpu")
        if isinstance(stand_in, CutFromPictures):
            return stand_in.cut(draw, self.keys, self.pool, alpha[0], device)[:, :3].numpy()
        size, many = (opacity.shape[1], opacity.shape[2]), len(self.keys)
        numbers = stand_in.numbers(draw, self.keys, size, device)
        own = torch.from_numpy(colours).expand(many, -1, -1, -1)
        return stand_in.change(own, alpha.expand(many, -1, -1, -1), numbers).numpy()


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
        return int(self.flipped(rgba, spot).sum())

    def flipped(self, rgba: PixelArray, spot: Spot | None = None, instead: Instead | None = None) -> NDArray[np.bool_]:
        """(N,) which of them are; arguments as for `pasted`."""
        if not len(self.pixels):
            return np.zeros(0, dtype=np.bool_)
        said, _ = log_odds(self.network, pasted(self.pixels, rgba, spot, instead), self.targets)
        return np.isin(said, self.targets)
