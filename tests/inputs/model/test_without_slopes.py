"""Networks without a gradient, or with numbers of another type inside: what is mapped of them, and what is said."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.atlas.attribution import contrast_map
from auditor.core.errors import LayerError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup
from auditor.inputs.fingerprints import network_sha256
from auditor.inputs.model.choosing import default_layer, refused_layers
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.layers import list_layers
from auditor.inputs.model.preprocessing import Preprocessing
from tests.inputs.model.conftest import BranchNet

Make = Callable[..., Classifier]
HALF = (0.5,) * 3, (0.5,) * 3
NO_GRADIENT = "gives its pictures no gradient"


def dynamically_quantised() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network: nn.Module = torch.ao.quantization.quantize_dynamic(BranchNet(), {nn.Linear}, dtype=torch.qint8)
    return network


class Behind(nn.Module):
    """A network, and what is done with its answer or its picture."""

    def __init__(self, answer: Callable[[Tensor], Tensor] = lambda logits: logits, **picture: Any) -> None:
        super().__init__()
        self.net, self.answer, self.picture = BranchNet(), answer, picture.get("picture", lambda images: images)

    def forward(self, images: Tensor) -> Tensor:
        return self.answer(self.net(self.picture(images)))


class NoBackward(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        return values.clone()

    @staticmethod
    def backward(_context: Any, _slopes: Tensor) -> Tensor:
        raise NotImplementedError("derivative for own::operation is not implemented")


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (dynamically_quantised, "as under torch.no_grad"),  # torch finds out when it is asked
        (lambda: Behind(Tensor.detach), "as under torch.no_grad"),
        (lambda: Behind(picture=Tensor.detach), "as under torch.no_grad"),
        (lambda: Behind(NoBackward.apply), "derivative for own::operation is not implemented"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_where_no_gradient_leads_to_the_picture_no_layer_is_mapped(
    build: Callable[[], nn.Module], why: str, make_classifier: Make
) -> None:
    classifier = make_classifier(build())
    with pytest.raises(LayerError, match=f"{NO_GRADIENT}.*{why}"):
        default_layer("net.py:make", classifier)
    layers = list_layers(classifier)
    body = next(info.name for info in layers if info.name.endswith("body"))
    with pytest.raises(
        LayerError, match=rf"layer '{body}' cannot be mapped: .*; leave \[model\] layer out to audit it"
    ):
        LayerCut(classifier, body)
    refused = refused_layers(classifier, layers, Silence())
    assert list(refused) == [info.name for info in layers]
    assert NO_GRADIENT in refused[body]


def test_where_logits_are_rounded_no_layer_is_mapped(make_classifier: Make) -> None:
    """There is a gradient, and it is 0."""
    classifier = make_classifier(Behind(lambda logits: (logits * 1000).round() / 1000))
    with pytest.raises(LayerError, match=r"no logit changes with layer 'net\.body' to first order, as behind a detach"):
        LayerCut(classifier, "net.body")
    with pytest.raises(LayerError, match=r"no layer of net\.py:make was found that can be mapped"):
        default_layer("net.py:make", classifier)


def test_a_fresh_head_with_weights_of_0_hides_no_layer(make_classifier: Make) -> None:
    network = BranchNet()
    nn.init.zeros_(network.head.weight)
    assert LayerCut(make_classifier(network), "body").feature_shape == (4, 8, 8)


class Suggests(BranchNet):
    """`body` is on every path of the graph, and yet passed by: what goes around it carries no gradient."""

    def forward(self, images: Tensor) -> Tensor:
        start = self.relu(self.stem(images))
        return self.head(self.body(start).mean((2, 3)) + start.detach().mean((1, 2, 3))[:, None])


def test_layers_are_suggested_if_they_pass_every_check(make_classifier: Make) -> None:
    classifier = make_classifier(Suggests())
    layers = list_layers(classifier)
    assert [info.name for info in layers if info.mappable] == ["stem", "relu", "body"]
    refused = refused_layers(classifier, layers, Silence())
    assert set(refused) == {info.name for info in layers} - {"stem", "relu"}
    assert refused["body"].startswith("the network goes around layer 'body'")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_features_of_another_type_are_mapped_in_float32(dtype: torch.dtype, make_classifier: Make) -> None:
    network = Behind(picture=lambda images: images.to(dtype))
    network.net.to(dtype)
    classifier = make_classifier(network)
    cut, pictures = LayerCut(classifier, "net.body"), torch.rand(2, 3, 8, 8)
    features = cut.features(pictures)
    assert features.grid.dtype is torch.float32
    assert torch.equal(cut.logits(features), classifier.logits(pictures))
    logits, contrast = contrast_map(cut, features, ClassGroup("a", (0,)), ClassGroup("b", (1,)))
    assert contrast.numpy().any()
    torch.testing.assert_close(cut.features_and_logits(pictures)[1], logits)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_rounding_of_a_coarse_type_hides_no_layer_and_shows_none(dtype: torch.dtype) -> None:
    """The tail's attention rounds otherwise than the whole network's, and the cosine behind a norm is not quite 0."""
    torch.manual_seed(0)
    network = torchvision.models.VisionTransformer(32, 4, 5, 2, 32, 64, num_classes=4)
    nn.init.normal_(network.heads.head.weight, std=0.1)
    names, size = ClassNames(("a", "b", "c", "d"), ((),) * 4), Preprocessing((32, 32), None, "bilinear", *HALF)
    found = []
    for each in (torch.float32, dtype):
        classifier = Classifier(network.to(each), names, size, torch.device("cpu"))
        layers = list_layers(classifier)
        refused = refused_layers(classifier, layers, Silence())
        found.append([info.name for info in layers if info.name not in refused])
    assert found[0] == found[1]
    blocks = [name.rpartition("_")[2] for name in found[1] if name.rpartition(".")[2].startswith("encoder_layer_")]
    assert blocks == ["0", "1", "2"]  # in front of the last one's norm attribution is 0


class Mixed(BranchNet):
    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return super().forward(images)


def test_so_are_those_under_autocast(make_classifier: Make) -> None:
    cut = LayerCut(make_classifier(Mixed()), "body")
    features = cut.features(torch.rand(2, 3, 8, 8))
    assert contrast_map(cut, features, ClassGroup("a", (0,)), ClassGroup("b", (1,)))[1].numpy().any()


def test_quantised_weights_are_part_of_what_a_network_is() -> None:
    network = BranchNet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = [{nn.Linear}, {nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig}]
        same, other = [], []
        for kind in kinds:
            same += [network_sha256(torch.ao.quantization.quantize_dynamic(network, kind)) for _ in range(2)]
        nn.init.ones_(network.head.weight)
        for kind in kinds:
            other.append(network_sha256(torch.ao.quantization.quantize_dynamic(network, kind)))
    assert same[0] == same[1] != other[0]
    assert same[2] == same[3] != other[1]


def test_tensors_made_of_several_are_known_by_their_parts() -> None:
    class Halves(Tensor):
        @staticmethod
        def __new__(cls, codes: Tensor, scale: Tensor) -> Halves:
            made: Halves = Tensor._make_wrapper_subclass(cls, codes.shape, dtype=scale.dtype)
            made.codes, made.scale = codes, scale
            return made

        codes: Tensor
        scale: Tensor

        def __tensor_flatten__(self) -> tuple[list[str], None]:
            return ["codes", "scale"], None

        @classmethod
        def __torch_dispatch__(cls, operation: Any, *_: Any, **__: Any) -> Any:
            raise NotImplementedError(str(operation))

    def sha256(*codes: int) -> str:
        network = nn.Module()
        network._buffers["weight"] = Halves(torch.tensor(codes, dtype=torch.int8), torch.ones(1))
        return network_sha256(network)

    assert sha256(1, 2) == sha256(1, 2) != sha256(1, 3)
