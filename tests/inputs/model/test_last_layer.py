"""The linear layer that logits come from: found by running the network, whatever stands around it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.core.errors import ModelError
from auditor.core.records import Outputs
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.last_layer import last_layer
from auditor.inputs.model.preprocessing import Preprocessing

PIXELS = np.random.default_rng(3).integers(0, 256, (6, 3, 4, 4), dtype=np.uint8)


class Means(nn.Module):
    """(B, 3) channel means."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))


def classifier(*layers: nn.Module, outputs: Outputs = Outputs.LOGITS) -> Classifier:
    torch.manual_seed(1)
    names = ClassNames(("red", "green"), ((), ()))
    black = (0.0, 0.0, 0.0)
    preprocessing = Preprocessing((4, 4), None, "bilinear", black, (1.0, 1.0, 1.0))
    return Classifier(nn.Sequential(*layers), names, preprocessing, torch.device("cpu"), "two", outputs)


def test_it_is_the_last_of_that_width_that_ran() -> None:
    network = classifier(Means(), nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    found = last_layer(network, PIXELS)
    assert found.name == "3"
    features = found.features(PIXELS, batch_size=4)
    means = torch.from_numpy(PIXELS).float().div(255).mean(dim=(2, 3))
    expected = torch.relu(network.module[1](means)).double()
    assert torch.allclose(features, expected, atol=1e-6)
    assert torch.allclose(found.logits(features).float(), network.module[3](expected.float()), atol=1e-6)


def test_batches_do_not_matter() -> None:
    found = last_layer(classifier(Means(), nn.Linear(3, 2)), PIXELS)
    assert torch.allclose(found.features(PIXELS, 1), found.features(PIXELS, 64), atol=1e-7)


def test_no_picture_gives_no_row() -> None:
    found = last_layer(classifier(Means(), nn.Linear(3, 2)), PIXELS)
    assert found.features(PIXELS[:0], 4).shape == (0, 3)


def test_a_softmax_behind_it_is_allowed() -> None:
    network = classifier(Means(), nn.Linear(3, 2), nn.Softmax(dim=1), outputs=Outputs.PROBABILITIES)
    assert last_layer(network, PIXELS).name == "1"


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        (Means(), nn.Linear(3, 2), nn.Tanh()),
        (Means(), nn.Linear(3, 4), nn.ReLU(), nn.Unflatten(1, (2, 2)), nn.AdaptiveMaxPool2d((2, 1)), nn.Flatten()),
    ],
)
def test_a_network_without_one_is_refused_in_words(layers: tuple[nn.Module, ...]) -> None:
    with pytest.raises(ModelError, match="two shows no linear layer whose outputs are its logits"):
        last_layer(classifier(*layers), PIXELS)


def test_no_hook_stays() -> None:
    network = classifier(Means(), nn.Linear(3, 2))
    last_layer(network, PIXELS).features(PIXELS, 2)
    assert not network.module[1]._forward_pre_hooks
