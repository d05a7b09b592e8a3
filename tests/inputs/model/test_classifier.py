"""Logits of hand-weighted networks, normalisation applied once, and what a network may not answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from auditor.core.errors import ModelError
from auditor.core.records import ClassGroup
from auditor.inputs.model.classifier import Classifier, group_logit, group_probability, margin
from auditor.inputs.model.cut import LayerCut

LOGITS = torch.tensor([[1.0, 2.0, 3.0, 0.0], [4.0, -1.0, 0.5, 4.0]])
ONE, TWO = ClassGroup("one", (1,)), ClassGroup("two", (0, 2))


class Answers(nn.Module):
    """Answers whatever it is told to."""

    def __init__(self, answer: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> object:
        return self.answer(images)


def test_normalisation_is_applied_exactly_once(
    make_classifier: Callable[..., Classifier], networks: dict[str, type[nn.Module]]
) -> None:
    classifier = make_classifier(networks["MeanColour"](), mean=0.5, std=0.25)
    images = torch.rand(5, 3, 8, 8)
    before = images.clone()
    expected = (before.mean((2, 3)) - 0.5) / 0.25
    torch.testing.assert_close(classifier.logits(images), expected)
    assert torch.equal(images, before)
    own = images.clone()
    assert classifier.normalise_(own) is own
    assert torch.equal(classifier.forward_normalised(own), classifier.logits(images))


def test_batch_of_one_equals_batch_of_64(
    make_classifier: Callable[..., Classifier], networks: dict[str, type[nn.Module]]
) -> None:
    classifier = make_classifier(networks["BranchNet"]())
    images = torch.rand(64, 3, 8, 8)
    together = classifier.logits(images)
    alone = torch.cat([classifier.logits(image[None]) for image in images])
    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-6)
    assert together.std(dim=0).min() > 0


def test_the_network_is_evaluated_frozen_and_otherwise_unaltered(
    make_classifier: Callable[..., Classifier], networks: dict[str, type[nn.Module]]
) -> None:
    module = networks["BranchNet"]().train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    classifier = make_classifier(module)
    images = torch.rand(4, 3, 8, 8, requires_grad=True)
    logits = classifier.logits(images)
    assert torch.equal(logits, classifier.logits(images))  # dropout is off
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), images)
    assert gradient.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_half_precision_logits_become_float32(make_classifier: Callable[..., Classifier]) -> None:
    classifier = make_classifier(Answers(lambda images: images.mean((2, 3)).half()))
    assert classifier.logits(torch.rand(2, 3, 8, 8)).dtype == torch.float32


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: {"logits": x.mean((2, 3)), "aux": x}, "returned a dict with keys 'logits', 'aux'; wrap it"),
        (lambda x: (x.mean((2, 3)), x), "returned a tuple of 2; wrap it"),
        (lambda x: None, "returned a NoneType"),
        (lambda x: x, r"\(2, 3\) logits, but returned shape \(2, 3, 8, 8\)"),
        (lambda x: x.mean((2, 3))[:1], r"\(2, 3\) logits, but returned shape \(1, 3\)"),
        (lambda x: x.mean((2, 3))[:, :2], "has 2 classes, but there are 3 class names"),
        (lambda x: x.mean((2, 3)).argsort(), "must return floating point logits, but returned torch.int64"),
        (lambda x: x.mean((2, 3)) * float("nan"), "returned 6 NaN and 0 infinite logits, on 2 of 2 pictures"),
        (lambda x: torch.tensor([[0, 1, 2], [0, torch.inf, -torch.inf]]), "0 NaN and 2 infinite logits, on 1 of 2"),
    ],
)
def test_what_is_not_finite_logits_is_refused(
    make_classifier: Callable[..., Classifier], answer: Callable[[Tensor], object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        make_classifier(Answers(answer)).logits(torch.rand(2, 3, 8, 8))


def test_huge_but_finite_logits_pass(make_classifier: Callable[..., Classifier]) -> None:
    classifier = make_classifier(Answers(lambda x: torch.full((len(x), 3), 3e38)))
    assert torch.equal(classifier.logits(torch.rand(2, 3, 8, 8)), torch.full((2, 3), 3e38))


def test_group_logits_margins_and_probabilities_by_hand() -> None:
    e = torch.tensor(torch.e)
    assert torch.equal(group_logit(LOGITS, (1,)), LOGITS[:, 1])
    expected = torch.stack([torch.log(e + e**3), torch.log(e**4 + e**0.5)])
    torch.testing.assert_close(group_logit(LOGITS, (0, 2)), expected)
    torch.testing.assert_close(margin(LOGITS, ONE, TWO), expected - LOGITS[:, 1])
    total = LOGITS.exp().sum(dim=1)
    torch.testing.assert_close(group_probability(LOGITS, TWO), (LOGITS[:, 0].exp() + LOGITS[:, 2].exp()) / total)
    everything = ClassGroup("all", (0, 1, 2, 3))
    torch.testing.assert_close(group_probability(LOGITS * 100, everything), torch.ones(2))


class Views(nn.Module):
    """Groups the channels of a convolution by `view`, which takes no other layout than channels first."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.pick = nn.Conv2d(3, 6, 3, padding=1), nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        grid = self.pick(self.body(images))
        return grid.view(len(grid), 3, -1).mean(dim=2)


@pytest.mark.parametrize("inference", [False, True])
def test_a_view_behind_a_convolution_runs(make_classifier: Callable[..., Classifier], inference: bool) -> None:
    module = Views()
    images = torch.rand(4, 3, 8, 8)
    classifier = make_classifier(module)
    expected = Views()((images - 0.5) / 0.25)
    with torch.inference_mode(inference):
        torch.testing.assert_close(classifier.logits(images), expected)
    features = LayerCut(classifier, "pick").features(images)
    features.grid.requires_grad_()
    logits = LayerCut(classifier, "pick").logits(features)
    torch.testing.assert_close(logits, expected)
    (slope,) = torch.autograd.grad(logits.sum(), features.grid)
    torch.testing.assert_close(slope, torch.full_like(slope, 1 / 128))


def test_a_cut_is_the_first_to_run_such_a_network(make_classifier: Callable[..., Classifier]) -> None:
    assert LayerCut(make_classifier(Views()), "body").feature_shape == (6, 8, 8)


def test_other_networks_stay_channels_last(make_classifier: Callable[..., Classifier]) -> None:
    classifier = make_classifier(nn.Sequential(nn.Conv2d(3, 6, 3), nn.Flatten(0)))
    with pytest.raises(ModelError):
        classifier.logits(torch.rand(2, 3, 8, 8))
    (weight, _) = classifier.module.parameters()
    assert weight.is_contiguous(memory_format=torch.channels_last)


class FiveAxes(nn.Module):
    """Holds, beside a convolution, a table of five axes such as a windowed transformer's mask."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Conv2d(3, 6, 3)
        self.register_buffer("table", torch.rand(1, 3, 2, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return (self.body(images).unflatten(1, (3, 2)) * self.table).mean((2, 3, 4))


def test_a_tensor_of_five_axes_has_no_layout_to_change(make_classifier: Callable[..., Classifier]) -> None:
    images = torch.rand(2, 3, 8, 8)
    expected = FiveAxes()((images - 0.5) / 0.25)
    classifier = make_classifier(FiveAxes())
    torch.testing.assert_close(classifier.logits(images), expected.detach())
    assert classifier.module.body.weight.is_contiguous(memory_format=torch.channels_last)
    assert not classifier.module.body.weight.is_contiguous()
