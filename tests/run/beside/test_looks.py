"""What is pasted and chosen for pictures on request, against what the trials paste and hand-made numbers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from auditor.atlas.activations import ActivationSet
from auditor.cli.options import named_channels
from auditor.core.config import TrialsConfig
from auditor.core.errors import ConfigError
from auditor.core.records import ClassGroup, Placement
from auditor.core.records.trials import Predictions
from auditor.inputs.criterion import TargetCalled
from auditor.run.beside.looks import pasted_once, strongest_samples
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep


class Blank:
    """A classifier that is not asked."""

    device = torch.device("cpu")

    def normalise_(self, images: Tensor) -> Tensor:
        return images


def test_the_patch_lies_where_the_trials_paste_it() -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (2, 3, 40, 52), dtype=np.uint8)
    rgba = generator.integers(0, 256, (4, 9, 13), dtype=np.uint8)
    config = TrialsConfig(size=0.4)
    setup = SimpleNamespace(config=SimpleNamespace(trials=config, seed=3))
    pair = TargetCalled(ClassGroup("pan", (0,)), ClassGroup("wok", (1,)))
    sweep = Sweep(Blank(), pair, pixels, ["a", "b"], Predictions.of_none(2), config, 3)  # type: ignore[arg-type]
    before, after = sweep.picture("b", rgba, variants_of(Placement.FIXED, config)[0], "c-001")
    np.testing.assert_array_equal(pasted_once(setup, pixels[1], rgba), after)  # type: ignore[arg-type]
    assert (after[:, :16, :16] != before[:, :16, :16]).any()
    np.testing.assert_array_equal(after[:, 17:], before[:, 17:])


def test_the_samples_largest_in_a_channel_come_first_one_a_picture() -> None:
    values = np.array([3.0, 5.0, 4.0, 5.0, 0.0, 1.0], dtype=np.float32)
    zero = np.zeros(6, dtype=np.float32)
    at = np.zeros(6, dtype=np.int64)
    samples = ActivationSet(
        vectors=np.stack([zero, values], axis=1), attribution=zero[:, None], contrast=zero,
        image_row=np.array([0, 1, 1, 2, 3, 4]), y=at, x=at, weight=zero, strongest=np.zeros(6, dtype=np.bool_),
    )  # fmt: skip
    assert strongest_samples(samples, 1, 9).tolist() == [1, 3, 0, 5]  # of picture 1 the larger; nothing at 0
    assert strongest_samples(samples, 1, 2).tolist() == [1, 3]
    assert strongest_samples(samples, 0, 2).tolist() == []


def test_channels_of_a_flag() -> None:
    assert named_channels("17, 3,17") == [17, 3]
    with pytest.raises(ConfigError, match="whole numbers by commas, such as 3,17, got '3;4'"):
        named_channels("3;4")
