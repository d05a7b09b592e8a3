"""Looking at layers leaves the network as it was, and says which layers can be mapped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.core.errors import LayerError, UnknownNameError
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.layers import capture, list_layers

Make = Callable[..., Classifier]
Networks = dict[str, type[nn.Module]]


def fingerprint(module: nn.Module) -> tuple[dict[str, bytes], list[int], list[bool]]:
    """State, hooks and modes: what nobody may leave changed."""
    state = {name: tensor.numpy().tobytes() for name, tensor in module.state_dict().items()}
    hooks = [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in module.modules()]
    return state, hooks, [each.training for each in module.modules()]


class Reuses(nn.Module):
    """One activation module for two places, and a branch that returns a pair."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.act = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.ReLU()
        self.pair = nn.LSTM(3, 3, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        grid = self.act(self.second(self.act(self.first(images))))
        return self.pair(grid.flatten(2).transpose(1, 2))[0].mean(1)


class ByName(nn.Module):
    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"grid": images}


class Names(nn.Module):
    """A layer of it puts out tensors by name."""

    def __init__(self) -> None:
        super().__init__()
        self.named = ByName()

    def forward(self, images: Tensor) -> Tensor:
        return self.named(images)["grid"].mean(dim=(2, 3))


def test_capture_gives_the_output_before_in_place_modules_touch_it(networks: Networks) -> None:
    module = networks["BranchNet"]().eval()
    images = torch.randn(2, 3, 8, 8)
    with capture(module, "stem") as captured:
        module(images)
    assert captured.output is not None
    assert captured.output.min() < 0  # the ReLU behind works in place
    assert torch.equal(captured.output, images)  # the stem's weights are the identity
    assert captured.calls == 1


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_the_network_is_left_as_it_was(networks: Networks, raises: bool, training: bool) -> None:
    module = networks["BranchNet"]()
    module.train(training)
    module.body.train(not training)
    before = fingerprint(module)
    try:
        with capture(module, "body"):
            assert not module.drop.training
            module(torch.rand(1, 3, 8, 8))
            if raises:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert raises
    assert fingerprint(module) == before


def test_an_unknown_layer_names_the_nearest() -> None:
    module = torchvision.models.mobilenet_v2(num_classes=3)
    with pytest.raises(UnknownNameError) as caught, capture(module, "features.99"):
        pass
    assert "layer 'features.99' is not in MobileNetV2; the nearest is 'features." in str(caught.value)
    assert "auditor layers MobileNetV2 lists them" in str(caught.value)


def test_a_layer_that_puts_out_no_tensor_is_refused_and_cleaned_up(make_classifier: Make) -> None:
    module = make_classifier(Names()).module
    before = fingerprint(module)
    with pytest.raises(LayerError, match="'named' puts out a dict, not a tensor or several"), capture(module, "named"):
        module(torch.rand(1, 3, 8, 8))
    assert fingerprint(module) == before


def test_listed_layers_of_a_known_network(make_classifier: Make, networks: Networks) -> None:
    classifier = make_classifier(networks["BranchNet"]())
    before = fingerprint(classifier.module)
    with torch.inference_mode():
        layers = list_layers(classifier)
    seen = [(info.name, info.type, info.shape, info.mappable) for info in layers]
    assert seen == [
        ("stem", "Conv2d", (3, 8, 8), True),
        ("relu", "ReLU", (3, 8, 8), True),
        ("body", "Conv2d", (4, 8, 8), True),
        ("drop", "Dropout", (4,), False),
        ("head", "Linear", (3,), False),
    ]
    assert layers[-2].why_not == "it puts out 4, which is no grid over the picture of at least 3 × 3 positions"
    assert fingerprint(classifier.module) == before


def test_layers_that_are_reused_or_gone_around_cannot_be_mapped(make_classifier: Make, networks: Networks) -> None:
    reuses = {info.name: info for info in list_layers(make_classifier(Reuses()))}
    assert (reuses["act"].calls, reuses["act"].why_not) == (2, "it runs 2 times in one pass")
    assert [name for name, info in reuses.items() if info.mappable] == ["first", "second", "pair"]
    around = list_layers(make_classifier(networks["GoesAround"]()))
    assert [info.name for info in around if info.mappable] == ["stem", "relu"]
    assert {info.name: info.why_not for info in around}["body"] == "a path of the network goes around it"
