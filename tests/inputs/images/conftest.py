"""Small pictures, class names and configurations for the tests of pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.core.config import AuditConfig, build_config
from auditor.core.errors import UnknownNameError


class KitchenNames:
    """Four classes, found whatever the case and separators."""

    names = ("wok", "frying pan", "teapot", "bucket")
    aliases = ((), (), (), ())

    def index_of(self, name: str) -> int:
        plain = name.lower().replace("_", " ")
        if plain not in self.names:
            raise UnknownNameError("class", name, self.names, "the model")
        return self.names.index(plain)


class Said:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.steps = 0

    def start(self, stage: str, total: int | None = None) -> None:
        del stage, total

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    def say(self, message: str) -> None:
        self.messages.append(message)


@pytest.fixture
def names() -> KitchenNames:
    return KitchenNames()


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def draw() -> Callable[[int], Image.Image]:
    """A smooth 32×32 picture for each seed; different seeds look different."""

    def make(seed: int) -> Image.Image:
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize((32, 32), Image.Resampling.BICUBIC)

    return make


@pytest.fixture
def photos(draw: Callable[[int], Image.Image]) -> Callable[..., Path]:
    """Write PNG pictures: folder, class -> seeds. File names are the seeds."""

    def write(root: Path, seeds: dict[str, list[int]]) -> Path:
        for label, numbers in seeds.items():
            (root / label).mkdir(parents=True, exist_ok=True)
            for seed in numbers:
                draw(seed).save(root / label / f"{seed}.png")
        return root

    return write


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., AuditConfig]:
    def make(images: dict[str, object], classes: dict[str, object] | None = None, seed: int = 0) -> AuditConfig:
        values = {"source": "frying pan", "target": "wok", "seed": seed, "model": {"name": "toy"}, "images": images}
        return build_config({**values, "classes": classes or {}}, tmp_path, "the test")

    return make
