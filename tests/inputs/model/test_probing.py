"""Networks that answer otherwise the second time, or in company, or with probabilities, are found out at any size."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.atlas.attribution import contrast_map
from auditor.core.errors import ModelError
from auditor.core.records import ClassGroup, Outputs
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.probing import are_probabilities, probe, unlike_pictures


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


class Softmax(nn.Module):
    """Mean colours through a softmax: p is known, and so is its logarithm."""

    def __init__(self, sharpness: float = 1.0) -> None:
        super().__init__()
        self.grid, self.sharpness = nn.Identity(), sharpness

    def forward(self, images: Tensor) -> Tensor:
        return torch.softmax(self.grid(images).mean((2, 3)) * self.sharpness, dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_probabilities_are_refused_where_logits_are_expected(dtype: torch.dtype) -> None:
    class Rounded(Softmax):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images).to(dtype)

    with pytest.raises(ModelError, match=r'every row adds up to 1\), .* set outputs = "probabilities" under \[model\]'):
        probe(classifier_of(Rounded(), 16))


def test_logits_are_refused_where_probabilities_were_announced() -> None:
    classifier = classifier_of(with_batch_norm(track=True), 16)
    classifier.outputs = Outputs.PROBABILITIES
    with pytest.raises(ModelError, match=r'outputs is "probabilities", but what this network answers with is not'):
        probe(classifier)


def test_logits_that_happen_to_add_up_once_are_no_probabilities() -> None:
    assert are_probabilities(torch.tensor([[0.2, 0.8], [1.0, 0.0]]))
    assert not are_probabilities(torch.tensor([[0.2, 0.8], [0.4, 0.8]]))
    assert not are_probabilities(torch.tensor([[0.2, 0.8], [1.2, -0.2]]))
    assert not are_probabilities(torch.ones(2, 1))  # one class is always certain
    assert not are_probabilities([[0.2, 0.8]])


def test_the_logarithm_of_probabilities_serves_as_logits() -> None:
    images = torch.rand(5, 3, 16, 16)
    plain = classifier_of(Softmax(), 16)
    undone = Classifier(
        Softmax(), plain.class_names, plain.preprocessing, torch.device("cpu"), outputs=Outputs.PROBABILITIES
    )
    probe(undone)
    means = ((images - 0.5) / 0.25).mean((2, 3))
    torch.testing.assert_close(undone.logits(images), torch.log_softmax(means, dim=1))
    cut = LayerCut(undone, "grid")
    features, logits = cut.features_and_logits(images)
    assert torch.equal(logits, undone.logits(images))
    assert torch.equal(cut.logits(features), logits)
    red, blue = ClassGroup("a", (0,)), ClassGroup("c", (2,))
    _, contrast = contrast_map(cut, features, red, blue)
    torch.testing.assert_close(contrast, (features.grid[:, 2] - features.grid[:, 0]) / 256)  # as without the softmax


def test_probabilities_of_0_have_finite_logits_and_slopes() -> None:
    classifier = classifier_of(Softmax(1e4), 16)
    classifier.outputs = Outputs.PROBABILITIES
    images = torch.rand(2, 3, 16, 16, requires_grad=True)
    logits = classifier.logits(images)
    assert float(logits.detach().min()) == pytest.approx(-69.08, abs=0.01)  # log 1e-30
    (slope,) = torch.autograd.grad(logits.sum(), images)
    assert bool(torch.isfinite(slope).all())
