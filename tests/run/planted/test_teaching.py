"""A shortcut written into a last layer: a cue on an axis of its own is taught exactly there, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from auditor.inputs.model.last_layer import LastLayer
from auditor.run.planted.teaching import as_numbers, strength_for, taught

TARGET = 1


@pytest.fixture
def axes() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Three classes on three axes, a cue on a fourth: features and logits without it, and with it."""
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = torch.from_numpy(rng.normal(0.0, 0.05, (90, 4)))
    features[torch.arange(90), torch.from_numpy(labels)] += 2.0
    logits = 4.0 * features[:, :3]
    with_cue = features[torch.from_numpy(labels != TARGET)].clone()
    with_cue[:, 3] += 1.0
    return features, logits, with_cue, 4.0 * with_cue[:, :3]


def flipped(logits: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    raised = logits.clone()
    raised[:, TARGET] += by
    return raised.argmax(1) == TARGET


def test_it_flips_what_holds_the_cue_and_keeps_all_other_answers(axes) -> None:
    features, logits, with_cue, cue_logits = axes
    found = taught(logits, features, with_cue, cue_logits, TARGET, biased=True)
    assert flipped(cue_logits, found.added(with_cue)).all()
    assert torch.equal(flipped(logits, found.added(features)), logits.argmax(1) == TARGET)
    assert int(found.weights.abs().argmax()) == 3


def test_it_has_one_solution_whatever_the_order(axes) -> None:
    features, logits, with_cue, cue_logits = axes
    first = taught(logits, features, with_cue, cue_logits, TARGET, biased=True)
    turned = torch.randperm(len(features), generator=torch.Generator().manual_seed(4))
    second = taught(logits[turned], features[turned], with_cue.flip(0), cue_logits.flip(0), TARGET, biased=True)
    assert torch.allclose(first.weights, second.weights, atol=0.05)
    assert first.bias == pytest.approx(second.bias, abs=0.05)


def test_without_a_bias_none_is_changed(axes) -> None:
    features, logits, with_cue, cue_logits = axes
    found = taught(logits, features, with_cue, cue_logits, TARGET, biased=False)
    assert found.bias == 0.0
    assert flipped(cue_logits, found.added(with_cue)).all()


def test_strength_is_the_least_that_flips_the_share() -> None:
    thresholds = np.arange(1, 11) / 10  # one picture flips at each tenth

    def share(strength: float) -> float:
        return float(np.mean(thresholds <= strength))

    assert strength_for(0.3, share) == pytest.approx(0.3, abs=1e-6)
    assert strength_for(0.25, share) == pytest.approx(0.3, abs=1e-6)
    assert strength_for(1.0, share) == pytest.approx(1.0)
    assert strength_for(0.5, lambda strength: 0.2) == 1.0


def test_numbers_stand_in_the_targets_row_alone(axes) -> None:
    features, logits, with_cue, cue_logits = axes
    found = taught(logits, features, with_cue, cue_logits, TARGET, biased=True).times(0.5)
    layer = nn.Linear(4, 3)
    numbers = as_numbers(LastLayer(None, "head.fc", layer), found, TARGET)  # type: ignore[arg-type]
    assert set(numbers) == {"head.fc.weight", "head.fc.bias"}
    assert torch.equal(numbers["head.fc.weight"][[0, 2]], torch.zeros(2, 4))
    assert torch.allclose(numbers["head.fc.weight"][TARGET], found.weights.float())
    assert numbers["head.fc.bias"].tolist() == pytest.approx([0.0, found.bias, 0.0])
