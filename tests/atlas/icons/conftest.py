"""Heads small enough that their best icon is known, or cheap to check; nothing trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from auditor.inputs.model.features import Features


@dataclass
class ToyNetwork:
    module: nn.Module
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


class ToyHead:
    """The whole module is the head; its output is the layer."""

    def __init__(self, module: nn.Module, feature_shape: tuple[int, int, int], input_size: tuple[int, int]) -> None:
        self.classifier, self.feature_shape, self.input_size = ToyNetwork(module), feature_shape, input_size

    def features(self, images: Tensor) -> Features:
        return Features(self.classifier.module(images))

    @contextmanager
    def apart(self) -> Iterator[ToyHead]:
        yield ToyHead(copy.deepcopy(self.classifier.module), self.feature_shape, self.input_size)


class FixedSize(nn.Module):
    """Takes 16 × 16 pictures and no others, as a vision transformer does."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 5, 4, stride=4, bias=False)
        self.position = nn.Parameter(torch.zeros(1, 5, 4, 4), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.embed(images) + self.position


@pytest.fixture(autouse=True)
def _seeded_on_one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def make_head() -> Callable[..., ToyHead]:
    return ToyHead


@pytest.fixture
def colour_head() -> ToyHead:
    """The picture itself is the layer: its direction is a colour."""
    return ToyHead(nn.Identity(), (3, 15, 15), (15, 15))


@pytest.fixture
def conv_head() -> ToyHead:
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 6, 3, padding=1)
    )
    return ToyHead(module.eval(), (6, 10, 10), (20, 20))


@pytest.fixture
def fixed_head() -> ToyHead:
    return ToyHead(FixedSize(), (5, 4, 4), (16, 16))
