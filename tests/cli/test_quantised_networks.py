"""Quantised networks through the command line: no gradient leads through them, so they are audited without an atlas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.cli.test_without_atlas import WITHOUT, without_layer
from tests.tiny_world import FACTORY, World

QUANTISED = (
    FACTORY
    + """

import warnings
from pathlib import Path
from safetensors.torch import load_file

warnings.simplefilter("ignore")


class Between(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = torch.ao.quantization.QuantStub()
        self.network = plain()
        self.dequant = torch.ao.quantization.DeQuantStub()

    def forward(self, images):
        return self.dequant(self.network(self.quant(images)))


def plain():
    made = network()
    made.load_state_dict(load_file(Path(__file__).parent / "weights.safetensors"))
    return made.eval()


def dynamic():
    return torch.ao.quantization.quantize_dynamic(plain(), {nn.Linear}, dtype=torch.qint8)


def static():
    made = Between().eval()
    made.qconfig = torch.ao.quantization.get_default_qconfig(torch.backends.quantized.engine)
    made = torch.ao.quantization.prepare(made)
    pictures = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made(pictures)
    made = torch.ao.quantization.convert(made)
    torch.jit.save(torch.jit.trace(made, pictures), Path(__file__).parent / "static.pt")
    return made
"""
)


@pytest.fixture
def quantised(own_world: World) -> World:
    (own_world.folder / "network.py").write_text(QUANTISED)
    return own_world


def audit_of(world: World, name: str) -> Path:
    own = ('"network.py:network"', f'"{name}"'), ('weights = "weights.safetensors"\n', "")
    return without_layer(world, f"{name.replace(':', '-')}.toml", *own)


@pytest.mark.filterwarnings("ignore")
def test_a_dynamically_quantised_network_is_searched_without_an_atlas(quantised: World, invoke, tmp_path: Path) -> None:
    """Torch finds out that its linear layer has no derivative only when it is asked for one."""
    result = invoke("suggest", audit_of(quantised, "network.py:dynamic"), "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stderr.split())
    assert f"{WITHOUT}: network.py:dynamic gives its pictures no gradient" in said
    assert "a patch could not be trained: the gradient of its pixels is 0 everywhere" in said
    candidates = pd.read_parquet(tmp_path / "run" / "candidates.parquet")
    assert (candidates.role == "suggested").sum() >= 6


@pytest.mark.filterwarnings("ignore")
def test_a_statically_quantised_network_is_taken_as_it_is(quantised: World, invoke) -> None:
    for name in ("network.py:static", "static.pt"):  # the first of them saves the second
        result = invoke("layers", audit_of(quantised, name), "--mappable")
        assert result.exit_code == 0, result.output
        said = " ".join(result.stdout.split())
        assert said.startswith(f"an audit without [model] layer: {WITHOUT} ({name} gives its pictures no gradient")
