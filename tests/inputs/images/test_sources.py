"""Listing folders and CSVs of pictures, and what it takes to add a source."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from auditor.core.errors import ImageError, UnreadableImageError
from auditor.inputs.images import sources
from auditor.inputs.images.annotations import read_annotations
from auditor.inputs.images.mapping import left_out
from auditor.inputs.images.originals import load_original
from auditor.inputs.images.pool import build_pool
from auditor.inputs.images.sources import find_image, list_images, shown, whereabouts
from auditor.inputs.images.sources.listing import Listing, PictureFile, Source


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_a_folder_is_listed_recursively_in_order_and_other_files_are_counted(tmp_path: Path) -> None:
    for name in ("wok/b.JPG", "wok/deep/a.png", "wok/notes.txt", "wok/.hidden.jpg", "bucket/1.webp", "loose.jpg"):
        touch(tmp_path / name)
    touch(tmp_path / ".git/objects.png")
    touch(tmp_path / "wok/.cache/c.png")
    touch(tmp_path / "wok/scan.JP2")
    touch(tmp_path / "raw.dng")
    listing = list_images(tmp_path)
    assert [(Path(image.where).relative_to(tmp_path).as_posix(), image.label) for image in listing.images] == [
        ("bucket/1.webp", "bucket"),
        ("wok/b.JPG", "wok"),
        ("wok/deep/a.png", "wok"),
    ]
    assert (listing.ignored_files, listing.unread_files, listing.hidden_files) == (2, 2, 2)
    assert sum(listing.left_out.values()) == 6
    assert listing.missing == ()
    assert listing.class_folders == {name: str(tmp_path / name) for name in ("wok", "bucket")}


def test_thumbnails_and_what_systems_leave_are_no_pictures_and_counted(tmp_path: Path) -> None:
    for name in ("red/000.png", "red/more/001.png", "blue/000.png"):
        touch(tmp_path / name)
    aside = [
        "red/@eaDir/000.png/SYNOPHOTO_THUMB_M.jpg",
        "red/@eaDir/000.png/SYNOPHOTO_THUMB_S.jpg",
        "red/more/@eaDir/001.png/SYNOFILE_THUMB_M.jpg",
        "red/.thumbnails/000.png",
        "red/more/.@__thumb/s001.JPG",
        "blue/._000.png",
        "blue/$RECYCLE.BIN/deleted.png",
        "__MACOSX/blue/._000.png",
        "@eaDir/red/cover.jpg",
    ]
    others = ["red/Thumbs.db", "blue/desktop.ini", "red/@eaDir/000.png/meta", "blue/.DS_Store", ".git/a.png"]
    for name in [*aside, *others]:
        touch(tmp_path / name)
    listing = list_images(tmp_path)
    assert [Path(image.where).relative_to(tmp_path).as_posix() for image in listing.images] == [
        "blue/000.png",
        "red/000.png",
        "red/more/001.png",
    ]
    assert listing.hidden_files == len(aside)
    assert listing.ignored_files == 2  # Thumbs.db and desktop.ini
    assert list(listing.class_folders) == ["blue", "red"]
    touch(tmp_path / "green/@eaDir/000.png/SYNOPHOTO_THUMB_M.jpg")
    with pytest.raises(ImageError, match="green holds no picture"):
        list_images(tmp_path)


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/a.png")
    (tmp_path / "photos/wok").mkdir(parents=True)
    (tmp_path / "photos/wok/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "elsewhere")
    listing = list_images(tmp_path / "photos")
    assert [image.where for image in listing.images] == [str(tmp_path / "photos/wok/link/a.png")]


def test_an_empty_class_folder_is_named_unless_it_is_ignored(tmp_path: Path) -> None:
    touch(tmp_path / "wok/a.png")
    (tmp_path / "Empty_Class").mkdir()
    with pytest.raises(ImageError, match=r"Empty_Class holds no picture.*classes\.ignore"):
        list_images(tmp_path)
    assert len(list_images(tmp_path, ("empty class",)).images) == 1


def test_sources_that_are_not_there_or_have_no_classes(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no folder, CSV, parquet file or tar file of pictures"):
        list_images(tmp_path / "absent")
    touch(tmp_path / "a.png")
    with pytest.raises(ImageError, match="has no sub-folders"):
        list_images(tmp_path)
    with pytest.raises(ImageError, match="is no source of pictures; expected a folder with one sub-folder a class; "):
        list_images(tmp_path / "a.png")


def test_a_csv_is_relative_to_itself_and_names_its_missing_files(tmp_path: Path) -> None:
    touch(tmp_path / "data/a.jpg")
    touch(tmp_path / "b.jpg")
    table = tmp_path / "data/list.csv"
    table.write_text("\ufeffLabel,Path,note\n wok ,a.jpg,first\nbucket,../b.jpg,\n\nwok,gone.jpg,\nspare,a.jpg,\n")
    listing = list_images(table, ("spare",))
    assert [(image.where, image.label) for image in listing.images] == [
        (str(tmp_path / "b.jpg"), "bucket"),
        (str(tmp_path / "data/a.jpg"), "wok"),
    ]
    assert [image.where for image in listing.missing] == [str(tmp_path / "data/gone.jpg")]
    assert listing.class_folders == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.jpg,wok\n", "needs the columns path,label, but has file,label; add path"),
        ("", "but has none"),
        ("path,label\n", "it has no row"),
        ("path,label\na.jpg\n", "line 2: expected a path and a label"),
        ("path,label\nx.jpg,wok\ny.jpg,wok\n", "none of its 2 files exists"),
    ],
)
def test_a_csv_that_cannot_serve(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(ImageError, match=message):
        list_images(tmp_path / "list.csv")


def test_a_csv_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"path,label\n\xff\xfe,wok\n")
    with pytest.raises(ImageError, match="cannot be read as a UTF-8 CSV"):
        list_images(tmp_path / "list.csv")


@dataclass(frozen=True)
class ZipMember:
    """A picture that is no file."""

    archive: Path
    name: str

    @property
    def where(self) -> str:
        return f"{self.archive}/{self.name}"

    @property
    def label(self) -> str:
        return self.name.split("/")[0]

    def open(self, max_pixels: int) -> bytes:
        with zipfile.ZipFile(self.archive) as members:
            if self.name not in members.namelist():
                raise UnreadableImageError("missing file", "no such member")
            assert members.getinfo(self.name).file_size < max_pixels * 16
            return members.read(self.name)


def list_zip(archive: Path, ignore: tuple[str, ...]) -> Listing:
    with zipfile.ZipFile(archive) as members:
        images = [ZipMember(archive, name) for name in sorted(members.namelist())]
    unwanted = left_out((image.label for image in images), ignore)
    return Listing(tuple(image for image in images if image.label not in unwanted))


ZIP = Source(
    kind="zip",
    form="a .zip of class folders",
    matches=zipfile.is_zipfile,
    listed=list_zip,
    root=lambda path: path,
    at=lambda path, where: ZipMember(path, Path(where).relative_to(path).as_posix()),
)


def test_a_source_more_is_one_entry(tmp_path: Path, photos, configure, names, said, monkeypatch) -> None:
    """An archive gives pool, originals, boxes and messages once it stands in the table."""
    loose = photos(tmp_path / "loose", {"wok": [1, 2], "frying_pan": [*range(10, 16)], "spare": [3]})
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(loose.rglob("*.png")):
            archive.write(path, path.relative_to(loose).as_posix())
    (tmp_path / "boxes.csv").write_text("path,name,left,top,right,bottom\nwok/1.png,wok,0,0,16,32\n")
    config = configure({"all": "photos.zip", "boxes": "boxes.csv"}, {"ignore": ["Spare"]})

    def prepare(image):
        return np.ascontiguousarray(np.asarray(image.resize((8, 8))).transpose(2, 0, 1))

    def build(config):
        return build_pool(config, names, prepare, (8, 8), (1,), (0,), said, 2)

    with pytest.raises(ImageError, match=r"photos\.zip is no source of pictures; expected a folder"):
        build(config)
    monkeypatch.setattr(sources, "SOURCES", (*sources.SOURCES, ZIP))
    pool = build(config)
    as_files = build(configure({"all": "loose"}, {"ignore": ["spare"]}))
    assert [(image.key, image.split) for image in pool.images] == [(one.key, one.split) for one in as_files.images]
    np.testing.assert_array_equal(pool.pixels, as_files.pixels)
    assert {image.path for image in pool.images} == {
        *(f"photos.zip/wok/{seed}.png" for seed in (1, 2)),
        *(f"photos.zip/frying_pan/{seed}.png" for seed in range(10, 16)),
    }
    for image, pixels in zip(pool.images, pool.pixels, strict=True):
        np.testing.assert_array_equal(prepare(load_original(image, config)), pixels)
    annotations = read_annotations(config)
    shares = {image.path: annotations.shares(image, (0, 0, 32, 32)) for image in pool.images}
    assert shares.pop("photos.zip/wok/1.png") == (("wok", 0.5),)
    assert set(shares.values()) == {None}

    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(loose / "wok/1.png", "wok/2.png")
    by_path = {image.path: image for image in pool.images}
    with pytest.raises(ImageError, match=r"photos\.zip/wok/2\.png has changed since this run was begun"):
        load_original(by_path["photos.zip/wok/2.png"], config)
    with pytest.raises(ImageError, match=r"wok/1\.png was there .* and is not now \(missing file: no such member\)"):
        load_original(by_path["photos.zip/wok/1.png"], config)


def test_a_picture_is_found_in_the_innermost_source(tmp_path: Path, configure, monkeypatch) -> None:
    monkeypatch.setattr(sources, "SOURCES", (*sources.SOURCES, ZIP))
    touch(tmp_path / "data/wok/a.png")
    with zipfile.ZipFile(tmp_path / "data/more.zip", "w") as archive:
        archive.writestr("wok/a.png", b"x")
    given = [tmp_path / "data", tmp_path / "data/more.zip", tmp_path / "gone"]
    config = configure({"all": "data"})
    for where, kind in [
        ("data/wok/a.png", PictureFile),
        ("data/more.zip/wok/a.png", ZipMember),
        ("b.png", PictureFile),
    ]:
        found = find_image(whereabouts(where, config), given)
        assert isinstance(found, kind)
        assert found.where == str(tmp_path / where)
        assert shown(found.where, config) == where
