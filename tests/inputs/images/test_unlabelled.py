"""Pictures without labels: which are taken, what is left out and counted, and that nothing depends on their place."""

from __future__ import annotations

import shutil
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
from auditor.inputs.images.originals import load_original
from auditor.inputs.images.sources import chosen_unlabelled
from auditor.inputs.images.unlabelled import read_unlabelled

KNOWN = ((0, Split.DISCOVERY), (1, Split.SELECTION), (2, Split.CONFIRMATION))


def noise(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(4, 4, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((24, 24), Image.Resampling.NEAREST)


def prepare(image: Image.Image) -> PixelArray:
    return np.ascontiguousarray(np.asarray(image.resize((16, 16)), dtype=np.uint8).transpose(2, 0, 1))


def configured(folder: Path, **images: object) -> AuditConfig:
    given = {"all": "photos", "pool": "pool", **images}
    values = {"source": "pan", "target": "wok", "model": {"name": "m.py:f"}, "images": given}
    return build_config(values, folder, "the test")


def read(config: AuditConfig, known: ImagePool, threads: int = 2) -> Unlabelled:
    found = read_unlabelled(config, prepare, (16, 16), known, Silence(), threads)
    assert found is not None
    return found


@pytest.fixture
def known(tmp_path: Path) -> ImagePool:
    (tmp_path / "photos").mkdir()
    records = []
    for seed, split in KNOWN:
        noise(seed).save(tmp_path / "photos" / f"{seed}.png")
        sha256 = sha256_of((tmp_path / "photos" / f"{seed}.png").read_bytes())
        records.append(ImageRecord(sha256[:16], sha256, f"photos/{seed}.png", 0, split, 24, 24))
    return ImagePool(tuple(records), (), np.stack([prepare(noise(seed)) for seed, _ in KNOWN]))


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """Five pictures of its own at any depth, and one of everything that is left out."""
    folder = tmp_path / "pool"
    (folder / "deep" / "er").mkdir(parents=True)
    for seed in (10, 11, 12):
        noise(seed).save(folder / f"{seed}.png")
    noise(13).save(folder / "deep" / "13.png")
    noise(14).save(folder / "deep" / "er" / "14.png")
    shutil.copy(folder / "10.png", folder / "deep" / "copy.png")
    noise(11).save(folder / "11 saved anew.png", compress_level=1)
    noise(2).save(folder / "of confirmation.png")  # the same bytes
    noise(1).save(folder / "like selection.png", compress_level=1)
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("nothing")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def test_pictures_of_any_depth_are_read_and_copies_of_the_audits_are_left_out(
    known: ImagePool, pool: Path, tmp_path: Path
) -> None:
    found = read(configured(tmp_path), known)
    names = {Path(image.path).name for image in found.images}
    assert names & {"11.png", "11 saved anew.png"}
    assert names - {"11.png", "11 saved anew.png"} == {"10.png", "12.png", "13.png", "14.png"}
    assert {(image.label, image.split) for image in found.images} == {(NO_LABEL, Split.DISCOVERY)}
    assert [image.sha256 for image in found.images] == sorted(image.sha256 for image in found.images)
    skipped = {(Path(skip.path).name, skip.reason): skip.detail for skip in found.skipped}
    assert skipped.pop(("copy.png", "duplicate")) == "same bytes as pool/10.png"
    assert skipped.pop(("of confirmation.png", "duplicate")) == "same bytes as photos/2.png"
    assert skipped.pop(("like selection.png", "near-duplicate")) == "like photos/1.png"
    assert ("broken.png", "not a picture") in skipped
    assert len(skipped) == 2  # and one of those that are nearly the same
    assert found.listed == 10
    assert found.words == (
        "images.pool: 5 of 10 pictures without labels give crops as well; left out: 2 duplicate, 2 near-duplicate, "
        "1 not a picture"
    )
    for image, pixels in zip(found.images, found.pixels, strict=True):
        with Image.open(tmp_path / image.path) as picture:
            np.testing.assert_array_equal(pixels, prepare(picture.convert("RGB")))


def test_rows_of_unlabelled_pictures_follow_the_others(known: ImagePool, pool: Path, tmp_path: Path) -> None:
    found = read(configured(tmp_path), known)
    both = ImagePool(known.images, (), known.pixels, unlabelled=found)
    assert both.unlabelled_rows.tolist() == [3, 4, 5, 6, 7]
    assert known.unlabelled_rows.tolist() == []
    assert both.image(1) == known.images[1]
    assert both.image(4) == found.images[1]
    np.testing.assert_array_equal(both.prepared(2), known.pixels[2])
    np.testing.assert_array_equal(both.prepared(7), found.pixels[4])
    assert both.rows(Split.DISCOVERY).tolist() == [0]
    assert load_original(both.image(3), configured(tmp_path)).size == (24, 24)


def test_names_and_seed_choose_of_many_wherever_the_pool_lies(known: ImagePool, pool: Path, tmp_path: Path) -> None:
    few = configured(tmp_path, pool_pictures=4)
    chosen, listed = chosen_unlabelled(few)
    assert (len(chosen), listed) == (4, 10)
    names = [Path(one.where).relative_to(pool) for one in chosen]
    pool.rename(tmp_path / "elsewhere")
    moved = configured(tmp_path, pool="elsewhere", pool_pictures=4)
    assert [Path(one.where).relative_to(tmp_path / "elsewhere") for one in chosen_unlabelled(moved)[0]] == names
    seeds = {
        tuple(one.where for one in chosen_unlabelled(moved.model_copy(update={"seed": seed}))[0]) for seed in range(5)
    }
    assert len(seeds) > 1
    found = read(moved, known)
    assert len(found.images) + len(found.skipped) == 4
    assert "6 beyond images.pool_pictures" in found.words


def test_the_result_does_not_depend_on_the_threads(known: ImagePool, pool: Path, tmp_path: Path) -> None:
    first, second = read(configured(tmp_path), known, 1), read(configured(tmp_path), known, 4)
    assert (first.images, first.skipped) == (second.images, second.skipped)
    np.testing.assert_array_equal(first.pixels, second.pixels)


def test_a_table_names_pictures_without_labels(known: ImagePool, pool: Path, tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("path,note\npool/12.png,a\npool/deep/13.png,b\npool/12.png,c\npool/gone.png,d\n")
    found = read(configured(tmp_path, pool="some.csv"), known)
    assert sorted(Path(image.path).name for image in found.images) == ["12.png", "13.png"]
    assert [(Path(skip.path).name, skip.reason) for skip in found.skipped] == [("gone.png", "missing file")]


def test_without_a_pool_there_is_none(known: ImagePool, tmp_path: Path) -> None:
    config = configured(tmp_path, pool=None)
    assert read_unlabelled(config, prepare, (16, 16), known, Silence()) is None
    assert chosen_unlabelled(config) == ([], 0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda pool: None, "there is no folder, CSV.* at .*pool"),
        (lambda pool: pool.mkdir(), "holds no picture at any depth"),
        (
            lambda pool: (pool.mkdir(), noise(2).save(pool / "a.png")),
            r"images\.pool \(pool\) holds no",
        ),
    ],
)
def test_a_pool_that_gives_nothing_is_told_in_one_sentence(known: ImagePool, tmp_path: Path, make, said: str) -> None:
    make(tmp_path / "pool")
    with pytest.raises(ImageError, match=said):
        read(configured(tmp_path), known)
