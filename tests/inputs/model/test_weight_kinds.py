"""Tensors that cannot be a network's weights are refused in a sentence; what serves serves, and is said."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from auditor.core.config import AuditConfig
from auditor.core.errors import ModelError
from auditor.inputs.model.loading import LoadedClassifier, load_classifier, unnamed_classifier
from tests.inputs.model.conftest import BranchNet

Configure = Callable[..., AuditConfig]
CPU = torch.device("cpu")

FACTORY = """
import torch
from torch import nn
from tests.inputs.model.conftest import BranchNet


class Masked(BranchNet):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.zeros(3))
        self.register_buffer("order", torch.arange(3))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, images):
        return super().forward(images)[:, self.order] + self.mask


class Casts(BranchNet):
    def forward(self, images):
        return super().forward(images.to(self.head.weight.dtype))


def make():
    return Masked()


def of_type(name):
    return BranchNet().to(getattr(torch, name))


def inside(name):
    return Casts().to(getattr(torch, name))


def without_values():
    with torch.device("meta"):
        return BranchNet()


def lazy():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))


def sparse(layout):
    network = BranchNet()
    network.head.weight = nn.Parameter(getattr(network.head.weight.detach(), layout)())
    return network
"""


@pytest.fixture
def state(tmp_path: Path) -> dict[str, Tensor]:
    (tmp_path / "net.py").write_text(FACTORY)
    buffers = {"mask": torch.zeros(3), "order": torch.arange(3), "num_batches_tracked": torch.tensor(7)}
    return {**BranchNet().state_dict(), **buffers}


@pytest.fixture
def load(tmp_path: Path, configure: Configure) -> Callable[[dict[str, Tensor]], LoadedClassifier]:
    def load(state: dict[str, Tensor]) -> LoadedClassifier:
        torch.save(state, tmp_path / "w.pt")
        return load_classifier(configure("net.py:make", "w.pt"), CPU)

    return load


Load = Callable[[dict[str, Tensor]], LoadedClassifier]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda head: head.to(torch.complex64), r"1 tensor complex, where the network's are real: head\.weight; check"),
        (
            lambda head: head.to(torch.int8),
            r"of whole numbers, int8 instead of float32: head\.weight; weights of a quan",
        ),
        (lambda head: head > 0, r"1 tensor of whole numbers, bool instead of float32: head\.weight"),
        (
            lambda head: torch.quantize_per_tensor(head, 0.1, 0, torch.qint8),
            r"1 tensor quantised: head\.weight; weights of a quantised network need that network",
        ),
        (lambda head: head.to_sparse(), r"1 tensor sparse: head\.weight; make them dense"),
        (lambda head: head.to_sparse_csr(), r"1 tensor sparse: head\.weight; make them dense"),
        (lambda head: head.to("meta"), r"1 tensor without values: head\.weight; load or initialise them first"),
        (lambda head: torch.nested.nested_tensor([head, head]), r"1 tensor nested: head\.weight; make them plain"),
        (lambda head: head * float("nan"), r"1 tensor with NaN or infinity: head\.weight; give weights from before"),
        (lambda head: head.double() * 1e300, r"1 tensor with NaN or infinity: head\.weight"),  # in float32
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_tensors_that_are_no_weights_are_refused(
    change: Callable[[Tensor], Tensor], said: str, state: dict[str, Tensor], load: Load
) -> None:
    with pytest.raises(ModelError, match=rf"w\.pt does not fit net\.py:make: .*{said}"):
        load({**state, "head.weight": change(state["head.weight"])})


@pytest.mark.parametrize("dtype", [torch.complex64, torch.int8, torch.uint8])
def test_so_they_are_in_safetensors(dtype: torch.dtype, state: dict[str, Tensor], configure: Configure) -> None:
    path = configure("net.py:make").base / "w.safetensors"
    save_file({**state, "head.weight": state["head.weight"].to(dtype)}, path)
    with pytest.raises(ModelError, match=r"1 tensor (complex, where|of whole numbers, u?int8 instead of float32)"):
        load_classifier(configure("net.py:make", "w.safetensors"), CPU)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floating_point_weights_of_another_width_are_rounded_and_said(
    dtype: torch.dtype, state: dict[str, Tensor], load: Load
) -> None:
    loaded = load({name: each.to(dtype) if each.is_floating_point() else each for name, each in state.items()})
    word = str(dtype).removeprefix("torch.")
    assert loaded.notes == (f"w.pt: weights of {word} as float32",)
    assert torch.equal(loaded.classifier.module.head.weight, state["head.weight"].to(dtype).float())
    assert load(state).notes == ()


def test_whole_numbers_may_come_as_floating_point_ones_that_are_whole(state: dict[str, Tensor], load: Load) -> None:
    averaged = {**state, "order": torch.tensor([2.0, 1.0, 0.0]), "num_batches_tracked": torch.tensor(7.5)}
    picture = torch.rand(1, 3, 8, 8)
    assert torch.equal(load(averaged).classifier.logits(picture), load(state).classifier.logits(picture).flip(1))
    with pytest.raises(ModelError, match="1 tensor whose numbers do not fit, float32 instead of int64: order; check"):
        load({**state, "order": torch.tensor([2.0, 1.5, 0.0])})


def test_a_mask_may_be_infinite_and_not_nan(state: dict[str, Tensor], load: Load) -> None:
    with pytest.raises(ModelError, match="1 infinite logits"):  # it is read: nothing is wrong with the file
        load({**state, "mask": torch.tensor([0.0, 0.0, -torch.inf])})
    with pytest.raises(ModelError, match="1 tensor with NaN: mask"):
        load({**state, "mask": torch.tensor([0.0, 0.0, torch.nan])})


def test_the_packed_weights_of_a_quantised_network_are_named(tmp_path: Path, configure: Configure) -> None:
    (tmp_path / "net.py").write_text(FACTORY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised = torch.ao.quantization.quantize_dynamic(BranchNet(), {nn.Linear}, dtype=torch.qint8)
        torch.save({"state_dict": quantised.state_dict()}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt holds the packed weights of a quantised network; .* by a factory"):
        load_classifier(configure("net.py:make", "w.pt"), CPU)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            {"name": "net.py:without_values"},
            r"has 5 tensors without values: stem\.weight, body\.weight, body\.bias and 2",
        ),
        ({"name": "net.py:lazy"}, r"has 2 tensors without values: 1\.weight, 1\.bias; load or initialise them first"),
        ({"name": "net.py:sparse", "arguments": {"layout": "to_sparse"}}, r"has 1 tensor sparse: head\.weight; make"),
        ({"name": "net.py:sparse", "arguments": {"layout": "to_sparse_csr"}}, r"has 1 tensor sparse: head\.weight"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_networks_that_hold_no_plain_numbers_are_refused(
    made: dict[str, object], said: str, tmp_path: Path, configure: Configure
) -> None:
    (tmp_path / "net.py").write_text(FACTORY)
    with pytest.raises(ModelError, match=rf"net\.py:\w+ {said}"):
        load_classifier(configure(**made), CPU)
    if "arguments" not in made:
        with pytest.raises(ModelError, match=said):
            unnamed_classifier(str(made["name"]), tmp_path, CPU)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_a_network_of_another_type_gets_its_pictures_so(dtype: str, tmp_path: Path, configure: Configure) -> None:
    (tmp_path / "net.py").write_text(FACTORY)
    loaded = load_classifier(configure("net.py:of_type", arguments={"name": dtype}), CPU)
    assert loaded.notes == (f"net.py:of_type computes in {dtype}",)
    plain = load_classifier(configure("net.py:inside", arguments={"name": dtype}), CPU)
    assert plain.notes == (f"net.py:inside computes in {dtype}",)
    pictures = torch.rand(2, 3, 8, 8)
    plain.classifier.module.load_state_dict(loaded.classifier.module.state_dict())
    assert torch.equal(loaded.classifier.logits(pictures), plain.classifier.logits(pictures))
    assert loaded.classifier.logits(pictures).dtype is torch.float32
