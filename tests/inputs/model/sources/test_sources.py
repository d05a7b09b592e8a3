"""The table of sources: one entry is all that a new source of models takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError, ModelError, UnknownNameError
from auditor.core.progress import Silence
from auditor.inputs.model import sources
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.loading import load_classifier, unnamed_classifier
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.sources.protocol import BuiltNetwork, ModelSource, NetworkRequest, WeightsRule
from auditor.inputs.opening import open_inputs

Configure = Callable[..., AuditConfig]
CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[4]


class Scaled(nn.Module):
    """Logits are the mean colours of the normalised picture, times one learned number."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = nn.Identity()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        return self.grid(images).mean((2, 3)) * self.scale


def build_toy(request: NetworkRequest) -> BuiltNetwork:
    assert request.classes == 3
    return BuiltNetwork(Scaled(), notes=("this is a toy",))


class Heard(Silence):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


TOY = ModelSource(
    label="toy box",
    spelling="'toy/NAME'",
    matches=lambda name: name.startswith("toy/"),
    build=build_toy,
    weights=WeightsRule.NEEDED,
    preprocessing=lambda _name: Preprocessing((8, 8), None, "nearest", (0.5,) * 3, (0.5,) * 3),
    class_names=lambda _name: ClassNames(("red", "green", "blue"), ((),) * 3),
    own_words=lambda _name: ("default", "red"),
    own_weights=lambda _name, _word, _classes: ({"scale": torch.tensor(4.0)}, Path(__file__)),
    default_layer=lambda _name, _network: ("grid", "the only grid"),
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCES", (TOY, *sources.SOURCES))


@pytest.mark.usefixtures("toy")
def test_a_source_is_one_entry_of_the_table(configure: Configure) -> None:
    config = configure("toy/one", "default", names=None, size=None)
    loaded = load_classifier(config, CPU)
    assert loaded.description == "toy/one (toy box), 3 classes"
    assert loaded.weights_path == str(Path(__file__))
    grey = torch.full((1, 3, 8, 8), 0.75)
    assert loaded.classifier.logits(grey).tolist() == [[2.0, 2.0, 2.0]]  # ((0.75 - 0.5) / 0.5) * 4
    heard = Heard()
    setup = open_inputs(config, heard)
    assert "this is a toy" in heard.said
    assert (setup.layer, setup.layer_rule) == ("grid", "default for toy/one: the only grid")


@pytest.mark.usefixtures("toy")
def test_the_rules_for_weights_hold_for_every_source(configure: Configure) -> None:
    with pytest.raises(ConfigError, match=r"weights is missing: toy/one .* or 'default', 'red' for toy box's own"):
        load_classifier(configure("toy/one"), CPU)
    with pytest.raises(ConfigError, match=r"there are none so called for net\.py:make; leave"):
        load_classifier(configure("net.py:make", "default"), CPU)


@pytest.mark.usefixtures("toy")
def test_messages_name_every_source_of_the_table(configure: Configure, tmp_path: Path) -> None:
    every = (
        r"a torchvision name, 'timm/NAME', 'clip/ARCHITECTURE', 'package\.module:factory', 'file\.py:factory', a "
        r"TorchScript \(\.pt\) file, a torch\.export \(\.pt2\) file, an ONNX \(\.onnx\) file, 'hf/FOLDER or name on "
        r"the hub', an address such as 'http://127\.0\.0\.1:8000/predict' or 'toy/NAME'"
    )
    with pytest.raises(ModelError, match=rf"is a \.tflite file, .* give {every}"):
        load_classifier(configure("model.tflite"), CPU)
    with pytest.raises(UnknownNameError, match=rf"model 'resnet19' .*\[model\] name takes {every}"):
        unnamed_classifier("resnet19", tmp_path, CPU)


def test_the_documentation_names_every_source() -> None:
    section = (
        (ROOT / "docs" / "your-model.md").read_text(encoding="utf-8").split("## 4. The model")[1].split("\n## ")[0]
    )
    for source in sources.SOURCES:
        assert source.label.split()[-1] in section, f"docs/your-model.md does not name {source.label}"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("resnet50", "torchvision"),
        ("timm/resnet50.a1_in1k", "timm"),
        ("package.module:factory", "Python factory"),
        ("sub/file.py:factory", "Python factory"),
        ("model.PT", "TorchScript"),
        ("model.torchscript", "TorchScript"),
        ("model.pt2", "torch.export"),
    ],
)
def test_names_are_told_apart_by_their_looks(name: str, label: str) -> None:
    assert sources.source_of(name).label == label


def test_libraries_are_imported_only_by_the_source_that_needs_them() -> None:
    unwanted = "{'torchvision', 'timm', 'open_clip', 'transformers', 'torch._dynamo'}"
    code = f"import sys, auditor.inputs.model.loading; print({unwanted} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
