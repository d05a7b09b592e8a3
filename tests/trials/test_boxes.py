"""Pasting within boxes around the patches, held bit for bit against whole pictures sampled one after the other."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from auditor.candidates.controls import OWN_CONTROLS
from auditor.core.config import TrialsConfig
from auditor.core.records import Placement
from auditor.core.records.trials import Draws
from auditor.trials.effects import drawn_effects
from auditor.trials.pasting import Change, Sticker, paste_at, paste_in_boxes, paste_in_windows
from auditor.trials.placements import draw, largest_side_px, variants_of, window_of
from auditor.trials.spots import Spots
from auditor.trials.stand_ins import Draw as StandInDraw

CPU = torch.device("cpu")
PICTURE = (88, 131)


def pictures(count: int, height: int, width: int) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def patch_of(height: int, width: int, kind: str) -> np.ndarray:
    rgba = np.random.default_rng(2).integers(0, 256, size=(4, height, width), dtype=np.uint8)
    if kind == "opaque":
        rgba[3] = 255
    elif kind == "holes":
        rgba[3] = np.where(rgba[3] < 128, 0, 255)
    elif kind == "soft edge":
        sides = np.array([height, width]).reshape(2, 1, 1)
        far = np.hypot(*((np.indices((height, width)) - (sides - 1) / 2) / sides))
        rgba[3] = np.clip(255 * (1.2 - 2 * far), 0, 255).astype(np.uint8)
    return rgba


def random_draws(count: int, side: float, seed: int, share: float) -> Draws:
    """Patches up to `side` whose centres lie within `share` of the picture's height and width around its middle."""
    generator = np.random.default_rng(seed)
    return Draws(
        centre_y=(0.5 + share * generator.uniform(-0.5, 0.5, count)) * PICTURE[0],
        centre_x=(0.5 + share * generator.uniform(-0.5, 0.5, count)) * PICTURE[1],
        side_px=generator.uniform(0.4, 1.0, count) * side,
        rotation=generator.uniform(-math.pi, math.pi, count),
        tilt_y=generator.uniform(-0.2, 0.2, count),
        tilt_x=generator.uniform(-0.2, 0.2, count),
        brightness=generator.uniform(-0.2, 0.2, count),
        contrast=generator.uniform(0.7, 1.3, count),
    )


def slowly(images: Tensor, source: Tensor, draws: Draws) -> Tensor:
    """Every pixel of every picture sampled and blended, in the order of steps that float32 asks for."""
    made = []
    for row, image in enumerate(images):
        cosine, sine = np.float32(np.cos(draws.rotation[row])), np.float32(np.sin(draws.rotation[row]))
        numbers = (draws.centre_y, draws.centre_x, draws.side_px, draws.tilt_y, draws.tilt_x)
        centre_y, centre_x, side, tilt_y, tilt_x = (torch.tensor(each[row], dtype=torch.float32) for each in numbers)
        y = (torch.arange(image.shape[1]) + 0.5 - centre_y).unsqueeze(1)
        x = torch.arange(image.shape[2]) + 0.5 - centre_x
        longer = max(source.shape[1:])
        across = (x * cosine - y * sine) / (side / 2 * (source.shape[2] / longer))
        down = (x * sine + y * cosine) / (side / 2 * (source.shape[1] / longer))
        depth = 1.0 + tilt_x * across + tilt_y * down
        grid = torch.stack((across / depth, down / depth), dim=-1)[None]
        layers = functional.grid_sample(source[None], grid, align_corners=False)[0]
        layers = torch.where(layers <= 1e-5, 0.0, layers)
        alpha, contrast = layers[3:], torch.tensor(draws.contrast[row], dtype=torch.float32)
        lift = 0.5 + torch.tensor(draws.brightness[row], dtype=torch.float32)
        lit = (layers[:3] - 0.5 * alpha) * contrast + lift * alpha
        made.append(image * (1.0 - alpha) + torch.minimum(lit.clamp(min=0.0), alpha))
    return torch.stack(made)


def three_ways(images: Tensor, source: Tensor, spots: Spots, change: Change | None = None) -> list[Tensor]:
    ways = paste_in_boxes, paste_in_windows, paste_at
    return [way(images.clone(), source, spots, change) for way in ways]


@pytest.mark.parametrize("kind", ["opaque", "holes", "soft edge", "any"])
@pytest.mark.parametrize("shape", [(1, 1), (30, 30), (9, 40), (40, 3)], ids=str)
@pytest.mark.parametrize(("side", "share"), [(44.0, 0.3), (44.0, 1.2), (110.0, 1.0), (3.0, 1.0)])
def test_a_box_holds_all_that_a_patch_does(kind: str, shape: tuple[int, int], side: float, share: float) -> None:
    """Inside the picture, over its edges, larger than it, and hardly a pixel large."""
    images, sticker = pictures(20, *PICTURE), Sticker(patch_of(*shape, kind), CPU)
    draws = random_draws(20, side, seed=int(side) + shape[0], share=share)
    source = sticker.at(side)
    spots = Spots.of(draws, (source.shape[1], source.shape[2]), PICTURE, CPU)
    wanted = slowly(images, source, draws)
    for found in three_ways(images, source, spots):
        assert torch.equal(found, wanted)
    changed = (wanted != images).any(dim=1).flatten(1).sum(dim=1)
    assert changed.max() > 0
    assert changed.min() < math.prod(PICTURE)


def test_patches_beside_their_pictures_are_in_no_box() -> None:
    draws = random_draws(40, 30.0, seed=3, share=2.5)
    images, source = pictures(40, *PICTURE), Sticker(patch_of(30, 30, "opaque"), CPU).at(30.0)
    spots = Spots.of(draws, (30, 30), PICTURE, CPU)
    wanted = slowly(images, source, draws)
    pasted_on = {row for row in range(40) if not torch.equal(wanted[row], images[row])}
    boxed = {int(row) for rows, _ in spots.boxed(7) for row in rows}
    assert 5 < len(pasted_on) < 35
    assert pasted_on <= boxed
    assert len(boxed) < 40
    for found in three_ways(images, source, spots):
        assert torch.equal(found, wanted)
    nowhere = spots[:0]
    assert list(nowhere.boxed(7)) == []


def test_smaller_windows_hold_their_boxes_and_stay_within_the_larger() -> None:
    draws = random_draws(50, 40.0, seed=4, share=1.3)
    spots = Spots.of(draws, (40, 40), PICTURE, CPU)
    seen: list[int] = []
    for rows, few in spots.boxed(8):
        assert len(rows) <= 8
        for row, (top, left), (y, x, tall, wide) in zip(rows, few.corners(), few.boxes.T, strict=True):
            first_y, first_x = spots.corners()[row]
            end_y, end_x = top + few.window[0], left + few.window[1]
            assert 0 <= first_y <= top <= y <= y + tall <= end_y <= first_y + spots.window[0] <= PICTURE[0]
            assert 0 <= first_x <= left <= x <= x + wide <= end_x <= first_x + spots.window[1] <= PICTURE[1]
        seen += rows.tolist()
    assert sorted(seen) == [row for row in range(50) if spots.boxes[2:, row].all()]
    areas = [few.window[0] * few.window[1] for _, few in spots.boxed(8)]
    assert sum(areas) / len(areas) < 0.6 * math.prod(spots.window)


def test_one_picture_is_pasted_on_as_among_64() -> None:
    images, source = pictures(64, *PICTURE), Sticker(patch_of(30, 21, "any"), CPU).at(60.0)
    draws = random_draws(64, 60.0, seed=5, share=1.0)
    texels = (source.shape[1], source.shape[2])
    together = paste_in_boxes(images.clone(), source, Spots.of(draws, texels, PICTURE, CPU))
    for row in range(64):
        alone = Spots.of(draws.part(row, row + 1), texels, PICTURE, CPU)
        assert torch.equal(paste_in_boxes(images[row : row + 1].clone(), source, alone)[0], together[row])


@pytest.mark.parametrize("shape", [(40, 1), (40, 2), (3, 40), (1, 2)], ids=str)
def test_a_narrow_patch_on_a_quadrilateral_is_cut_nowhere(shape: tuple[int, int]) -> None:
    """Its soft edge is broad and sheared; in a window as large as the picture nothing is cut."""
    config, keys = TrialsConfig(corner_jitter=0.2), [str(key) for key in range(64)]
    (variant,) = variants_of(Placement.QUADRILATERAL, config)
    sticker, images = Sticker(patch_of(*shape, "opaque"), CPU), pictures(64, *PICTURE)
    source = sticker.at(largest_side_px(variant, config, PICTURE))
    draws = draw(variant, config, keys, "c", sticker.aspect, PICTURE, 0)
    wanted = paste_in_windows(images.clone(), source, Spots.of(draws, tuple(source.shape[1:]), PICTURE, CPU, PICTURE))
    for row in range(64):
        alone = Spots.of(draws.part(row, row + 1), tuple(source.shape[1:]), PICTURE, CPU)
        for found in three_ways(images[row : row + 1], source, alone):
            assert torch.equal(found[0], wanted[row])


def test_upright_patches_on_whole_pixels_are_their_own_boxes() -> None:
    (variant,) = variants_of(Placement.FIXED, TrialsConfig())
    sticker = Sticker(patch_of(40, 30, "any"), CPU)
    draws = draw(variant, TrialsConfig(), ["a", "b"], "c", sticker.aspect, (200, 200), 0)
    spots = Spots.of(draws, (70, 52), (200, 200), CPU)
    assert spots.window == (70, 52)
    assert spots.boxes.T.tolist() == [[0, 0, 70, 52]] * 2


@pytest.mark.parametrize("placement", [Placement.FIXED, Placement.RANDOM, Placement.QUADRILATERAL])
@pytest.mark.parametrize("name", ["patch", "a patch each", *OWN_CONTROLS])
def test_controls_are_the_same_in_boxes(name: str, placement: Placement) -> None:
    """What is drawn for a window is drawn for all of it, however little of it is pasted."""
    config, keys = TrialsConfig(size=0.5), [str(key) for key in range(6)]
    (variant,) = variants_of(placement, config)
    images, sticker = pictures(6, *PICTURE), Sticker(patch_of(30, 24, "soft edge"), CPU)
    draws = draw(variant, config, keys, "c", sticker.aspect, PICTURE, 0)
    source = sticker.at(largest_side_px(variant, config, PICTURE))
    if name == "a patch each":
        source = source * torch.linspace(0.2, 1.0, 6).view(6, 1, 1, 1)
    texels = (source.shape[-2], source.shape[-1])
    change, window = None, None
    if name in OWN_CONTROLS:
        stand_in, of = OWN_CONTROLS[name], StandInDraw(0, "c", name)
        window = window_of(variant, config, PICTURE)

        def change(colour: Tensor, alpha: Tensor) -> Tensor:
            size = (alpha.shape[2], alpha.shape[3])
            return stand_in.change(colour, alpha, stand_in.numbers(of, keys, size, alpha.device))

    spots = Spots.of(draws, texels, PICTURE, CPU, window)
    boxes, windows, chosen = three_ways(images, source, spots, change)
    assert torch.equal(boxes, windows)
    assert torch.equal(chosen, windows)
    assert not torch.equal(windows, images)


@pytest.mark.parametrize("effects", [("print", "light"), ("defocus",), ("print", "light", "defocus")], ids=str)
def test_effects_on_patches_are_the_same_in_boxes(effects: tuple[str, ...]) -> None:
    config = TrialsConfig.model_validate({"effects": effects})
    draws = replace(random_draws(20, 50.0, seed=6, share=1.2), brightness=np.zeros(20), contrast=np.ones(20))
    draws = replace(draws, also=drawn_effects(config, [str(key) for key in range(20)], "c", 0))
    images, source = pictures(20, *PICTURE), Sticker(patch_of(30, 20, "any"), CPU).at(50.0)
    spots = Spots.of(draws, (source.shape[1], source.shape[2]), PICTURE, CPU)
    boxes, windows, chosen = three_ways(images, source, spots)
    assert torch.equal(boxes, windows)
    assert torch.equal(chosen, windows)
    assert not torch.equal(windows, images)


def test_gradients_pass_through_large_windows() -> None:
    draws, images = random_draws(4, 80.0, seed=7, share=0.5), pictures(4, *PICTURE)
    spots = Spots.of(draws, (80, 80), PICTURE, CPU)
    source = Sticker(patch_of(30, 30, "opaque"), CPU).at(80.0)
    leaf = source.clone().requires_grad_(True)
    pasted = paste_at(images.clone(), leaf, spots)
    assert torch.equal(pasted.detach(), paste_at(images.clone(), source, spots))
    (slope,) = torch.autograd.grad(pasted.sum(), leaf)
    again = source.clone().requires_grad_(True)
    (wanted,) = torch.autograd.grad(paste_in_windows(images.clone(), again, spots).sum(), again)
    assert torch.equal(slope, wanted)
    assert bool((slope[:3] != 0).any(dim=0).float().mean() > 0.9)
