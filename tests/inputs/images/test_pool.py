"""The whole pool: who is used, who is skipped and why, and that nothing but content decides."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError
from auditor.core.records import ImagePool, Split
from auditor.inputs.images.duplicates import near_duplicate_groups, thumbnail
from auditor.inputs.images.originals import load_original
from auditor.inputs.images.pool import build_pool

D, S, C = Split.DISCOVERY, Split.SELECTION, Split.CONFIRMATION
WOK, PAN, TEAPOT = 0, 1, 2
SIDE = 8
REAL = Path(__file__).resolve().parents[4] / "shared" / "real"


def prepare(image: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(image.resize((SIDE, SIDE))).transpose(2, 0, 1))


@pytest.fixture
def build(names, said) -> Callable[..., ImagePool]:
    def run(config: AuditConfig, threads: int = 2) -> ImagePool:
        return build_pool(config, names, prepare, (SIDE, SIDE), (PAN,), (WOK,), said, threads)

    return run


def splits_of(pool: ImagePool) -> dict[str, Split]:
    return {image.sha256: image.split for image in pool.images}


def skips_of(pool: ImagePool) -> set[tuple[str, str]]:
    return {(skip.path, skip.reason) for skip in pool.skipped}


def test_source_pictures_are_split_and_all_others_are_for_discovery(tmp_path, photos, configure, build) -> None:
    photos(tmp_path / "all", {"wok": [*range(10)], "Frying_Pan": [*range(100, 160)], "teapot": [*range(200, 210)]})
    pool = build(configure({"all": "all"}))
    counts = Counter((image.label, image.split) for image in pool.images)
    assert counts[WOK, D] == 10
    assert counts[TEAPOT, D] == 10
    assert sum(counts[PAN, split] for split in Split) == 60
    assert min(counts[PAN, split] for split in Split) >= 8
    assert len(pool.images) == 80
    assert pool.skipped == ()


def test_records_and_pixels_belong_together(tmp_path, photos, configure, build) -> None:
    photos(tmp_path / "all", {"wok": [1, 2], "frying pan": [3, 4, 5, 6]})
    config = configure({"all": "all"})
    pool = build(config)
    order = [((D, S, C).index(image.split), image.label, image.key) for image in pool.images]
    assert order == sorted(order)
    for image, pixels in zip(pool.images, pool.pixels, strict=True):
        data = (tmp_path / image.path).read_bytes()
        assert image.sha256 == hashlib.sha256(data).hexdigest()
        assert image.key == image.sha256[:16]
        assert not os.path.isabs(image.path)
        original = load_original(image, config)
        assert original.size == (image.width_px, image.height_px) == (32, 32)
        np.testing.assert_array_equal(pixels, prepare(original))


def test_neither_threads_nor_names_nor_order_matter(tmp_path, photos, configure, build) -> None:
    seeds = {"wok": [*range(8)], "frying pan": [*range(20, 40)]}
    photos(tmp_path / "a", seeds)
    one = build(configure({"all": "a"}), threads=1)
    four = build(configure({"all": "a"}), threads=4)
    assert one.images == four.images
    np.testing.assert_array_equal(one.pixels, four.pixels)
    # The same pictures under other names, listed by a CSV in another order.
    rows = ["path,label"]
    (tmp_path / "b").mkdir()
    for number, (label, seed) in enumerate([(name, seed) for name in seeds for seed in reversed(seeds[name])]):
        shutil.copy(tmp_path / "a" / label / f"{seed}.png", tmp_path / f"b/{number:03}.png")
        rows.insert(1 + number % 3, f"{number:03}.png,{label}")
    (tmp_path / "b/list.csv").write_text("\n".join(rows))
    other = build(configure({"all": "b/list.csv"}))
    assert [(image.key, image.label, image.split) for image in other.images] == [
        (image.key, image.label, image.split) for image in one.images
    ]
    np.testing.assert_array_equal(one.pixels, other.pixels)


def test_added_pictures_move_no_other_and_the_seed_does(tmp_path, photos, configure, build) -> None:
    photos(tmp_path / "all", {"wok": [1], "frying pan": [*range(20, 60)]})
    before = splits_of(build(configure({"all": "all"})))
    reseeded = splits_of(build(configure({"all": "all"}, seed=1)))
    photos(tmp_path / "all", {"wok": [2], "frying pan": [*range(60, 100)], "bucket": [3]})
    after = splits_of(build(configure({"all": "all"})))
    assert len(after) == len(before) + 42
    assert {sha256: after[sha256] for sha256 in before} == before
    assert reseeded != before


def test_bad_pictures_are_skipped_counted_and_named(tmp_path, photos, configure, build, said, draw) -> None:
    photos(tmp_path / "all", {"wok": [1], "frying pan": [*range(20, 30)]})
    folder = tmp_path / "all/frying pan"
    good = BytesIO()
    draw(99).save(good, "JPEG")
    (folder / "cut.jpg").write_bytes(good.getvalue()[:400])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("words")
    draw(98).convert("CMYK").save(folder / "print.jpg")
    draw(97).save(folder / "film.gif", save_all=True, append_images=[draw(96)])
    draw(95).resize((200, 200)).save(folder / "large.png")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "notes.txt").write_text("words")
    (folder / "scan.jp2").write_bytes(b"JPEG 2000")
    pool = build(configure({"all": "all", "max_pixels": 30_000}))
    assert skips_of(pool) == {
        ("all/frying pan/cut.jpg", "truncated"),
        ("all/frying pan/empty.jpg", "zero bytes"),
        ("all/frying pan/text.jpg", "not a picture"),
        ("all/frying pan/print.jpg", "CMYK"),
        ("all/frying pan/film.gif", "animated"),
        ("all/frying pan/large.png", "too many pixels"),
        ("all/frying pan/gone.png", "missing file"),
    }
    assert len(pool.images) == 11
    assert said.steps == 18
    others = ("no pictures by their names", "pictures of a kind that is not read, such as JPEG 2000 or camera raw")
    assert pool.left_out == dict.fromkeys(others, 1)
    assert {f"all: left out: {why}: 1" for why in others} <= set(said.messages)


def test_what_is_hidden_in_a_class_folder_is_said(tmp_path, photos, configure, build, said, draw) -> None:
    photos(tmp_path / "all", {"wok": [1], "frying pan": [*range(20, 30)]})
    thumbnails = tmp_path / "all/frying pan/@eaDir/20.png"
    thumbnails.mkdir(parents=True)
    draw(50).save(thumbnails / "SYNOPHOTO_THUMB_M.jpg")
    pool, why = build(configure({"all": "all"})), "hidden pictures and a system's own, such as thumbnails"
    assert len(pool.images) == 11
    assert pool.left_out == {why: 1}
    assert said.messages == [f"all: left out: {why}: 1"]


def test_identical_pictures(tmp_path, photos, configure, build) -> None:
    photos(tmp_path / "all", {"wok": [1, 2], "frying pan": [*range(20, 30)], "pans": [20, 40], "teapot": [2, 3]})
    shutil.copy(tmp_path / "all/wok/1.png", tmp_path / "all/wok/0 again.png")
    pool = build(configure({"all": "all"}, {"folders": {"pans": "frying pan"}}))
    assert skips_of(pool) == {
        ("all/wok/1.png", "duplicate"),
        ("all/pans/20.png", "duplicate"),
        ("all/wok/2.png", "same picture under several labels"),
        ("all/teapot/2.png", "same picture under several labels"),
    }
    assert {image.path for image in pool.images if image.label == WOK} == {"all/wok/0 again.png"}
    assert {skip.detail for skip in pool.skipped} == {
        "same bytes as all/wok/0 again.png",
        "same bytes as all/frying pan/20.png",
        "teapot, wok",
    }


def test_near_duplicates_never_straddle_a_split_by_hash(tmp_path, photos, configure, build, draw) -> None:
    photos(tmp_path / "all", {"wok": [1], "frying pan": [*range(20, 60)]})
    (tmp_path / "all/teapot").mkdir()
    for seed in range(20, 60):
        draw(seed).save(tmp_path / f"all/frying pan/{seed} again.jpg", quality=90)
        draw(seed).point(lambda value: min(255, value + 3)).save(tmp_path / f"all/teapot/{seed}.png")
    pool = build(configure({"all": "all"}))
    splits = {image.path: image.split for image in pool.images}
    skipped = {skip.path: skip for skip in pool.skipped}
    held_out = 0
    for seed in range(20, 60):
        pair = [f"all/frying pan/{seed}.png", f"all/frying pan/{seed} again.jpg"]
        kept = [path for path in pair if path in splits]
        teapot = f"all/teapot/{seed}.png"
        if splits[kept[0]] == D:
            assert splits[pair[0]] == splits[pair[1]] == splits[teapot] == D
            continue
        held_out += 1
        assert skipped[teapot].reason == "near-duplicate of a held-out picture"
        assert f"all/frying pan/{seed}" in skipped[teapot].detail
        (aside,) = (skipped[path] for path in pair if path != kept[0])
        assert (aside.reason, aside.detail) == ("near-duplicate", f"like {kept[0]}")
        sha256s = [hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() for path in (kept[0], aside.path)]
        assert sha256s[0] < sha256s[1]
    assert len(skipped) == 2 * held_out > 20


def test_near_duplicates_held_out_count_once_and_it_is_said(folders, configure, build, draw, said) -> None:
    """Five near-copies of each confirmation picture are no more trials than the pictures themselves."""
    images = {"discovery": "see", "selection": "choose", "confirmation": "prove"}
    before = build(configure(images))
    for seed in range(80, 90):
        for quality in (95, 90, 85, 80, 75):
            draw(seed).save(folders / f"prove/frying pan/{seed} at {quality}.jpg", quality=quality)
    draw(20).save(folders / "see/frying pan/20 again.jpg", quality=90)
    said.messages.clear()
    after = build(configure(images))
    for split in (S, C):
        assert len(after.rows(split)) == len(before.rows(split)) == 10
        seeds = [Path(after.images[row].path).stem.split(" ")[0] for row in after.rows(split)]
        assert len(set(seeds)) == 10
    assert len(after.rows(D)) == len(before.rows(D)) + 1  # the atlas may look at both
    assert Counter(skip.reason for skip in after.skipped) == {"near-duplicate": 50}
    assert said.messages[2:] == [
        "confirmation: near-duplicates left aside, since a group of them counts once: 50 (pictures: 60, groups: 10)"
    ]


@pytest.fixture
def folders(tmp_path, photos) -> Path:
    photos(tmp_path / "see", {"wok": [1, 2], "frying pan": [*range(20, 50)], "teapot": [3]})
    photos(tmp_path / "choose", {"wok": [5], "frying pan": [*range(60, 70)]})
    photos(tmp_path / "prove", {"wok": [6, 7], "frying pan": [*range(80, 90)]})
    return tmp_path


def test_three_folders_are_the_three_splits(folders, configure, build, said) -> None:
    pool = build(configure({"discovery": "see", "selection": "choose", "confirmation": "prove"}))
    assert Counter(image.path.split("/")[0] + " " + image.split for image in pool.images) == {
        "see discovery": 33,
        "choose selection": 10,
        "prove confirmation": 10,
    }
    assert pool.skipped == ()
    assert said.messages == [
        "choose: pictures left aside, since selection needs source pictures only: 1",
        "prove: pictures left aside, since confirmation needs source pictures only: 2",
    ]
    assert pool.left_out == {"pictures of other classes, where pictures of the source are held out": 3}


def test_held_out_pictures_of_other_classes_are_not_opened(folders, configure, build) -> None:
    for path in (folders / "prove/wok").iterdir():
        path.write_bytes(b"")
    pool = build(configure({"discovery": "see", "selection": "choose", "confirmation": "prove"}))
    assert pool.skipped == ()


def test_without_a_selection_folder_discovery_is_shared_out(folders, configure, build) -> None:
    config = configure({"discovery": "see", "confirmation": "prove", "shares": [0.25, 0.25, 0.5]})
    counts = Counter((image.label == PAN, image.path.split("/")[0], image.split) for image in build(config).images)
    assert counts[False, "see", D] == 3
    assert counts[True, "prove", C] == 10
    assert counts[True, "see", D] + counts[True, "see", S] == 30
    assert 6 <= counts[True, "see", S] <= 24


def test_held_out_copies_of_seen_pictures_are_left_out(folders, configure, build, draw) -> None:
    shutil.copy(folders / "see/frying pan/20.png", folders / "prove/frying pan/same.png")
    draw(21).save(folders / "prove/frying pan/seen.jpg", quality=90)
    draw(22).save(folders / "choose/frying pan/seen.jpg", quality=90)
    draw(3).save(folders / "choose/frying pan/teapot.jpg", quality=90)
    draw(60).save(folders / "prove/frying pan/chosen.jpg", quality=90)
    pool = build(configure({"discovery": "see", "selection": "choose", "confirmation": "prove"}))
    assert skips_of(pool) == {
        ("prove/frying pan/same.png", "duplicate"),
        ("prove/frying pan/seen.jpg", "near-duplicate of a discovery picture"),
        ("choose/frying pan/seen.jpg", "near-duplicate of a discovery picture"),
        ("choose/frying pan/teapot.jpg", "near-duplicate of a discovery picture"),
        ("prove/frying pan/chosen.jpg", "near-duplicate of a selection picture"),
    }
    assert len(pool.images) == 53


def test_the_limit_a_class_and_split_is_said_and_not_skipped(folders, configure, build, said) -> None:
    images = {"discovery": "see", "selection": "choose", "confirmation": "prove"}
    whole = build(configure(images))
    limited = build(configure({**images, "max_per_class": 4}))
    counts = Counter((image.label, image.split) for image in limited.images)
    assert counts == {(WOK, D): 2, (PAN, D): 4, (TEAPOT, D): 1, (PAN, S): 4, (PAN, C): 4}
    assert limited.skipped == ()
    assert any(
        message == f"pictures left aside, since images.max_per_class is 4 (a class and split): {53 - 15}"
        for message in said.messages
    )
    assert limited.left_out == {**whole.left_out, "pictures beyond images.max_per_class": 53 - 15}
    rows = {image.key: row for row, image in enumerate(whole.images)}
    for image, pixels in zip(limited.images, limited.pixels, strict=True):
        assert whole.images[rows[image.key]] == image
        np.testing.assert_array_equal(pixels, whole.pixels[rows[image.key]])


def test_every_class_but_the_target_as_the_source(tmp_path, photos, configure, names, said) -> None:
    photos(tmp_path / "all", {"wok": [*range(20)], "frying pan": [*range(20, 40)], "teapot": [*range(40, 60)]})
    pool = build_pool(configure({"all": "all"}), names, prepare, (SIDE, SIDE), (1, 2, 3), (WOK,), said, 1)
    counts = Counter((image.label, image.split) for image in pool.images)
    assert counts[WOK, D] == 20
    assert all(counts[label, split] > 0 for label in (PAN, TEAPOT) for split in Split)


def test_folders_without_anything_to_use(tmp_path, photos, configure, build) -> None:
    photos(tmp_path / "no pan", {"wok": [1, 2], "teapot": [3]})
    with pytest.raises(ImageError, match="no usable picture of the source 'frying pan' in any split"):
        build(configure({"all": "no pan"}))
    photos(tmp_path / "no wok", {"frying pan": [1, 2], "teapot": [3]})
    with pytest.raises(ImageError, match="no usable picture of the target 'wok'"):
        build(configure({"all": "no wok"}))
    photos(tmp_path / "dead", {"wok": [1], "frying pan": [2], "teapot": []})
    (tmp_path / "dead/teapot/a.png").touch()
    (tmp_path / "dead/teapot/b.png").write_text("words")
    with pytest.raises(ImageError, match=r"dead/teapot can be used: 1 not a picture, 1 zero bytes; .*classes\.ignore"):
        build(configure({"all": "dead"}))
    assert len(build(configure({"all": "dead"}, {"ignore": ["Teapot"]})).images) == 2
    shutil.move(tmp_path / "dead/teapot", tmp_path / "dead/teapod")
    with pytest.raises(ImageError, match="'teapod' \\(the nearest class is 'teapot'\\)"):
        build(configure({"all": "dead"}))


def test_one_folder_for_discovery_and_confirmation_cannot_prove_anything(folders, configure, build) -> None:
    with pytest.raises(ImageError, match=r"images\.confirmation \(see\) \(skipped: 30 duplicate\)"):
        build(configure({"discovery": "see", "selection": "choose", "confirmation": "see"}))


def test_preprocessing_that_misses_its_size_is_an_error(tmp_path, photos, configure, names, said) -> None:
    photos(tmp_path / "all", {"wok": [1], "frying pan": [2]})
    with pytest.raises(ImageError, match=r"expected uint8 \(3, 9, 9\)"):
        build_pool(configure({"all": "all"}), names, prepare, (9, 9), (PAN,), (WOK,), said, 2)


def test_an_error_while_reading_stops_the_readers(tmp_path, photos, configure, names, said) -> None:
    photos(tmp_path / "all", {"wok": [*range(60)], "frying pan": [99]})
    prepared = []

    def break_at_the_third(image: Image.Image) -> np.ndarray:
        prepared.append(image)
        if len(prepared) == 3:
            raise KeyboardInterrupt
        return prepare(image)

    alive = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        build_pool(configure({"all": "all"}), names, break_at_the_third, (SIDE, SIDE), (PAN,), (WOK,), said, 2)
    assert len(prepared) < 30
    assert threading.active_count() == alive


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="needs the photographs of ../shared/real")
def test_real_photographs_hold_one_known_copy_and_no_absurd_group() -> None:
    classes = ("wooden_spoon", "wok", "frying_pan", "plate")
    paths = [path for name in classes for path in sorted((REAL / "kitchen32").glob(f"*/{name}/*"))]
    groups = near_duplicate_groups(np.stack([thumbnail(Image.open(path).convert("RGB")) for path in paths]))
    together = [paths[row].name for row in range(len(paths)) if (groups == groups[row]).sum() > 1]
    # One photograph lies among the wooden spoons and, compressed anew, among the woks.
    assert sorted(together) == ["n04596742_342.jpg", "n04597913_232.jpg"]
