"""Toy networks whose logits are known, and a configuration around any model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from auditor.core.config import AuditConfig, build_config
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing

SIZE = (8, 8)


class BranchNet(nn.Module):
    """Three classes: mean red, mean green, mean blue of the normalised picture, through named layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 3, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.body = nn.Conv2d(3, 4, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 3)
        with torch.no_grad():
            self.stem.weight.copy_(torch.eye(3).view(3, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.drop(self.body(self.relu(self.stem(images))).mean((2, 3))))


class MeanColour(nn.Module):
    """Logits are the mean of each normalised channel: nothing to train, everything known."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3))


class GoesAround(BranchNet):
    """As BranchNet, but the picture also reaches the head beside `body`."""

    def forward(self, images: Tensor) -> Tensor:
        start = self.relu(self.stem(images))
        beside = start.mean((1, 2, 3)).unsqueeze(1)
        return self.head(self.body(start).mean((2, 3)) + 0.1 * beside)


class ReadsBatchSize(BranchNet):
    """As BranchNet, but its tail relies on the batch size that its head saw."""

    def forward(self, images: Tensor) -> Tensor:
        batch = images.shape[0]
        return self.head(self.body(self.relu(self.stem(images))).reshape(batch, 4, -1).mean(2))


def toy_classifier(module: nn.Module, classes: int = 3, mean: float = 0.5, std: float = 0.25) -> Classifier:
    names = ClassNames(tuple(f"class {index}" for index in range(classes)), ((),) * classes)
    preprocessing = Preprocessing(SIZE, None, "bilinear", (mean,) * 3, (std,) * 3)
    return Classifier(module, names, preprocessing, torch.device("cpu"))


@pytest.fixture(autouse=True)
def _seeded_on_one_thread() -> Iterator[None]:
    """These networks are small: threads that wait for each other on a busy machine cost more than they bring."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def make_classifier() -> Callable[..., Classifier]:
    return toy_classifier


@pytest.fixture
def networks() -> dict[str, type[nn.Module]]:
    return {each.__name__: each for each in (BranchNet, MeanColour, GoesAround, ReadsBatchSize)}


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., AuditConfig]:
    """Build a configuration in tmp_path: `configure(name, weights=..., names=[...], size=...)`, and more of [model]."""

    def build(
        name: str,
        weights: str | None = None,
        names: tuple[str, ...] | None = ("red", "green", "blue"),
        size: tuple[int, int] | None = SIZE,
        **settings: object,
    ) -> AuditConfig:
        model: dict[str, object] = {"name": name} | ({"weights": weights} if weights else {}) | settings
        values: dict[str, object] = {"source": "red", "target": "green", "model": model, "images": {"all": "photos"}}
        if names is not None:
            (tmp_path / "names.txt").write_text("\n".join(names))
            values["classes"] = {"names": "names.txt"}
        if size is not None:
            values["preprocessing"] = {"resize": list(size), "mean": [0.5] * 3, "std": [0.25] * 3}
        return build_config(values, tmp_path)

    return build


@pytest.fixture
def real() -> Path:
    folder = Path(__file__).resolve().parents[3] / ".." / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("the photographs and models of ../shared/real are not here")
    return folder.resolve()
