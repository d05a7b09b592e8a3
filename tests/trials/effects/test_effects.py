"""Effects against slow loops and against Pillow: print, light, focus, resizing, noise, JPEG."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from auditor.core.config import TrialsConfig
from auditor.trials.effects import EFFECTS, FURTHER_COLUMNS, change_patches, change_pictures, drawn_effects
from auditor.trials.effects.effect import Numbers, Patches

Build = Callable[..., TrialsConfig]
KEYS = [f"{number:04x}" for number in range(40)]


def numbers_of(columns: Mapping[str, NDArray[np.float64]]) -> Numbers:
    drawn = {name: torch.from_numpy(each).float().view(-1, 1, 1, 1) for name, each in columns.items()}
    least, most = ({name: float(pick(each)) for name, each in columns.items()} for pick in (np.min, np.max))
    return Numbers(drawn, least, most)


def drawn(config: TrialsConfig, effect: str, count: int = 6, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    return drawn_effects(config.model_copy(update={"effects": (effect,)}), KEYS[:count], "c-001", seed)


def pictures(count: int = 6, height: int = 21, width: int = 26, seed: int = 0) -> NDArray[np.float64]:
    """Smooth ones with an edge in them, so that neither rounding nor noise is all there is to see."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 8.0
    waves = [
        0.5 + 0.3 * np.sin(generator.uniform(0.5, 2) * y + generator.uniform(0.5, 2) * x + generator.uniform(0, 6))
        for _ in range(3 * count)
    ]
    made = np.stack(waves).reshape(count, 3, height, width)
    made[:, :, 5:11, 7:15] = generator.uniform(size=(count, 3, 1, 1))
    return made


def patches_of(count: int, seed: int = 0) -> tuple[Patches, NDArray[np.float64], NDArray[np.float64]]:
    """Patches in windows, and their colours not premultiplied and opacity."""
    generator = np.random.default_rng(seed)
    colour, alpha = generator.uniform(size=(count, 3, 12, 9)), generator.uniform(size=(count, 1, 12, 9))
    alpha[:, :, :2] = 0.0
    y, x = np.linspace(-1.1, 1.2, 12), np.linspace(-1.3, 0.9, 9)
    grid = torch.from_numpy(y).float().view(1, 1, -1, 1), torch.from_numpy(x).float().view(1, 1, 1, -1)
    layers = torch.from_numpy(colour * alpha).float(), torch.from_numpy(alpha).float()
    return Patches(*layers, grid[0].expand(count, 1, 12, 1), grid[1].expand(count, 1, 1, 9)), colour, alpha


def on_pictures(columns: Mapping[str, NDArray[np.float64]], images: NDArray[np.float64]) -> NDArray[np.float64]:
    return change_pictures(torch.from_numpy(images).float(), numbers_of(columns)).numpy().astype(np.float64)


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effects_draws_hang_on_its_picture_and_name_alone(trials_config: Build, effect: str) -> None:
    config = trials_config()
    together = drawn_effects(config, KEYS, "c-001", 3)
    assert tuple(together) == FURTHER_COLUMNS[3:-3]
    alone = drawn(config, effect, len(KEYS), seed=3)
    assert tuple(alone) == EFFECTS[effect].columns
    backwards = drawn_effects(config, KEYS[::-1], "c-001", 3)
    for name, numbers in alone.items():
        np.testing.assert_array_equal(numbers, together[name])
        np.testing.assert_array_equal(numbers, backwards[name][::-1])
    first = EFFECTS[effect].columns[0]
    assert len(np.unique(together[first])) > 15
    assert (together[first] != drawn_effects(config, KEYS, "c-002", 3)[first]).any()


RANGES = {
    "saturation": (0.6, 1.0), "paper_red": (0.8, 1.0), "paper_blue": (0.8, 1.0), "ink": (0.0, 0.15),
    "gain": (1 / 1.5, 1.5), "gradient_y": (-0.3, 0.3), "shadow": (0.0, 0.5), "defocus_px": (0.0, 2.0),
    "blur_px": (0.0, 0.7), "rescale": (0.6, 1.0), "noise": (0.0, 0.02), "noise_key": (0, 2**24),
    "jpeg_quality": (60, 95),
}  # fmt: skip


def test_draws_fill_the_documented_ranges_and_no_more(trials_config: Build) -> None:
    columns = drawn_effects(trials_config(), [str(number) for number in range(600)], "c", 0)
    for name, (low, high) in RANGES.items():
        assert low <= columns[name].min() <= low + 0.03 * (high - low), name
        assert high - 0.03 * (high - low) <= columns[name].max() <= high, name
    assert set(np.unique(columns["jpeg_quality"])) == set(range(60, 96))


def test_ink_and_paper_stand_in_for_black_and_white() -> None:
    grey = np.array([[0.0], [1.0], [0.5]])[:, None, :, None].repeat(3, axis=1)
    one = torch.ones(3, 1, 1, 1)
    columns = dict(zip(EFFECTS["print"].columns, (np.full(3, v) for v in (0.5, 0.8, 0.9, 1.0, 0.1)), strict=True))
    patches = Patches(torch.from_numpy(grey).float(), one, one, one)
    colour, _ = change_patches(patches, numbers_of(columns))
    wanted = torch.tensor([[0.1, 0.1, 0.1], [0.8, 0.9, 1.0], [0.45, 0.5, 0.55]])
    torch.testing.assert_close(colour.view(3, 3), wanted)


def test_the_page_of_numbers_has_it_right() -> None:
    """docs/numbers.md, 'Printed and photographed'."""
    printed = dict(zip(EFFECTS["print"].columns, (1.0, 0.9, 0.9, 0.9, 0.1), strict=True))
    lit = dict.fromkeys(EFFECTS["light"].columns, 0.0) | {"gain": 1.2, "shadow_softness": 0.1}
    columns = {name: np.array([value]) for name, value in (printed | lit).items()}
    half = torch.full((1, 1, 1, 1), 0.5)
    colour, _ = change_patches(Patches((0.6 * half).expand(1, 3, 1, 1), half, half, half), numbers_of(columns))
    assert float(colour[0, 0]) == pytest.approx(0.58 * math.sqrt(1.2) / 2, abs=1e-6)
    assert round(float(colour[0, 0]), 3) == 0.318
    assert round(255 * float(colour[0, 0])) == 81


def test_print_is_what_a_loop_makes_of_each_pixel(trials_config: Build) -> None:
    columns = drawn(trials_config(), "print")
    patches, colour, alpha = patches_of(6)
    made, opacity = change_patches(patches, numbers_of(columns))
    for row, channel, y, x in np.ndindex(*colour.shape):
        red, green, blue = colour[row, :, y, x]
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        faded = luma + columns["saturation"][row] * (colour[row, channel, y, x] - luma)
        paper = columns[("paper_red", "paper_green", "paper_blue")[channel]][row]
        wanted = (columns["ink"][row] + (paper - columns["ink"][row]) * faded) * alpha[row, 0, y, x]
        assert float(made[row, channel, y, x]) == pytest.approx(wanted, abs=2e-6)
    assert torch.equal(opacity, patches.alpha)


def test_light_is_what_a_loop_makes_of_each_pixel(trials_config: Build) -> None:
    columns = drawn(trials_config(light_gain=2.0), "light")
    patches, colour, alpha = patches_of(6)
    made, opacity = change_patches(patches, numbers_of(columns))
    clipped = 0
    for row, channel, y, x in np.ndindex(*colour.shape):
        one = {name: float(numbers[row]) for name, numbers in columns.items()}
        down, across = float(patches.y[row, 0, y, 0]), float(patches.x[row, 0, 0, x])
        slope = across * one["gradient_x"] + down * one["gradient_y"]
        beyond = across * one["shadow_x"] + down * one["shadow_y"] - one["shadow_place"]
        step = min(max(0.5 + beyond / one["shadow_softness"] / 2, 0.0), 1.0)
        light = one["gain"] * (1 + min(max(slope, -0.9), 0.9))
        light *= 1 - one["shadow"] * (3 * step**2 - 2 * step**3)
        wanted = min(colour[row, channel, y, x] * math.sqrt(light), 1.0)
        clipped += wanted == 1.0
        assert float(made[row, channel, y, x]) == pytest.approx(wanted * alpha[row, 0, y, x], abs=1e-5)
    assert clipped
    assert torch.equal(opacity, patches.alpha)


def test_a_patch_out_of_focus_is_a_mean_over_a_disc(trials_config: Build) -> None:
    columns = drawn(trials_config(defocus_px=3.0), "defocus")
    columns["defocus_px"][0] = 0.5
    patches, colour, alpha = patches_of(6)
    layers = np.concatenate([colour * alpha, alpha], axis=1)
    made = np.concatenate([one.numpy() for one in change_patches(patches, numbers_of(columns))], axis=1)
    for row in range(6):
        radius, reach = columns["defocus_px"][row], 4
        weights = np.zeros((9, 9))
        for y, x in np.ndindex(9, 9):
            weights[y, x] = min(1.0, max(0.0, radius + 0.5 - math.hypot(y - reach, x - reach)))
        weights[4, 4] = 1.0
        padded = np.pad(layers[row], ((0, 0), (reach, reach), (reach, reach)))
        wanted = np.zeros_like(layers[row])
        for y, x in np.ndindex(12, 9):
            wanted[:, y, x] = (padded[:, y : y + 9, x : x + 9] * weights).sum(axis=(1, 2)) / weights.sum()
        np.testing.assert_allclose(made[row], wanted, atol=2e-6)
    np.testing.assert_allclose(made[0], layers[0], atol=1e-7)


def test_a_blurred_picture_is_a_gaussian_mean(trials_config: Build) -> None:
    columns, images = drawn(trials_config(blur_px=1.5), "blur"), pictures()
    made = on_pictures(columns, images)
    for row in range(6):
        deviation = columns["blur_px"][row]
        reach = math.floor(3 * deviation)
        weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
        padded = np.pad(images[row], ((0, 0), (reach, reach), (reach, reach)), mode="edge")
        wanted = np.zeros_like(images[row])
        for y, x in np.ndindex(*images.shape[2:]):
            window = padded[:, y : y + 2 * reach + 1, x : x + 2 * reach + 1]
            wanted[:, y, x] = (window * np.outer(weights, weights)).sum(axis=(1, 2)) / weights.sum() ** 2
        np.testing.assert_allclose(made[row], wanted, atol=3e-6)


def test_fewer_pixels_and_more_again_are_pillows(trials_config: Build) -> None:
    columns, images = drawn(trials_config(smallest_rescale=0.3), "rescale", 12), pictures(12)
    columns["rescale"][0] = 1.0
    made = on_pictures(columns, images)
    for row in range(12):
        small = tuple(round(columns["rescale"][row] * side) for side in (26, 21))
        for channel in range(3):
            picture = Image.fromarray(images[row, channel].astype(np.float32))
            there = picture.resize(small, Image.Resampling.BILINEAR).resize((26, 21), Image.Resampling.BILINEAR)
            np.testing.assert_allclose(made[row, channel], np.asarray(there), atol=3e-6)
    np.testing.assert_allclose(made[0], images[0], atol=1e-6)


def mixed(bits: int) -> int:
    bits = ((bits ^ (bits >> 16)) * 0x7FEB352D) % 2**32
    bits = ((bits ^ (bits >> 15)) * 0x846CA68B) % 2**32
    return bits ^ (bits >> 16)


def test_noise_is_computed_from_key_and_place() -> None:
    columns = {"noise": np.array([0.1, 0.2]), "noise_key": np.array([5.0, 2.0**24 - 1])}
    images = np.full((2, 3, 4, 5), 0.5)
    made = on_pictures(columns, images)
    for row, place in np.ndindex(2, 60):
        radius, turn = (
            ((mixed(mixed(int(columns["noise_key"][row])) ^ (2 * place + which)) >> 8) + 0.5) / 2**24
            for which in (0, 1)
        )
        normal = math.sqrt(-2 * math.log(radius)) * math.cos(2 * math.pi * turn)
        wanted = min(max(0.5 + columns["noise"][row] * normal, 0.0), 1.0)
        assert made[row].ravel()[place] == pytest.approx(wanted, abs=2e-6)


def test_noise_is_normal_and_independent() -> None:
    images = np.full((8, 3, 64, 64), 0.5)
    columns = {"noise": np.full(8, 0.05), "noise_key": np.arange(8.0)}
    noise = (on_pictures(columns, images) - 0.5) / 0.05
    assert abs(noise.mean()) < 0.015
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    assert (np.abs(noise) > 2).mean() == pytest.approx(0.0455, abs=0.004)
    flat = noise.reshape(24, -1)
    apart = np.corrcoef(flat)[~np.eye(24, dtype=bool)]
    assert np.abs(apart).max() < 0.06
    assert abs((noise[..., 1:] * noise[..., :-1]).mean()) < 0.01


def as_jpeg(image: NDArray[np.float64], quality: int) -> NDArray[np.float64]:
    buffer = io.BytesIO()
    levels = np.rint(image * 255).astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(levels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer)).astype(np.float64).transpose(2, 0, 1)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 50), (21, 26), (8, 17)])
def test_jpeg_is_what_a_file_of_that_quality_holds_to_the_last_level(height: int, width: int) -> None:
    qualities = np.array([10.0, 24.0, 49.0, 50.0, 60.0, 75.0, 85.0, 95.0])
    noisy = np.random.default_rng(1).integers(0, 2, size=(8, 3, height, width)) * 0.8 + 0.1
    for images in (pictures(8, height, width), noisy):
        made = 255 * on_pictures({"jpeg_quality": qualities}, images)
        for row, quality in enumerate(qualities):
            np.testing.assert_allclose(made[row], as_jpeg(images[row], int(quality)), atol=1e-4)


def test_light_compression_changes_less_than_heavy() -> None:
    images = pictures(2, 32, 32)
    made = on_pictures({"jpeg_quality": np.array([95.0, 20.0])}, images[:1].repeat(2, axis=0))
    slight, much = (np.abs(one - images[0]).mean() for one in made)
    assert 0 < slight < much / 2


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_pictures_pixels_do_not_depend_on_its_batch(trials_config: Build, effect: str) -> None:
    columns, images = drawn(trials_config(), effect, 16), pictures(16)
    patches, _, _ = patches_of(16)

    def made(rows: slice) -> list[Tensor]:
        whole = numbers_of(columns)
        part = Numbers({name: each[rows] for name, each in whole.drawn.items()}, whole.least, whole.most)
        own = Patches(patches.colour[rows], patches.alpha[rows], patches.y[rows], patches.x[rows])
        return [change_pictures(torch.from_numpy(images[rows]).float(), part), *change_patches(own, part)]

    together, alone = made(slice(0, 16)), [made(slice(row, row + 1)) for row in range(16)]
    same = [torch.equal(together[0], torch.from_numpy(images).float()), torch.equal(together[1], patches.colour)]
    assert sum(same) == 1
    for layer, each in enumerate(together):
        assert torch.equal(each, torch.cat([one[layer] for one in alone]))
