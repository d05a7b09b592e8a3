"""Networks whose layers put out tokens or channels last are cut, attributed and screened as others are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.atlas.attribution import AttributionMethod, attribution_all_classes, attribution_method, contrast_map
from auditor.core.errors import LayerError, ModelError
from auditor.core.records import ClassGroup
from auditor.inputs.model.choosing import documented_layer
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.features import Features
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.layers import list_layers
from auditor.inputs.model.preprocessing import Preprocessing

SOURCE, TARGET = ClassGroup("a", (1,)), ClassGroup("b", (3,))


def classifier_of(module: nn.Module, side_px: int) -> Classifier:
    names = ClassNames(("a", "b", "c", "d", "e"), ((),) * 5)
    preprocessing = Preprocessing((side_px, side_px), None, "bilinear", (0.5,) * 3, (0.5,) * 3)
    return Classifier(module, names, preprocessing, torch.device("cpu"))


def vision_transformer() -> Classifier:
    """torchvision's, small; its head is drawn at random, since a fresh one is 0."""
    module = torchvision.models.VisionTransformer(40, 8, 6, 2, 16, 32, num_classes=5)
    nn.init.normal_(module.heads.head.weight)
    for block in module.encoder.layers:  # a fresh network's tokens hardly speak to each other
        nn.init.normal_(block.self_attention.in_proj_weight, std=0.5)
        nn.init.normal_(block.self_attention.out_proj.weight, std=0.5)
    return classifier_of(module, 40)


def swin_transformer() -> Classifier:
    module = torchvision.models.SwinTransformer([4, 4], 8, [1, 1, 1], [1, 2, 2], [4, 4], num_classes=5)
    return classifier_of(module, 64)


class Tokens(nn.Module):
    """A network with a class token and a register, whose logits are known.

    The class token holds the mean of the picture's tokens; logit k is its k-th number times k + 1, plus the register's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 5, 8, stride=8)
        self.block = nn.Identity()
        self.read = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        prefix = torch.stack((tokens.new_zeros(len(tokens), 5), tokens.amax(dim=1)), dim=1)
        tokens = self.block(torch.cat((prefix, tokens), dim=1))
        mean = tokens[:, 2:].mean(dim=1, keepdim=True)
        tokens = self.read(torch.cat((tokens[:, :1] + mean, tokens[:, 1:]), dim=1))
        return tokens[:, 0] * torch.arange(1.0, 6.0) + tokens[:, 1]


CASES: list[tuple[Callable[[], Classifier], str, tuple[int, int, int], int]] = [  # the last: tokens beside the grid
    (vision_transformer, "encoder.layers.encoder_layer_3", (16, 5, 5), 1),
    (swin_transformer, "features.3", (16, 8, 8), 0),
]


@pytest.mark.parametrize(("build", "layer", "shape", "beside"), CASES)
def test_the_tail_equals_the_whole_network_and_attribution_the_gradients(
    build: Callable[[], Classifier], layer: str, shape: tuple[int, int, int], beside: int
) -> None:
    classifier = build()
    cut = LayerCut(classifier, layer)
    assert cut.feature_shape == shape
    images = torch.rand(3, 3, *classifier.preprocessing.output_size)
    with torch.no_grad():
        features, whole = cut.features_and_logits(images)
        assert features.grid.shape == (3, *shape)
        assert [each.shape for each in features.beside] == [(3, shape[0], beside)] * (beside > 0)
        again = cut.features(images)
        torch.testing.assert_close((again.grid, again.beside), (features.grid, features.beside))
        torch.testing.assert_close(cut.logits(features), whole, rtol=1e-4, atol=1e-5)
    with torch.inference_mode():  # by other kernels
        torch.testing.assert_close(cut.logits(features), whole, rtol=1e-4, atol=1e-5)
    assert attribution_method(cut, features) is AttributionMethod.FORWARD
    y, x = torch.tensor([1, 2, shape[1] - 1]), torch.tensor([1, 3, 0])
    every = attribution_all_classes(cut, features, y, x, method=AttributionMethod.FORWARD)
    leaf = features.grid.clone().requires_grad_()
    logits = cut.logits(Features(leaf, features.beside))
    rows_of = torch.arange(3)
    for index in range(5):
        (slope,) = torch.autograd.grad(logits[:, index].sum(), leaf, retain_graph=True)
        expected = (features.grid * slope)[rows_of, :, y, x].sum(dim=1)
        torch.testing.assert_close(every[:, index], expected, rtol=1e-4, atol=1e-6)
    assert every.abs().max() > 1e-4
    _, contrast = contrast_map(cut, features, SOURCE, TARGET)
    torch.testing.assert_close(contrast[rows_of, y, x], every[:, 3] - every[:, 1], rtol=1e-4, atol=1e-6)


def test_a_position_of_the_map_is_the_token_of_its_patch() -> None:
    classifier = classifier_of(Tokens(), 40)
    cut = LayerCut(classifier, "block")
    images = torch.rand(2, 3, 40, 40)
    patches = classifier.module.patches(classifier.normalise(images))
    torch.testing.assert_close(cut.features(images).grid, patches)
    # known: h_k (k + 1) / 25 to class k from each of the 25 positions
    y, x = torch.tensor([4, 0]), torch.tensor([1, 2])
    every = attribution_all_classes(cut, cut.features(images), y, x)
    expected = patches[torch.arange(2), :, y, x] * torch.arange(1.0, 6.0) / 25
    torch.testing.assert_close(every, expected.detach(), rtol=1e-4, atol=1e-6)


def test_a_layer_behind_which_the_class_token_alone_is_read_cannot_be_mapped() -> None:
    classifier = classifier_of(Tokens(), 40)
    assert [info.name for info in list_layers(classifier) if info.mappable] == ["patches", "block"]
    with pytest.raises(LayerError, match=r"'read' the network reads the class token alone.*mapped: .*'block' 5x5x5"):
        LayerCut(classifier, "read")


def test_a_fresh_head_of_zeros_hides_no_layer() -> None:
    classifier = vision_transformer()
    nn.init.zeros_(classifier.module.heads.head.weight)
    names = [info.name for info in list_layers(classifier) if info.mappable]
    assert "encoder.layers.encoder_layer_4" in names
    assert "encoder.layers.encoder_layer_5" not in names  # the last block's picture tokens are not read
    assert LayerCut(classifier, "encoder.layers.encoder_layer_4").feature_shape == (16, 5, 5)


def test_in_front_of_the_last_block_the_class_token_reads_directions_alone() -> None:
    with pytest.raises(LayerError, match=r"right behind layer 'encoder\.layers\.encoder_layer_4'"):
        LayerCut(vision_transformer(), "encoder.layers.encoder_layer_4")


class Shuffled(Tokens):
    """As Tokens, with the patches in another order."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Sequential(nn.Conv2d(3, 5, 8, stride=8), Shuffle())


class Shuffle(nn.Module):
    def forward(self, grid: Tensor) -> Tensor:
        return grid.transpose(2, 3).flip(2)


def test_tokens_in_another_order_than_the_pictures_are_refused() -> None:
    with pytest.raises(LayerError, match="tokens of layer 'block' do not stand for places"):
        LayerCut(classifier_of(Shuffled(), 40), "block")


class NormBehind(nn.Module):
    """Behind `body` each position is brought to one length; `norm` maps what is left."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.norm, self.head = nn.Conv2d(3, 6, 8, stride=8), nn.LayerNorm(6), nn.Linear(6, 5)
        nn.init.normal_(self.body.weight)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.norm(self.body(images).permute(0, 2, 3, 1)).square().mean((1, 2)))


def test_a_layer_whose_lengths_are_normalised_away_is_refused() -> None:
    classifier = classifier_of(NormBehind(), 40)
    with pytest.raises(LayerError, match=r"right behind layer 'body' the network normalises .*'norm' 6x5x5"):
        LayerCut(classifier, "body")
    assert LayerCut(classifier, "norm").feature_shape == (6, 5, 5)


def test_torchs_attention_settings_are_left_as_they_were() -> None:
    cut = LayerCut(vision_transformer(), "encoder.layers.encoder_layer_0")
    features = cut.features(torch.rand(1, 3, 40, 40))
    before = torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled()
    cut.logits(features)
    with pytest.raises(ModelError):
        cut.logits(features.each(lambda tensor: tensor[:, :7]))
    assert before == (torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled())


@pytest.mark.parametrize(
    ("name", "layer"), [("vit_b_16", 8), ("vit_l_32", 17), ("vit_h_14", 23)]
)  # 9th of 12, 18th of 24, 24th of 32
def test_vision_transformers_are_mapped_at_three_quarters(name: str, layer: int) -> None:
    with torch.device("meta"):
        module = torchvision.models.get_model(name, weights=None)
    documented = documented_layer(name, module)
    assert documented is not None
    found, rule = documented
    assert found == f"encoder.layers.encoder_layer_{layer}"
    assert rule.endswith("the block at three quarters of the depth")


class Pairs(nn.Module):
    """A layer that puts out tensors by name."""

    def forward(self, grid: Tensor) -> dict[str, Tensor]:
        return {"grid": grid}


class PutsOutPairs(Tokens):
    def __init__(self) -> None:
        super().__init__()
        self.pairs = Pairs()

    def forward(self, images: Tensor) -> Tensor:
        return self.pairs(self.patches(images))["grid"].mean((2, 3))


def test_a_layer_that_puts_out_no_tensor_names_others() -> None:
    with pytest.raises(
        LayerError, match=r"'pairs' puts out a dict, not a tensor or several; .* can be mapped: 'patches' 5x5x5"
    ):
        LayerCut(classifier_of(PutsOutPairs(), 40), "pairs")
