"""Pictures inside parquet, Arrow and tar files: the same pool as from loose files, and found again by their names."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.core.errors import ImageError, UnreadableImageError
from auditor.inputs.images.originals import load_original
from auditor.inputs.images.pool import build_pool
from auditor.inputs.images.sources import find_image, list_images
from auditor.inputs.images.sources.parquet import PictureRow
from auditor.inputs.images.sources.webdataset import PictureInTar

SPREAD = {"wok": [1, 2], "frying_pan": [*range(10, 16)], "spare": [3]}
LABELS = ["frying_pan", "spare", "wok"]


def prepare(image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(image.resize((8, 8))).transpose(2, 0, 1))


def rows_of(folder: Path) -> list[tuple[str, bytes, str]]:
    """Each loose picture's label, bytes and name."""
    return [(path.parent.name, path.read_bytes(), path.name) for path in sorted(folder.rglob("*.png"))]


def hub_table(folder: Path, described: bool = True) -> pa.Table:
    """As the hub keeps it: a struct of bytes and path, class numbers, and a description that names them."""
    rows = rows_of(folder)
    image = [{"bytes": data, "path": name} for _, data, name in rows]
    features = {
        "image": {"_type": "Image"},
        "label": {"names": LABELS, "_type": "ClassLabel"},
        "text": {"dtype": "string"},
    }
    table = pa.table(
        {
            "text": ["a"] * len(rows),
            "image": pa.array(image, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            "label": pa.array([LABELS.index(label) for label, _, _ in rows], pa.int64())
            if described
            else [label for label, _, _ in rows],
        }
    )
    return table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})} if described else {}
    )


def write_parquet(folder: Path, target: Path) -> Path:
    target.mkdir()
    table = hub_table(folder)
    pq.write_table(table.slice(0, 4), target / "train-00000-of-00002.parquet", row_group_size=3)
    pq.write_table(table.slice(4), target / "train-00001-of-00002.parquet", row_group_size=2)
    return target


def write_one_parquet(folder: Path, target: Path) -> Path:
    file = target.with_suffix(".parquet")
    pq.write_table(hub_table(folder, described=False), file)
    return file


def write_arrow(folder: Path, target: Path) -> Path:
    (target / "data").mkdir(parents=True)
    table = hub_table(folder)
    with (
        pa.OSFile(str(target / "data" / "data-00000-of-00001.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as stream,
    ):
        stream.write_table(table, max_chunksize=2)
    return target


def write_tar(folder: Path, target: Path) -> Path:
    target.mkdir()
    for number, part in enumerate((rows_of(folder)[:4], rows_of(folder)[4:])):
        with tarfile.open(target / f"shard-{number:06d}.tar", "w") as archive:
            for place, (label, data, _) in enumerate(part):
                add(archive, f"{label}-{place}.png", data)
                add(archive, f"{label}-{place}.cls", label.encode())
                add(archive, f"{label}-{place}.txt", b"a caption of many words\nand lines")
    return target


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("write", [write_parquet, write_one_parquet, write_arrow, write_tar])
def test_the_pool_is_that_of_the_loose_files(
    tmp_path: Path, photos, configure, names, said, write: Callable[[Path, Path], Path]
) -> None:
    loose = photos(tmp_path / "loose", SPREAD)
    packed = write(loose, tmp_path / "packed")
    config = configure({"all": packed.name}, {"ignore": ["Spare"]})

    def build(config):
        return build_pool(config, names, prepare, (8, 8), (1,), (0,), said, 2)

    pool, as_files = build(config), build(configure({"all": "loose"}, {"ignore": ["spare"]}))
    assert [(one.key, one.split, one.label) for one in pool.images] == [
        (one.key, one.split, one.label) for one in as_files.images
    ]
    np.testing.assert_array_equal(pool.pixels, as_files.pixels)
    assert all(one.path.startswith(packed.name) for one in pool.images)
    assert len({one.path for one in pool.images}) == len(pool.images)
    for image, pixels in zip(pool.images, pool.pixels, strict=True):
        np.testing.assert_array_equal(prepare(load_original(image, config)), pixels)


def test_a_row_that_is_gone_or_another_is_told(tmp_path: Path, photos, configure, names, said) -> None:
    loose = photos(tmp_path / "loose", SPREAD)
    file = write_one_parquet(loose, tmp_path / "packed")
    config = configure({"all": file.name}, {"ignore": ["spare"]})
    pool = build_pool(config, names, prepare, (8, 8), (1,), (0,), said, 1)
    table = pq.read_table(file)
    pq.write_table(table.slice(0, 1), file)
    first, *_, last = sorted(pool.images, key=lambda image: image.path)
    np.testing.assert_array_equal(prepare(load_original(first, config)), pool.pixels[pool.images.index(first)])
    with pytest.raises(ImageError, match=r"is not now \(unreadable file: .*there is no row 8 any more"):
        load_original(last, config)
    pq.write_table(table.slice(1), file)
    with pytest.raises(ImageError, match="has changed since this run was begun"):
        load_original(first, config)
    file.unlink()
    with pytest.raises(ImageError, match="missing file"):
        load_original(first, config)


def test_pictures_beside_a_table_are_read_where_it_names_them(tmp_path: Path, photos) -> None:
    loose = photos(tmp_path / "loose", {"wok": [1]})
    image = pa.array([{"bytes": None, "path": "wok/1.png"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"image": image, "label": ["wok"]}), loose / "list.parquet")
    (found,) = list_images(loose / "list.parquet").images
    assert isinstance(found, PictureRow)
    assert found.open(10_000) == (loose / "wok/1.png").read_bytes()


def test_what_lies_beside_tables_and_tars_is_counted(tmp_path: Path) -> None:
    for name in ("README.md", "dataset_info.json", "cover.jp2", ".gitattributes", "named by a row.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"image": [b"x"], "label": ["a"]}), tmp_path / "data" / "list.parquet")
    (tmp_path / "data" / "list.crc").write_bytes(b"x")
    listing = list_images(tmp_path)
    assert (len(listing.images), listing.ignored_files, listing.unread_files) == (1, 3, 1)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add(archive, "1.jpg", b"1")
        add(archive, "1.cls", b"7")
    of_tar = list_images(tmp_path)  # a folder is one kind of source
    assert (len(of_tar.images), of_tar.ignored_files, of_tar.unread_files) == (1, 2, 1)
    assert list_images(tmp_path / "a.tar").left_out == {}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": [b"x"], "text": ["a"]}, "has no column of labels; expected one called label or labels"),
        ({"picture": [b"x"], "image": [b"x"], "label": ["a"]}, "has several columns of pictures: picture, image"),
        ({"image": [b"x"], "label": [None]}, "row 0: the label is missing"),
        ({"image": pa.array([], pa.binary()), "label": pa.array([], pa.string())}, "holds no row"),
    ],
)
def test_a_table_that_cannot_serve(tmp_path: Path, columns: dict[str, object], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "list.parquet")
    with pytest.raises(ImageError, match=message):
        list_images(tmp_path / "list.parquet")


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ImageError, match=r"list\.parquet cannot be read .* no whole table of pictures"):
        list_images(tmp_path / "list.parquet")


def test_a_row_without_a_picture_is_skipped_with_its_reason(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": pa.array([None, b""], pa.binary()), "label": ["a", "b"]}), tmp_path / "a.parquet")
    first, second = list_images(tmp_path / "a.parquet").images
    with pytest.raises(UnreadableImageError, match="missing file: row 0"):
        first.open(100)
    with pytest.raises(UnreadableImageError, match="zero bytes"):
        second.open(100)


def test_labels_of_a_tar_are_numbers_words_or_objects(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, data in (
            ("x/1.left.jpg", b"1"), ("x/1.cls", b"7\n"), ("2.png", b"2"), ("2.json", b'{"label": "wok"}'),
            ("3.webp", b"3"), ("3.txt", b"frying pan"), ("notes.md", b"-"), ("3.jp2", b"3"), ("4.cls", b"7"),
            ("__MACOSX/._3.webp", b"3"), ("./.thumbnails/2.png", b"2"), ("3.json", b"{}"),
        ):  # fmt: skip
            add(archive, name, data)
    listing = list_images(tmp_path / "a.tar")
    assert [(Path(one.where).name, one.label, one.open(100)) for one in listing.images] == [
        ("2.png", "wok", b"2"), ("3.webp", "frying pan", b"3"), ("1.left.jpg", "7", b"1"),
    ]  # fmt: skip
    assert listing.ignored_files == 3  # the notes, a label without a picture, and a second label
    assert (listing.unread_files, listing.hidden_files) == (1, 2)
    again = find_image(listing.images[0].where, [tmp_path / "a.tar"])
    assert isinstance(again, PictureInTar)
    assert again.open(100) == b"2"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"1.jpg": b"x"}, "1.jpg has no label beside it; expected a member 1 with one of .cls, .txt, .json"),
        ({"1.jpg": b"x", "1.json": b"{"}, "1.json holds no label"),
        ({"1.jpg": b"x", "1.cls": b"two\nlines"}, "1.cls holds no label"),
        ({"1.txt": b"x"}, "holds no picture; expected tar files"),
    ],
)
def test_a_tar_that_cannot_serve(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, data in members.items():
            add(archive, name, data)
    with pytest.raises(ImageError, match=message):
        list_images(tmp_path / "a.tar")


def test_a_compressed_or_broken_tar_is_told(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz") as archive:
        add(archive, "1.jpg", b"x")
    with pytest.raises(ImageError, match=r"a\.tar is no whole, uncompressed tar file"):
        list_images(tmp_path / "a.tar")


def test_a_folder_of_class_folders_stays_one_whatever_lies_deeper(tmp_path: Path) -> None:
    (tmp_path / "wok").mkdir()
    (tmp_path / "wok" / "a.png").write_bytes(b"x")
    pq.write_table(pa.table({"image": [b"x"], "label": ["a"]}), tmp_path / "wok" / "features.parquet")
    listing = list_images(tmp_path)
    assert [Path(image.where).name for image in listing.images] == ["a.png"]
