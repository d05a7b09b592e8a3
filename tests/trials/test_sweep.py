"""Whole sweeps of hand-weighted classifiers: which pictures flip is known before anything runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from auditor.core.config import TrialsConfig
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Placement
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.trials.grounds import Grounds
from auditor.trials.placements import variants_of
from auditor.trials.stand_ins import Changed, Control, grey
from auditor.trials.sweep import Sweep, predict_clean

RED, GREEN = ClassGroup("red", (0,)), ClassGroup("green", (1,))
CRITERION = TargetCalled(RED, GREEN)


class Counted(Silence):
    def __init__(self) -> None:
        self.steps = 0

    def advance(self, steps: int = 1) -> None:
        self.steps += steps


def sweep_of(classifier: Classifier, pixels: np.ndarray, config: TrialsConfig, seed: int = 0) -> Sweep:
    clean = predict_clean(classifier, pixels, CRITERION, 16, Silence())
    keys = [f"{number:03d}" for number in range(len(pixels))]
    maps = {key: np.random.default_rng(int(key)).normal(size=pixels.shape[2:]).astype(np.float32) for key in keys}
    grounds = Grounds(attribution=maps)
    return Sweep(classifier, CRITERION, pixels, keys, clean, config, seed, grounds=grounds)


def green_patch(value: int = 255) -> np.ndarray:
    rgba = np.zeros((4, 4, 4), dtype=np.uint8)
    rgba[1], rgba[3] = value, 255
    return rgba


@pytest.fixture
def reddish() -> np.ndarray:
    """Sixty 8×8 pictures, evenly red: picture i by 4 i + 4 of 255."""
    pixels = np.zeros((60, 3, 8, 8), dtype=np.uint8)
    pixels[:, 0] = (4 * np.arange(60) + 4)[:, None, None]
    return pixels


def test_known_flips_are_counted_exactly(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig], reddish: np.ndarray
) -> None:
    config, progress = trials_config(size=0.5, batch_size=7), Counted()
    sweep = sweep_of(colour_classifier((8, 8)), reddish, config)
    block = sweep.run(green_patch(), variants_of(Placement.FIXED, config), "c-001", progress)
    # a quarter of the picture is covered: 16 × 255 of green beats 48 × red below a red of 85, so up to 84 (i = 20)
    assert block.outcomes.tolist() == [number <= 20 for number in range(60)]
    assert block.patched.tolist() == [[1] * 21 + [0] * 39]
    assert block.variants == ("fixed",)
    assert progress.steps == 60
    red, green = 48 * (4 * np.arange(60) + 4) / 255, 16.0
    np.testing.assert_allclose(block.after[0], 1 / (1 + np.exp(red - green) + np.exp(-green)), rtol=2e-4, atol=1e-9)


def test_the_clean_models_numbers_and_weights_stay_as_they_were(
    trials_config: Callable[..., TrialsConfig], colour_classifier: Callable[..., Classifier], reddish: np.ndarray
) -> None:
    config, classifier = trials_config(size=0.5), colour_classifier((8, 8))
    before = predict_clean(classifier, reddish, CRITERION, 64, Silence())
    kept = reddish.copy()
    sweep = sweep_of(classifier, reddish, config)
    block = sweep.run(green_patch(), variants_of(Placement.BEST, config), "c-001", Silence())
    np.testing.assert_array_equal(block.clean, before.predicted)
    np.testing.assert_array_equal(block.before, before.probability)
    np.testing.assert_array_equal(reddish, kept)
    after = predict_clean(classifier, reddish, CRITERION, 64, Silence())
    np.testing.assert_array_equal(after.probability, before.probability)
    # a second patch starts from the pictures as they are, not from what the first one left in the buffer
    again = sweep.run(green_patch(), variants_of(Placement.BEST, config), "c-001", Silence())
    np.testing.assert_array_equal(again.after, block.after)


def test_best_flips_a_picture_that_any_variant_flips(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig]
) -> None:
    # each picture is red in one corner alone and flips only where the larger patch covers just that corner
    pixels = np.zeros((5, 3, 8, 8), dtype=np.uint8)
    pixels[0, 0, :4, :4] = pixels[1, 0, :4, 4:] = pixels[2, 0, 4:, :4] = pixels[3, 0, 4:, 4:] = 255
    pixels[4, 0] = 255
    config = trials_config(size=0.5, best_sizes=(0.25, 0.5))
    sweep = sweep_of(colour_classifier((8, 8)), pixels, config)
    fixed = sweep.run(green_patch(200), variants_of(Placement.FIXED, config), "c-001", Silence())
    assert fixed.outcomes.tolist() == [True, False, False, False, False]
    best = sweep.run(green_patch(200), variants_of(Placement.BEST, config), "c-001", Silence())
    wanted = np.zeros((8, 5), dtype=bool)
    wanted[4:, :4] = np.eye(4, dtype=bool)
    np.testing.assert_array_equal(best.flips, wanted)
    assert best.outcomes.tolist() == [True, True, True, True, False]
    np.testing.assert_array_equal(best.best_after, best.after.max(axis=0))


@pytest.mark.parametrize("placement", [one for one in Placement if one.of_anything])
def test_batches_of_one_and_of_many_agree(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig], placement: Placement
) -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, size=(48, 3, 16, 16), dtype=np.uint8)
    rgba = generator.integers(0, 256, size=(4, 20, 15), dtype=np.uint8)
    blocks = []
    for batch_size in (1, 64):
        config = trials_config(size=0.6, perspective=0.3, batch_size=batch_size)
        sweep = sweep_of(colour_classifier((16, 16)), pixels, config)
        blocks.append(sweep.run(rgba, variants_of(placement, config), "c-001", Silence()))
    one, many = blocks
    np.testing.assert_allclose(one.after, many.after, rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(one.patched, many.patched)
    assert 0 < one.outcomes.sum() < 48
    for first, second in zip(one.draws, many.draws, strict=True):
        for name, numbers in first.columns.items():
            np.testing.assert_array_equal(numbers, second.columns[name])


def test_patches_are_pasted_before_the_one_normalisation(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig]
) -> None:
    mean, std = (0.5, 0.25, 0.125), (0.5, 0.2, 0.1)
    classifier, config = colour_classifier((8, 8), mean, std), trials_config(size=0.5)
    pixels = np.full((2, 3, 8, 8), 51, dtype=np.uint8)
    sweep = sweep_of(classifier, pixels, config)
    classifier.module.shown.clear()
    sweep.run(np.full((4, 4, 4), 255, dtype=np.uint8), variants_of(Placement.FIXED, config), "c", Silence())
    (shown,) = classifier.module.shown
    wanted = torch.full((2, 3, 8, 8), 0.2)
    wanted[:, :, :4, :4] = 1.0
    wanted = (wanted - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(shown, wanted, atol=2e-6, rtol=0)


def test_a_picture_is_shown_before_and_after_as_it_was_measured(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig]
) -> None:
    classifier, config = colour_classifier((16, 16)), trials_config(size=0.5)
    pixels = np.random.default_rng(3).integers(0, 256, size=(9, 3, 16, 16), dtype=np.uint8)
    rgba = np.random.default_rng(4).integers(0, 256, size=(4, 12, 12), dtype=np.uint8)
    sweep = sweep_of(classifier, pixels, config)
    (variant,) = variants_of(Placement.RANDOM, config)
    classifier.module.shown.clear()
    sweep.run(rgba, [variant], "c-007", Silence())
    before, after = sweep.picture("005", rgba, variant, "c-007")
    np.testing.assert_array_equal(before, pixels[5])
    np.testing.assert_array_equal(after, np.rint(classifier.module.shown[0][5].numpy() * 255))
    assert (after != before).any()


def test_no_eligible_picture_gives_an_empty_block(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig]
) -> None:
    config = trials_config()
    sweep = sweep_of(colour_classifier((8, 8)), np.zeros((0, 3, 8, 8), dtype=np.uint8), config)
    block = sweep.run(green_patch(), variants_of(Placement.BEST, config), "c", Silence())
    assert len(sweep) == 0
    assert block.patched.shape == (12, 0)
    assert block.outcomes.tolist() == []


def test_eligible_and_flipped_are_members_of_the_groups() -> None:
    criterion = TargetCalled(ClassGroup("pans", (0, 3)), ClassGroup("woks", (1, 4)))
    predicted = np.array([0, 1, 2, 3, 4])
    assert criterion.eligible(predicted).tolist() == [True, False, False, True, False]
    assert criterion.flipped(predicted[None]).tolist() == [[False, True, False, False, True]]
    assert "one of the 2 classes of 'pans'" in criterion.describe()
    assert CRITERION.describe() == "held-out pictures labelled 'red' that the clean model calls 'red'"


@pytest.mark.parametrize(
    "placement", [one for one in Placement if one.of_anything and one is not Placement.PHOTOGRAPHED]
)
def test_a_transparent_patch_flips_nothing(
    colour_classifier: Callable[..., Classifier],
    trials_config: Callable[..., TrialsConfig],
    reddish: np.ndarray,
    placement: Placement,
) -> None:
    rgba, config = green_patch(), trials_config(size=0.5)
    sweep = sweep_of(colour_classifier((8, 8)), reddish, config)
    assert sweep.run(rgba, variants_of(placement, config), "c-001", Silence()).outcomes.any()
    rgba[3] = 0
    block = sweep.run(rgba, variants_of(placement, config), "c-001", Silence())
    assert not block.outcomes.any()
    np.testing.assert_allclose(block.after, np.broadcast_to(block.before, block.after.shape), rtol=1e-5)


def test_a_control_is_printed_lit_and_photographed_as_its_candidate_is(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig]
) -> None:
    """Grey put in the place of a grey patch looks as that patch does, whatever happens to it."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(12, 3, 32, 32), dtype=np.uint8)
    rgba = np.full((4, 10, 10), 128, dtype=np.uint8)
    rgba[3] = 255
    config = trials_config(size=0.4)
    variants = variants_of(Placement.PHOTOGRAPHED, config)
    sweep = sweep_of(colour_classifier((32, 32)), pixels, config)
    own = sweep.run(rgba, variants, "c-001", Silence())
    control = sweep.run(rgba, variants, "c-001", Silence(), Control("grey", Changed(grey)))
    for name, numbers in own.draws[0].columns.items():
        np.testing.assert_array_equal(numbers, control.draws[0].columns[name])
    for key in sweep.image_keys:
        before, after = (each.astype(int) for each in sweep.picture(key, rgba, variants[0], "c-001"))
        _, instead = sweep.picture(key, rgba, variants[0], "c-001", Control("grey", Changed(grey)))
        assert (before != after).mean() > 0.8  # the whole picture is photographed
        assert np.abs(after - instead).mean() < 1.5 < np.abs(after - before).mean()
