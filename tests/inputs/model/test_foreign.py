"""Whatever a network raises, whenever it does, ends in a ModelError; Ctrl-C and the auditor's own errors pass."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from auditor.atlas.attribution import AttributionMethod, attribution_method, contrast_map, logits_and_attribution
from auditor.core.errors import LayerError, ModelError
from auditor.core.records import ClassGroup
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.layers import list_layers

Make = Callable[..., Classifier]


class Unusual(BaseException):
    """Neither Exception nor SystemExit."""


def leave() -> None:
    sys.exit(0)


def give_up() -> None:
    raise Unusual("no more")


class Leaves(nn.Module):
    """Three mean colours, until the trap is armed: then the network does what it says, in its forward or backward."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 3, 1)
        self.trap: Callable[[], None] | None = None
        self.backward_trap: Callable[[], None] | None = None

    def forward(self, images: Tensor) -> Tensor:
        if self.trap is not None:
            self.trap()
        return _Trapped.apply(self.body(images), self).mean((2, 3))


class _Trapped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, grid: Tensor, network: Leaves) -> Tensor:
        ctx.network = network
        return grid.clone()

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, slope: Tensor) -> tuple[Tensor, None]:
        if ctx.network.backward_trap is not None:
            ctx.network.backward_trap()
        return slope, None


@pytest.mark.parametrize("trap", [leave, give_up], ids=["exit", "unusual"])
def test_a_network_that_leaves_in_any_later_forward_is_a_model_error(make_classifier: Make, trap: Callable) -> None:
    module = Leaves()
    classifier = make_classifier(module)
    cut = LayerCut(classifier, "body")
    images = torch.rand(2, 3, 8, 8)
    features = cut.features(images)
    module.trap = trap
    message = r"running Leaves on a batch of \d failed with (SystemExit: 0|Unusual: no more); it was given 3x8x8"
    for call in (
        lambda: classifier.logits(images),
        lambda: classifier.forward_normalised(images),
        lambda: cut.features(images),
        lambda: cut.logits(features),
        lambda: cut.features_and_logits(images),
        lambda: list_layers(classifier),
    ):
        with pytest.raises(ModelError, match=message):
            call()
    assert not any(each._forward_hooks for each in module.modules())


@pytest.mark.parametrize("trap", [leave, give_up], ids=["exit", "unusual"])
def test_a_network_that_leaves_in_its_backward_is_a_model_error(make_classifier: Make, trap: Callable) -> None:
    module = Leaves()
    cut = LayerCut(make_classifier(module), "body")
    features = cut.features(torch.rand(2, 3, 8, 8))
    one, two, at = ClassGroup("one", (0,)), ClassGroup("two", (1,)), torch.tensor([3, 4])
    module.backward_trap = trap
    message = r"differentiating the network failed with (SystemExit: 0|Unusual: no more)"
    with pytest.raises(ModelError, match=message):
        contrast_map(cut, features, one, two)
    with pytest.raises(ModelError, match=message):
        logits_and_attribution(cut, features, at, at, method=AttributionMethod.PER_CLASS)


def test_a_missing_derivative_still_decides_the_method(make_classifier: Make) -> None:
    cut = LayerCut(make_classifier(Leaves()), "body")
    features = cut.features(torch.rand(1, 3, 8, 8))
    found = attribution_method(cut, features)
    assert found is AttributionMethod.DOUBLE_BACKWARD  # a custom function has no forward mode


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LayerError("ours")])
def test_what_passes_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, ForeignCode("doing this"):
        raise error
    assert caught.value is error


def test_a_network_that_swallows_exceptions_cannot_swallow_the_way_out(make_classifier: Make) -> None:
    class Swallows(Leaves):
        def forward(self, images: Tensor) -> Tensor:
            try:
                return super().forward(images)
            except Exception:
                return torch.zeros(len(images), 3)

    classifier = make_classifier(Swallows())
    images = torch.rand(2, 3, 8, 8)
    expected = classifier.module.body((images - 0.5) / 0.25)
    assert torch.equal(LayerCut(classifier, "body").features(images).grid, expected)
