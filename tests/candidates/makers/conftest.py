"""Patch files to read, and what a network makes of a patch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from auditor.inputs.model.cut import LayerCut

WritePatch = Callable[..., None]


@pytest.fixture
def write_patch() -> WritePatch:
    def write(path: Path, rgba: tuple[int, int, int, int] = (200, 10, 20, 255), size: tuple[int, int] = (6, 4)) -> None:
        Image.new("RGBA", size, rgba).save(path)

    return write


@pytest.fixture
def describe() -> Callable[..., None]:
    """Write the TOML beside a patch, with some of what it says changed."""

    def write(path: Path, **changed: str) -> None:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        values = {"title": "a patch", "origin": "drawn", "licence": "CC0", "sha256": digest} | changed
        path.with_suffix(".toml").write_text("".join(f'{key} = "{value}"\n' for key, value in values.items()))

    return write


@pytest.fixture
def centre_of() -> Callable[[LayerCut, np.ndarray], np.ndarray]:
    """The activation at the middle one of 5×5 positions of a (4, 20, 20) patch."""

    def centre(cut: LayerCut, rgba: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            features = cut.features(torch.from_numpy(rgba[None, :3]).float() / 255.0).grid[0]
        return features[:, 2, 2].numpy()

    return centre
