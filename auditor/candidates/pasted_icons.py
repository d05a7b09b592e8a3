"""Icons of features as pasted: read where the icon lies on source pictures, under it. Rendering is the atlas' work."""

from __future__ import annotations

from dataclasses import dataclass

import torch
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
        side, own = self.background.side_px, icons.shape[-1]
        weights = _resizing(own, side).to(icons.device)
        small = weights @ icons @ weights.T
        moved = movements.clone()
        moved[:, :2] *= side / own  # shifts are in pixels
        shown = self.background.picture.repeat(len(icons), 1, 1, 1)
        shown[:, :, :side, :side] = move(small, moved, (side, side))
        return shown

    def read(self, grid: Tensor) -> Tensor:
        side = self.background.side_px
        covered = grid.new_zeros((1, 1, *self.background.picture.shape[1:]))
        covered[:, :, :side, :side] = 1.0
        rows, columns = grid.shape[2:]
        return under_patch(grid, functional.adaptive_avg_pool2d(covered, (rows, columns)))[:, :, None]

    def finest(self, side_px: int) -> float:
        return 0.5 * self.background.side_px / side_px


def _resizing(own: int, side: int) -> Tensor:
    """(side, own) what each pixel of a line takes of a picture's line, as patches are brought to their size.

    Without antialiasing an icon answers to what sampling happens to meet. As a product of matrices its derivative is
    the same every time on a GPU too, which that of torch's own resizing is not.
    """
    line = functional.interpolate(torch.eye(own)[None, None], size=(side, own), mode="bilinear", antialias=True)
    return line[0, 0]
