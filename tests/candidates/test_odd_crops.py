"""Wherever crops go through the network, the message names the one that it fails on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from torch import Tensor

from auditor.candidates.linear import LinearScreen
from auditor.candidates.makers.cell_icons import patch_settings
from auditor.candidates.makers.dreamed import dream_crops
from auditor.candidates.makers.shapes import faded_patches
from auditor.candidates.makers.trained import Lesson, TrainingBudget, train_patch
from auditor.candidates.propose import mark_read_as_target
from auditor.candidates.screening import TailScreen
from auditor.core.config import TrialsConfig
from auditor.core.errors import ModelError
from auditor.core.progress import Silence
from auditor.core.records import Candidate, ClassGroup, Origin, PixelArray, Placement, Tier
from auditor.inputs.model.cut import LayerCut
from auditor.trials.patch import Patch
from auditor.trials.placements import variants_of

NAMES = [f"a crop of {letter}.png" for letter in "abcde"]
SOURCE, TARGET = ClassGroup("pan", (0,)), ClassGroup("wok", (1,))
FAILS = r"^on {}: running PatchworkNetwork on a batch of 1 failed with ValueError: odd; .*; look at this picture"


@pytest.fixture
def cut(linear_cut: Callable[..., LayerCut]) -> Iterator[LayerCut]:
    """Of a network that fails on every picture with a white corner."""
    cut = linear_cut(True)

    def refuse(_module: object, inputs: tuple[Tensor, ...]) -> None:
        images = inputs[0] * cut.classifier._std + cut.classifier._mean
        if bool((images[:, :, :2, :2] > 0.99).all(dim=(1, 2, 3)).any()):
            raise ValueError("odd")

    handle = cut.classifier.module.register_forward_pre_hook(refuse)
    yield cut
    handle.remove()


@pytest.fixture
def crops() -> list[PixelArray]:
    """The fourth is white, and so its corner is where it is pasted."""
    crops = list(np.random.default_rng(5).integers(0, 200, size=(5, 4, 8, 8), dtype=np.uint8))
    for crop in crops:
        crop[3] = 255
    crops[3][:] = 255
    return crops


@pytest.fixture
def screen(cut: LayerCut) -> TailScreen:
    pixels = np.random.default_rng(6).integers(0, 200, size=(3, 3, 16, 20), dtype=np.uint8)
    return TailScreen(cut, pixels, TARGET, 0.5, batch_size=8)


def patches_of(crops: list[PixelArray]) -> list[Patch]:
    return [
        Patch(Candidate(f"c-{number}", "crop", Origin.CROP, Tier.THIRD_CLASS, image_path=f"{letter}.png"), crop)
        for number, (letter, crop) in enumerate(zip("abcde", crops, strict=True))
    ]


def test_a_crop_that_cannot_be_screened_is_named_on_every_rung(screen: TailScreen, crops: list[PixelArray]) -> None:
    linear = LinearScreen(screen, crops[:2])
    rungs: list[Callable[[], object]] = [
        lambda: screen.screen(crops, NAMES),
        lambda: linear.screen(crops, NAMES),
        lambda: LinearScreen(screen, crops, NAMES),
        lambda: screen.seen(crops, NAMES),
    ]
    for rung in rungs:
        with pytest.raises(ModelError, match=FAILS.format(r"a crop of d\.png")):
            rung()
    with pytest.raises(ModelError, match=r"^running PatchworkNetwork on a batch of \d"):
        screen.screen(crops)  # nobody said what they are


def test_a_source_picture_that_cannot_be_screened_on_is_named(cut: LayerCut) -> None:
    pixels = np.random.default_rng(6).integers(0, 200, size=(3, 3, 16, 20), dtype=np.uint8)
    pixels[1] = 255
    with pytest.raises(ModelError, match=FAILS.format(r"y\.png")):
        TailScreen(cut, pixels, TARGET, 0.5, batch_size=8, names=["x.png", "y.png", "z.png"])


def test_a_crop_that_fills_the_picture_is_named(cut: LayerCut, crops: list[PixelArray]) -> None:
    patches, identities = patches_of(crops), list("12345")
    alone: list[Callable[[], object]] = [
        lambda: mark_read_as_target(patches, cut.classifier, TARGET),
        lambda: faded_patches(cut, patches, identities, SOURCE, TARGET),
        lambda: dream_crops(cut, patches, identities, patch_settings(16, steps=1), 0, Silence()),
    ]
    for work in alone:
        with pytest.raises(ModelError, match=FAILS.format(r"c-3 \(of d\.png\)")):
            work()


def test_a_picture_that_a_patch_cannot_be_trained_on_is_named(
    cut: LayerCut, trials_config: Callable[..., TrialsConfig]
) -> None:
    pixels = np.random.default_rng(6).integers(0, 200, size=(3, 3, 16, 20), dtype=np.uint8)
    pixels[1] = 255
    config = trials_config(size=0.3)
    variants = variants_of(Placement.RANDOM, config)
    lesson = Lesson(pixels, ["x", "y", "z"], TARGET, variants, config, 0, ["x.png", "y.png", "z.png"])
    with pytest.raises(ModelError, match=FAILS.format(r"y\.png with o-001 on it")):
        train_patch(cut.classifier, lesson, Silence(), TrainingBudget(4, 3))
