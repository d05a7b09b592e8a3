"""A network that answers otherwise the second time, or in company, is found out at any size."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.core.errors import ModelError
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.probing import probe, unlike_pictures


def classifier_of(module: nn.Module, side_px: int) -> Classifier:
    names = ClassNames(("a", "b", "c"), ((),) * 3)
    preprocessing = Preprocessing((side_px, side_px), None, "bilinear", (0.5,) * 3, (0.25,) * 3)
    return Classifier(module, names, preprocessing, torch.device("cpu"), "this network")


def with_batch_norm(track: bool) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=track), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip


@pytest.mark.parametrize("side_px", [16, 128, 224])
def test_batch_statistics_are_found_out_at_every_size(side_px: int) -> None:
    probe(classifier_of(with_batch_norm(track=True), side_px))
    with pytest.raises(
        ModelError, match=r"other logits among other pictures \(by up to .*batch norm is in training mode"
    ):
        probe(classifier_of(with_batch_norm(track=False), side_px))


@pytest.mark.parametrize("spread", [1.0, 0.05])
def test_noise_is_found_out_by_asking_twice(spread: float) -> None:
    class Noisy(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            logits = images.mean((2, 3))
            return logits + spread * torch.randn_like(logits)

    torch.manual_seed(0)
    with pytest.raises(ModelError, match=r"other logits the second time \(by up to .*it draws random numbers"):
        probe(classifier_of(Noisy(), 64))


def test_six_pictures_are_run_in_all() -> None:
    class Counts(nn.Module):
        seen: list[int]

        def __init__(self) -> None:
            super().__init__()
            self.seen = []

        def forward(self, images: Tensor) -> Tensor:
            self.seen.append(len(images))
            return images.mean((2, 3))

    module = Counts()
    probe(classifier_of(module, 32))
    assert sorted(module.seen) == [1, 1, 4]


def test_the_company_is_unlike() -> None:
    noise, black, white, blots = unlike_pictures(40, 30)
    assert noise.shape == (3, 40, 30)
    assert (float(black.max()), float(white.min())) == (0.0, 1.0)
    assert float(noise.std()) == pytest.approx(1 / 12**0.5, rel=0.05)
    steps = [float((each[:, 1:] - each[:, :-1]).abs().mean()) for each in (noise, blots)]
    assert steps[1] < 0.2 * steps[0]
    assert 0.0 <= float(blots.min()) < float(blots.max()) <= 1.0


def test_a_transformer_passes() -> None:
    probe(classifier_of(torchvision.models.vit_b_32(num_classes=3, image_size=64), 64))
