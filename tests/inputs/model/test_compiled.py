"""What torch.compile was put around is audited as it was before; nothing is compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from auditor.core.config import AuditConfig
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.loading import load_classifier
from tests.inputs.model.conftest import BranchNet

Configure = Callable[..., AuditConfig]
CPU = torch.device("cpu")

FACTORY = """
import torch
from tests.inputs.model.conftest import BranchNet


def refuse(graph, examples):
    raise AssertionError("nothing is to be compiled")


class Decorated(BranchNet):
    @torch.compile(backend=refuse)
    def forward(self, images):
        return super().forward(images)


def plain():
    return BranchNet()


def around():
    return torch.compile(BranchNet(), backend=refuse)


def inside():
    network = BranchNet()
    network.body = torch.compile(network.body, backend=refuse)
    return network


def in_place():
    network = BranchNet()
    network.compile(backend=refuse)
    network.body.compile(backend=refuse)
    return network


def decorated():
    return Decorated()
"""


@pytest.mark.parametrize("made", ["around", "inside", "in_place", "decorated"])
def test_a_compiled_network_is_audited_as_it_was_before(made: str, tmp_path: Path, configure: Configure) -> None:
    (tmp_path / "net.py").write_text(FACTORY)
    save_file(BranchNet().state_dict(), tmp_path / "w.safetensors")  # under the names of the plain network
    loaded, plain = (load_classifier(configure(f"net.py:{name}", "w.safetensors"), CPU) for name in (made, "plain"))
    told = () if made == "decorated" else (f"net.py:{made} is compiled by torch.compile; it is audited as it is",)
    assert [note[: len(words)] for note, words in zip(loaded.notes, told, strict=True)] == list(told)
    assert list(loaded.classifier.module.state_dict()) == list(plain.classifier.module.state_dict())
    cut, pictures = LayerCut(loaded.classifier, "body"), torch.rand(3, 3, 8, 8)
    features = cut.features(pictures)
    assert torch.equal(features.grid, LayerCut(plain.classifier, "body").features(pictures).grid)
    torch.testing.assert_close(cut.logits(features), plain.classifier.logits(pictures))


def test_compiled_functions_of_others_stay_compiled(tmp_path: Path, configure: Configure) -> None:
    """Within a forward alone: a process may hold more than the network under audit."""
    (tmp_path / "net.py").write_text(FACTORY)
    load_classifier(configure("net.py:decorated"), CPU)
    calls: list[int] = []

    def backend(graph: torch.fx.GraphModule, _examples: list[torch.Tensor]) -> Callable[..., object]:
        calls.append(1)
        return graph.forward

    assert torch.compile(lambda number: number + 1, backend=backend)(torch.ones(1)) == 2
    assert calls == [1]
