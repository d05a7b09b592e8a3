"""Screening writes features where a paste would put them: on a linear network it is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from auditor.candidates.linear import LinearScreen
from auditor.candidates.screening import TailScreen, _alike
from auditor.core.records import ClassGroup
from auditor.inputs.model.cut import LayerCut

Pair = tuple[ClassGroup, ClassGroup]


def random_pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def gain(cut: LayerCut, pixels: np.ndarray, patch: torch.Tensor, target: tuple[int, ...]) -> float:
    """Mean gain in the target's log-odds when (3 or 4, h, w) pixels are really put into the top left corner."""
    clean = torch.from_numpy(pixels).float() / 255
    pasted = clean.clone()
    alpha = patch[3:] if len(patch) == 4 else torch.ones_like(patch[:1])
    under = pasted[:, :, : patch.shape[1], : patch.shape[2]]
    under.copy_(under * (1 - alpha) + patch[:3] * alpha)
    with torch.no_grad():
        after, before = (
            cut.classifier.logits(images).double().softmax(1)[:, list(target)].sum(1) for images in (pasted, clean)
        )
    return float((torch.logit(after) - torch.logit(before)).mean())


def as_float(crop: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(crop).float() / 255


@pytest.mark.parametrize("bend", [False, True])
@pytest.mark.parametrize("backgrounds", [1, 3])
def test_predicted_push_is_the_gain_of_a_real_paste(
    linear_cut: Callable[..., LayerCut], pair: Pair, bend: bool, backgrounds: int
) -> None:
    """The layer's squares do not overlap and the patch covers whole ones, so what is written is what a paste gives."""
    cut, pixels = linear_cut(bend), random_pixels(7, 3, 16, 20)
    screen = TailScreen(cut, pixels, pair[1], patch_share=0.5, batch_size=64, backgrounds=backgrounds)
    crops = [random_pixels(3, 8, 8, seed=seed) for seed in range(5)]
    pushes = screen.screen(crops)
    wanted = [gain(cut, pixels, as_float(crop), (1,)) for crop in crops]
    np.testing.assert_allclose(pushes, wanted, rtol=1e-4, atol=1e-5)
    assert np.ptp(wanted) > 0.05


def test_transparent_pixels_write_nothing(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    """Whole squares of the layer are opaque or clear, and the clear ones keep each source picture's own features."""
    cut, pixels = linear_cut(True), random_pixels(5, 3, 16, 20)
    patch = random_pixels(4, 8, 8)
    patch[3] = 255
    patch[3, :4, 4:] = 0
    screen = TailScreen(cut, pixels, pair[1], patch_share=0.5, batch_size=64)
    wanted = gain(cut, pixels, as_float(patch), (1,))
    opaque = gain(cut, pixels, as_float(patch[:3]), (1,))
    np.testing.assert_allclose(screen.screen([patch, patch[:3]]), [wanted, opaque], rtol=1e-4, atol=1e-5)
    assert abs(wanted - opaque) > 0.02


def test_a_half_covered_position_takes_half_of_the_backgrounds_features(
    linear_cut: Callable[..., LayerCut], pair: Pair
) -> None:
    """On pictures of one colour the background is each of them, so even squares covered in part are exact."""
    cut, crop = linear_cut(True), random_pixels(3, 6, 6)
    pixels = np.full((3, 3, 16, 20), 90, dtype=np.uint8)
    screen = TailScreen(cut, pixels, pair[1], patch_share=6 / 16, batch_size=64)
    wanted = gain(cut, pixels, as_float(crop), (1,))
    np.testing.assert_allclose(screen.screen([crop]), [wanted], rtol=1e-4, atol=1e-5)
    _, cover = screen.common.changes([crop])
    np.testing.assert_allclose(cover[0, 0, :2, :2], [[1, 0.5], [0.5, 0.25]], atol=1e-6)
    assert float(cover[0, 0, 2:].abs().max()) == float(cover[0, 0, :, 2:].abs().max()) == 0


def test_patches_are_resized_to_the_size_of_a_paste(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    """The longer side decides; a wide patch stays wide."""
    cut, pixels, crop = linear_cut(), random_pixels(4, 3, 16, 20), random_pixels(3, 13, 26, seed=9)
    small = functional.interpolate(as_float(crop)[None], size=(4, 8), mode="bilinear", antialias=True)[0]
    pushes = TailScreen(cut, pixels, pair[1], patch_share=0.5, batch_size=64).screen([crop])
    np.testing.assert_allclose(pushes, [gain(cut, pixels, small, (1,))], rtol=1e-4, atol=1e-5)


def test_patches_of_one_shape_are_resized_together_to_the_same_numbers(
    linear_cut: Callable[..., LayerCut], pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = [(3, 13, 26), (4, 9, 9), (3, 13, 26), (3, 9, 9), (3, 13, 26), (4, 9, 9)]
    patches = [random_pixels(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    cut, pixels = linear_cut(), random_pixels(4, 3, 16, 20)
    screen = TailScreen(cut, pixels, pair[1], patch_share=0.5, batch_size=64)
    change, cover = screen.common.changes(patches)
    assert _alike(patches) == [[0, 2, 4], [1, 5], [3]]
    monkeypatch.setattr("auditor.candidates.screening._PIXELS_TOGETHER", 2 * 13 * 26)
    assert _alike(patches) == [[0, 2], [4], [1, 5], [3]]
    assert torch.equal(screen.common.changes(patches)[0].grid, change.grid)
    for row, patch in enumerate(patches):
        alone, covered = screen.common.changes([patch])
        assert torch.equal(covered[0], cover[row])
        torch.testing.assert_close(alone.grid[0], change.grid[row], rtol=1e-6, atol=1e-6)


def test_a_group_is_pushed_as_one_class(linear_cut: Callable[..., LayerCut]) -> None:
    cut, pixels, crop = linear_cut(), random_pixels(4, 3, 16, 20), random_pixels(3, 8, 8, seed=3)
    others = ClassGroup("others", (1, 2))
    pushes = TailScreen(cut, pixels, others, patch_share=0.5, batch_size=64).screen([crop])
    np.testing.assert_allclose(pushes, [gain(cut, pixels, as_float(crop), (1, 2))], rtol=1e-4, atol=1e-5)


def test_a_crop_gets_the_same_number_in_any_company(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    pixels = random_pixels(6, 3, 16, 20)
    crops = [random_pixels(3, side, side, seed=side) for side in (5, 8, 11, 8, 6, 16, 9)]

    def screened(batch_size: int, shown: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        screen = TailScreen(linear_cut(True), pixels, pair[1], patch_share=0.45, batch_size=batch_size)
        return screen.screen(shown), LinearScreen(screen, crops[:3]).screen(shown)

    whole = screened(64, crops)
    for batch_size in (1, 6):
        for number, wanted in enumerate(whole):
            np.testing.assert_allclose(screened(batch_size, crops)[number], wanted, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(screened(batch_size, crops[::-1])[number], wanted[::-1], rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(screened(batch_size, crops[2:3])[number], wanted[2:3], rtol=1e-5, atol=1e-5)


def test_near_its_pilot_the_linear_screen_gives_the_tails_number(
    linear_cut: Callable[..., LayerCut], pair: Pair
) -> None:
    """Exact at the pilot; a step away the error shrinks with the square of the step, as a tangent's must."""
    cut, pixels = linear_cut(), random_pixels(6, 3, 16, 20)
    screen = TailScreen(cut, pixels, pair[1], patch_share=0.5, batch_size=64, backgrounds=1)
    pilot = random_pixels(3, 8, 8)
    toward = random_pixels(3, 8, 8, seed=1).astype(np.float64) - pilot
    steps = [np.rint(pilot + share * toward).astype(np.uint8) for share in (0.0, 0.2, 0.4, 0.8)]
    linear, tail = (one.screen(steps) for one in (LinearScreen(screen, [pilot]), screen))
    error = np.abs(linear - tail)
    assert error[0] < 1e-5
    assert 1e-4 < error[2] < abs(tail[2] - tail[0]) / 4
    assert 2.5 < error[2] / error[1] < 6  # 4, but for rounding to whole pixel values
    assert 2.5 < error[3] / error[2] < 6


def test_what_the_network_sees_in_a_patch_is_its_mean_feature(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    cut, crop = linear_cut(), random_pixels(3, 8, 8, seed=5)
    screen = TailScreen(cut, random_pixels(3, 3, 16, 20), pair[1], patch_share=0.5, batch_size=2)
    canvas = torch.zeros(1, 3, 16, 20)
    canvas[:, :, :8, :8] = as_float(crop)
    with torch.no_grad():
        wanted = cut.features(canvas).grid[0, :, :2, :2].mean(dim=(1, 2))
    np.testing.assert_allclose(screen.seen([crop, crop[:, ::-1].copy(), crop])[2], wanted, rtol=1e-4, atol=1e-5)


def test_nothing_to_screen_gives_nothing(linear_cut: Callable[..., LayerCut], pair: Pair) -> None:
    screen = TailScreen(linear_cut(), random_pixels(2, 3, 16, 20), pair[1], patch_share=0.5, batch_size=8)
    assert screen.screen([]).tolist() == []
    assert screen.seen([]).shape == (0, 5)
