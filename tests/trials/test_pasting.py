"""Where a pasted patch's pixels end up: by slices, by hand, and by another implementation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from auditor.core.config import TrialsConfig
from auditor.core.records.trials import Draws
from auditor.trials.effects import drawn_effects
from auditor.trials.pasting import Sticker, paste
from auditor.trials.quadrilateral import draws_onto

CPU = torch.device("cpu")


def draws_at(
    centre_y: float, centre_x: float, side: float, count: int = 1, rotation: float = 0.0, brightness: float = 0.0,
    contrast: float = 1.0,
) -> Draws:  # fmt: skip
    one, zero = np.ones(count), np.zeros(count)
    return Draws(
        one * centre_y, one * centre_x, one * side, one * rotation, zero, zero, one * brightness, one * contrast
    )


def random_draws(count: int, size: int, side: float, seed: int = 0, tilt: float = 0.25) -> Draws:
    generator = np.random.default_rng(seed)
    return Draws(
        centre_y=generator.uniform(0.2, 0.8, count) * size,
        centre_x=generator.uniform(0.2, 0.8, count) * size,
        side_px=generator.uniform(0.7, 1.0, count) * side,
        rotation=generator.uniform(-math.pi, math.pi, count),
        tilt_y=generator.uniform(-tilt, tilt, count),
        tilt_x=generator.uniform(-tilt, tilt, count),
        brightness=generator.uniform(-0.2, 0.2, count),
        contrast=generator.uniform(0.7, 1.3, count),
    )


def pictures(count: int, height: int, width: int, seed: int = 1) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def patch_of(height: int, width: int, seed: int = 2, opaque: bool = True) -> np.ndarray:
    rgba = np.random.default_rng(seed).integers(0, 256, size=(4, height, width), dtype=np.uint8)
    if opaque:
        rgba[3] = 255
    return rgba


@pytest.mark.parametrize(("height", "width"), [(10, 10), (6, 10), (10, 7)])
@pytest.mark.parametrize("corner", ["top left", "bottom right"])
def test_an_upright_patch_in_a_corner_is_a_slice_assignment(height: int, width: int, corner: str) -> None:
    images, rgba = pictures(3, 32, 40), patch_of(height, width)
    top, left = (0, 0) if corner == "top left" else (32 - height, 40 - width)
    wanted = images.clone()
    wanted[:, :, top : top + height, left : left + width] = torch.from_numpy(rgba[:3]) / 255
    pasted = paste(images.clone(), Sticker(rgba, CPU), draws_at(top + height / 2, left + width / 2, 10, 3), 10)
    torch.testing.assert_close(pasted, wanted, atol=1e-6, rtol=0)


def test_a_patch_of_another_size_is_resized_before_it_is_assigned() -> None:
    images, rgba = pictures(1, 20, 20), patch_of(40, 40)
    small = Image.fromarray(np.ascontiguousarray(rgba[:3].transpose(1, 2, 0))).resize((8, 8), Image.Resampling.BILINEAR)
    pasted = paste(images.clone(), Sticker(rgba, CPU), draws_at(4, 4, 8), 8)
    wanted = torch.from_numpy(np.asarray(small).transpose(2, 0, 1) / 255.0).float()
    torch.testing.assert_close(pasted[0, :, :8, :8], wanted, atol=1.01 / 255, rtol=0)
    torch.testing.assert_close(pasted[0, :, 8:], images[0, :, 8:], atol=0, rtol=0)


def test_alpha_blends_each_pixel_with_what_lies_under_it() -> None:
    images = torch.tensor([0.2, 0.4, 0.8]).view(1, 3, 1, 1).repeat(1, 1, 4, 4)
    rgba = np.zeros((4, 2, 2), dtype=np.uint8)
    rgba[:3, 0, 0], rgba[3, 0, 0] = (255, 0, 102), 51  # a fifth opaque
    rgba[:3, 0, 1], rgba[3, 0, 1] = (10, 20, 30), 0
    rgba[:3, 1, 0], rgba[3, 1, 0] = (51, 51, 51), 255
    rgba[:3, 1, 1], rgba[3, 1, 1] = (0, 255, 0), 204
    pasted = paste(images, Sticker(rgba, CPU), draws_at(1, 1, 2), 2)[0]
    wanted = {
        (0, 0): (0.2 * 1 + 0.8 * 0.2, 0.2 * 0 + 0.8 * 0.4, 0.2 * 0.4 + 0.8 * 0.8),
        (0, 1): (0.2, 0.4, 0.8),
        (1, 0): (0.2, 0.2, 0.2),
        (1, 1): (0.2 * 0.2, 0.8 + 0.2 * 0.4, 0.2 * 0.8),
        (2, 2): (0.2, 0.4, 0.8),
    }
    for (row, column), colour in wanted.items():
        torch.testing.assert_close(pasted[:, row, column], torch.tensor(colour), atol=1e-6, rtol=0)


def test_a_patch_over_the_edge_is_cut_off_there() -> None:
    rgba, wide = patch_of(12, 12, opaque=False), pictures(4, 60, 60)
    centre_y, centre_x = np.array([20.0, 41.0, 30.0, 19.0]), np.array([21.0, 39.5, 42.0, 38.0])
    draws = replace(random_draws(4, 60, 16, seed=5), centre_y=centre_y, centre_x=centre_x)
    whole = paste(wide.clone(), Sticker(rgba, CPU), draws, 16)[:, :, 20:40, 20:40]
    moved = replace(draws, centre_y=draws.centre_y - 20, centre_x=draws.centre_x - 20)
    cut = paste(wide[:, :, 20:40, 20:40].clone(), Sticker(rgba, CPU), moved, 16)
    torch.testing.assert_close(cut, whole, atol=2e-5, rtol=0)
    assert all(bool((cut[row] != wide[row, :, 20:40, 20:40]).any()) for row in range(4))


def test_a_patch_beside_the_picture_leaves_it_alone() -> None:
    images = pictures(2, 16, 16)
    pasted = paste(images.clone(), Sticker(patch_of(6, 6), CPU), draws_at(-4, 30, 6, 2, rotation=0.4), 6)
    torch.testing.assert_close(pasted, images, atol=0, rtol=0)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_are_counter_clockwise(quarters: int) -> None:
    rgba, images = patch_of(8, 8, opaque=False), torch.zeros(1, 3, 20, 20)
    pasted = paste(images, Sticker(rgba, CPU), draws_at(9, 11, 8, rotation=quarters * math.pi / 2), 8)
    turned = torch.rot90(torch.from_numpy(rgba), quarters, dims=(1, 2)).float() / 255
    torch.testing.assert_close(pasted[0, :, 5:13, 7:15], turned[:3] * turned[3:], atol=2e-5, rtol=0)


@pytest.mark.parametrize("tilt", [0.0, 0.25])
def test_a_pictures_pixels_do_not_depend_on_its_batch(tilt: float) -> None:
    images, sticker = pictures(64, 48, 48), Sticker(patch_of(30, 21, opaque=False), CPU)
    draws = random_draws(64, 48, 24, tilt=tilt)
    together = paste(images.clone(), sticker, draws, 24)
    alone = torch.cat(
        [paste(images[row : row + 1].clone(), sticker, draws.part(row, row + 1), 24) for row in range(64)]
    )
    torch.testing.assert_close(together, alone, atol=0, rtol=0)


def corners_in_picture(draws: Draws, row: int, aspect: tuple[float, float]) -> list[tuple[float, float]]:
    """(x, y) of a patch's top left, top right, bottom right and bottom left: tilted away, turned, then moved."""
    half, turn = draws.side_px[row] / 2, draws.rotation[row]
    corners = []
    for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        nearness = 1 / (1 - draws.tilt_x[row] * x - draws.tilt_y[row] * y)
        across, down = x * half * aspect[1] * nearness, y * half * aspect[0] * nearness
        corners.append(
            (
                draws.centre_x[row] + across * math.cos(turn) + down * math.sin(turn),
                draws.centre_y[row] - across * math.sin(turn) + down * math.cos(turn),
            )
        )
    return corners


def homography(source: list[tuple[float, float]], target: list[tuple[float, float]]) -> np.ndarray:
    """The eight numbers a … h with target = (ax + by + c, dx + ey + f) / (gx + hy + 1)."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.linalg.solve(np.array(rows, dtype=float), np.array(right, dtype=float))


@pytest.mark.parametrize(("height", "width"), [(20, 20), (12, 20)])
def test_turned_tilted_and_relit_patches_agree_with_pillow(height: int, width: int) -> None:
    size, count, border = 48, 12, 4
    rgba, images = patch_of(height, width, opaque=False), pictures(count, size, size)
    draws = random_draws(count, size, 20)
    pasted = paste(images.clone(), Sticker(rgba, CPU), draws, 20).numpy()
    alpha = rgba[3] / 255.0
    around = [
        (x + border, y + border) for x, y in ((0, 0), (width, 0), (width, height), (0, height))
    ]  # the patch in a clear border
    for row in range(count):
        numbers = homography(corners_in_picture(draws, row, (height / 20, width / 20)), around)
        layers = []
        for layer in (*(rgba[:3] / 255.0 * alpha), alpha):
            padded = Image.fromarray(np.pad(layer, border).astype(np.float32))
            moved = padded.transform((size, size), Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BILINEAR)
            layers.append(np.asarray(moved))
        opacity = layers[3]
        colour = (np.stack(layers[:3]) - 0.5 * opacity) * draws.contrast[row] + (0.5 + draws.brightness[row]) * opacity
        wanted = images[row].numpy() * (1 - opacity) + np.clip(colour, 0, opacity)
        np.testing.assert_allclose(pasted[row], wanted, atol=2 / 255)


def test_pixels_that_the_patch_does_not_reach_are_untouched() -> None:
    images = pictures(8, 48, 48)
    draws = random_draws(8, 48, 16, seed=3)
    pasted = paste(images.clone(), Sticker(patch_of(16, 16), CPU), draws, 16)
    rows, columns = np.indices((48, 48)) + 0.5
    for row in range(8):
        corners = corners_in_picture(draws, row, (1.0, 1.0))
        # inside a convex outline every edge has the point on one side; one pixel of softness is allowed
        beyond = np.full((48, 48), -np.inf)
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            beyond = np.maximum(
                beyond, ((y1 - y0) * (columns - x0) - (x1 - x0) * (rows - y0)) / math.hypot(x1 - x0, y1 - y0)
            )
        outside = torch.from_numpy(beyond > 1.5)
        assert 0.3 < outside.float().mean() < 0.98
        torch.testing.assert_close(pasted[row][:, outside], images[row][:, outside], atol=0, rtol=0)
        inside = torch.from_numpy(beyond < -1.5)
        assert bool((pasted[row][:, inside] != images[row][:, inside]).all(dim=0).float().mean() > 0.95)


def test_contrast_is_about_mid_grey_and_brightness_comes_after() -> None:
    rgba = np.array([[[128]], [[255]], [[51]], [[255]]], dtype=np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    pasted = paste(torch.zeros(1, 3, 8, 8), Sticker(rgba, CPU), draws_at(2, 2, 4, brightness=0.1, contrast=0.5), 4)
    wanted = [(value / 255 - 0.5) * 0.5 + 0.5 + 0.1 for value in (128, 255, 51)]
    torch.testing.assert_close(pasted[0, :, 1, 1], torch.tensor(wanted), atol=1e-6, rtol=0)


def test_relit_colours_stay_in_range_under_their_alpha() -> None:
    rgba = np.array([[[250]], [[5]], [[128]], [[102]]], dtype=np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    pasted = paste(torch.zeros(1, 3, 8, 8), Sticker(rgba, CPU), draws_at(2, 2, 4, brightness=0.4, contrast=2.0), 4)
    # 250 is driven beyond white, which over black shows as the alpha of 0.4 itself
    torch.testing.assert_close(pasted[0, 0, 1, 1], torch.tensor(0.4), atol=1e-6, rtol=0)
    torch.testing.assert_close(pasted[0, 1, 1, 1], torch.tensor(0.0), atol=1e-6, rtol=0)


def test_part_cuts_every_column() -> None:
    draws = replace(random_draws(6, 48, 16), also={"gain": np.arange(6.0)})
    for name, numbers in draws.part(2, 4).columns.items():
        np.testing.assert_array_equal(numbers, draws.columns[name][2:4])


@pytest.mark.parametrize(("height", "width"), [(20, 20), (12, 20), (20, 9)])
def test_a_patch_on_a_quadrilateral_agrees_with_pillow(height: int, width: int) -> None:
    """The four corners alone say where each pixel lies."""
    size, border = 48, 4
    rgba, sticker_aspect = patch_of(height, width, opaque=False), (height / 20, width / 20)
    corners = np.array(
        [
            [(5, 6), (8, 30), (31, 27), (28, 3)],
            [(20, 20), (18, 41), (45, 44), (39, 22)],
            [(40, 8), (10, 4), (6, 33), (36, 40)],  # lying on its side
            [(2, 3), (6, 44), (26, 30), (40, 12)],
        ],
        dtype=np.float64,
    )
    draws, images = draws_onto(corners, sticker_aspect), pictures(4, size, size)
    pasted = paste(images.clone(), Sticker(rgba, CPU), draws, 20).numpy()
    around = [(x + border, y + border) for x, y in ((0, 0), (width, 0), (width, height), (0, height))]
    opacity = rgba[3] / 255.0
    for row in range(4):
        numbers = homography([(x, y) for y, x in corners[row]], around)
        layers = []
        for layer in (*(rgba[:3] / 255.0 * opacity), opacity):
            padded = Image.fromarray(np.pad(layer, border).astype(np.float32))
            moved = padded.transform((size, size), Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BILINEAR)
            layers.append(np.asarray(moved))
        wanted = images[row].numpy() * (1 - layers[3]) + np.stack(layers[:3])
        np.testing.assert_allclose(pasted[row], wanted, atol=2 / 255)
        beyond = layers[3] == 0
        assert 0.3 < beyond.mean() < 0.95
        untouched = (pasted[row] == images[row].numpy()).all(axis=0)
        assert untouched[beyond].mean() > 0.95  # Pillow draws no soft edge beyond the outline


def test_pasting_is_pillows_compositing() -> None:
    """Alpha and soft edges, wholly inside and partly outside, to the level that Pillow rounds to."""
    rgba = patch_of(14, 14, opaque=False)
    ramp = np.clip(np.hypot(*(np.indices((14, 14)) - 6.5)) * -40 + 260, 0, 255)
    rgba[3] = np.where(rgba[3] > 60, ramp, 0).astype(np.uint8)
    levels = np.random.default_rng(8).integers(0, 256, size=(3, 32, 40), dtype=np.uint8)
    for top, left in ((9, 11), (-5, 3), (26, 34), (-3, 33), (0, 0)):
        picture = Image.fromarray(levels.transpose(1, 2, 0)).convert("RGBA")
        layer = Image.new("RGBA", picture.size)
        layer.paste(Image.fromarray(np.ascontiguousarray(rgba.transpose(1, 2, 0)), "RGBA"), (left, top))
        wanted = np.asarray(Image.alpha_composite(picture, layer))[..., :3].transpose(2, 0, 1)
        images = torch.from_numpy(levels / 255.0).float()[None]
        pasted = paste(images.clone(), Sticker(rgba, CPU), draws_at(top + 7, left + 7, 14), 14)
        np.testing.assert_allclose(255 * pasted[0].numpy(), wanted, atol=0.51)
        clear = torch.from_numpy(np.asarray(layer)[..., 3] == 0)
        assert torch.equal(pasted[0][:, clear], images[0][:, clear])


@pytest.mark.parametrize("rule", ["upright", "turned", "photographed"])
def test_a_transparent_patch_leaves_every_picture_alone(rule: str) -> None:
    rgba = patch_of(15, 15)
    rgba[3] = 0
    draws = draws_at(9.3, 12.1, 15, 6) if rule == "upright" else random_draws(6, 32, 15)
    if rule == "photographed":
        config = TrialsConfig(effects=("print", "light", "defocus"))
        draws = replace(draws, also=drawn_effects(config, [str(key) for key in range(6)], "c", 0))
    images = pictures(6, 32, 32)
    assert torch.equal(paste(images.clone(), Sticker(rgba, CPU), draws, 15), images)


@pytest.mark.parametrize("seed", range(4))
def test_a_turned_soft_patch_partly_outside_is_what_a_loop_makes_of_it(seed: int) -> None:
    """Every pixel by itself: back into the patch, and there the nearest four, by how near they are."""
    size, side = 18, 11
    rgba, images = patch_of(7, 11, seed=seed, opaque=False), pictures(3, size, size)
    draws = random_draws(3, size, side, seed=seed)
    draws = replace(draws, centre_y=draws.centre_y * 1.6 - 4, centre_x=draws.centre_x * 1.6 - 4)
    pasted = paste(images.clone(), Sticker(rgba, CPU), draws, side).numpy()
    layers = np.concatenate([rgba[:3] / 255.0 * (rgba[3:] / 255.0), rgba[3:] / 255.0])
    for row, y, x in np.ndindex(3, size, size):
        turn, half = draws.rotation[row], draws.side_px[row] / 2
        right, down = x + 0.5 - draws.centre_x[row], y + 0.5 - draws.centre_y[row]
        across = (right * math.cos(turn) - down * math.sin(turn)) / half
        below = (right * math.sin(turn) + down * math.cos(turn)) / (half * 7 / 11)
        depth = 1 + draws.tilt_x[row] * across + draws.tilt_y[row] * below
        column, line = (across / depth + 1) * 11 / 2 - 0.5, (below / depth + 1) * 7 / 2 - 0.5
        sample = np.zeros(4)
        for i, j in np.ndindex(2, 2):
            at_y, at_x = math.floor(line) + i, math.floor(column) + j
            if 0 <= at_y < 7 and 0 <= at_x < 11:
                sample += (1 - abs(line - at_y)) * (1 - abs(column - at_x)) * layers[:, at_y, at_x]
        colour = (sample[:3] - 0.5 * sample[3]) * draws.contrast[row] + (0.5 + draws.brightness[row]) * sample[3]
        wanted = images[row, :, y, x].numpy() * (1 - sample[3]) + np.clip(colour, 0, sample[3])
        np.testing.assert_allclose(pasted[row, :, y, x], wanted, atol=3e-5)
