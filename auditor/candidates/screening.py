"""Screening: what a crop's own features would do in the source pictures, without pasting a pixel.

A crop alone, at patch size, goes through the network up to the layer; its feature map is written into the source
pictures' cached activations where the patch would lie; only the tail is run (docs/design.md, section 4, screening).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from auditor.errors import LayerError, ModelError
from auditor.progress import Progress
from auditor.records import ClassGroup, FloatArray, PixelArray
from auditor.subject.classifier import margin
from auditor.subject.cut import LayerCut


class TailScreen:
    """Cached activations of a few source pictures, into which crops are written at the fixed placement."""

    def __init__(
        self,
        cut: LayerCut,
        pixels: PixelArray,
        source: ClassGroup,
        target: ClassGroup,
        patch_share: float,
        batch_size: int,
    ) -> None:
        """
        Args:
            pixels: (S, 3, H, W) uint8 source pictures of discovery or selection, never of confirmation.
            patch_share: patch width as a share of the shorter side; the top left corner is screened.
        """
        self._cut, self._source, self._target, self._batch_size = cut, source, target, batch_size
        height, width = pixels.shape[2:]
        _, self._grid_height, self._grid_width = cut.feature_shape
        stride = (height / self._grid_height, width / self._grid_width)
        side = patch_share * min(height, width)
        self._cells = (
            min(self._grid_height, max(1, round(side / stride[0]))),
            min(self._grid_width, max(1, round(side / stride[1]))),
        )
        self._crop_size = (round(self._cells[0] * stride[0]), round(self._cells[1] * stride[1]))
        self._input_size = (int(height), int(width))
        with torch.inference_mode():
            clean = _as_float(torch.from_numpy(np.ascontiguousarray(pixels)), cut)
            features, logits = cut.features_and_logits(clean)
        self._features = features.clone()
        self._clean_margin = margin(logits, source, target)
        self._alone = self._runs_alone()

    def screen(self, crops: Sequence[PixelArray], progress: Progress) -> FloatArray:
        """Predicted push of each (3, h, w) uint8 crop: the mean change of the target − source margin, logits.

        Returns:
            (N,) float32, in the order of the crops. The same crop gives the same number in any company.
        """
        pushes = np.empty(len(crops), dtype=np.float32)
        sources = len(self._features)
        together = max(1, self._batch_size * 2 // sources)
        buffer = self._features.new_empty((together * sources, *self._features.shape[1:]))
        for start in range(0, len(crops), together):
            part = crops[start : start + together]
            written = buffer[: len(part) * sources]
            pushes[start : start + len(part)] = self._screen_some(part, written)
            progress.advance(len(part))
        return pushes

    @torch.inference_mode()
    def _screen_some(self, crops: Sequence[PixelArray], written: Tensor) -> FloatArray:
        sources = len(self._features)
        rows, columns = self._cells
        crop_features = self._crop_features(crops)
        by_crop = written.view(len(crops), sources, *self._features.shape[1:])
        by_crop.copy_(self._features)
        by_crop[..., :rows, :columns] = crop_features.unsqueeze(1)
        margins = margin(self._cut.logits(written), self._source, self._target).view(len(crops), sources)
        return (margins - self._clean_margin).mean(dim=1).float().cpu().numpy()

    def _crop_features(self, crops: Sequence[PixelArray]) -> Tensor:
        """(N, D, rows, columns) features of the crops at patch size."""
        resized = torch.cat(
            [
                functional.interpolate(
                    _as_float(torch.from_numpy(np.ascontiguousarray(crop)).unsqueeze(0), self._cut),
                    size=self._crop_size,
                    mode="bilinear",
                    antialias=True,
                )
                for crop in crops
            ]
        )
        if not self._alone:
            canvas = resized.new_full((len(resized), 3, *self._input_size), 0.5)
            canvas[:, :, : self._crop_size[0], : self._crop_size[1]] = resized
            resized = canvas
        features = self._cut.features(resized)
        return features[:, :, : self._cells[0], : self._cells[1]]

    def _runs_alone(self) -> bool:
        """Whether the network takes a picture of patch size; else crops are shown on a grey picture of full size."""
        blank = torch.full((1, 3, *self._crop_size), 0.5, device=self._features.device)
        try:
            with torch.inference_mode():
                alone = self._cut.features(blank)
        except (RuntimeError, ValueError, AssertionError, LayerError, ModelError):
            return False
        return alone.dim() == 4 and alone.shape[2] >= self._cells[0] and alone.shape[3] >= self._cells[1]


def _as_float(pixels: Tensor, cut: LayerCut) -> Tensor:
    return pixels.to(cut.classifier.device).float().div_(255.0)
