"""Shares of annotated things in boxes, exact on masks and boxes drawn by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import AnnotationError
from auditor.core.records import ImageRecord, Split
from auditor.inputs.images.annotations import read_annotations, union_area

Configure = Callable[..., AuditConfig]


def picture(path: str, width_px: int = 10, height_px: int = 8) -> ImageRecord:
    """A picture of the pool, as it lies beside the configuration."""
    return ImageRecord("0" * 16, "0" * 64, path, 0, Split.DISCOVERY, width_px, height_px)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("photos/wok/a.jpg", "photos/wok/b.jpg", "photos/wok/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 8)).save(tmp_path / name)
    return tmp_path


def write_mask(path: Path, values: np.ndarray, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.fromarray(values.astype(np.uint8))
    if mode == "P":
        mask.putpalette([255 - level for level in range(256) for _ in range(3)])
    mask.save(path)


def with_boxes(pictures: Path, configure: Configure, rows: str) -> AuditConfig:
    (pictures / "boxes.csv").write_text("path,name,left,top,right,bottom\n" + rows)
    return configure({"all": "photos", "boxes": "boxes.csv"})


def test_boxes_of_one_name_count_their_union_and_names_are_sorted_by_share(
    pictures: Path, configure: Configure
) -> None:
    rows = "wok/a.jpg,noodles,0,0,4,4\nwok/a.jpg,wok,2,0,10,8\nwok/a.jpg,noodles,2,2,6,4\nwok/b.jpg,wok,0,0,1,1\n"
    annotations = read_annotations(with_boxes(pictures, configure, rows))
    # Of the 6×4 box: noodles 4·4 + 2·4 − 2·2 = 20 of 24 pixels, wok 4·4 = 16 of 24.
    assert annotations.shares(picture("photos/wok/a.jpg"), (0, 0, 6, 4)) == (("noodles", 20 / 24), ("wok", 16 / 24))
    assert annotations.shares(picture(str(pictures / "photos/wok/a.jpg")), (8, 4, 10, 8)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/wok/b.jpg"), (2, 2, 4, 4)) == ()
    assert annotations.shares(picture("photos/wok/c.jpg"), (2, 2, 4, 4)) is None


def test_rows_name_files_from_the_csv_or_relative_to_the_source(pictures: Path, configure: Configure) -> None:
    rows = "photos/wok/a.jpg,wok,0,0,5,8\nwok/b.jpg,wok,0,0,5,8\nwok/c.jpg,,,,,\n"
    annotations = read_annotations(with_boxes(pictures, configure, rows))
    assert annotations.shares(picture("photos/wok/a.jpg"), (0, 0, 10, 8)) == (("wok", 0.5),)
    assert annotations.shares(picture("photos/wok/b.jpg"), (0, 0, 10, 8)) == (("wok", 0.5),)
    assert annotations.shares(picture("photos/wok/c.jpg"), (0, 0, 10, 8)) == ()


def test_a_row_that_is_a_file_speaks_of_no_namesake_in_another_source(pictures: Path, configure: Configure) -> None:
    (pictures / "held/wok").mkdir(parents=True)
    Image.new("RGB", (10, 8)).save(pictures / "held/wok/a.jpg")
    (pictures / "photos/boxes.csv").write_text("path,name,left,top,right,bottom\nwok/a.jpg,wok,0,0,5,8\n")
    config = configure({"discovery": "photos", "confirmation": "held", "boxes": "photos/boxes.csv"})
    annotations = read_annotations(config)
    assert annotations.shares(picture("photos/wok/a.jpg"), (0, 0, 10, 8)) == (("wok", 0.5),)
    assert annotations.shares(picture("held/wok/a.jpg"), (0, 0, 10, 8)) is None


@pytest.mark.parametrize("mode", ["L", "P"])
def test_mask_values_are_counted_pixel_by_pixel(pictures: Path, configure: Configure, mode: str) -> None:
    values = np.zeros((8, 10), dtype=np.uint8)
    values[0:4, 0:6] = 7
    values[2:4, 4:10] = 200
    values[7, 9] = 9  # named nothing
    write_mask(pictures / "masks/wok/a.png", values, mode)
    config = configure({"all": "photos", "masks": "masks", "mask_values": {"noodles": 200, "wok": 7, "lid": 3}})
    annotations = read_annotations(config)
    assert annotations.shares(picture("photos/wok/a.jpg"), (1, 1, 8, 5)) == (("wok", 11 / 28), ("noodles", 8 / 28))
    assert annotations.shares(picture("photos/wok/a.jpg"), (6, 6, 10, 8)) == ()
    assert annotations.shares(picture("photos/wok/b.jpg"), (0, 0, 4, 4)) is None


def test_a_mask_goes_before_boxes_and_boxes_serve_where_there_is_none(pictures: Path, configure: Configure) -> None:
    write_mask(pictures / "masks/wok/a.png", np.ones((8, 10)))
    (pictures / "boxes.csv").write_text(
        "path,name,left,top,right,bottom\nwok/a.jpg,lid,0,0,9,9\nwok/b.jpg,lid,0,0,5,8\n"
    )
    images = {"all": "photos", "masks": "masks", "mask_values": {"wok": 1}, "boxes": "boxes.csv"}
    annotations = read_annotations(configure(images))
    assert annotations.shares(picture("photos/wok/a.jpg"), (0, 0, 10, 8)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/wok/b.jpg"), (0, 0, 10, 8)) == (("lid", 0.5),)


def test_masks_fit_the_upright_picture(pictures: Path, configure: Configure) -> None:
    values = np.zeros((10, 8))
    values[:5] = 1
    write_mask(pictures / "masks/wok/a.png", values)
    annotations = read_annotations(configure({"all": "photos", "masks": "masks", "mask_values": {"wok": 1}}))
    assert annotations.shares(picture("photos/wok/a.jpg", 8, 10), (0, 0, 8, 10)) == (("wok", 0.5),)
    write_mask(pictures / "masks/wok/a.png", values.T)
    annotations = read_annotations(configure({"all": "photos", "masks": "masks", "mask_values": {"wok": 1}}))
    with pytest.raises(AnnotationError, match=r"has 10×8 pixels, its picture photos/wok/a.jpg 8×10"):
        annotations.shares(picture("photos/wok/a.jpg", 8, 10), (0, 0, 8, 10))


def test_a_mask_never_serves_two_pictures(pictures: Path, configure: Configure) -> None:
    images = {"masks": "masks", "mask_values": {"wok": 1}}
    Image.new("RGB", (10, 8)).save(pictures / "photos/wok/a.png")
    write_mask(pictures / "masks/wok/a.png", np.ones((8, 10)))
    with pytest.raises(AnnotationError, match=r"the mask .*masks/wok/a.png could be of .*wok/a.jpg or of .*wok/a.png"):
        read_annotations(configure({"all": "photos", **images}))
    (pictures / "photos/wok/a.png").unlink()
    (pictures / "held/wok").mkdir(parents=True)
    Image.new("RGB", (10, 8)).save(pictures / "held/wok/a.jpg")
    sources = {"discovery": "photos", "confirmation": "held"}
    with pytest.raises(AnnotationError, match=r"could be of .*held/wok/a.jpg or of .*photos/wok/a.jpg"):
        read_annotations(configure({**sources, **images}))
    (pictures / "masks/photos").mkdir()
    (pictures / "masks/wok").rename(pictures / "masks/photos/wok")
    annotations = read_annotations(configure({**sources, **images}))
    assert annotations.shares(picture("photos/wok/a.jpg"), (0, 0, 10, 8)) == (("wok", 1.0),)
    assert annotations.shares(picture("held/wok/a.jpg"), (0, 0, 10, 8)) is None


def test_masks_that_cannot_serve(pictures: Path, configure: Configure) -> None:
    images = {"all": "photos", "masks": "masks", "mask_values": {"wok": 1}}
    with pytest.raises(AnnotationError, match="no folder of masks"):
        read_annotations(configure(images))
    write_mask(pictures / "masks/wok/a.png", np.ones((8, 10)))
    with pytest.raises(AnnotationError, match="'wok' the value 256"):
        read_annotations(configure({**images, "mask_values": {"wok": 256}}))
    annotations = read_annotations(configure(images))
    with pytest.raises(AnnotationError, match="holds no pixel"):
        annotations.shares(picture("photos/wok/a.jpg"), (3, 3, 3, 5))
    whole = (pictures / "masks/wok/a.png").read_bytes()
    (pictures / "masks/wok/a.png").write_bytes(whole[:50])
    with pytest.raises(AnnotationError, match="damaged"):
        annotations.shares(picture("photos/wok/a.jpg"), (0, 0, 3, 5))
    (pictures / "masks/wok/a.png").write_text("no mask")
    with pytest.raises(AnnotationError, match="not a PNG"):
        annotations.shares(picture("photos/wok/a.jpg"), (0, 0, 3, 5))
    Image.new("RGB", (10, 8)).save(pictures / "masks/wok/a.png")
    with pytest.raises(AnnotationError, match="mode RGB"):
        annotations.shares(picture("photos/wok/a.jpg"), (0, 0, 3, 5))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("wok/a.jpg,wok,0,0,ten,8", "line 2: left, top, right and bottom must be pixels"),
        ("wok/a.jpg,wok,5,0,5,8", "line 2: expected a name and left < right"),
        ("wok/a.jpg,,0,0,5,8", "line 2: expected a name"),
        ("wok/a.jpg,wok,0,0,nan,8", "line 2: expected a name and left < right"),
        (",wok,0,0,5,8", "line 2: the path is missing"),
    ],
)
def test_malformed_rows_are_named(pictures: Path, configure: Configure, row: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read_annotations(with_boxes(pictures, configure, row + "\n"))


def test_a_missing_csv_of_boxes(pictures: Path, configure: Configure) -> None:
    with pytest.raises(AnnotationError, match="there is no file"):
        read_annotations(configure({"all": "photos", "boxes": "absent.csv"}))


def test_without_annotations_everything_is_unknown(pictures: Path, configure: Configure) -> None:
    assert read_annotations(configure({"all": "photos"})).shares(picture("photos/wok/a.jpg"), (0, 0, 1, 1)) is None


corner = st.integers(0, 9)
rectangle = st.tuples(corner, corner, st.integers(1, 6), st.integers(1, 6)).map(
    lambda r: (r[0], r[1], r[0] + r[2], r[1] + r[3])
)


@given(st.lists(rectangle, max_size=8))
def test_union_area_is_the_count_of_painted_pixels(rectangles: list[tuple[int, int, int, int]]) -> None:
    canvas = np.zeros((16, 16), dtype=bool)
    for left, top, right, bottom in rectangles:
        canvas[top:bottom, left:right] = True
    assert union_area(rectangles) == canvas.sum()
