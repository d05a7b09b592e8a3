"""Near-duplicate groups against a plain pairwise computation, and on re-encoded pictures."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from auditor.inputs.images import duplicates
from auditor.inputs.images.duplicates import near_duplicate_groups, thumbnail


def pairwise_groups(thumbnails: np.ndarray) -> list[int]:
    """The definition, pair by pair in float64, with groups by repeated merging."""
    flat_values = thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    labels = list(range(len(thumbnails)))
    for i, j in itertools.combinations(range(len(thumbnails)), 2):
        a, b = flat_values[i], flat_values[j]
        both_flat = max(a.std(), b.std()) <= duplicates.FLAT_CONTRAST
        alike = both_flat or (min(a.std(), b.std()) > 0 and np.corrcoef(a, b)[0, 1] >= 0.995)
        if alike and np.abs(a - b).mean() <= 6:
            old, new = max(labels[i], labels[j]), min(labels[i], labels[j])
            labels = [new if label == old else label for label in labels]
    seen: dict[int, int] = {}
    return [seen.setdefault(label, len(seen)) for label in labels]


def family(rng: np.random.Generator, copies: int) -> np.ndarray:
    base = rng.integers(0, 256, (1, 16, 16, 3)).astype(int)
    noise = rng.integers(-8, 9, (copies, 16, 16, 3)) * rng.uniform(0, 1.6, (copies, 1, 1, 1))
    return np.clip(base + noise + rng.integers(-8, 9, (copies, 1, 1, 1)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("chunk", [3, 256])
def test_groups_agree_with_the_pairwise_definition(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(duplicates, "_CHUNK_ROWS", chunk)
    monkeypatch.setattr(duplicates, "_CHUNK_PAIRS", chunk)
    rng = np.random.default_rng(3)
    grey = np.broadcast_to(np.arange(0, 60, 5).reshape(-1, 1, 1, 1), (12, 16, 16, 3)).astype(np.uint8)
    thumbnails = np.concatenate([*(family(rng, 6) for _ in range(8)), grey[:4], grey[8:], grey[:2]])
    thumbnails = thumbnails[rng.permutation(len(thumbnails))]
    groups = near_duplicate_groups(thumbnails)
    assert groups.tolist() == pairwise_groups(thumbnails)
    assert 9 < groups.max() + 1 < len(thumbnails)  # neither all apart nor all one


def test_flat_pictures_are_alike_by_colour_alone() -> None:
    rng = np.random.default_rng(0)
    black = rng.integers(0, 3, (2, 16, 16, 3))
    red = np.broadcast_to(np.array([40, 0, 0]), (1, 16, 16, 3))
    faint = np.zeros((1, 16, 16, 3)) + np.where(np.arange(16) < 8, 0, 8).reshape(1, 16, 1)  # contrast 4: not flat
    thumbnails = np.concatenate([black, red, faint]).astype(np.uint8)
    assert near_duplicate_groups(thumbnails).tolist() == [0, 0, 1, 2]


def test_no_picture_and_one_picture() -> None:
    assert near_duplicate_groups(np.zeros((0, 16, 16, 3), dtype=np.uint8)).tolist() == []
    assert near_duplicate_groups(np.zeros((1, 16, 16, 3), dtype=np.uint8)).tolist() == [0]


def test_reencoded_rescaled_and_slightly_brighter_copies_are_found(draw: Callable[[int], Image.Image]) -> None:
    def jpeg(image: Image.Image, quality: int) -> Image.Image:
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer)

    originals = [draw(seed) for seed in range(40)]
    copies = [
        image
        for original in originals
        for image in (
            jpeg(original, 85),
            ImageEnhance.Brightness(original).enhance(1.02),
            original.resize((64, 64), Image.Resampling.BICUBIC),
        )
    ]
    groups = near_duplicate_groups(np.stack([thumbnail(image) for image in (*originals, *copies)]))
    assert groups[:40].tolist() == list(range(40))
    assert groups[40:].tolist() == [seed for seed in range(40) for _ in range(3)]


def test_a_thumbnail_averages_its_squares() -> None:
    values = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    means = values.reshape(16, 4, 16, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(thumbnail(Image.fromarray(values)), means, atol=1.01)


def test_many_copies_of_one_picture_stay_quick() -> None:
    rng = np.random.default_rng(0)
    thumbnails = np.clip(family(rng, 1).astype(int) + rng.integers(-3, 4, (3000, 16, 16, 3)), 0, 255).astype(np.uint8)
    began = time.process_time()
    assert near_duplicate_groups(thumbnails).max() == 0
    assert time.process_time() - began < 8
