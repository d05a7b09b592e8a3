"""Photographs opened again: as they were, from where they were, and once where they fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError
from auditor.core.records import ImageRecord
from auditor.inputs.images import originals
from auditor.inputs.images.originals import Originals, load_original
from auditor.inputs.images.pool import build_pool


@pytest.fixture
def audited(tmp_path: Path, photos, configure, names, said) -> tuple[AuditConfig, tuple[ImageRecord, ...]]:
    """Four pictures of 32×32, in the order of their keys."""
    photos(tmp_path / "all", {"wok": [1, 2], "frying pan": [3, 4]})
    config = configure({"all": "all"})

    def prepare(image: Image.Image) -> np.ndarray:
        return np.ascontiguousarray(np.asarray(image.resize((8, 8))).transpose(2, 0, 1))

    pool = build_pool(config, names, prepare, (8, 8), (1,), (0,), said, 1)
    return config, tuple(sorted(pool.images, key=lambda image: image.key))


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """The sizes in bytes of all files that were decoded."""
    seen: list[int] = []
    decode: Callable[[bytes, int], Image.Image] = originals.decode_image

    def counting(data: bytes, max_pixels: int) -> Image.Image:
        seen.append(len(data))
        return decode(data, max_pixels)

    monkeypatch.setattr(originals, "decode_image", counting)
    return seen


def test_a_photograph_is_decoded_once_however_often_it_is_opened(audited, decoded) -> None:
    config, images = audited
    opened = Originals(config)
    for image in (*images, *reversed(images), *images):
        np.testing.assert_array_equal(np.asarray(opened.open(image)), np.asarray(Image.open(config.base / image.path)))
    assert len(decoded) == 4
    assert opened.pixels == 4 * 32 * 32


def test_no_more_is_kept_than_fits_and_the_longest_unused_goes_first(audited, decoded) -> None:
    config, (a, b, c, d) = audited
    opened = Originals(config, most_pixels=2 * 32 * 32 + 1)
    for image, decodes in [(a, 1), (b, 2), (a, 2), (c, 3), (a, 3), (b, 4), (d, 5), (b, 5), (a, 6)]:
        opened.open(image)
        assert len(decoded) == decodes
        assert opened.pixels <= 2 * 32 * 32
    too_small = Originals(config, most_pixels=32 * 32 - 1)
    assert [too_small.open(a).size, too_small.open(a).size] == [(32, 32), (32, 32)]
    assert too_small.pixels == 0
    assert len(decoded) == 8


def test_a_photograph_that_changed_or_went_is_refused_by_name(audited) -> None:
    config, (a, b, _, _) = audited
    (config.base / a.path).write_bytes((config.base / b.path).read_bytes())
    with pytest.raises(ImageError, match=rf"the picture .*{a.path} has changed since this run was begun; put it back"):
        load_original(a, config)
    (config.base / a.path).unlink()
    with pytest.raises(ImageError, match=rf"{a.path} was there when .* and is not now \(missing file: "):
        load_original(a, config)
    (config.base / b.path).write_bytes(b"")
    with pytest.raises(ImageError, match=r"is not now \(zero bytes\); put it back as it was, or start a new run"):
        load_original(b, config)
