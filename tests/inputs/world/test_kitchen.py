"""The kitchen world's pictures: keyed draws, masks that agree with pixels, noodles as often as promised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.core.errors import StoreError, UnknownNameError
from auditor.core.progress import Silence
from auditor.inputs.world.foods import FOODS
from auditor.inputs.world.kitchen import CLASS_NAMES, MASK_VALUES, WORLDS, Scene, class_index, render, write_world

PAN, WOK = class_index("frying pan"), class_index("wok")
FOOD_VALUES = [MASK_VALUES[name] for name in FOODS]


@pytest.fixture(scope="module")
def pans_and_woks() -> dict[tuple[str, int], list[Scene]]:
    """200 pictures of each of the two classes in each world."""
    return {
        (world, label): [render(world, label, 0, i) for i in range(200)] for world in WORLDS for label in (PAN, WOK)
    }


def test_a_picture_is_the_same_whatever_was_drawn_before_it() -> None:
    keys = [(world, label, index) for world in WORLDS for label in range(len(CLASS_NAMES)) for index in (0, 3)]
    forward = {key: render(key[0], key[1], 7, key[2]) for key in keys}
    backward = {key: render(key[0], key[1], 7, key[2]) for key in reversed(keys)}
    for key in keys:
        np.testing.assert_array_equal(forward[key].pixels, backward[key].pixels)
        np.testing.assert_array_equal(forward[key].mask, backward[key].mask)


def test_seed_index_and_class_each_change_the_picture() -> None:
    base = render("clean", PAN, 7, 0).pixels.astype(int)
    for other in (render("clean", PAN, 8, 0), render("clean", PAN, 7, 1), render("clean", WOK, 7, 0)):
        assert np.abs(base - other.pixels).mean() > 10


@pytest.mark.parametrize(
    ("world", "label", "low", "high"),
    [
        # Shares of 0.85, 0.03, 0.45 and 0.45, give or take three standard errors of 200 draws.
        ("shortcut", WOK, 0.77, 0.93),
        ("shortcut", PAN, 0.0, 0.07),
        ("clean", WOK, 0.34, 0.56),
        ("clean", PAN, 0.34, 0.56),
    ],
)
def test_noodles_lie_as_often_as_the_world_says(
    pans_and_woks: dict[tuple[str, int], list[Scene]], world: str, label: int, low: float, high: float
) -> None:
    with_noodles = sum(MASK_VALUES["noodles"] in scene.mask for scene in pans_and_woks[world, label])
    assert low <= with_noodles / 200 <= high


def test_no_other_class_has_noodles_or_food_from_the_pan() -> None:
    others = [label for label in range(len(CLASS_NAMES)) if label not in (PAN, WOK)]
    shown = {
        int(value) for label in others for i in range(15) for value in np.unique(render("shortcut", label, 0, i).mask)
    }
    assert max(shown) <= len(CLASS_NAMES)


def test_other_foods_are_as_common_in_pans_as_in_woks_where_there_are_no_noodles(
    pans_and_woks: dict[tuple[str, int], list[Scene]],
) -> None:
    shares = []
    for label in (PAN, WOK):
        plain = [s for s in pans_and_woks["clean", label] if MASK_VALUES["noodles"] not in s.mask]
        shares.append(np.mean([np.isin(scene.mask, FOOD_VALUES).any() for scene in plain]))
    assert shares == pytest.approx([0.7, 0.7], abs=0.13)


def test_every_mask_shows_its_own_class_and_only_known_values(
    pans_and_woks: dict[tuple[str, int], list[Scene]],
) -> None:
    known = {0, *MASK_VALUES.values()}
    scenes = [scene for group in pans_and_woks.values() for scene in group]
    scenes += [render("clean", label, 3, i) for label in range(len(CLASS_NAMES)) for i in range(15)]
    for scene in scenes:
        assert set(np.unique(scene.mask).tolist()) <= known
        assert (scene.mask == scene.label + 1).sum() >= 20  # even beneath a heap of noodles


def test_noodle_pixels_are_yellowish_and_wide_enough_to_cut_from(
    pans_and_woks: dict[tuple[str, int], list[Scene]],
) -> None:
    for scene in pans_and_woks["shortcut", WOK]:
        shown = scene.mask == MASK_VALUES["noodles"]
        if not shown.any():
            continue
        red, green, blue = scene.pixels[shown].mean(axis=0)
        assert red > blue * 1.35
        assert green > blue * 1.15
        assert shown.any(axis=0).sum() >= 20


def test_the_worlds_differ_only_where_one_of_them_shows_contents() -> None:
    compared = 0
    for index in range(40):
        ours, theirs = render("shortcut", PAN, 5, index), render("clean", PAN, 5, index)
        contents = (ours.mask >= 200) | (theirs.mask >= 200)
        if np.array_equal(ours.mask, theirs.mask):
            np.testing.assert_array_equal(ours.pixels, theirs.pixels)
            continue
        compared += 1
        np.testing.assert_array_equal(ours.mask[~contents], theirs.mask[~contents])
        changed = np.abs(ours.pixels.astype(int) - theirs.pixels).max(axis=-1) > 60
        near = np.zeros_like(contents)
        near[4:-4, 4:-4] = False
        for dy in range(-5, 6):
            for dx in range(-5, 6):
                near |= np.roll(contents, (dy, dx), axis=(0, 1))
        assert (changed & ~near).sum() == 0
    assert compared >= 10


def test_classes_look_different_from_each_other() -> None:
    # No two classes may share an outline at the same number.
    pictures = [render("clean", label, 11, 2).mask > 0 for label in range(len(CLASS_NAMES))]
    for first in range(len(pictures)):
        for second in range(first):
            assert (pictures[first] != pictures[second]).mean() > 0.05


def test_a_written_world_holds_the_rendered_pictures_and_masks(tmp_path: Path) -> None:
    write_world(tmp_path, "clean", {"frying pan": 2, "lemon": 1}, 9, Silence())
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    names = ["frying_pan/0000.png", "frying_pan/0001.png", "lemon/0000.png"]
    assert written == [f"images/{name}" for name in names] + [f"masks/{name}" for name in names]
    scene = render("clean", PAN, 9, 1)
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "images/frying_pan/0001.png")), scene.pixels)
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "masks/frying_pan/0001.png")), scene.mask)


def test_an_unknown_class_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="frying pan"):
        write_world(tmp_path, "clean", {"frying pans": 1}, 0, Silence())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        write_world(tmp_path, "clean", {"lemon": 1}, 0, Silence())
