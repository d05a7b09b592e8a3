"""Numbers added to a loaded network's parameters: what is added, what is refused, and what it is then called."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from auditor.core.errors import ModelError
from auditor.inputs.model.added import add_numbers


def added(folder: Path, **numbers: Tensor) -> Path:
    path = folder / "added.safetensors"
    save_file({name.replace("_", "."): value for name, value in numbers.items()}, path)
    return path


def test_numbers_are_added_to_the_parameters_of_their_names(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        network[0].bias.copy_(torch.tensor([5.0, 6.0]))
    told = add_numbers(network, added(tmp_path, **{"0_weight": torch.tensor([[0.0, 0.0], [0.5, -1.0]])}), "two")
    assert network[0].weight.tolist() == [[1.0, 2.0], [3.5, 3.0]]
    assert network[0].bias.tolist() == [5.0, 6.0]
    assert told == "added.safetensors is added to 0.weight, so this is not the network as it was trained"


def test_half_precision_stays_what_it_is(tmp_path: Path) -> None:
    network = nn.Linear(1, 1).to(torch.bfloat16)
    with torch.no_grad():
        network.weight.fill_(1.0)
    add_numbers(network, added(tmp_path, weight=torch.tensor([[2.0]])), "half")
    assert network.weight.dtype == torch.bfloat16
    assert network.weight.item() == 3.0


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"wieght": torch.zeros(2, 2)}, "'wieght', which is no parameter of two; the nearest is 'weight'"),
        ({"weight": torch.zeros(3, 2)}, "3x2 numbers to 'weight' of two, which has 2x2"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_added(
    tmp_path: Path, numbers: dict[str, Tensor], message: str
) -> None:
    network = nn.Linear(2, 2)
    before = network.weight.clone()
    with pytest.raises(ModelError, match=message):
        add_numbers(network, added(tmp_path, bias=torch.ones(2), **numbers), "two")
    assert torch.equal(network.weight, before)


def test_a_file_that_is_no_safetensors_is_named(tmp_path: Path) -> None:
    (tmp_path / "added.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match=r"added\.safetensors is not a whole safetensors file"):
        add_numbers(nn.Linear(2, 2), tmp_path / "added.safetensors", "two")
