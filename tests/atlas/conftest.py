"""Small cut networks whose attributions are known or cheap to check, and nothing trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.atlas.collection import Mapped
from auditor.core.config import AtlasConfig
from auditor.core.progress import Progress, Silence
from auditor.core.records import ClassGroup, ImagePool, ImageRecord, Split
from auditor.inputs.model.features import Features


@dataclass
class OnCpu:
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


class ToyCut:
    """A head and a tail as they are given; the head's output is the mapped layer."""

    def __init__(self, head: nn.Module, tail: nn.Module, feature_shape: tuple[int, int, int]) -> None:
        self.head, self.tail, self.feature_shape = head.eval(), tail.eval(), feature_shape
        self.classifier = OnCpu()

    def features(self, images: Tensor) -> Features:
        return Features(self.head(images))

    def logits(self, features: Features) -> Tensor:
        return self.tail(features.grid.clone())  # the tail may work in place


class LinearTail(nn.Module):
    """logit_c = Σ over positions of weight[c] · h, each position scaled by its own known factor."""

    def __init__(self, weight: Tensor, factor: Tensor) -> None:
        super().__init__()
        self.weight, self.factor = nn.Parameter(weight), factor

    def forward(self, features: Tensor) -> Tensor:
        return torch.einsum("bdyx,kd,yx->bk", features, self.weight, self.factor)


@pytest.fixture
def linear_cut() -> ToyCut:
    """The picture itself is the layer (D = 3, 5 × 6); three classes that read one channel each, doubled at (2, 3)."""
    factor = torch.ones(5, 6)
    factor[2, 3] = 2.0
    return ToyCut(nn.Identity(), LinearTail(torch.diag(torch.tensor([1.0, -2.0, 3.0])), factor), (3, 5, 6))


@pytest.fixture
def conv_cut() -> ToyCut:
    """A tail that starts in place and holds what real tails hold; five classes."""
    torch.manual_seed(0)
    head = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6))
    tail = nn.Sequential(
        nn.ReLU6(inplace=True),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.Hardswish(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.SiLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(8, 5),
    )
    return ToyCut(head, tail, (6, 8, 8))


@pytest.fixture
def pair() -> tuple[ClassGroup, ClassGroup]:
    return ClassGroup("pan", (0,)), ClassGroup("wok", (2,))


@pytest.fixture
def mapped() -> Callable[..., Mapped]:
    """What an atlas is made of: a cut with pictures of a discovery split, keyed by their row."""

    def build(
        cut: ToyCut,
        pictures: np.ndarray | ImagePool,
        pair: tuple[ClassGroup, ClassGroup] | None = None,
        config: AtlasConfig | None = None,
        batch_size: int = 4,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Mapped:
        pool = pictures if isinstance(pictures, ImagePool) else pool_of(pictures)
        return Mapped(cut, pool, pair, config or AtlasConfig(), batch_size, seed, progress or Silence())

    return build


def pool_of(pixels: np.ndarray) -> ImagePool:
    height, width = pixels.shape[2:]
    records = (
        ImageRecord(f"picture-{row}", f"{row:064d}", f"{row}.png", 0, Split.DISCOVERY, width, height)
        for row in range(len(pixels))
    )
    return ImagePool(tuple(records), (), pixels)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (9, 3, 16, 16), dtype=np.uint8)
