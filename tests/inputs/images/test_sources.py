"""Listing folders and CSVs of pictures, and mapping their labels to classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.core.errors import ImageError
from auditor.inputs.images.mapping import map_labels
from auditor.inputs.images.sources import list_images


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_a_folder_is_listed_recursively_in_order_and_other_files_are_counted(tmp_path: Path) -> None:
    for name in ("wok/b.JPG", "wok/deep/a.png", "wok/notes.txt", "wok/.hidden.jpg", "bucket/1.webp", "loose.jpg"):
        touch(tmp_path / name)
    touch(tmp_path / ".git/objects.png")
    touch(tmp_path / "wok/.cache/c.png")
    listing = list_images(tmp_path)
    assert [(image.path.relative_to(tmp_path).as_posix(), image.label) for image in listing.images] == [
        ("bucket/1.webp", "bucket"),
        ("wok/b.JPG", "wok"),
        ("wok/deep/a.png", "wok"),
    ]
    assert listing.ignored_files == 2
    assert listing.missing == ()


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/a.png")
    (tmp_path / "photos/wok").mkdir(parents=True)
    (tmp_path / "photos/wok/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "elsewhere")
    listing = list_images(tmp_path / "photos")
    assert [image.path for image in listing.images] == [tmp_path / "photos/wok/link/a.png"]


def test_an_empty_class_folder_is_named_unless_it_is_ignored(tmp_path: Path) -> None:
    touch(tmp_path / "wok/a.png")
    (tmp_path / "Empty_Class").mkdir()
    with pytest.raises(ImageError, match=r"Empty_Class holds no picture.*classes\.ignore"):
        list_images(tmp_path)
    assert len(list_images(tmp_path, ("empty class",)).images) == 1


def test_sources_that_are_not_there_or_have_no_classes(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no folder or CSV"):
        list_images(tmp_path / "absent")
    touch(tmp_path / "a.png")
    with pytest.raises(ImageError, match="has no sub-folders"):
        list_images(tmp_path)
    with pytest.raises(ImageError, match="neither a folder"):
        list_images(tmp_path / "a.png")


def test_a_csv_is_relative_to_itself_and_names_its_missing_files(tmp_path: Path) -> None:
    touch(tmp_path / "data/a.jpg")
    touch(tmp_path / "b.jpg")
    table = tmp_path / "data/list.csv"
    table.write_text("\ufeffLabel,Path,note\n wok ,a.jpg,first\nbucket,../b.jpg,\n\nwok,gone.jpg,\nspare,a.jpg,\n")
    listing = list_images(table, ("spare",))
    assert [(image.path, image.label) for image in listing.images] == [
        (tmp_path / "b.jpg", "bucket"),
        (tmp_path / "data/a.jpg", "wok"),
    ]
    assert [image.path for image in listing.missing] == [tmp_path / "data/gone.jpg"]


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


def test_labels_map_by_name_override_and_ignore(names) -> None:
    mapped = map_labels(["Frying_Pan", "kettle", "spare parts"], names, {"Kettle": "teapot"}, ("spare_parts",))
    assert mapped == {"Frying_Pan": 1, "kettle": 2}


def test_every_unmapped_label_is_named_with_its_nearest_class_and_the_way_out(names) -> None:
    with pytest.raises(ImageError) as caught:
        map_labels(["wok", "teapots", "xyz"], names, {}, ())
    message = str(caught.value)
    assert "'teapots' (the nearest class is 'teapot')" in message
    assert "'xyz'" in message
    assert "[classes.folders]" in message
    assert "classes.ignore" in message


def test_an_override_to_no_class_is_named(names) -> None:
    with pytest.raises(ImageError, match=r"maps 'pans' to 'fryingpan', which is no class.*'frying pan'"):
        map_labels(["pans"], names, {"pans": "fryingpan"}, ())
