"""ONNX networks turned into torch: equal to onnxruntime or not used, mapped as any network, and which it is is said."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torch import Tensor, nn

from auditor.core.config import AuditConfig, build_config
from auditor.core.errors import ConfigError, ModelError
from auditor.inputs.model.choosing import default_layer
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.examples import example_pictures
from auditor.inputs.model.loading import LoadedClassifier, load_classifier, preprocessing_of, unnamed_classifier
from auditor.inputs.model.sources import converted
from auditor.inputs.model.sources.onnx import external_files

CPU = torch.device("cpu")
SIDE = 24


class Residual(nn.Module):
    """A norm in front of each convolution, which an exporter cannot fold away, a sum, and biases of equal numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(2))
        self.head = nn.Linear(8, 3)
        for each in self.convolutions:
            nn.init.zeros_(each.bias)

    def forward(self, images: Tensor) -> Tensor:
        grid = self.stem(images)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            grid = grid + convolution(torch.relu(norm(grid)))
        return self.head(grid.mean((2, 3)))


@pytest.fixture
def network() -> Residual:
    torch.manual_seed(1)
    return Residual().eval()


def export(network: nn.Module, path: Path, batch: bool = True) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.rand(2, 3, SIDE, SIDE),), path, dynamo=False, input_names=["x"], output_names=["y"],
            dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}} if batch else None,
        )  # fmt: skip


def configured(folder: Path, name: str = "net.onnx", **model: object) -> AuditConfig:
    (folder / "names.txt").write_text("a\nb\nc\n")
    return build_config(
        {
            "source": "a", "target": "b", "model": {"name": name, **model}, "images": {"all": "photos"},
            "classes": {"names": "names.txt"},
            "preprocessing": {"resize": [SIDE, SIDE], "mean": [0.5] * 3, "std": [0.25] * 3},
        },
        folder,
    )  # fmt: skip


def opened(folder: Path, **model: object) -> LoadedClassifier:
    return load_classifier(configured(folder, **model), CPU)


def test_it_becomes_torch_and_is_mapped_as_any_network(tmp_path: Path, network: Residual) -> None:
    export(network, tmp_path / "net.onnx")
    loaded = opened(tmp_path)
    assert loaded.run_by == "torch", loaded.notes
    assert loaded.weights_path == str(tmp_path / "net.onnx")
    (note,) = loaded.notes
    assert note.startswith("net.onnx is turned into torch by onnx2pytorch ")
    assert "on 4 pictures its outputs are those of onnxruntime within 0.01% of the largest" in note
    images = torch.rand(3, 3, SIDE, SIDE)
    expected = network((images - 0.5) / 0.25).detach()
    torch.testing.assert_close(loaded.classifier.logits(images), expected, rtol=1e-5, atol=1e-5)
    layer, _ = default_layer("net.onnx", loaded.classifier)
    cut = LayerCut(loaded.classifier, layer)
    assert cut.feature_shape == (8, SIDE // 2, SIDE // 2)
    torch.testing.assert_close(cut.logits(cut.features(images)), expected, rtol=1e-5, atol=1e-5)
    twin = loaded.classifier.copied()
    torch.testing.assert_close(twin.logits(images), loaded.classifier.logits(images))


def test_on_another_device_it_answers_alike(tmp_path: Path, network: Residual, far: torch.device) -> None:
    export(network, tmp_path / "net.onnx")
    classifier = load_classifier(configured(tmp_path), far).classifier
    images = torch.rand(3, 3, SIDE, SIDE)
    expected = network((images - 0.5) / 0.25).detach()
    torch.testing.assert_close(classifier.logits(images.to(far)).cpu(), expected, rtol=1e-5, atol=1e-5)


def test_what_runs_it_is_the_users_choice(tmp_path: Path, network: Residual) -> None:
    export(network, tmp_path / "net.onnx")
    chosen = opened(tmp_path, run_by="onnxruntime")
    assert chosen.run_by == "onnxruntime"
    with pytest.raises(ConfigError, match=r"run_by chooses what runs an ONNX .* and the model is other\.pt2; leave"):
        opened(tmp_path, name="other.pt2", run_by="torch")


def test_without_the_converter_it_is_a_black_box_with_a_hint(
    tmp_path: Path, network: Residual, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(network, tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnx2pytorch", None)
    loaded = opened(tmp_path)
    assert loaded.run_by == "onnxruntime"
    assert loaded.notes == (
        "net.onnx is run by onnxruntime on the CPU, which shows no layer, since it could not be turned into torch "
        '(onnx2pytorch is not installed; pip install "auditor[onnx]")',
    )
    with pytest.raises(ModelError, match=r'onnx2pytorch is not installed; pip install "auditor\[onnx\]"'):
        opened(tmp_path, run_by="torch")


class Wrong(nn.Module):
    """Stands for a converter that makes another network; `way` says which."""

    def __init__(self, network: nn.Module, way: str) -> None:
        super().__init__()
        self.network, self.way = network, way

    def forward(self, images: Tensor) -> object:
        logits = self.network(images)
        return {
            "near": logits * 1.001, "nan": logits * torch.nan, "list": [logits], "one": logits[:1],
            "mixed": logits + logits.mean(0) * (len(images) > 1),
        }[self.way]  # fmt: skip


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("near", "answers otherwise than run by onnxruntime: its outputs differ by up to 0"),
        ("nan", "differ by up to nan"),
        ("mixed", "answers otherwise"),
        ("list", "answers in another form"),
        ("one", "answers in another form"),
    ],
)
def test_a_conversion_that_answers_otherwise_is_not_used(
    tmp_path: Path, network: Residual, monkeypatch: pytest.MonkeyPatch, way: str, why: str
) -> None:
    export(network, tmp_path / "net.onnx")
    monkeypatch.setattr(converted, "_converter", lambda: lambda _graph: Wrong(network, way))
    loaded = opened(tmp_path)
    assert loaded.run_by == "onnxruntime"
    assert why in loaded.notes[0]
    images = torch.rand(2, 3, SIDE, SIDE)
    expected = network((images - 0.5) / 0.25).detach()
    torch.testing.assert_close(loaded.classifier.logits(images), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(ModelError, match=r"turned into torch by onnx2pytorch, net\.onnx answers"):
        opened(tmp_path, run_by="torch")


def test_operations_that_the_converter_does_not_know_stay_with_onnxruntime(tmp_path: Path) -> None:
    """One of onnxruntime's own; the second output is read by nobody."""
    weights = numpy_helper.from_array(np.eye(3, dtype=np.float32), "w")
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("FusedMatMul", ["f", "w"], ["y"], domain="com.microsoft", alpha=2.0),
    ]
    taken = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])]
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in ("y", "f")]
    graph = helper.make_graph(nodes, "own", taken, given, [weights])
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=sets, ir_version=9), tmp_path / "net.onnx")
    loaded = opened(tmp_path)
    assert loaded.run_by == "onnxruntime"
    assert "could not be turned into torch (turning net.onnx into torch by onnx2pytorch failed" in loaded.notes[0]
    images = torch.rand(2, 3, SIDE, SIDE)
    torch.testing.assert_close(loaded.classifier.logits(images), 2 * ((images - 0.5) / 0.25).mean((2, 3)))


def test_of_several_outputs_the_first_is_read(tmp_path: Path, network: Residual) -> None:
    export(network, tmp_path / "one.onnx")
    model = onnx.load(tmp_path / "one.onnx")
    model.graph.output.append(helper.make_tensor_value_info(model.graph.node[0].output[0], TensorProto.FLOAT, None))
    onnx.save(model, tmp_path / "net.onnx")
    loaded = opened(tmp_path, run_by="torch")
    images = torch.rand(2, 3, SIDE, SIDE)
    expected = network((images - 0.5) / 0.25).detach()
    torch.testing.assert_close(loaded.classifier.logits(images), expected, rtol=1e-5, atol=1e-5)


def test_layers_are_listed_without_an_audit(tmp_path: Path, network: Residual) -> None:
    """The file says the size of its pictures."""
    export(network, tmp_path / "net.onnx")
    classifier = unnamed_classifier("net.onnx", tmp_path, CPU)
    assert classifier.preprocessing.output_size == (SIDE, SIDE)
    assert default_layer("net.onnx", classifier)[0]


def test_one_exported_for_a_fixed_batch_is_refused_as_before(tmp_path: Path, network: Residual) -> None:
    export(network, tmp_path / "net.onnx", batch=False)
    with pytest.raises(ModelError, match="exported for batches of exactly 2"):
        opened(tmp_path)


def test_weights_beside_the_network_belong_to_it(tmp_path: Path, network: Residual) -> None:
    export(network, tmp_path / "whole.onnx")
    assert external_files(tmp_path / "whole.onnx") == ()
    model = onnx.load(tmp_path / "whole.onnx")
    onnx.save(model, tmp_path / "net.onnx", save_as_external_data=True, location="beside.bin", size_threshold=64)
    assert external_files(tmp_path / "net.onnx") == (tmp_path / "beside.bin",)
    assert external_files(tmp_path / "none.onnx") == ()
    loaded = opened(tmp_path)
    assert loaded.run_by == "torch", loaded.notes
    assert loaded.notes[1] == "the weights of net.onnx lie in several files, so that no sha256 names them"


def test_external_weights_without_the_package_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert external_files(tmp_path / "net.onnx") == ()
    (tmp_path / "net.onnx.data").write_bytes(b"")
    assert external_files(tmp_path / "net.onnx") == (tmp_path / "net.onnx.data",)


def test_the_audits_own_pictures_are_among_the_examples(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert len(example_pictures(config, preprocessing_of(config))) == 4  # there is no folder of pictures
    for label, colours in {"a": range(0, 250, 50), "b": range(5, 250, 50)}.items():
        (tmp_path / "photos" / label).mkdir(parents=True)
        for colour in colours:
            file = tmp_path / "photos" / label / f"{colour:03d}.png"
            Image.new("RGB", (SIDE, SIDE), (colour, 0, 255)).save(file)
    (tmp_path / "photos" / "b" / "005.png").write_bytes(b"damaged")
    pictures = example_pictures(config, preprocessing_of(config))
    assert pictures.shape == (8, 3, SIDE, SIDE)
    reds = (pictures[:4, 0, 0, 0] * 0.25 + 0.5) * 255
    torch.testing.assert_close(reds, torch.tensor([0.0, 150.0, 55.0, 205.0]))
    torch.testing.assert_close(pictures[0, 2], torch.full((SIDE, SIDE), 2.0))
