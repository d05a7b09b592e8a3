"""Icons of features as pasted: read where the icon lies on source pictures, under it. Rendering is the atlas' work."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from auditor.atlas.icons.transforms import move
from auditor.candidates.screening import Background, under_patch


@dataclass(frozen=True, slots=True)
class UnderPatch:
    """An icon lies top left on a background at the size of a pasted patch, and is read in the features under it.

    What is read is what `TailScreen.seen` says of a patch, so an icon's score is how far it looks, pasted, like the
    crops of its cell.
    """

    background: Background

    def shown(self, icons: Tensor, movements: Tensor) -> Tensor:
        side = self.background.side_px
        shown = self.background.picture.repeat(len(icons), 1, 1, 1)
        shown[:, :, :side, :side] = move(icons, movements, (side, side))
        return shown

    def read(self, grid: Tensor) -> Tensor:
        rows, columns = grid.shape[2:]
        height, width = self.background.picture.shape[1:]
        covered = grid.new_zeros((1, 1, height, width))
        covered[:, :, : self.background.side_px, : self.background.side_px] = 1.0
        return under_patch(grid, functional.adaptive_avg_pool2d(covered, (rows, columns)))[:, :, None]
