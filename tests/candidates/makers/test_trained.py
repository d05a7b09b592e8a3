"""A trained patch finds the answer that is known by hand, and is pasted while training as it is in trials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from auditor.candidates.makers.trained import Lesson, TrainingBudget, train_patch
from auditor.core.config import TrialsConfig
from auditor.core.errors import ImageError, TrainingError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Origin, Placement, Tier
from auditor.core.records.trials import Predictions
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.trials.pasting import Sticker, paste, paste_pixels
from auditor.trials.placements import draw, largest_side_px, variants_of
from auditor.trials.sweep import Sweep

RED, GREEN = ClassGroup("red", (0,)), ClassGroup("green", (1,))
KEYS = [f"k{number}" for number in range(6)]
BUDGET = TrainingBudget(steps=40, batch_size=4, learning_rate=0.3)


def reddish(count: int, seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 100, size=(count, 3, 20, 24), dtype=np.uint8)
    pixels[:, 0] += 20  # the smallest patch covers a sixth of the picture, and green has to win by it
    return pixels


def test_the_gradient_of_pasting_is_what_a_brighter_texel_adds(trials_config: Callable[..., TrialsConfig]) -> None:
    config = trials_config(size=0.5, colour_jitter=0.0)
    (variant,) = variants_of(Placement.RANDOM, config)
    draws = draw(variant, config, KEYS, "c", (1.0, 1.0), (20, 24), seed=3)
    weights = torch.rand(len(KEYS), 3, 20, 24, generator=torch.Generator().manual_seed(1))
    source = torch.rand(4, 7, 7, generator=torch.Generator().manual_seed(2)).requires_grad_(True)

    def weighed(patch: torch.Tensor) -> torch.Tensor:
        return (paste_pixels(torch.full((len(KEYS), 3, 20, 24), 0.5), patch, draws) * weights).sum()

    (gradient,) = torch.autograd.grad(weighed(source), source)
    # a paste is linear in the colours, so a whole step gives the slope
    for place in [(0, 0, 0), (1, 3, 4), (2, 6, 2)]:
        brighter = source.detach().clone()
        brighter[place] += 1.0
        added = float(weighed(brighter) - weighed(source.detach()))
        assert float(gradient[place]) == pytest.approx(added, abs=1e-3)
        assert abs(added) > 0.05


def test_pasting_pixels_is_pasting_a_sticker(trials_config: Callable[..., TrialsConfig]) -> None:
    config = trials_config(size=0.5)
    (variant,) = variants_of(Placement.RANDOM, config)
    draws = draw(variant, config, KEYS, "c", (1.0, 1.0), (20, 24), seed=3)
    side = round(largest_side_px(variant, config, (20, 24)))
    rgba = np.random.default_rng(0).integers(0, 256, size=(4, side, side), dtype=np.uint8)
    rgba[3] = 255
    stuck = paste(torch.zeros(6, 3, 20, 24), Sticker(rgba, torch.device("cpu")), draws, side)
    pixels = paste_pixels(torch.zeros(6, 3, 20, 24), torch.from_numpy(rgba).float() / 255.0, draws)
    assert torch.equal(stuck, pixels)


FADED_LITTLE = {"least_saturation": 0.9, "darkest_paper": 0.9, "lightest_ink": 0.05, "light_gain": 0.1, "shadow": 0.1}


@pytest.mark.parametrize(
    ("placement", "settings"),
    [
        (Placement.FIXED, {}),
        (Placement.RANDOM, {}),
        (Placement.PHOTOGRAPHED, {"size": 0.9, **FADED_LITTLE}),
        (Placement.QUADRILATERAL, {"quadrilateral": (0.1, 0.1, 0.05, 0.9, 0.9, 0.85, 0.95, 0.1)}),
    ],
)
def test_a_patch_for_green_turns_green_and_flips_held_out_pictures(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig], placement: Placement,
    settings: dict[str, object],
) -> None:  # fmt: skip
    classifier = colour_classifier((20, 24), mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.2))
    config = trials_config(**{"size": 0.6, **settings})
    variants = variants_of(placement, config)
    patch = train_patch(classifier, Lesson(reddish(6, 1), KEYS, GREEN, variants, config, 0), Silence(), BUDGET)
    inner = patch.rgba[:3, 2:-2, 2:-2].mean(axis=(1, 2))
    assert inner[1] > 230
    assert inner[0] < 25  # blue is so far behind that its gradient is nothing
    assert (patch.candidate.origin, patch.candidate.tier) == (Origin.OPTIMISED, Tier.SYNTHETIC)
    held_out = reddish(20, 2)
    sweep = Sweep(
        classifier,
        TargetCalled(RED, GREEN),
        held_out,
        [f"h{number}" for number in range(20)],
        Predictions.of_none(20),
        config,
        seed=0,
    )
    assert sweep.run(patch.rgba, variants, "x", Silence()).outcomes.all()
    grey = np.full_like(patch.rgba, 128)
    grey[3] = 255
    assert not sweep.run(grey, variants, "x", Silence()).outcomes.any()


def test_the_same_seed_trains_the_same_patch_and_turns_share_one_size(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig]
) -> None:
    classifier, config = colour_classifier((20, 24)), trials_config(best_sizes=(0.25, 0.5))
    budget = TrainingBudget(steps=9, batch_size=4, learning_rate=0.05)

    def trained(seed: int) -> np.ndarray:
        variants = variants_of(Placement.BEST, config)
        lesson = Lesson(reddish(6, 1), KEYS, GREEN, variants, config, seed)
        return train_patch(classifier, lesson, Silence(), budget).rgba

    first = trained(0)
    assert first.shape == (4, 10, 10)
    assert np.array_equal(first, trained(0))
    assert not np.array_equal(first, trained(1))
    assert first[1].mean() > 135 > 120 > first[0].mean()  # small turns, resized from the same free pixels, pull too


def test_nothing_to_train_on(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig]
) -> None:
    config = trials_config()
    lesson = Lesson(reddish(0, 1), [], GREEN, variants_of(Placement.FIXED, config), config, 0)
    with pytest.raises(ImageError, match="trained on discovery pictures of the source, and there are none"):
        train_patch(colour_classifier((20, 24)), lesson, Silence())


@pytest.mark.parametrize("kind", ["rounded", "detached"])
def test_a_network_without_a_gradient_trains_no_patch(
    colour_classifier: Callable[..., Classifier], trials_config: Callable[..., TrialsConfig], kind: str
) -> None:
    classifier, config = colour_classifier((20, 24)), trials_config()
    change = torch.round if kind == "rounded" else torch.Tensor.detach
    classifier.module.register_forward_hook(lambda _module, _inputs, output: change(output))
    lesson, told = Lesson(reddish(6, 1), KEYS, GREEN, variants_of(Placement.FIXED, config), config, 0), Told()
    with pytest.raises(TrainingError, match="could not be trained: the gradient of its pixels is 0 everywhere"):
        train_patch(classifier, lesson, told, BUDGET)
    assert told.steps < 10  # of 40: it gives up early


class Told(Silence):
    def __init__(self) -> None:
        self.steps = 0

    def advance(self, steps: int = 1) -> None:
        self.steps += steps
