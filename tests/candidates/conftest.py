"""Small pictures, a hand-weighted network cut at a layer, and a scene to propose candidates from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from auditor.atlas.activations import ActivationSet
from auditor.atlas.grid import build_cells
from auditor.atlas.kinds import Atlas
from auditor.candidates.scene import Scene
from auditor.candidates.screening import TailScreen
from auditor.core.config import AuditConfig
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


@pytest.fixture
def samples_of() -> Callable[[list[int]], ActivationSet]:
    """Activations of the pictures with these rows, numbered by their contrast."""

    def build(rows: list[int]) -> ActivationSet:
        count = len(rows)
        generator = np.random.default_rng(0)
        return ActivationSet(
            vectors=generator.random((count, 5), dtype=np.float32),
            attribution=generator.random((count, 3), dtype=np.float32),
            contrast=np.arange(count, dtype=np.float32),
            image_row=np.array(rows),
            y=np.arange(count) % 4,
            x=np.arange(count) // 5 % 5,  # no place of a picture twice
            weight=np.ones(count, dtype=np.float32),
            strongest=np.zeros(count, dtype=bool),
        )

    return build


@pytest.fixture
def atlas(samples_of: Callable[[list[int]], ActivationSet]) -> Atlas:
    """Thirty activations of five discovery pictures and one of the confirmation picture, which may give nothing."""
    samples = samples_of([*(number % 5 for number in range(30)), 5])
    xy = np.random.default_rng(2).random((31, 2), dtype=np.float32)
    return Atlas(samples, xy, (*build_cells(samples, xy, 2, 1, 9), *build_cells(samples, xy, 3, 2, 9)), 40)


@pytest.fixture
def screen(linear_cut: Callable[..., LayerCut], scene: Scene) -> TailScreen:
    return TailScreen(linear_cut(), scene.pool.pixels[:3], scene.target, 0.5, 8)


@pytest.fixture
def wanting() -> Callable[..., AuditConfig]:
    """A configuration in which nothing is made, with these settings of its candidates."""

    def build(**settings: object) -> AuditConfig:
        nothing = {"icons": 0, "dreams": 0, "shapes": 0, "pairs": 0, "library": False, "drawn": 0, "trained": 0}
        nothing |= {"own_places": 0}
        return AuditConfig.model_validate(
            {
                "source": "pan",
                "target": "wok",
                "model": {"name": "none"},
                "images": {"all": "."},
                "candidates": {**nothing, **settings},
                "trials": {"size": 0.5},
            }
        )

    return build
