"""Batch norms folded into convolutions: which are, that the answers stay, and when a network runs as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.folding import NOTHING_TO_FOLD, TOLERANCE, Comparison, fold

Make = Callable[..., Classifier]


def at_random(network: nn.Module) -> nn.Module:
    """The same network with running statistics and scales that a training could have left."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None and part.running_var is not None:
            part.running_mean.normal_(0, 0.5)
            part.running_var.uniform_(0.5, 2)
            if part.affine:
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.normal_(part.bias, 0, 0.3)
    return network


class Net(nn.Module):
    """Three classes by the mean of what the convolutions leave."""

    def __init__(self, *layers: nn.Module, width: int = 6) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(width, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.layers(images).mean((2, 3)))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv2, self.norm2 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6, affine=False)

    def forward(self, before: Tensor) -> Tensor:
        return torch.relu_(self.norm2(self.conv2(torch.relu_(self.norm1(self.conv1(before))))) + before)


class TwoNorms(nn.Module):
    """One convolution, called twice, each time with a norm of its own behind."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm1, self.norm2 = nn.Conv2d(6, 6, 1), nn.BatchNorm2d(6), nn.BatchNorm2d(6)

    def forward(self, before: Tensor) -> Tensor:
        return self.norm2(self.conv(self.norm1(self.conv(before))))


class SeenTwice(nn.Module):
    """What the convolution puts out goes past the norm as well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(6, 6, 1), nn.BatchNorm2d(6)

    def forward(self, before: Tensor) -> Tensor:
        out = self.conv(before)
        return self.norm(out) + out.shape[1] * out


class ChangedBetween(SeenTwice):
    """The convolution's own tensor is changed in place before the norm takes it."""

    def forward(self, before: Tensor) -> Tensor:
        out = self.conv(before)
        out.abs_()
        return self.norm(out)


class BatchStatistics(nn.BatchNorm2d):
    def train(self, mode: bool = True) -> BatchStatistics:
        return super().train(True)  # type: ignore[return-value]


def conv_norm(**options: object) -> list[nn.Module]:
    return [nn.Conv2d(3, 6, 3, **options), nn.BatchNorm2d(6)]  # type: ignore[arg-type]


def hooked(part: nn.Module) -> nn.Module:
    part.register_forward_hook(lambda module, taken, output: output * 2)
    return part


def difference(classifier: Classifier, folded: Classifier) -> float:
    images = torch.rand(5, 3, *classifier.preprocessing.output_size)
    with torch.no_grad():
        before, after = classifier.logits(images), folded.logits(images)
    return float((before - after).abs().max() / before.abs().max().clamp_min(1))


FOLDED = {
    "in a row": (lambda: Net(*conv_norm(bias=False), nn.ReLU(inplace=True), nn.Conv2d(6, 6, 1), nn.BatchNorm2d(6)), 2),
    "residual": (lambda: Net(*conv_norm(), Residual(), Residual()), 5),
    "depthwise": (lambda: Net(*conv_norm(stride=2), nn.Conv2d(6, 6, 3, groups=6), nn.BatchNorm2d(6), nn.ReLU6()), 2),
    "reflected at the border": (lambda: Net(*conv_norm(padding=1, padding_mode="reflect")), 1),
    "one of two follows": (lambda: Net(*conv_norm(), nn.ReLU(), nn.BatchNorm2d(6)), 1),
    "a hook elsewhere": (lambda: Net(*conv_norm(), hooked(nn.ReLU())), 1),
    "one used twice": (lambda: Net(*conv_norm(), TwoNorms()), 1),
    "one goes past": (lambda: Net(*conv_norm(), SeenTwice()), 1),
    "one changed in place": (lambda: Net(*conv_norm(), ChangedBetween()), 1),
    "one hooked": (lambda: Net(*conv_norm(), hooked(nn.Conv2d(6, 6, 1)), nn.BatchNorm2d(6)), 1),
    "one norm hooked": (lambda: Net(*conv_norm(), nn.Conv2d(6, 6, 1), hooked(nn.BatchNorm2d(6))), 1),
    "one without statistics": (
        lambda: Net(*conv_norm(), nn.Conv2d(6, 6, 1), nn.BatchNorm2d(6, track_running_stats=False)),
        1,
    ),
    "one in train mode": (lambda: Net(*conv_norm(), nn.Conv2d(6, 6, 1), BatchStatistics(6)), 1),
    "weights of another kind": (
        lambda: Net(*conv_norm(), nn.utils.parametrizations.weight_norm(nn.Conv2d(6, 6, 1)), nn.BatchNorm2d(6)),
        1,
    ),
}


@pytest.mark.parametrize("kind", FOLDED)
def test_folded_norms_leave_the_answers(kind: str, make_classifier: Make) -> None:
    build, norms = FOLDED[kind]
    classifier = make_classifier(at_random(build()))
    weights = {name: value.clone() for name, value in classifier.module.state_dict().items()}
    folded, found = fold(classifier)
    assert found == norms
    assert folded.module is not classifier.module
    left = sum(isinstance(part, nn.BatchNorm2d) for part in folded.module.modules())
    assert left == sum(isinstance(part, nn.BatchNorm2d) for part in classifier.module.modules()) - norms
    if kind != "one in train mode":  # its statistics are the batch's
        assert difference(classifier, folded) < 1e-5
    changed = [
        name
        for name, value in classifier.module.state_dict().items()
        if not torch.equal(value, weights[name]) and kind != "one in train mode"
    ]
    assert not changed
    assert not any(parameter.requires_grad for parameter in folded.module.parameters())


@pytest.mark.parametrize(
    "network",
    [Net(nn.Conv2d(3, 6, 3)), Net(nn.BatchNorm2d(3), nn.Conv2d(3, 6, 3)), Net(nn.Conv2d(3, 6, 3), nn.GroupNorm(2, 6))],
    ids=["no norm", "the norm first", "another norm"],
)
def test_a_network_without_such_a_pair_runs_as_it_is(network: nn.Module, make_classifier: Make) -> None:
    classifier = make_classifier(network)
    assert fold(classifier) == (classifier, 0)
    comparison = Comparison(classifier)
    images = torch.rand(2, 3, 8, 8)
    comparison.see(images, classifier.logits(images))
    assert comparison.folding(2).words == NOTHING_TO_FOLD


@pytest.mark.parametrize(("name", "norms"), [("resnet18", 20), ("mobilenet_v2", 52), ("mnasnet0_5", 52)])
def test_networks_of_torchvision_are_folded_throughout(name: str, norms: int, make_classifier: Make) -> None:
    network = getattr(torchvision.models, name)(weights=None, num_classes=3).eval()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_var.uniform_(0.9, 1.1)
    classifier = make_classifier(network)
    folded, found = fold(classifier)
    assert found == norms
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.module.modules())
    assert difference(classifier, folded) < TOLERANCE


def test_timms_norm_with_its_activation_is_folded(make_classifier: Make) -> None:
    timm_layers = pytest.importorskip("timm.layers")
    network = at_random(Net(nn.Conv2d(3, 6, 3), timm_layers.BatchNormAct2d(6), nn.Conv2d(6, 6, 1), nn.BatchNorm2d(6)))
    classifier = make_classifier(network)
    folded, found = fold(classifier)
    assert found == 2
    assert difference(classifier, folded) < 1e-5


class ByPicture(Net):
    """A black picture, by which the pairs are found, goes another way than all others."""

    def forward(self, images: Tensor) -> Tensor:
        out = self.layers[0](images)
        other = out if float(images.std()) > 0 else 0.0
        return self.head((self.layers[1](out) + other).mean((2, 3)))


class NotCopied(Net):
    def __deepcopy__(self, memo: object) -> NotCopied:
        raise RuntimeError("not to be copied")


def folding_of(classifier: Classifier, batches: int = 3) -> tuple[int, str]:
    comparison = Comparison(classifier)
    with torch.inference_mode():
        for _ in range(batches):
            images = torch.rand(4, 3, 8, 8)
            comparison.see(images, classifier.logits(images))
    folding = comparison.folding(4 * batches)
    return folding.norms, folding.words


def test_it_is_said_on_what_equality_rests(make_classifier: Make) -> None:
    norms, words = folding_of(make_classifier(at_random(Net(*conv_norm()))))
    assert norms == 1
    assert words == (
        "with its batch norm folded into the convolutions before; on the 12 clean pictures the answers are the same "
        "and the logits within 0.0001 of the largest"
    )


def test_a_copy_that_answers_otherwise_is_not_run(make_classifier: Make) -> None:
    norms, words = folding_of(make_classifier(at_random(ByPicture(*conv_norm()))))
    assert norms == 0
    assert words.startswith("the network as it is: with its batch norms folded it answers otherwise")


def test_a_network_that_cannot_be_copied_runs_as_it_is(make_classifier: Make) -> None:
    norms, words = folding_of(make_classifier(NotCopied(*conv_norm())))
    assert norms == 0
    assert words.startswith("the network as it is: its batch norms could not be folded (copying")
    assert "not to be copied" in words


def test_numbers_that_are_not_finite_are_no_proof(make_classifier: Make) -> None:
    classifier = make_classifier(at_random(Net(*conv_norm())))
    comparison = Comparison(classifier)
    images = torch.rand(4, 3, 8, 8)
    comparison.see(images, torch.full((4, 3), torch.nan))
    assert comparison.folding(4).norms == 0
