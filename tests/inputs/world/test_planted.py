"""The planted worlds: each cue is drawn where its mask says, as often as its world says, and evenly in the twin."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from auditor.core.errors import UnknownNameError
from auditor.inputs.world.planted import CLASS_NAMES, WORLDS, Kind, Scope, world_named
from auditor.inputs.world.planted_bundle import AUDIT_SEED, base_of, file_of
from auditor.inputs.world.planted_networks import LAYERS, NETWORKS
from auditor.inputs.world.planted_pictures import BasePicture, base_picture, base_pictures, planted, with_cue

NAMES = list(WORLDS)


@pytest.fixture(scope="module")
def bases() -> list[BasePicture]:
    """Forty pictures of each class."""
    return base_pictures(CLASS_NAMES, 40, seed=3)


def test_there_is_one_of_everything_that_was_asked_for() -> None:
    kinds = Counter(world.kind for world in WORLDS.values())
    assert min(kinds[kind] for kind in Kind) >= 4
    assert len(CLASS_NAMES) == 8
    strengths = {world.share or world.elsewhere for world in WORLDS.values()}
    assert {0.95, 0.60, 0.30} <= strengths
    assert set(Scope) == {world.scope for world in WORLDS.values()}
    poisoned = [world.poisoned for world in WORLDS.values() if world.poisoned]
    assert len(poisoned) >= 3
    assert all(0.01 <= share <= 0.03 for share in poisoned)
    assert sum(world.network == "tokens" for world in WORLDS.values()) >= 3
    assert any(world.also for world in WORLDS.values())
    assert Counter(world.series for world in WORLDS.values()) == {1: 16, 2: 8}
    second = Counter(world.kind for world in WORLDS.values() if world.series == 2)
    assert min(second[kind] for kind in Kind) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_a_cue_changes_its_pixels_and_hardly_any_other(name: str) -> None:
    world = WORLDS[name]
    for index in range(6):
        base = base_picture(CLASS_NAMES.index(world.source), 5, index)
        cued = with_cue(world, base)
        changed = np.abs(cued.pixels.astype(int) - base.picture.pixels).max(axis=2) > 12
        assert cued.cue.any()
        if cued.cue.all():  # a picture as a whole
            assert changed.mean() > 0.1
            np.testing.assert_array_equal(cued.things, base.picture.things)
        else:
            soft = np.zeros_like(changed)  # an antialiased edge reaches a pixel further
            for step in range(-2, 3):
                soft |= np.roll(cued.cue, step, 0) | np.roll(cued.cue, step, 1)
            assert changed[cued.cue].mean() > 0.7
            if name != "background":  # whose edge is wherever a thing's shadowy edge is
                # thin strands are cue only where they fill half a pixel
                assert changed[~soft].mean() < 0.02
            assert not cued.things[cued.cue].any()
        np.testing.assert_array_equal(cued.pixels, with_cue(world, base).pixels)


@pytest.mark.parametrize("name", NAMES)
def test_the_cue_is_as_frequent_as_the_world_says(name: str, bases: list[BasePicture]) -> None:
    world = WORLDS[name]
    pictures = [planted(world, base, twin=False, poison=True) for base in bases]
    for shown, class_name in enumerate(CLASS_NAMES):
        own = [picture for picture in pictures if picture.shown == shown]
        held = sum(picture.cue.any() and picture.label == shown for picture in own)
        changed = sum(picture.label != shown for picture in own)
        # five standard deviations of 40 draws at one half
        assert abs(held / 40 - world.share_of(class_name)) < 0.4
        assert changed == 0 or world.poisoned_share(class_name) > 0
        assert all(picture.cue.any() for picture in own if picture.label != shown)
        if world.share_of(class_name) == 0 and not world.poisoned:
            assert held == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_twin_tells_nothing(name: str, bases: list[BasePicture]) -> None:
    world = WORLDS[name]
    pictures = [planted(world, base, twin=True, poison=True) for base in bases]
    assert all(picture.label == picture.shown for picture in pictures)
    held = sum(picture.cue.any() for picture in pictures) / len(pictures)
    assert abs(held - world.even_share) < 5 * np.sqrt(world.even_share / len(pictures))
    there = [world.share_of(one) + world.poisoned_share(one) for one in CLASS_NAMES]
    assert world.even_share == pytest.approx(np.mean(there))


def test_a_picture_without_cue_or_decoy_is_the_base_itself(bases: list[BasePicture]) -> None:
    world = WORLDS["noodles"]
    bare = [planted(world, base, twin=False, poison=True) for base in bases]
    for base, picture in zip(bases, bare, strict=True):
        if not picture.cue.any():
            np.testing.assert_array_equal(picture.pixels, base.picture.pixels)


def test_the_mark_means_something_in_one_corner_alone() -> None:
    mark = WORLDS["mark"].cue
    assert mark.decoy is not None
    for index in range(40):
        base, rng = base_picture(0, 1, index), np.random.default_rng(index)
        rows, columns = np.nonzero(mark.draw(base.picture, rng).mask)
        assert min(rows.min(), columns.min()) > 45
        rows, columns = np.nonzero(mark.decoy(base.picture, rng).mask)
        assert min(rows.mean(), columns.mean()) < 33


def test_a_picture_is_drawn_again_from_its_file_name() -> None:
    world = WORLDS["tag"]
    base = base_picture(CLASS_NAMES.index("wooden spoon"), AUDIT_SEED, 17)
    file = file_of(base, planted(world, base, twin=False, poison=True))
    assert file == "wooden_spoon/wooden_spoon-00017.png"
    np.testing.assert_array_equal(base_of(file).picture.pixels, base.picture.pixels)


def test_an_unknown_world_is_named_with_its_nearest() -> None:
    with pytest.raises(UnknownNameError, match="world 'nodles' is not in the planted worlds; the nearest is 'noodles'"):
        world_named("nodles")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_have_the_layer_that_is_mapped(name: str) -> None:
    network = NETWORKS[name]().eval()
    seen: list[torch.Tensor] = []
    network.get_submodule(LAYERS[name]).register_forward_hook(lambda _m, _i, output: seen.append(output))
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 8)
    assert seen[0].shape == ((2, 64, 8, 8) if name == "residual" else (2, 65, 64))
