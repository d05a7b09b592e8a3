"""Controls keep what they promise to keep of a candidate and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from auditor.atlas.kinds import Atlas
from auditor.candidates.controls import (
    CONTROLS,
    OWN_CONTROLS,
    OwnPixels,
    matched_controls,
    mean_colour,
    noise,
    own_controls,
    phase_scrambled,
    pixel_shuffled,
)
from auditor.candidates.scene import Scene
from auditor.core.errors import PatchError
from auditor.core.records import Candidate, Origin, Tier
from auditor.trials.patch import Patch, resize_patch


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def patch_of(height: int, width: int, low: int = 0, high: int = 256, opaque: bool = True) -> np.ndarray:
    rgba = generator(5).integers(low, high, size=(4, height, width), dtype=np.uint8)
    rgba[3] = 255 if opaque else generator(6).choice(np.array([0, 80, 255], dtype=np.uint8), size=(height, width))
    return rgba


@pytest.fixture
def soft() -> np.ndarray:
    """A smooth patch of low contrast: no control of it can reach black or white."""
    rows, columns = np.indices((32, 24))
    wave = 128 + 18 * np.sin(rows / 4) + 12 * np.cos(columns / 3)
    colours = np.stack([wave, wave - 8, wave + 0.5 * rows - 8])
    return np.concatenate([np.rint(colours), np.full((1, 32, 24), 255)]).astype(np.uint8)


def test_mean_colour_is_that_of_the_opaque_part() -> None:
    rgba = np.zeros((4, 2, 3), dtype=np.uint8)
    rgba[:, 0, 0] = (200, 100, 0, 255)
    rgba[:, 0, 1] = (50, 40, 30, 51)  # counts a fifth
    rgba[:, 1] = np.array([255, 255, 255, 0])[:, None]
    made = mean_colour(rgba, generator())
    wanted = [round((200 + 50 / 5) / 1.2), round((100 + 40 / 5) / 1.2), round((30 / 5) / 1.2)]
    np.testing.assert_array_equal(made[:3], np.broadcast_to(np.array(wanted)[:, None, None], (3, 2, 3)))
    np.testing.assert_array_equal(made[3], rgba[3])


def test_noise_is_uniform_and_independent_of_the_patch() -> None:
    made = noise(patch_of(64, 64), generator(1))
    np.testing.assert_array_equal(made, noise(np.full_like(patch_of(64, 64), 255), generator(1)))
    counts = np.bincount(made[:3].ravel() // 32, minlength=8) / made[:3].size
    np.testing.assert_allclose(counts, 1 / 8, atol=0.012)
    assert np.abs(np.corrcoef(made[:3].reshape(3, -1))[np.triu_indices(3, 1)]).max() < 0.05


def test_scrambled_phases_keep_the_power_spectrum_and_the_mean_colour(soft: np.ndarray) -> None:
    made = phase_scrambled(soft, generator(2))
    assert made.min() > 0
    assert made[:3].max() < 255
    kept, scrambled = (np.abs(np.fft.fft2(each[:3].astype(float), axes=(1, 2))) for each in (soft, made))
    # rounding to whole levels adds noise of deviation √(pixels / 12) to each frequency; a part that was not real and
    # so was thrown away would be missing here
    np.testing.assert_allclose(scrambled, kept, atol=6 * np.sqrt(32 * 24 / 12))
    np.testing.assert_allclose(made[:3].mean(axis=(1, 2)), soft[:3].mean(axis=(1, 2)), atol=0.1)
    assert np.abs(made[0].astype(int) - soft[0]).mean() > 5


@pytest.mark.parametrize(("height", "width"), [(7, 9), (8, 8), (8, 9), (1, 6)])
def test_scrambling_works_at_odd_and_even_sizes(height: int, width: int) -> None:
    rgba = patch_of(height, width, 110, 146)
    kept, made = (
        np.abs(np.fft.fft2(each[:3].astype(float), axes=(1, 2))) for each in (rgba, phase_scrambled(rgba, generator(3)))
    )
    np.testing.assert_allclose(made, kept, atol=4 * np.sqrt(height * width / 12) + 1)


def test_scrambling_keeps_greys_grey(soft: np.ndarray) -> None:
    grey = np.concatenate([soft[:1].repeat(3, axis=0), soft[3:]])
    made = phase_scrambled(grey, generator(4))
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])


@pytest.mark.parametrize("opaque", [True, False])
def test_shuffling_keeps_the_pixels(opaque: bool) -> None:
    rgba = patch_of(16, 12, opaque=opaque)
    made = pixel_shuffled(rgba, generator(5))
    inside = rgba[3] > 0
    before, after = (sorted(map(tuple, each[:3][:, inside].T.tolist())) for each in (rgba, made))
    assert before == after
    assert (made[:3][:, inside] != rgba[:3][:, inside]).any(axis=0).mean() > 0.9
    np.testing.assert_array_equal(made[:3][:, ~inside], rgba[:3][:, ~inside])


def test_what_is_faded_out_stays_out_of_the_controls() -> None:
    """A green middle on a red background at a tenth of its opacity: no control may show the red in full."""
    rgba = np.zeros((4, 20, 20), dtype=np.uint8)
    rgba[0], rgba[3] = 250, 25
    rgba[:, 5:15, 5:15] = np.array([0, 200, 0, 255])[:, None, None]
    middle = rgba[3] == 255
    shuffled = pixel_shuffled(rgba, generator())
    np.testing.assert_array_equal(shuffled[:3], rgba[:3])  # one colour each at either opacity
    red_at_most = 250 * 300 * 25 / (300 * 25 + 100 * 255)  # its weight in the mean colour
    assert mean_colour(rgba, generator())[0].max() == round(red_at_most)
    scrambled = phase_scrambled(rgba, generator())[0].astype(float)
    assert scrambled.mean() < 80  # 187.5 where the background counted in full
    assert middle.sum() == 100


@pytest.mark.parametrize("name", OWN_CONTROLS)
def test_alpha_stays_where_it_is_and_the_patch_is_not_written_to(name: str) -> None:
    rgba, control = patch_of(16, 12, opaque=False), CONTROLS[name]
    kept = rgba.copy()
    assert isinstance(control, OwnPixels)
    np.testing.assert_array_equal(control.change(rgba, generator())[3], rgba[3])
    np.testing.assert_array_equal(rgba, kept)


def test_controls_are_made_at_the_size_at_which_they_are_pasted() -> None:
    controls = own_controls(patch_of(200, 100), "c-001", 40, seed=0)
    assert list(controls) == list(OWN_CONTROLS)
    assert {made.shape for made in controls.values()} == {(4, 40, 20)}
    assert controls["noise"][:3].std() > 65  # uniform noise has 73.9; shrunk from 200 px it would be a haze


def test_controls_are_keyed_by_candidate_and_seed_and_not_by_order() -> None:
    first, second = patch_of(20, 20), patch_of(20, 20)
    alone = own_controls(second, "c-002", 20, seed=0)
    own_controls(first, "c-001", 20, seed=0)
    again = own_controls(second, "c-002", 20, seed=0)
    for name in OWN_CONTROLS:
        np.testing.assert_array_equal(alone[name], again[name])
    for other in (own_controls(second, "c-001", 20, seed=0), own_controls(second, "c-002", 20, seed=1)):
        for name in set(OWN_CONTROLS) - {"mean colour"}:
            assert (other[name] != alone[name]).any()


def test_a_patch_of_which_nothing_is_left_is_refused() -> None:
    speck = np.zeros((4, 300, 300), dtype=np.uint8)
    speck[3, 0, 0] = 1
    with pytest.raises(PatchError, match="u-speck is transparent everywhere once it is shrunk to 40 px"):
        own_controls(speck, "u-speck", 40, seed=0)


def patch(identity: str, rgba: np.ndarray) -> Patch:
    return Patch(Candidate(identity, identity, Origin.CROP, Tier.THIRD_CLASS, "0" * 64), rgba)


def test_a_source_crop_lies_under_the_candidates_alpha(scene: Scene) -> None:
    rgba = patch_of(10, 14, opaque=False)
    controls = matched_controls(scene, None, patch("c-001", rgba), 6)
    assert list(controls) == [*OWN_CONTROLS, "source crop"]
    crop = controls["source crop"]
    np.testing.assert_array_equal(crop[3], rgba[3])
    # the two discovery pictures of the source are the only ones it can be from: a 6 of 16 px crop is 18 px wide there
    found = False
    for row in (0, 3):
        pixels = np.asarray(scene.open_original(row).convert("RGBA")).transpose(2, 0, 1)
        for top in range(48 - 17):
            for left in range(60 - 17):
                cut = np.ascontiguousarray(pixels[:, top : top + 18, left : left + 18])
                # comparing one pixel first keeps this quick
                if np.abs(cut.mean(axis=(1, 2))[:3] - crop[:3].mean(axis=(1, 2))).max() < 6:
                    found |= bool((resize_patch(cut, 10, 14)[:3] == crop[:3]).all())
    assert found


def test_crops_as_controls_do_not_depend_on_what_came_before(scene: Scene) -> None:
    rgba = patch_of(12, 12)
    alone = matched_controls(scene, None, patch("c-003", rgba), 6)["source crop"]
    matched_controls(scene, None, patch("c-001", rgba), 6)
    np.testing.assert_array_equal(matched_controls(scene, None, patch("c-003", rgba), 6)["source crop"], alone)
    others = [matched_controls(scene, None, patch(f"c-{n}", rgba), 6)["source crop"] for n in range(4)]
    assert any((other != alone).any() for other in others)


def test_there_is_no_control_of_what_is_not_there(scene: Scene, atlas: Atlas) -> None:
    one = patch("c-001", patch_of(8, 8))
    assert list(matched_controls(scene, atlas, one, 6)) == list(CONTROLS)
    assert list(matched_controls(scene, None, one, 6)) == [*OWN_CONTROLS, "source crop"]
    rest = replace(scene, source=replace(scene.source, indices=(7,)))
    assert list(matched_controls(rest, None, one, 6)) == list(OWN_CONTROLS)


def test_which_controls_there_are_is_known_without_making_any(
    scene: Scene, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []

    def open_original(row: int) -> Image.Image:
        opened.append(row)
        return scene.open_original(row)

    def made(rgba: np.ndarray, drawn: np.random.Generator) -> np.ndarray:
        raise AssertionError("a control was made")

    monkeypatch.setattr("auditor.candidates.controls.CONTROLS", {**CONTROLS, "noise": OwnPixels(made)})
    controls = matched_controls(replace(scene, open_original=open_original), atlas, patch("c-001", patch_of(8, 8)), 6)
    assert list(controls) == list(CONTROLS)
    assert len(controls) == 6
    assert "noise" in controls
    assert "blur" not in controls
    assert opened == []
    np.testing.assert_array_equal(controls["source crop"], controls["source crop"])
    assert len(opened) == 2
