"""What an effect is: the numbers it draws, and what it does to patches or to whole pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.config import TrialsConfig


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was drawn, by name.

    Attributes:
        drawn: (B, 1, 1, 1) float32 each, on the pictures' device.
        least, most: of each over all that was drawn, on the processor: nobody waits for the device to know.
    """

    drawn: Mapping[str, Tensor]
    least: Mapping[str, float]
    most: Mapping[str, float]

    def __getitem__(self, name: str) -> Tensor:
        return self.drawn[name]


WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue in luma, ITU-R BT.601."""


@dataclass(frozen=True, slots=True)
class Patches:
    """Pasted patches, each in a window of its picture.

    Attributes:
        colour: (B, 3, h, w) premultiplied by opacity, in [0, 1]; alpha: (B, 1, h, w) opacity.
        y, x: (B, 1, h, 1) and (B, 1, 1, w) offsets of pixel centres from the patch's centre, in halves of its side.
    """

    colour: Tensor
    alpha: Tensor
    y: Tensor
    x: Tensor


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect; each of its parts is computed pixel by pixel in a fixed order, so that no batch shows in a picture.

    Attributes:
        columns: names of its numbers; the first says whether the effect is there.
        draw: these numbers for one picture; None: they are not drawn but given.
        on_patches, on_pictures: what it does to patches where they lie, or to whole pictures; None: nothing.
        reach: of its first number, how many pixels it carries a patch beyond its outline; None: it does not.
    """

    columns: tuple[str, ...]
    draw: Callable[[TrialsConfig, np.random.Generator], tuple[float, ...]] | None = None
    on_patches: Callable[[Patches, Numbers], Patches] | None = None
    on_pictures: Callable[[Tensor, Numbers], Tensor] | None = None
    reach: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
