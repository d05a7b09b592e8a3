"""Where in a picture the network reads an icon: in the middle of one of its own, unless someone else says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from auditor.atlas.icons.objective import centre
from auditor.atlas.icons.transforms import move


class Reading(Protocol):
    """How icons are shown to a network, and which of its activations are compared with their directions."""

    def shown(self, icons: Tensor, movements: Tensor) -> Tensor:
        """(N, 3, H, W) pictures with icons (N, 3, s, s) in them, moved as `draw_movements` drew it."""

    def read(self, grid: Tensor) -> Tensor:
        """(N, D, P) activations of the layer's grid (N, D, H', W')."""

    def finest(self, side_px: int) -> float:
        """The finest frequency of icons of that side that is still shown, in cycles a pixel."""


@dataclass(frozen=True, slots=True)
class AtCentre:
    """An icon fills a picture of the network's input size (H, W), and is read in the middle."""

    size: tuple[int, int]

    def shown(self, icons: Tensor, movements: Tensor) -> Tensor:
        return move(icons, movements, self.size)

    def read(self, grid: Tensor) -> Tensor:
        return centre(grid)

    def finest(self, side_px: int) -> float:
        del side_px
        return math.inf
