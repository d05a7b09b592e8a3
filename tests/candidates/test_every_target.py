"""Screening for every target at once gives the logits of a real paste where features say all of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from auditor.candidates.every_target import EveryTarget, EveryTargetInPixels
from auditor.core.records import PixelArray
from auditor.inputs.model.cut import LayerCut


def random_pixels(*shape: int, seed: int = 0) -> PixelArray:
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def pasted(cut: LayerCut, pixels: PixelArray, crop: PixelArray, top: int = 0, left: int = 0) -> torch.Tensor:
    """(S, K) logits with a crop's pixels put into the pictures, the top left corner unless it is said."""
    images = torch.from_numpy(pixels).float() / 255
    images[:, :, top : top + crop.shape[1], left : left + crop.shape[2]] = torch.from_numpy(crop).float() / 255
    with torch.no_grad():
        return cut.classifier.logits(images)


@pytest.mark.parametrize("bend", [False, True])
@pytest.mark.parametrize("batch_size", [3, 64])
def test_the_logits_are_those_of_a_real_paste(linear_cut: Callable[..., LayerCut], bend: bool, batch_size: int) -> None:
    """The layer's squares do not overlap and the patch covers whole ones, so what is written is what a paste gives."""
    cut, pixels = linear_cut(bend), random_pixels(7, 3, 16, 20)
    crops = [random_pixels(3, 8, 8, seed=seed) for seed in range(5)]
    wanted = torch.stack([pasted(cut, pixels, crop) for crop in crops])
    for screen in (
        EveryTarget(cut, pixels, 0.5, batch_size),
        EveryTargetInPixels(cut.classifier, pixels, 0.5, batch_size),
    ):
        torch.testing.assert_close(screen.logits(crops), wanted, rtol=1e-4, atol=1e-5)
        assert screen.patches_together >= 1
    assert float((wanted - wanted[:1]).abs().max()) > 0.05
    # each in a box of its own, of other sizes than the corner's
    boxes = [(4, 4, 12, 12), (0, 0, 4, 4), (12, 8, 20, 16), (8, 0, 16, 8), (0, 12, 4, 16)]
    crops = [random_pixels(3, low - top, right - left, seed=top) for left, top, right, low in boxes]
    wanted = torch.stack(
        [pasted(cut, pixels, crop, top, left) for crop, (left, top, _, _) in zip(crops, boxes, strict=True)]
    )
    for screen in (
        EveryTarget(cut, pixels, 0.5, batch_size),
        EveryTargetInPixels(cut.classifier, pixels, 0.5, batch_size),
    ):
        torch.testing.assert_close(screen.logits(crops, boxes), wanted, rtol=1e-4, atol=1e-5)
