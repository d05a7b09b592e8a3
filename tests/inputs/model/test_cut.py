"""The tail of a cut network gives the whole network's logits, or the cut is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.autograd import forward_ad

from auditor.core.errors import LayerError, ModelError, UnknownNameError
from auditor.inputs.model.choosing import default_layer
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut, features_at
from auditor.inputs.model.features import Features
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing

Make = Callable[..., Classifier]
Networks = dict[str, type[nn.Module]]


def small(name: str, side_px: int) -> Classifier:
    """A torchvision network with random weights and 5 classes."""
    settings = {"init_weights": False} if name == "googlenet" else {}
    module = torchvision.models.get_model(name, weights=None, num_classes=5, **settings)
    names = ClassNames(("a", "b", "c", "d", "e"), ((),) * 5)
    preprocessing = Preprocessing((side_px, side_px), None, "bilinear", (0.5,) * 3, (0.5,) * 3)
    return Classifier(module, names, preprocessing, torch.device("cpu"), name)


@pytest.mark.parametrize(
    ("name", "side_px"),
    [("mobilenet_v2", 64), ("resnet18", 64), ("squeezenet1_1", 64), ("shufflenet_v2_x0_5", 64), ("mnasnet0_5", 64),
     ("googlenet", 64), ("densenet121", 48), ("alexnet", 80)],
)  # fmt: skip
def test_the_tail_equals_the_whole_network(name: str, side_px: int) -> None:
    classifier = small(name, side_px)
    state = {key: tensor.numpy().tobytes() for key, tensor in classifier.module.state_dict().items()}
    cut = LayerCut(classifier, default_layer(name, classifier)[0])
    images = torch.rand(4, 3, side_px, side_px)
    whole = classifier.logits(images)
    features = cut.features(images)
    assert features.grid.shape == (4, *cut.feature_shape)
    torch.testing.assert_close(cut.logits(features), whole, rtol=1e-4, atol=1e-5)
    both_features, both_logits = cut.features_and_logits(images)
    assert torch.equal(both_features.grid, features.grid)
    assert torch.equal(both_logits, whole)
    assert state == {key: tensor.numpy().tobytes() for key, tensor in classifier.module.state_dict().items()}
    assert not any(each._forward_hooks for each in classifier.module.modules())


def test_known_logits_of_a_tail(make_classifier: Make, networks: Networks) -> None:
    module = networks["BranchNet"]()
    cut = LayerCut(make_classifier(module), "body")
    features = torch.randn(6, 4, 8, 8)
    before = features.clone()
    torch.testing.assert_close(cut.logits(Features(features)), module.head(features.mean((2, 3))))
    assert torch.equal(features, before)


def test_batch_of_one_equals_batch_of_64(make_classifier: Make, networks: Networks) -> None:
    cut = LayerCut(make_classifier(networks["BranchNet"]()), "relu")
    images = torch.rand(64, 3, 8, 8)
    features = cut.features(images)
    alone = Features.joined([cut.features(image[None]) for image in images])
    torch.testing.assert_close(alone.grid, features.grid)
    logits = [cut.logits(features[row : row + 1]) for row in range(64)]
    torch.testing.assert_close(torch.cat(logits), cut.logits(features))


def test_features_are_those_in_front_of_in_place_modules(make_classifier: Make, networks: Networks) -> None:
    classifier = make_classifier(networks["BranchNet"]())
    cut = LayerCut(classifier, "stem")
    images = torch.rand(3, 3, 8, 8)
    expected = classifier.normalise(images)  # the stem's weights are the identity
    assert expected.min() < 0
    assert torch.equal(cut.features(images).grid, expected)
    assert torch.equal(cut.features_and_logits(images)[0].grid, expected)
    features = expected.clone()
    torch.testing.assert_close(cut.logits(Features(features)), classifier.logits(images))
    assert torch.equal(features, expected)


def test_the_tail_is_differentiable_both_ways() -> None:
    cut = LayerCut(small("mobilenet_v2", 64), "features.13")
    features = cut.features(torch.rand(2, 3, 64, 64)).grid
    tangent = torch.randn_like(features)
    leaf = features.clone().requires_grad_()

    def tail(grid: Tensor) -> Tensor:
        return cut.logits(Features(grid))

    logits = tail(leaf)
    by_class = [torch.autograd.grad(logits[:, k].sum(), leaf, retain_graph=True)[0] for k in range(5)]
    backward = torch.stack([(gradient * tangent).sum((1, 2, 3)) for gradient in by_class], dim=1)
    _, forward = torch.func.jvp(tail, (features,), (tangent,))
    torch.testing.assert_close(forward, backward, rtol=1e-3, atol=1e-6)
    with forward_ad.dual_level():
        dual = forward_ad.unpack_dual(tail(forward_ad.make_dual(features, tangent))).tangent
    torch.testing.assert_close(dual, backward, rtol=1e-3, atol=1e-6)
    assert backward.abs().max() > 0


def test_a_cut_works_in_inference_mode_and_afterwards_with_gradients(make_classifier: Make, networks: Networks) -> None:
    module = networks["BranchNet"]()
    with torch.inference_mode():
        cut = LayerCut(make_classifier(module), "body")
        cut.logits(cut.features(torch.rand(2, 3, 8, 8)))
    leaf = cut.features(torch.rand(2, 3, 8, 8)).grid.requires_grad_()
    assert torch.autograd.grad(cut.logits(Features(leaf)).sum(), leaf)[0].abs().sum() > 0


def test_a_network_that_goes_around_the_layer_is_refused(make_classifier: Make, networks: Networks) -> None:
    with pytest.raises(LayerError, match=r"goes around layer 'body'.* can be mapped: 'stem' 3x8x8, 'relu' 3x8x8"):
        LayerCut(make_classifier(networks["GoesAround"]()), "body")
    with pytest.raises(LayerError, match=r"goes around layer 'layer3\.0\.conv1'"):
        LayerCut(small("resnet18", 64), "layer3.0.conv1")


def test_a_tail_that_relies_on_the_batch_size_gets_a_dummy_a_row(make_classifier: Make, networks: Networks) -> None:
    classifier = make_classifier(networks["ReadsBatchSize"]())
    cut = LayerCut(classifier, "body")
    images = torch.rand(5, 3, 8, 8)
    torch.testing.assert_close(cut.logits(cut.features(images)), classifier.logits(images))


def test_layers_without_a_grid_are_refused(make_classifier: Make, networks: Networks) -> None:
    classifier = make_classifier(networks["BranchNet"]())
    with pytest.raises(LayerError, match=r"'head' puts out \(2, 3\) for 2 pictures, not .* 'body' 4x8x8"):
        LayerCut(classifier, "head")
    with pytest.raises(UnknownNameError, match="layer 'bodi' is not in BranchNet; the nearest is 'body'"):
        LayerCut(classifier, "bodi")


def test_hooks_are_gone_when_the_network_raises(make_classifier: Make, networks: Networks) -> None:
    classifier = make_classifier(networks["BranchNet"]())
    cut = LayerCut(classifier, "body")
    with pytest.raises(RuntimeError):
        cut.features(torch.rand(2, 7, 8, 8))
    with pytest.raises(ModelError, match="running BranchNet on a batch of 1 failed with RuntimeError"):
        cut.logits(Features(torch.rand(2, 9, 8, 8)))
    with pytest.raises(RuntimeError):
        cut.features_and_logits(torch.rand(2, 7, 8, 8))
    assert not any(each._forward_hooks for each in classifier.module.modules())


@pytest.mark.parametrize("order", [("features.3", "features.8", "features.13"), ("features.13", "features.3")])
def test_several_layers_are_seen_in_one_pass(order: tuple[str, ...]) -> None:
    """Each as its own cut sees it, whatever their order, and nothing behind the last of them runs."""
    classifier = small("mobilenet_v2", 64)
    cuts, images = [LayerCut(classifier, layer) for layer in order], torch.rand(3, 3, 64, 64)
    ran: list[str] = []
    for name in ("features.2", "features.15"):
        classifier.module.get_submodule(name).register_forward_hook(lambda *_, name=name: ran.append(name))
    with torch.no_grad():
        seen = features_at(cuts, images)
        assert ran == ["features.2"]
        for cut, features in zip(cuts, seen, strict=True):
            assert torch.equal(features.grid, cut.features(images).grid)
    assert not any(classifier.module.get_submodule(layer)._forward_hooks for layer in order)
