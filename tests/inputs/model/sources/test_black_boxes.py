"""Networks that only answer: ONNX files, functions of numpy arrays, services; against the network they stand for."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torch import Tensor, nn

from auditor.core.config import AuditConfig, build_config
from auditor.core.errors import ModelError
from auditor.inputs.model.loading import load_classifier
from auditor.inputs.model.sources.served import Served

CPU = torch.device("cpu")
SIDE = 16


class Small(nn.Module):
    """A convolution, a ReLU, a mean and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(torch.relu(self.body(images)).mean((2, 3)))


@pytest.fixture
def network() -> Small:
    torch.manual_seed(3)
    return Small().eval()


def save_onnx(network: Small, path: Path, batch: int | str = "batch", channels: int = 3, inputs: int = 1) -> None:
    weights = {"w": network.body.weight, "b": network.body.bias, "hw": network.head.weight, "hb": network.head.bias}
    constants = [numpy_helper.from_array(value.detach().numpy(), name) for name, value in weights.items()]
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "hw", "hb"], ["y"], transB=1),
    ]
    taken = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, channels, SIDE, SIDE])
        for name in ("x", "more")[:inputs]
    ]
    given = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3])]
    graph = helper.make_graph(nodes, "small", taken, given, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


def configured(folder: Path, name: str, mean: float = 0.5, std: float = 0.5, **more: object) -> AuditConfig:
    (folder / "names.txt").write_text("a\nb\nc\n")
    return build_config(
        {
            "source": "a", "target": "b", "model": {"name": name, **more}, "images": {"all": "photos"},
            "classes": {"names": "names.txt"},
            "preprocessing": {"resize": [SIDE, SIDE], "mean": [mean] * 3, "std": [std] * 3},
        },
        folder,
    )  # fmt: skip


def test_an_onnx_file_answers_as_its_network(tmp_path: Path, network: Small) -> None:
    save_onnx(network, tmp_path / "small.onnx")
    loaded = load_classifier(configured(tmp_path, "small.onnx", run_by="onnxruntime"), CPU)
    images = torch.rand(5, 3, SIDE, SIDE)
    expected = network((images - 0.5) / 0.5)
    torch.testing.assert_close(loaded.classifier.logits(images), expected.detach(), rtol=1e-5, atol=1e-5)
    assert loaded.weights_path == str(tmp_path / "small.onnx")
    assert len(loaded.weights_sha256) == 64
    assert loaded.notes == (
        "small.onnx is run by onnxruntime on the CPU, which shows no layer, as [model] run_by says",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 1}, "exported for batches of exactly 1"),
        ({"channels": 1}, "takes pictures of 1 channels, and RGB has 3"),
        ({"inputs": 2}, r"must take one input of \(B, 3, H, W\) 32-bit floats, but takes x"),
    ],
)
def test_onnx_files_that_cannot_serve(tmp_path: Path, network: Small, settings: dict[str, int], message: str) -> None:
    if "channels" in settings:
        network.body = nn.Conv2d(1, 4, 3, padding=1)
    save_onnx(network, tmp_path / "small.onnx", **settings)
    with pytest.raises(ModelError, match=message):
        load_classifier(configured(tmp_path, "small.onnx"), CPU)


def test_what_is_no_onnx_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "small.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match=r"loading .*small\.onnx failed .* export it again"):
        load_classifier(configured(tmp_path, "small.onnx"), CPU)
    with pytest.raises(ModelError, match="there is no file"):
        load_classifier(configured(tmp_path, "other.onnx"), CPU)


FUNCTION = """
import numpy as np

def make():
    return lambda pictures: pictures.mean(axis=(2, 3)) * {factor}

def odd():
    return lambda pictures: "none"
"""


def test_a_function_of_numpy_arrays_is_a_classifier(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(FUNCTION.format(factor=3))
    classifier = load_classifier(configured(tmp_path, "own.py:make"), CPU).classifier
    images = torch.rand(4, 3, SIDE, SIDE)
    torch.testing.assert_close(classifier.logits(images), 3 * ((images - 0.5) / 0.5).mean((2, 3)))
    with pytest.raises(ModelError, match=r"own\.py:odd must answer with \(B, K\) numbers, but answered with a str"):
        load_classifier(configured(tmp_path, "own.py:odd"), CPU)


@pytest.fixture
def service(network: Small) -> Iterator[Callable[..., str]]:
    """Starts a service of the network that first answers with the given codes, and notes what it was asked."""
    servers: list[HTTPServer] = []

    def start(*codes: int, body: bytes | None = None) -> str:
        waiting = list(codes)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if waiting:
                    self.send_error(waiting.pop(0))
                    return
                pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))) for one in asked["images"]]
                batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
                with torch.no_grad():
                    rows = network((batch - 0.5) / 0.5).tolist()
                data = body if body is not None else json.dumps({"outputs": rows}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/predict"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_service_answers_as_its_network(tmp_path: Path, network: Small, service: Callable[..., str]) -> None:
    classifier = load_classifier(configured(tmp_path, service(), mean=0.0, std=1.0), CPU).classifier
    images = torch.randint(0, 256, (5, 3, SIDE, SIDE)).float() / 255
    expected = network((images - 0.5) / 0.5)
    torch.testing.assert_close(classifier.logits(images), expected.detach(), rtol=1e-4, atol=1e-5)


def test_a_busy_service_is_asked_again_and_a_refusal_is_final(service: Callable[..., str]) -> None:
    images = np.zeros((2, 3, SIDE, SIDE), dtype=np.float32)
    assert np.asarray(Served(service(503, 429), (0.0, 0.0))(images)).shape == (2, 3)
    with pytest.raises(ModelError, match="did not answer in 2 tries"):
        Served(service(503, 503, 503), (0.0,))(images)
    with pytest.raises(ModelError, match="refused a batch of pictures: 404"):
        Served(service(404), (0.0,))(images)
    with pytest.raises(ModelError, match="did not answer in 2 tries"):
        Served("http://127.0.0.1:9/predict", (0.0,))(images)


@pytest.mark.parametrize(
    ("body", "message"), [(b"<html>", "no JSON"), (b'{"rows": []}', 'must answer with {"outputs"')]
)
def test_an_answer_that_is_none_is_told(service: Callable[..., str], body: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Served(service(body=body), ())(np.zeros((1, 3, SIDE, SIDE), dtype=np.float32))


def test_a_service_gets_plain_pictures(service: Callable[..., str]) -> None:
    with pytest.raises(ModelError, match=r"give \[preprocessing\] mean = \[0\.0"):
        Served(service(), ())(np.full((1, 3, SIDE, SIDE), -1.0, dtype=np.float32))
