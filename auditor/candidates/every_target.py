"""Screening for every target at once: a crop written into cached activations, and the tail's logits of all classes.

A pair's screening (`screening`) reads one number of these logits. Here all are kept, so that one pass of the tail
answers for every class that a picture may be pushed to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from auditor.candidates.screening import BACKGROUNDS, Background, Box, laid, write
from auditor.core.records import PixelArray
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.features import Features
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.trials.patch import side_in_pixels

_TOGETHER = 64
"""Pictures that share one background, at most: they go through the tail together with each patch."""


class EveryTarget:
    """Cached activations of pictures of many classes, into which patches are written: in the corner, or in boxes."""

    def __init__(
        self,
        cut: LayerCut,
        pixels: PixelArray,
        patch_share: float,
        batch_size: int,
        names: Sequence[str] = (),
    ) -> None:
        """
        Args:
            cut: of the network, or of its folded copy.
            pixels: (S, 3, H, W) uint8 pictures; never of confirmation.
            patch_share: patch width as a share of the shorter side, in the top left corner.
            names: of the S pictures, for the message where the network fails on one.
        """
        self._cut, self._device = cut, cut.classifier.device
        height, width = pixels.shape[2:]
        self._side = side = side_in_pixels(patch_share, int(height), int(width))
        # in whole numbers, so that the order hangs on no device's rounding
        brightness = pixels[:, :, :side, :side].sum(axis=(1, 2, 3), dtype=np.int64)
        groups = min(len(pixels), max(BACKGROUNDS, math.ceil(len(pixels) / _TOGETHER)))
        self._rows = np.array_split(np.argsort(brightness, kind="stable"), groups)
        self.patches_together = max(1, 2 * batch_size // max(len(rows) for rows in self._rows))
        self._tails = Batches(2 * batch_size)
        self._groups: list[tuple[Background, Features]] = []
        with torch.no_grad():
            for rows in self._rows:
                pictures = to_float(pixels[rows], self._device)
                background = Background(cut, pictures.mean(dim=0), side)
                self._groups.append((background, self._clean(pictures, [names[row] for row in rows] if names else ())))

    def _clean(self, pictures: Tensor, names: Sequence[str]) -> Features:
        """Features of pictures without a patch."""

        def seen(rows: slice) -> Features:
            return self._cut.features(pictures[rows]).each(Tensor.clone)

        return Features.joined([part for _, part in self._tails.each(len(pictures), naming(seen, names))])

    @torch.no_grad()
    def logits(self, patches: Sequence[PixelArray], boxes: Sequence[Box] = ()) -> Tensor:
        """(N, S, K) logits of each picture with each patch written into it, the pictures in their order.

        Args:
            patches: N pictures, (3, h, w) opaque or (4, h, w) with opacity, uint8, of any size.
            boxes: where each of them lies; none: all in the top left corner.
        Raises:
            ModelError: the network fails.
        """
        laid = self._groups[0][0].laid(patches, boxes)
        found = []
        for background, clean in self._groups:
            written = write(clean, background, *background.changes_of(laid))
            found.append(self._said(written).view(len(patches), len(clean), -1))
        back = np.argsort(np.concatenate(self._rows), kind="stable")
        return torch.cat(found, dim=1)[:, torch.from_numpy(back).to(self._device)]

    def _said(self, features: Features) -> Tensor:
        """(B, K) logits of the tail."""
        parts = self._tails.each(len(features), lambda rows: self._cut.logits(features[rows]))
        return torch.cat([part for _, part in parts])


class EveryTargetInPixels:
    """The same of a network that cannot be cut: patches are pasted, and the whole network runs."""

    def __init__(
        self, classifier: Classifier, pixels: PixelArray, patch_share: float, batch_size: int, names: Sequence[str] = ()
    ) -> None:
        """
        Args:
            pixels, patch_share, names: as of `EveryTarget`.
        """
        self._classifier, self._pixels, self._names = classifier, pixels, names
        height, width = pixels.shape[2:]
        self._side = side_in_pixels(patch_share, int(height), int(width))
        self.patches_together = max(1, 2 * batch_size // len(pixels))
        self._batches = Batches(batch_size)

    @torch.no_grad()
    def logits(self, patches: Sequence[PixelArray], boxes: Sequence[Box] = ()) -> Tensor:
        """As `EveryTarget.logits`."""
        found, device = [], self._classifier.device
        height, width = self._pixels.shape[2:]
        for patch in laid(patches, boxes, self._side, (int(height), int(width)), device):

            def pasted(rows: slice, patch: Tensor = patch) -> Tensor:
                images = to_float(self._pixels[rows], self._classifier.device)
                tall, wide = patch.shape[1:]
                images[:, :, :tall, :wide].mul_(1.0 - patch[3:]).add_(patch[:3])
                return self._classifier.logits(images, finite=False)

            parts = self._batches.each(len(self._pixels), naming(pasted, self._names))
            found.append(torch.cat([part for _, part in parts]))
        return torch.stack(found)
