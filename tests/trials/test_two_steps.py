"""Sweeps in which a copy in fewer bits goes first: whose word counts, picture by picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.core.config import ComputeConfig, TrialsConfig
from auditor.core.errors import ModelError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Placement
from auditor.core.records.trials import Predictions, TrialBlock
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.quick import InTwoSteps, quick_copy
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep

CRITERION = TargetCalled(ClassGroup("red", (0,)), ClassGroup("green", (1,)))
NOTHING = np.zeros((4, 2, 2), dtype=np.uint8)
"""A transparent patch: pictures stay as they are."""


class Means(nn.Module):
    """Three classes by the mean of each channel, and by how much more; counts the pictures that it sees."""

    def __init__(self, more: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> None:
        super().__init__()
        self.head = nn.Linear(3, 3)
        self.seen: list[int] = []
        with torch.no_grad():
            self.head.weight.copy_(torch.eye(3))
            self.head.bias.copy_(torch.tensor(more))

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(len(images))
        said: Tensor = self.head(images.mean((2, 3)))
        return said


def classifier(module: nn.Module) -> Classifier:
    names = ClassNames(("red", "green", "blue"), ((), (), ()))
    even = Preprocessing((8, 8), None, "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    return Classifier(module, names, even, torch.device("cpu"))


def pictures(*colours: tuple[int, int, int]) -> np.ndarray:
    return np.array(colours, dtype=np.uint8).reshape(-1, 3, 1, 1).repeat(8, axis=2).repeat(8, axis=3)


def swept(network: Classifier, pixels: np.ndarray, patch: np.ndarray = NOTHING, batch_size: int = 64) -> TrialBlock:
    keys, config = [f"{number:03d}" for number in range(len(pixels))], TrialsConfig(batch_size=batch_size)
    clean, names = Predictions.of_none(len(pixels)), [f"{key}.png" for key in keys]
    sweep = Sweep(network, CRITERION, pixels, keys, clean, config, 0, names=names)
    return sweep.run(patch, variants_of(Placement.FIXED, config), "c-001", Silence())


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_the_network_has_the_last_word_on_the_target_and_on_what_it_may_be(batch_size: int) -> None:
    network, lying = classifier(Means()), classifier(Means((0.0, 0.3, 0.2)))
    # called the target though it is not; not the target's by 0.2 alone; sure, and blue though the network says red
    pixels = pictures((128, 115, 25), (255, 128, 0), (128, 0, 100))
    block = swept(InTwoSteps(network, lying, 0.25), pixels, batch_size=batch_size)
    own, theirs = swept(network, pixels), swept(lying, pixels)
    assert own.patched.tolist() == [[0, 0, 0]]
    assert theirs.patched.tolist() == [[1, 0, 2]]
    assert block.patched.tolist() == [[0, 0, 2]]
    assert block.flips.tolist() == [[False, False, False]]
    np.testing.assert_array_equal(block.after[:, :2], own.after[:, :2])
    np.testing.assert_array_equal(block.after[:, 2], theirs.after[:, 2])
    np.testing.assert_array_equal(block.rank_after, [[own.rank_after[0, 0], own.rank_after[0, 1], 3]])


def test_it_sees_no_picture_more_than_it_has_to() -> None:
    network, first = Means(), Means()
    swept(InTwoSteps(classifier(network), classifier(first), 0.1), pictures((255, 0, 0), (0, 255, 0), (250, 240, 0)))
    assert (sum(first.seen), sum(network.seen)) == (3, 2)
    network.seen.clear()
    swept(InTwoSteps(classifier(network), classifier(first), 0.0), pictures((255, 0, 0), (0, 255, 0), (250, 240, 0)))
    assert network.seen == [1]


def test_no_flip_is_an_effect_of_rounding() -> None:
    """Around the border bfloat16 alone calls others the target; in the end what is called so is."""
    network, generator = classifier(Means()), np.random.default_rng(0)
    pixels = generator.integers(228, 232, size=(400, 3, 8, 8), dtype=np.uint8)
    copy = quick_copy(network, ComputeConfig(precision="bfloat16"))
    own, alone = swept(network, pixels), swept(copy, pixels)
    assert int((own.flips != alone.flips).sum()) > 20
    for batch_size in (1, 64):
        block = swept(InTwoSteps(network, copy, 0.02), pixels, batch_size=batch_size)
        np.testing.assert_array_equal(block.flips, own.flips)


def test_what_the_copy_makes_no_number_of_is_asked_again() -> None:
    network, pixels = classifier(Means()), pictures((255, 0, 0), (0, 255, 0))
    broken = classifier(Means((float("nan"), 0.0, 0.0)))
    np.testing.assert_array_equal(swept(InTwoSteps(network, broken, 0.0), pixels).after, swept(network, pixels).after)
    # infinite ones that are not the target's are sure of it, and the network is asked all the same
    endless = classifier(Means((float("inf"), 0.0, 0.0)))
    np.testing.assert_array_equal(swept(InTwoSteps(network, endless, 0.0), pixels).after, swept(network, pixels).after)


def test_the_picture_that_the_network_makes_no_number_of_is_named() -> None:
    class Broken(Means):
        def forward(self, images: Tensor) -> Tensor:
            said = super().forward(images)
            return said.masked_fill((images[:, 2].mean((1, 2)) > 0.9)[:, None], float("nan"))

    pixels = pictures((255, 0, 0), (0, 255, 0), (0, 0, 255))
    for network in (classifier(Broken()), InTwoSteps(classifier(Broken()), classifier(Broken()), 0.1)):
        with pytest.raises(ModelError, match=r"on 002\.png with c-001 on it: .* 3 NaN"):
            swept(network, pixels, batch_size=2)
