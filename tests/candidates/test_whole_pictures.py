"""Effects taken from two sets of pictures between which one thing was planted, and nothing where nothing was."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch

from auditor.candidates.whole_pictures import (
    BINS,
    EXTREME,
    KINDS,
    TYPICAL,
    brightness,
    cast,
    contrast,
    corners,
    count_of_effects,
    count_of_kinds,
    differences,
    ring,
    saturation,
    sharpness,
    surroundings_weight,
    whole_effects,
)
from auditor.core.draws import keyed_generator
from auditor.core.records import BACKGROUND, CONTRAST_ALONE
from auditor.core.settings.trials import WholeKind
from auditor.inputs.images.pixels import to_float
from auditor.run.stages.whole_pictures import controls_of
from auditor.trials.whole_pictures import Blended, Contrast, Filtered
from tests.second_device import second_device

SIDE, CPU = 32, torch.device("cpu")


def noise(count: int, seed: int, spread: int = 30) -> np.ndarray:
    """Grey pictures with noise, far from black and white."""
    return np.random.default_rng(seed).integers(128 - spread, 129 + spread, (count, 3, SIDE, SIDE)).astype(np.uint8)


def draws(count: int) -> list[np.random.Generator]:
    return [keyed_generator(0, number) for number in range(count)]


@pytest.fixture
def source() -> np.ndarray:
    return noise(40, 1)


def test_a_cast_comes_back_as_it_was_planted(source: np.ndarray) -> None:
    target = (source.astype(int) + np.array([20, 5, -10])[:, None, None]).astype(np.uint8)
    assert 255 * differences(brightness, source, target, CPU)[TYPICAL] == pytest.approx([5.0], abs=1e-4)
    assert 255 * differences(cast, source, target, CPU)[TYPICAL] == pytest.approx([15.0, 0.0, -15.0], abs=1e-4)
    assert differences(sharpness, source, target, CPU)[TYPICAL] == pytest.approx(np.zeros(BINS), abs=1e-4)
    assert differences(contrast, source, target, CPU)[TYPICAL] == pytest.approx([0.0], abs=1e-4)


def test_a_cast_on_a_third_of_the_pictures_comes_in_full(source: np.ndarray) -> None:
    target = noise(40, 2).astype(int)
    target[::3] += np.array([20, 5, -10])[:, None, None]
    found = {dose: 255 * each for dose, each in differences(cast, source, target.astype(np.uint8), CPU).items()}
    assert np.linalg.norm(found[TYPICAL]) == pytest.approx(math.hypot(15, 15) * 14 / 40, abs=1.5)
    assert found[EXTREME] == pytest.approx([15.0, 0.0, -15.0], abs=4)


def test_the_colour_of_an_object_in_the_middle_is_no_cast(source: np.ndarray) -> None:
    target = source.copy()
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    target[:, :, np.hypot(y, x) < 14] = np.array([250, 20, 20], dtype=np.uint8)[:, None]
    for measure in (brightness, cast, saturation):
        assert differences(measure, source, target, CPU)[TYPICAL] == pytest.approx(0.0, abs=1e-4)


def test_grey_scale_and_contrast_come_as_gains() -> None:
    colourful = noise(30, 4, spread=60)
    grey = np.repeat(colourful.mean(axis=1, keepdims=True).round().astype(np.uint8), 3, axis=1)
    gain = math.exp(float(differences(saturation, colourful, grey, CPU)[TYPICAL][0]))
    assert gain < 0.04
    by_id = {effect.id: effect for effect in whole_effects(colourful, grey, grey[:0], CPU)}
    assert by_id["w-saturation-typical"].words == f"nearly grey-scale, saturation times {gain:.2f}"
    images = to_float(colourful, CPU)
    flatter = ((images + Contrast(0.5)(images, [])) * 255).round().byte().numpy()
    assert math.exp(float(differences(contrast, colourful, flatter, CPU)[TYPICAL][0])) == pytest.approx(0.5, abs=0.03)


def test_a_blur_comes_back_by_its_spectrum(source: np.ndarray) -> None:
    centres = (np.arange(BINS) + 0.5) * math.sqrt(0.5) / BINS
    gains = np.exp(-((centres / 0.6) ** 2))
    images = to_float(source, CPU)
    blurred = ((images + Filtered(centres, gains)(images, [])) * 255).round().clamp(0, 255).byte().numpy()
    found = np.exp(differences(sharpness, source, blurred, CPU)[TYPICAL] / 2)
    assert found == pytest.approx(gains, rel=0.1)  # with the contrast that the blur takes along
    effects = {effect.id: effect for effect in whole_effects(source, blurred, source, CPU)}
    assert effects["w-sharpness-typical"].words.startswith("a blur, fine detail times 0.")
    again = images + effects["w-sharpness-typical"].change(images, [])
    assert torch.allclose(again, to_float(blurred, CPU), atol=0.06)


@pytest.mark.parametrize(
    ("coarse", "fine", "name"),
    [(0.8, 0.4, "a blur"), (0.9, 1.3, "sharpening"), (0.17, 0.37, "less contrast of every detail")],
)
def test_what_is_done_to_details_is_called_what_it_is(coarse: float, fine: float, name: str) -> None:
    difference = 2 * np.log(np.repeat([coarse, fine], 4))
    expected = f"{name}, fine detail times {fine:.2f}, coarse times {coarse:.2f}"
    assert KINDS["sharpness"].words(difference) == expected


def test_a_loss_of_contrast_is_one_of_every_detail(source: np.ndarray) -> None:
    """Without a change of shares every ring has the same gain, that of the contrast."""
    images = to_float(source, CPU)
    flatter = ((images + Contrast(0.5)(images, [])) * 255).round().byte().numpy()
    found = np.exp(differences(sharpness, source, flatter, CPU)[TYPICAL] / 2)
    assert found == pytest.approx(np.full(BINS, 0.5), abs=0.02)


def test_beside_a_blur_stands_its_contrast_alone(source: np.ndarray) -> None:
    effects = {effect.id: effect for effect in whole_effects(source, noise(9, 3, spread=12), source, CPU)}
    blur = effects["w-sharpness-typical"]
    assert [one.name[1] for one in controls_of(blur)] == ["opposite", "other colours", "noise", "its contrast alone"]
    assert [one.name[1] for one in controls_of(effects["w-contrast-typical"])] == ["opposite", "other colours"]
    images, keys = to_float(source[:3], CPU), ["a", "b", "c"]
    spread = [
        one.on(images, keys, 0).mean(dim=1).flatten(1).std(dim=1, correction=0)
        for one in (Blended(("w", ""), blur.change), controls_of(blur)[-1])
    ]
    assert torch.allclose(*spread, atol=1e-5)


def test_rings_of_the_spectrum_by_hand() -> None:
    """A cosine of the picture's own size has all its power in one ring; the others hold what rounding would leave."""
    wave = np.cos(np.pi * 12 * (np.arange(SIDE) + 0.5) / SIDE)  # 12 half periods: 12 / 64 = 0.1875 cycles a pixel
    picture = torch.from_numpy(0.5 + 0.25 * wave).expand(1, 3, SIDE, SIDE)
    logarithms = sharpness(picture)[0]
    ring_of_wave = int(0.1875 / (math.sqrt(0.5) / BINS))
    assert int(logarithms.argmax()) == ring_of_wave
    others = [float(each) for place, each in enumerate(logarithms) if place != ring_of_wave]
    rounding = (1 / 255) ** 2 / 12
    assert others == pytest.approx([math.log(rounding)] * (BINS - 1), abs=1e-6)
    # all of it, 0.25² / 2 at each of 64 × 64 places, over the frequencies of its ring, counted one by one
    down, across = np.meshgrid(np.fft.fftfreq(2 * SIDE), np.fft.fftfreq(2 * SIDE))
    numbers = np.minimum((np.hypot(down, across) / (math.sqrt(0.5) / BINS)).astype(int), BINS - 1)
    power = 0.25**2 / 2 * (2 * SIDE) ** 2 / int((numbers == ring_of_wave).sum())
    assert float(logarithms[ring_of_wave]) == pytest.approx(math.log(power + rounding), abs=1e-6)


def test_a_frame_comes_back_where_it_lies(source: np.ndarray) -> None:
    target = source.copy()
    where = ring(SIDE, SIDE)
    assert int(where.sum()) == SIDE * SIDE - 24 * 24
    target[:, :, where] = np.array([10, 200, 30], dtype=np.uint8)[:, None]
    framed = {effect.id: effect for effect in whole_effects(source, target, source, CPU)}["w-frame-typical"]
    assert framed.words == "a frame: the outer eighth drawn 100% towards the target's mean"
    images = to_float(source, CPU)
    after = 255 * (images + framed.change(images, []))
    expected = source.copy()
    expected[:, :, where] = np.array([10, 200, 30], dtype=np.uint8)[:, None]
    assert np.abs(after.numpy() - expected).max() < 0.01


def test_how_far_a_frame_is_drawn_by_hand(source: np.ndarray) -> None:
    """Target pictures that agree on their frame but for a little: what that is, pixel by pixel, in plain loops."""
    target = source[:12].astype(int)
    target[:, :, ring(SIDE, SIDE)] = 60 + np.random.default_rng(2).integers(-9, 10, (12, 3, 448))
    (framed,) = (
        one for one in whole_effects(source, target.astype(np.uint8), source, CPU) if one.id == "w-frame-typical"
    )
    for y, x in ((0, 0), (3, 20), (31, 7)):
        mean = target[:, :, y, x].mean(axis=0)
        own = sum(target[:, channel, y, x].var(ddof=1) for channel in range(3))
        apart = sum(
            source[:, channel, y, x].var(ddof=1) + (source[:, channel, y, x].mean() - mean[channel]) ** 2
            for channel in range(3)
        )
        weight = 1 - math.sqrt(own / apart)
        assert 0.5 < weight < 1
        change = framed.change(to_float(source[:1], CPU), [])[0, :, y, x]
        assert 255 * change.numpy() == pytest.approx(weight * (mean - source[0, :, y, x]), abs=1e-3)


def test_of_a_single_target_picture_nobody_knows_the_frame(source: np.ndarray) -> None:
    images = to_float(source, CPU)
    for of_source in (source, source[:1]):
        effects = {effect.id: effect for effect in whole_effects(of_source, noise(1, 7), source, CPU)}
        assert not effects["w-frame-typical"].change(images, []).any()
        assert all(torch.isfinite(effect.change(images, draws(40))).all() for effect in effects.values())


def test_no_difference_is_no_effect(source: np.ndarray) -> None:
    images = to_float(source, CPU)
    for effect in whole_effects(source, source, source, CPU):
        if effect.dose == TYPICAL and not effect.shows_target:
            assert effect.change(images, []).abs().max() < 1e-5, effect.id


def test_every_effect_is_there_once(source: np.ndarray) -> None:
    effects = whole_effects(source, noise(5, 8), noise(3, 9), CPU)
    # beside them the background, where objects are annotated
    assert len({effect.id for effect in effects}) == len(effects) == count_of_effects() - 1
    assert len({effect.kind for effect in effects}) == count_of_kinds() - 1
    assert [effect.kind for effect in effects if effect.shows_target] == ["surroundings"]
    # what a setting may name is what can keep a model from passing, and a control's own kind is one of them
    assert {effect.kind for effect in effects if not effect.shows_target} | {BACKGROUND} == set(get_args(WholeKind))
    assert CONTRAST_ALONE in {name for effect in effects if effect.kind == "sharpness" for name in effect.instead}
    last = effects[-1]
    assert list(last.instead) == ["surroundings of the source", "surroundings of other classes"]
    assert list(whole_effects(source, source, source[:0], CPU)[-1].instead) == ["surroundings of the source"]


def test_corners_and_surroundings() -> None:
    where, weight = corners(SIDE, 2 * SIDE), surroundings_weight(SIDE, 2 * SIDE)
    assert where.mean() == pytest.approx(1 - math.pi / 4, abs=0.01)
    assert weight[torch.from_numpy(where)].min() == 1.0
    assert float(weight[SIDE // 2, SIDE]) == 0.0
    # on the middle row the distance is that of x alone: 0.75 lies half way between 0.6 and 0.9
    assert float(weight[SIDE // 2, SIDE + int(0.75 * SIDE)]) == pytest.approx(0.5, abs=0.1)


def test_a_device_of_its_own_ends_in_the_same_pictures(source: np.ndarray) -> None:
    device, keys = second_device(), [f"k{number}" for number in range(4)]
    target = noise(12, 6, spread=90)
    both = zip(whole_effects(source, target, source, CPU), whole_effects(source, target, source, device), strict=True)
    for near, far in both:
        assert far.words == near.words
        after = [
            Blended((one.id, ""), one.change).on(to_float(source[:4], where), keys, 3).cpu()
            for one, where in ((near, CPU), (far, device))
        ]
        assert torch.allclose(*after, atol=1e-6), near.id
