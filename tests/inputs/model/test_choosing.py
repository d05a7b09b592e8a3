"""The layer that is mapped where nobody names one: documented ones, and those found by trying."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.core.errors import LayerError
from auditor.inputs.model.choosing import default_layer, documented_layer
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing

Make = Callable[..., Classifier]
Networks = dict[str, type[nn.Module]]


def classifier_of(module: nn.Module, side_px: int, classes: int = 3) -> Classifier:
    names = ClassNames(tuple(map(str, range(classes))), ((),) * classes)
    preprocessing = Preprocessing((side_px, side_px), None, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return Classifier(module, names, preprocessing, torch.device("cpu"), "own")


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("alexnet", "features.11"),
        ("maxvit_t", "blocks.2"),
        ("swin_t", "features.5"),
        ("mobilenet_v2", "features.13"),
        ("mobilenet_v3_small", "features.8"),
        ("resnet18", "layer3"),
        ("shufflenet_v2_x0_5", "stage3"),
        ("squeezenet1_1", "features.10"),
        ("vgg11", "features.19"),
        ("vgg11_bn", "features.27"),
    ],
)
def test_documented_default_layers(name: str, layer: str) -> None:
    with torch.device("meta"):
        module = torchvision.models.get_model(name, weights=None)
    documented = documented_layer(name, module)
    assert documented is not None
    found, rule = documented
    assert found == layer
    assert rule.startswith(f"default for {name}: the ")


@pytest.mark.parametrize(
    "name",
    [
        "convnext_tiny",
        "densenet121",
        "efficientnet_b0",
        "googlenet",
        "inception_v3",
        "mnasnet0_5",
        "mobilenet_v3_large",
        "regnet_x_400mf",
        "resnext50_32x4d",
        "wide_resnet50_2",
    ],
)
def test_every_family_of_the_table_has_its_layer(name: str) -> None:
    settings = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    # RegNet computes its widths with tensors, which have no values on the meta device.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        module = torchvision.models.get_model(name, weights=None, **settings)
    documented = documented_layer(name, module)
    assert documented is not None
    assert documented[0] in dict(module.named_modules())


@pytest.mark.parametrize("name", ["resnet.py:make", "package.resnet18:make", "resnet18.pt", "squeezenet1_1.pt2"])
def test_a_networks_name_in_a_path_gives_no_default(name: str) -> None:
    with torch.device("meta"):
        module = torchvision.models.resnet18()
    assert documented_layer(name, module) is None


def strided(*widths: int) -> nn.Sequential:
    """A convolution and a ReLU a width, each halving the sides; then a linear head."""
    parts: list[nn.Module] = []
    for before, after in zip((3, *widths), widths, strict=False):
        parts += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 3))


def test_another_network_is_mapped_at_a_sixteenth_of_the_picture() -> None:
    """Five halvings of 128 pixels: 64, 32, 16, 8, 4. The last layer of 8 × 8 positions is the fourth ReLU."""
    torch.manual_seed(0)
    layer, rule = default_layer("net.py:make", classifier_of(strided(4, 6, 8, 10, 12), 128))
    assert layer == "7"
    assert rule == "the last layer at about 1/16 of the picture's sides that can be mapped, found by trying"


def test_where_no_grid_is_so_coarse_the_nearest_serves() -> None:
    torch.manual_seed(0)
    assert default_layer("net.py:make", classifier_of(strided(4, 6), 32))[0] == "3"


class Tokens(nn.Module):
    """Six blocks over 6 × 6 tokens behind a class token, which alone is read in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 8, stride=8)
        self.first = nn.Parameter(torch.randn(1, 1, 8))
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True) for _ in range(6))
        self.head = nn.Linear(8, 3)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(len(images), -1, -1), tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(tokens[:, 0])


def test_a_network_of_one_grid_is_mapped_at_three_quarters() -> None:
    torch.manual_seed(0)
    classifier = classifier_of(Tokens(), 48)
    layer, rule = default_layer("net.py:make", classifier)
    assert rule.startswith("the block at three quarters of the depth, or the nearest")
    assert layer == "blocks.3"  # the fourth of six
    assert LayerCut(classifier, layer).feature_shape == (8, 6, 6)


def test_a_layer_that_fails_a_check_is_passed_over(make_classifier: Make, networks: Networks) -> None:
    """`body` of this network lies beside another path to the head, which the graph shows; the layers in front serve."""
    layer, _ = default_layer("own", make_classifier(networks["GoesAround"]()))
    assert layer == "relu"


class AroundLayer3(nn.Module):
    """It has the layer that torchvision's rule names for a ResNet, and another path beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=4, padding=1)
        self.layer3 = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        start = self.stem(images).relu()
        return self.head((self.layer3(start).relu() + start).mean(dim=(2, 3)))


def test_a_documented_layer_that_fails_a_check_is_passed_over() -> None:
    torch.manual_seed(0)
    network = AroundLayer3()
    documented = documented_layer("resnet18", network)
    assert documented is not None
    assert documented[0] == "layer3"
    layer, rule = default_layer("resnet18", classifier_of(network, 32))
    assert layer == "stem"
    assert rule.endswith("found by trying")


class Units(nn.Module):
    """Tokens unit by unit, as in Hiera: 8 × 8 in the order of their places in 2 × 2 units, then one for each unit."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Sequential(nn.Conv2d(3, 8, 16, stride=16), nn.Flatten(2))
        self.blocks = nn.Sequential(*(nn.Linear(8, 8) for _ in range(30)))
        self.last = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).unflatten(2, (4, 2, 4, 2)).permute(0, 3, 5, 2, 4, 1).flatten(1, 4)
        tokens = self.blocks(tokens).unflatten(1, (4, 16)).mean(dim=1)
        return self.head(self.last(tokens).relu().mean(dim=1))


def test_a_grid_whose_tokens_stand_otherwise_is_left_for_another() -> None:
    """The 8 × 8 tokens cover 16 pixels, and not one layer of theirs can be mapped: those of the units are next."""
    torch.manual_seed(0)
    classifier = classifier_of(Units(), 128)
    layer, rule = default_layer("net.py:make", classifier)
    assert (layer, LayerCut(classifier, layer).feature_shape) == ("last", (8, 4, 4))
    assert rule.endswith("found by trying")


def test_a_network_without_any_grid_says_so() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 3))
    with pytest.raises(LayerError, match=r"no layer of net\.py:make was found that can be mapped, of 0"):
        default_layer("net.py:make", classifier_of(flat, 32))


def test_the_layers_command_marks_the_default(tmp_path: Path, invoke) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\ndef make(num_classes):\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=16, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),\n"
        "                         nn.Flatten(), nn.Linear(4, num_classes))\n"
    )
    result = invoke("layers", f"{tmp_path / 'net.py'}:make", "--mappable")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.output.splitlines() if "default" in line)
    assert "ReLU" in line


def test_of_a_small_picture_the_documented_layer_is_said_to_be_passed_over() -> None:
    """Of a picture of 32 pixels ResNet's third stage makes a grid of 2 × 2, which has no place away from its border."""
    torch.manual_seed(0)
    layer, rule = default_layer("resnet18", classifier_of(torchvision.models.resnet18(num_classes=3), 32))
    assert layer == "layer2.1"
    assert rule.startswith(
        "layer3, the default for resnet18: the end of the stage before the last, cannot be mapped here"
    )
    assert rule.endswith("; the last layer at about 1/16 of the picture's sides that can be mapped, found by trying")


GOES_AROUND = """
import torch
from tests.inputs.model.test_without_slopes import Suggests

def make():
    torch.manual_seed(0)
    return Suggests()
"""


def test_the_layers_command_suggests_what_passes_every_check(tmp_path: Path, invoke) -> None:
    (tmp_path / "net.py").write_text(GOES_AROUND)
    result = invoke("layers", f"{tmp_path / 'net.py'}:make")
    assert result.exit_code == 0, result.output
    rows = {line.split()[1]: line for line in result.stdout.splitlines() if line.startswith("│")}
    marks = {name: row.split("│")[-2].strip() for name, row in rows.items()}
    assert marks == {"stem": "yes", "relu": "default", "body": "", "drop": "", "head": ""}
    assert "trying layers (3)" in result.stderr
    assert "body" not in invoke("layers", f"{tmp_path / 'net.py'}:make", "--mappable").stdout


def test_the_layers_command_says_what_an_audit_does_without_any(tmp_path: Path, invoke) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\ndef make(num_classes):\n"
        "    return nn.Sequential(nn.AvgPool2d(112), nn.Flatten(), nn.Linear(12, num_classes))\n"
    )
    result = invoke("layers", f"{tmp_path / 'net.py'}:make", "--mappable")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert said.startswith(
        "an audit without [model] layer: no layer is mapped, so there is no atlas, and crops of every class are "
        "screened in pixels (no layer of"
    )
