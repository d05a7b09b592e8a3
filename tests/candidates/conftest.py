"""Small pictures, a hand-weighted network cut at a layer, and a scene to propose candidates from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from auditor.candidates.scene import Scene
from auditor.core.records import ClassGroup, ImagePool, ImageRecord, Split
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing

torch.set_num_threads(1)


class PatchworkNetwork(nn.Module):
    """Each 4×4 square of the picture becomes 5 features; the logits are a linear sum over all squares."""

    def __init__(self, bend: bool) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.layer = nn.Conv2d(3, 5, 4, stride=4)
        self.bend = nn.ReLU() if bend else nn.Identity()
        self.readout = nn.Linear(5 * 4 * 5, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.readout(self.bend(self.layer(images)).flatten(1))


@pytest.fixture
def linear_cut() -> Callable[..., LayerCut]:
    def build(bend: bool = False) -> LayerCut:
        preprocessing = Preprocessing((16, 20), None, "bilinear", (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
        names = ClassNames(("pan", "wok", "cup"), ((), (), ()))
        return LayerCut(Classifier(PatchworkNetwork(bend), names, preprocessing, torch.device("cpu")), "layer")

    return build


@pytest.fixture
def pair() -> tuple[ClassGroup, ClassGroup]:
    return ClassGroup("pan", (0,)), ClassGroup("wok", (1,))


@pytest.fixture
def scene(linear_cut: Callable[..., LayerCut], pair: tuple[ClassGroup, ClassGroup]) -> Scene:
    """Six pictures, two a class, kept at three times the prepared size; the fifth is annotated."""
    generator = np.random.default_rng(8)
    originals = [Image.fromarray(generator.integers(0, 256, size=(48, 60, 3), dtype=np.uint8)) for _ in range(6)]
    classifier = linear_cut().classifier
    splits = [Split.DISCOVERY] * 5 + [Split.CONFIRMATION]
    pool = ImagePool(
        images=tuple(
            ImageRecord(f"key{row}", "0" * 64, f"photo{row}.png", row % 3, split, 60, 48)
            for row, split in enumerate(splits)
        ),
        skipped=(),
        pixels=np.stack([classifier.preprocessing.prepare(original) for original in originals]),
    )

    def shows_of(row: int, box: tuple[int, int, int, int]) -> tuple[tuple[str, float], ...] | None:
        return (("wok", 0.6), ("spoon", 0.1)) if row == 4 else None

    return Scene(classifier, pool, *pair, grid=(4, 5), open_original=originals.__getitem__, shows_of=shows_of, seed=0)
