"""Pictures that are added to a run: what is new, what it knows already, and what is left aside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.core.config import AuditConfig, build_config
from auditor.core.errors import ImageError
from auditor.core.hashing import sha256_of
from auditor.core.progress import Silence
from auditor.core.records import ImagePool, ImageRecord, PixelArray, Split
from auditor.core.records.images import NO_LABEL, Unlabelled
from auditor.inputs.images.added import added_pictures
from auditor.inputs.model.labels import ClassNames

NAMES = ClassNames(("pan", "wok"), ((), ()))


def noise(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(4, 4, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((24, 24), Image.Resampling.NEAREST)


def prepare(image: Image.Image) -> PixelArray:
    return np.ascontiguousarray(np.asarray(image.resize((16, 16)), dtype=np.uint8).transpose(2, 0, 1))


@pytest.fixture
def config(tmp_path: Path) -> AuditConfig:
    values = {"source": "pan", "target": "wok", "model": {"name": "m.py:f"}, "images": {"all": "photos"}}
    return build_config(values, tmp_path, "the test")


@pytest.fixture
def known(tmp_path: Path) -> ImagePool:
    (tmp_path / "photos").mkdir()
    records = []
    for seed, split in ((0, Split.DISCOVERY), (1, Split.CONFIRMATION)):
        path = tmp_path / "photos" / f"{seed}.png"
        noise(seed).save(path)
        sha256 = sha256_of(path.read_bytes())
        records.append(ImageRecord(sha256[:16], sha256, f"photos/{seed}.png", 0, split, 24, 24))
    return ImagePool(tuple(records), (), np.stack([prepare(noise(seed)) for seed in (0, 1)]))


def test_pictures_that_gave_crops_without_a_label_are_known(
    config: AuditConfig, known: ImagePool, tmp_path: Path
) -> None:
    (tmp_path / "more" / "pan").mkdir(parents=True)
    for seed in (2, 3, 4):
        noise(seed).save(tmp_path / "more" / "pan" / f"{seed}.png")
    sha256 = sha256_of((tmp_path / "more" / "pan" / "3.png").read_bytes())
    labelless = [
        ImageRecord(one[:16], one, f"pool/{one[0]}", NO_LABEL, Split.DISCOVERY, 24, 24) for one in ("a" * 64, sha256)
    ]
    unlabelled = Unlabelled(tuple(labelless), (), np.stack([prepare(noise(seed)) for seed in (2, 3)]), 2)
    both = replace(known, unlabelled=unlabelled)
    found = added_pictures(config, tmp_path / "more", NAMES, prepare, (0,), both, Silence())
    assert [Path(image.path).name for image in found.images] == ["4.png"]
    assert {(Path(skip.path).name, skip.reason) for skip in found.skipped} == {
        ("2.png", "near-duplicate"), ("3.png", "duplicate"),
    }  # fmt: skip


def test_only_new_pictures_of_the_source_are_taken(config: AuditConfig, known: ImagePool, tmp_path: Path) -> None:
    more = tmp_path / "more"
    (more / "pan").mkdir(parents=True)
    (more / "wok").mkdir()
    noise(9).save(more / "wok" / "other class.png")
    noise(2).save(more / "pan" / "new.png")
    noise(3).save(more / "pan" / "twice.png")
    noise(3).save(more / "pan" / "twice again.png", compress_level=1)
    noise(0).save(more / "pan" / "of discovery.png")  # the same bytes
    noise(1).save(more / "pan" / "saved anew.png", compress_level=1)
    (more / "pan" / "same file.png").write_bytes((more / "pan" / "new.png").read_bytes())
    (more / "pan" / "broken.png").write_bytes(b"no picture")
    (more / "pan" / "notes.txt").write_bytes(b"no picture")
    added = added_pictures(config, more, NAMES, prepare, (0,), known, Silence())
    assert len(added.images) == 2
    assert added.left_out == {"no pictures by their names": 1}
    assert {image.split for image in added.images} == {Split.CONFIRMATION}
    assert [image.sha256 for image in added.images] == sorted(image.sha256 for image in added.images)
    for image, pixels in zip(added.images, added.pixels, strict=True):
        data = (tmp_path / image.path).read_bytes()
        assert (image.sha256, image.key) == (sha256_of(data), sha256_of(data)[:16])
        with Image.open(tmp_path / image.path) as picture:
            np.testing.assert_array_equal(pixels, prepare(picture))
    reasons = {skip.path.removeprefix("more/pan/"): (skip.reason, skip.detail) for skip in added.skipped}
    taken = {Path(image.path).name for image in added.images}
    assert len(taken & {"twice.png", "twice again.png"}) == 1
    assert reasons["of discovery.png"] == ("duplicate", "same bytes as photos/0.png")
    assert reasons["saved anew.png"] == ("near-duplicate", "like photos/1.png")
    assert reasons["same file.png"] == ("duplicate", "same bytes as more/pan/new.png")
    (other,) = {"twice.png", "twice again.png"} - taken
    assert reasons[other][0] == "near-duplicate"
    assert "broken.png" in reasons
    assert len(reasons) == 5


def test_nothing_new_is_refused(config: AuditConfig, known: ImagePool, tmp_path: Path) -> None:
    (tmp_path / "more" / "pan").mkdir(parents=True)
    noise(0).save(tmp_path / "more" / "pan" / "known.png")
    with pytest.raises(ImageError, match=r"holds no new picture of the source \(1 of its class, 1 known or unusable\)"):
        added_pictures(config, tmp_path / "more", NAMES, prepare, (0,), known, Silence())
