"""Screening writes features where a paste would put them: on a linear network it is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from auditor.candidates.screening import TailScreen
from auditor.progress import Silence
from auditor.records import ClassGroup
from auditor.subject.classifier import margin
from auditor.subject.cut import LayerCut

Pair = tuple[ClassGroup, ClassGroup]


def random_pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def margin_change(cut: LayerCut, pixels: np.ndarray, crop: torch.Tensor, pair: Pair) -> float:
    """Mean change of the target − source margin when (3, h, w) pixels are really put into the top left corner."""
    clean = torch.from_numpy(pixels).float() / 255
    pasted = clean.clone()
    pasted[:, :, : crop.shape[1], : crop.shape[2]] = crop
    with torch.no_grad():
        logits = cut.classifier.logits(pasted), cut.classifier.logits(clean)
    return float((margin(logits[0], *pair) - margin(logits[1], *pair)).mean())


@pytest.mark.parametrize("bend", [False, True])
def test_predicted_push_is_the_margin_change_of_a_real_paste(
    linear_cut: Callable[..., LayerCut], pair: Pair, bend: bool
) -> None:
    """The layer's squares do not overlap, so features of the crop alone are those of the pasted crop, exactly."""
    cut, pixels = linear_cut(bend), random_pixels(7, 3, 16, 20)
    screen = TailScreen(cut, pixels, *pair, patch_share=0.5, batch_size=64)
    crops = [random_pixels(3, 8, 8, seed=seed) for seed in range(5)]
    pushes = screen.screen(crops, Silence())
    wanted = [margin_change(cut, pixels, torch.from_numpy(crop).float() / 255, pair) for crop in crops]
    np.testing.assert_allclose(pushes, wanted, rtol=1e-4, atol=1e-5)
    assert np.ptp(wanted) > 0.05


def test_larger_crops_are_shrunk_to_the_patchs_size(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    cut, pixels, crop = linear_cut(), random_pixels(4, 3, 16, 20), random_pixels(3, 13, 13, seed=9)
    small = functional.interpolate(
        torch.from_numpy(crop)[None].float() / 255, size=(8, 8), mode="bilinear", antialias=True
    )[0]
    pushes = TailScreen(cut, pixels, *pair, patch_share=0.45, batch_size=64).screen([crop], Silence())
    np.testing.assert_allclose(pushes, [margin_change(cut, pixels, small, pair)], rtol=1e-4, atol=1e-5)


def test_a_group_is_pushed_as_one_class(linear_cut: Callable[..., LayerCut]) -> None:
    cut, pixels, crop = linear_cut(), random_pixels(4, 3, 16, 20), random_pixels(3, 8, 8, seed=3)
    pair = ClassGroup("pan", (0,)), ClassGroup("others", (1, 2))
    pushes = TailScreen(cut, pixels, *pair, patch_share=0.5, batch_size=64).screen([crop], Silence())
    np.testing.assert_allclose(
        pushes, [margin_change(cut, pixels, torch.from_numpy(crop).float() / 255, pair)], rtol=1e-4, atol=1e-5
    )


def test_a_crop_gets_the_same_number_in_any_company(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    pixels = random_pixels(6, 3, 16, 20)
    crops = [random_pixels(3, side, side, seed=side) for side in (5, 8, 11, 8, 6, 16, 9)]
    whole = TailScreen(linear_cut(True), pixels, *pair, patch_share=0.5, batch_size=64).screen(crops, Silence())
    for batch_size in (1, 6):
        screen = TailScreen(linear_cut(True), pixels, *pair, patch_share=0.5, batch_size=batch_size)
        np.testing.assert_allclose(screen.screen(crops, Silence()), whole, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(screen.screen(crops[::-1], Silence()), whole[::-1], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(screen.screen(crops[2:3], Silence()), whole[2:3], rtol=1e-5, atol=1e-6)


def test_nothing_to_screen_gives_nothing(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    screen = TailScreen(linear_cut(), random_pixels(2, 3, 16, 20), *pair, patch_share=0.5, batch_size=8)
    assert screen.screen([], Silence()).tolist() == []


def test_a_network_of_one_size_is_shown_crops_on_grey(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    """Where the network refuses small pictures, the crop lies in a grey one: with squares apart, the same number."""
    cut, pixels = linear_cut(), random_pixels(5, 3, 16, 20)
    crops = [random_pixels(3, 8, 8, seed=seed) for seed in range(3)]
    wanted = TailScreen(cut, pixels, *pair, patch_share=0.5, batch_size=64).screen(crops, Silence())

    def refuse(_: object, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].shape[2:] != (16, 20):
            raise ValueError("this network takes 16×20 pictures alone")

    cut.classifier.module.register_forward_pre_hook(refuse)
    pushes = TailScreen(cut, pixels, *pair, patch_share=0.5, batch_size=64).screen(crops, Silence())
    np.testing.assert_allclose(pushes, wanted, rtol=1e-5, atol=1e-6)
