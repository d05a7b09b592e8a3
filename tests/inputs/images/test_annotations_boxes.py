"""Boxes from Pascal VOC's XML and COCO's JSON: exact shares, and files that cannot serve named with the reason."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import AnnotationError, ConfigError, UnknownNameError
from auditor.core.records import ImageRecord, Split
from auditor.inputs.images.annotations import read_annotations

Configure = Callable[..., AuditConfig]


def picture(path: str, width_px: int = 20, height_px: int = 10) -> ImageRecord:
    """A picture of the pool, as it lies beside the configuration."""
    return ImageRecord("0" * 16, "0" * 64, path, 0, Split.DISCOVERY, width_px, height_px)


class WithWnids:
    """Two classes that are also called by their wnids."""

    names = ("wok", "frying pan")
    wnids = ("n04596742", "n03400231")

    def index_of(self, name: str) -> int:
        plain = name.replace("_", " ")
        for known in (self.names, self.wnids):
            if plain in known:
                return known.index(plain)
        if plain == "pan":
            raise ConfigError("class 'pan' could be any of 2 classes")
        if plain.isdecimal():
            return int(plain)
        raise UnknownNameError("class", name, self.names, "the model")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("wok/w_1.jpg", "wok/w_2.jpg", "frying pan/f_1.jpg"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10)).save(tmp_path / "photos" / name)
    return tmp_path


def thing(name: str, *edges: object) -> str:
    tags = zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)
    return f"<object><name>{name}</name><bndbox>{''.join(f'<{t}>{e}</{t}>' for t, e in tags)}</bndbox></object>"


def write_xml(path: Path, filename: str, objects: str, size: tuple[int, int] = (20, 10), head: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"{head}<annotation><folder>any</folder><filename>{filename}</filename>"
        f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>{objects}</annotation>"
    )


def coco(**changes: object) -> str:
    content: dict[str, object] = {
        "images": [
            {"id": 7, "file_name": "wok/w_1.jpg", "width": 20, "height": 10},
            {"id": 9, "file_name": "f_1.jpg"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 2, "bbox": [0, 0, 5.5, 10], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 5, "bbox": [10, 0, 10, 5]},
            {"id": 3, "image_id": 7, "category_id": 5, "bbox": [3, 3, 0, 5]},
        ],
        "categories": [{"id": 2, "name": "wok", "supercategory": "pans"}, {"id": 5, "name": "noodles"}],
    }
    return json.dumps(content | changes)


def test_voc_pixels_count_from_one_and_wnids_become_class_names(photos: Path, configure: Configure) -> None:
    objects = thing("n04596742", 1, 1, 10, 10) + thing("noodles", 11, 6, 20, 10) + thing("3", 1, 1, 1, 1)
    write_xml(photos / "xml/n04596742/any.xml", "w_1", objects)
    config = configure({"all": "photos", "boxes": "xml"})
    annotations = read_annotations(config, WithWnids())
    whole = annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 20, 10))
    assert whole == (("wok", 0.5), ("noodles", 0.25), ("3", 1 / 200))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (9, 4, 11, 6)) == (("wok", 0.5), ("noodles", 0.25))
    assert annotations.shares(picture("photos/wok/w_2.jpg"), (0, 0, 20, 10)) is None
    assert read_annotations(config).shares(picture("photos/wok/w_1.jpg"), (0, 0, 1, 10)) == (
        ("n04596742", 1.0),
        ("3", 0.1),
    )


def test_a_box_called_by_what_two_classes_are_called_is_refused(photos: Path, configure: Configure) -> None:
    write_xml(photos / "xml/wok/w_1.xml", "w_1", thing("pan", 1, 1, 10, 10))
    with pytest.raises(AnnotationError, match=r"boxes called 'pan', which is no one class's name: .*any of 2 classes"):
        read_annotations(configure({"all": "photos", "boxes": "xml"}), WithWnids())


def test_voc_from_zero_is_kept_inside_and_a_file_without_objects_shows_nothing(
    photos: Path, configure: Configure
) -> None:
    write_xml(photos / "xml/w_1.xml", "%s", thing("wok", 0, 0, 4, 5))  # some of ImageNet's files have no name in them
    write_xml(photos / "xml/w_2.xml", "w_2.jpg", "", size=(0, 0))
    annotations = read_annotations(configure({"all": "photos", "boxes": "xml"}))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 20, 10)) == (("wok", 0.1),)
    assert annotations.shares(picture("photos/wok/w_2.jpg"), (0, 0, 20, 10)) == ()


def test_xml_at_the_pictures_own_path_goes_before_one_with_its_name(photos: Path, configure: Configure) -> None:
    write_xml(photos / "xml/wok/w_1.xml", "other", thing("wok", 1, 1, 20, 10))
    write_xml(photos / "xml/by-name.xml", "w_1", thing("lid", 1, 1, 20, 10))
    annotations = read_annotations(configure({"all": "photos", "boxes": "xml"}))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 20, 10)) == (("wok", 1.0),)


def test_a_name_that_two_pictures_have_is_refused_unless_paths_tell_them_apart(
    photos: Path, configure: Configure
) -> None:
    Image.new("RGB", (20, 10)).save(photos / "photos/frying pan/w_1.jpg")
    write_xml(photos / "xml/w_1.xml", "w_1", thing("wok", 1, 1, 20, 10))
    config = configure({"all": "photos", "boxes": "xml"})
    with pytest.raises(AnnotationError, match=r"w_1.xml annotates 'w_1', but .*frying pan.* and .*wok.* both"):
        read_annotations(config)
    write_xml(photos / "xml/wok/w_1.xml", "w_1", thing("wok", 1, 1, 10, 10))
    annotations = read_annotations(config)  # two files of one name: neither speaks by its name any more
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 20, 10)) == (("wok", 0.5),)
    assert annotations.shares(picture("photos/frying pan/w_1.jpg"), (0, 0, 20, 10)) is None


@pytest.mark.parametrize("form", ["xml", "json"])
def test_boxes_of_a_picture_at_its_path_are_not_those_of_its_namesake(
    photos: Path, configure: Configure, form: str
) -> None:
    """Only wok/w_1.jpg is annotated; another class has a picture of that name."""
    Image.new("RGB", (20, 10)).save(photos / "photos/frying pan/w_1.jpg")
    if form == "xml":
        write_xml(photos / "boxes.xml/wok/w_1.xml", "w_1.jpg", thing("wok", 1, 1, 20, 10))
    else:
        (photos / "boxes.json").write_text(coco())
    annotations = read_annotations(configure({"all": "photos", "boxes": f"boxes.{form}"}))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/frying pan/w_1.jpg"), (0, 0, 4, 4)) is None
    (photos / "photos/wok/w_1.jpg").unlink()  # its boxes stay behind
    annotations = read_annotations(configure({"all": "photos", "boxes": f"boxes.{form}"}))
    assert annotations.shares(picture("photos/frying pan/w_1.jpg"), (0, 0, 4, 4)) is None


def test_one_file_of_boxes_never_serves_two_pictures_of_one_path(photos: Path, configure: Configure) -> None:
    """Two sources have a wok/w_1.jpg; the boxes name no source, or one of them by its path from the configuration."""
    Image.new("RGB", (20, 10)).save(photos / "w_1.jpg")
    (photos / "held/wok").mkdir(parents=True)
    (photos / "w_1.jpg").rename(photos / "held/wok/w_1.jpg")
    write_xml(photos / "xml/wok/w_1.xml", "w_1.jpg", thing("wok", 1, 1, 20, 10))
    config = configure({"discovery": "photos", "confirmation": "held", "boxes": "xml"})
    with pytest.raises(AnnotationError, match=r"w_1.xml annotates 'wok/w_1', but .*held/wok.* and .*photos/wok.* both"):
        read_annotations(config)
    (photos / "boxes").mkdir()
    (photos / "boxes/coco.json").write_text(coco())
    with pytest.raises(AnnotationError, match=r"coco.json annotates 'wok/w_1.jpg', but .*held/wok.* and .*photos/wok"):
        read_annotations(configure({"discovery": "photos", "confirmation": "held", "boxes": "boxes/coco.json"}))
    (photos / "xml/photos/wok").mkdir(parents=True)
    (photos / "xml/wok/w_1.xml").rename(photos / "xml/photos/wok/w_1.xml")
    annotations = read_annotations(config)
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)
    assert annotations.shares(picture("held/wok/w_1.jpg"), (0, 0, 4, 4)) is None


def test_two_pictures_that_differ_in_their_suffix_are_told_apart_by_the_stated_one(
    photos: Path, configure: Configure
) -> None:
    Image.new("RGB", (20, 10)).save(photos / "photos/wok/w_1.png")
    write_xml(photos / "xml/wok/w_1.xml", "w_1.png", thing("wok", 1, 1, 20, 10))
    annotations = read_annotations(configure({"all": "photos", "boxes": "xml"}))
    assert annotations.shares(picture("photos/wok/w_1.png"), (0, 0, 4, 4)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 4, 4)) is None
    write_xml(photos / "xml/wok/w_1.xml", "w_1", thing("wok", 1, 1, 20, 10))
    with pytest.raises(AnnotationError, match=r"annotates 'wok/w_1', but .*w_1.jpg and .*w_1.png both"):
        read_annotations(configure({"all": "photos", "boxes": "xml"}))


@pytest.mark.parametrize("stated", ["wok/w_9.jpg", "/old/photos/wok/w_9.jpg", "<folder>"])
@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_stated_folder_tells_which_picture_is_meant(
    photos: Path, configure: Configure, form: str, stated: str
) -> None:
    """Both folders have a w_9.jpg; without the one that is meant its boxes are nobody's."""
    for folder in ("wok", "frying pan"):
        Image.new("RGB", (20, 10)).save(photos / f"photos/{folder}/w_9.jpg")
    if form == "xml":
        write_xml(photos / "boxes.xml/00017.xml", stated, thing("wok", 1, 1, 20, 10))
        if stated == "<folder>":
            text = (photos / "boxes.xml/00017.xml").read_text()
            text = text.replace("<folder>any", "<folder>wok").replace("<filename><folder>", "<filename>w_9.jpg")
            (photos / "boxes.xml/00017.xml").write_text(text)
    else:
        named = "wok\\w_9.jpg" if stated == "<folder>" else stated
        boxes = [{"image_id": 7, "category_id": 2, "bbox": [0, 0, 20, 10]}]
        (photos / "boxes.json").write_text(coco(images=[{"id": 7, "file_name": named}], annotations=boxes))
    config = configure({"all": "photos", "boxes": f"boxes.{form}"})
    annotations = read_annotations(config)
    assert annotations.shares(picture("photos/wok/w_9.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/frying pan/w_9.jpg"), (0, 0, 4, 4)) is None
    (photos / "photos/wok/w_9.jpg").unlink()
    assert read_annotations(config).shares(picture("photos/frying pan/w_9.jpg"), (0, 0, 4, 4)) is None


def test_an_exact_name_goes_before_the_same_name_with_another_suffix(photos: Path, configure: Configure) -> None:
    Image.new("RGB", (20, 10)).save(photos / "photos/frying pan/w_1.png")
    write_xml(photos / "xml/any.xml", "w_1.jpg", thing("wok", 1, 1, 20, 10))
    annotations = read_annotations(configure({"all": "photos", "boxes": "xml"}))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/frying pan/w_1.png"), (0, 0, 4, 4)) is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_boxes_of_a_picture_whose_name_is_no_utf8(photos: Path, configure: Configure) -> None:
    for path in (photos / "photos/wok/caf\udce9.jpg", photos / "photos/frying pan/caf\udce8.jpg"):
        Image.new("RGB", (20, 10)).save(path)
    write_xml(photos / "xml/wok/caf\udce9.xml", "%s", thing("wok", 1, 1, 20, 10))
    annotations = read_annotations(configure({"all": "photos", "boxes": "xml"}))
    assert annotations.shares(picture("photos/wok/caf\\xe9.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/frying pan/caf\\xe8.jpg"), (0, 0, 4, 4)) is None


def test_an_empty_folder_of_an_ignored_class_is_no_obstacle(photos: Path, configure: Configure) -> None:
    (photos / "photos/rejects").mkdir()
    write_xml(photos / "xml/any.XML", "w_1.jpg", thing("wok", 1, 1, 20, 10))
    annotations = read_annotations(configure({"all": "photos", "boxes": "xml"}, classes={"ignore": ["rejects"]}))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)


def test_xml_beside_its_picture_may_have_any_name_itself(photos: Path, configure: Configure) -> None:
    write_xml(photos / "photos/wok/labels.xml", "w_1", thing("wok", 1, 1, 20, 10))
    annotations = read_annotations(configure({"all": "photos", "boxes": "photos"}))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)


def test_xml_at_a_pictures_path_says_nothing_of_the_picture_that_it_names(photos: Path, configure: Configure) -> None:
    write_xml(photos / "xml/wok/w_1.xml", "f_1", thing("wok", 1, 1, 20, 10))
    annotations = read_annotations(configure({"all": "photos", "boxes": "xml"}))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/frying pan/f_1.jpg"), (0, 0, 4, 4)) is None


def test_boxes_drawn_at_another_size_are_refused(photos: Path, configure: Configure) -> None:
    write_xml(photos / "xml/w_1.xml", "w_1", thing("wok", 1, 1, 400, 200), size=(400, 200))
    annotations = read_annotations(configure({"all": "photos", "boxes": "xml"}))
    with pytest.raises(AnnotationError, match=r"w_1.xml annotates a picture of 400×200 .* has 20×10"):
        annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 20, 10))


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]>'


@pytest.mark.parametrize(
    ("objects", "head", "reason"),
    [
        (thing("&y;", 1, 1, 4, 4), BOMB, "declares a document type"),
        ("", '<!DOCTYPE a SYSTEM "file:///etc/passwd">', "declares a document type"),
        ("<object>", "", "mismatched tag"),
        (thing("wok", 1, 1, "four", 4), "", "expected four numbers, got object wok, bndbox 1, 1, four, 4"),
        ("<object><name>wok</name></object>", "", "bndbox nothing, nothing"),
        (thing("wok", 5, 1, 4, 4), "", "expected a name and xmin ≤ xmax"),
        (thing("", 1, 1, 4, 4), "", "object without a name"),
        (thing("wok", 1, 1, "nan", 4), "", "expected a name and xmin"),
    ],
)
def test_malformed_xml_is_named_with_its_reason(
    photos: Path, configure: Configure, objects: str, head: str, reason: str
) -> None:
    write_xml(photos / "xml/w_1.xml", "w_1", objects, head=head)
    with pytest.raises(AnnotationError, match=f"w_1.xml cannot be used as Pascal VOC XML: .*{reason}"):
        read_annotations(configure({"all": "photos", "boxes": "xml"}))


def test_a_document_type_in_another_encoding_is_refused_too(photos: Path, configure: Configure) -> None:
    (photos / "xml").mkdir()
    text = f'<?xml version="1.0" encoding="utf-16"?>{BOMB}<annotation><filename>&y;</filename></annotation>'
    (photos / "xml/w_1.xml").write_text(text, encoding="utf-16")
    with pytest.raises(AnnotationError, match="declares a document type"):
        read_annotations(configure({"all": "photos", "boxes": "xml"}))


def test_a_folder_without_xml(photos: Path, configure: Configure) -> None:
    (photos / "xml").mkdir()
    with pytest.raises(AnnotationError, match=r"holds no .xml"):
        read_annotations(configure({"all": "photos", "boxes": "xml"}))


def test_coco_boxes_by_path_or_by_name(photos: Path, configure: Configure) -> None:
    (photos / "boxes.json").write_text(coco())
    annotations = read_annotations(configure({"all": "photos", "boxes": "boxes.json"}))
    assert annotations.shares(picture("photos/wok/w_1.jpg"), (0, 0, 20, 10)) == (("wok", 0.275), ("noodles", 0.25))
    assert annotations.shares(picture("photos/frying pan/f_1.jpg"), (0, 0, 20, 10)) == ()
    assert annotations.shares(picture("photos/wok/w_2.jpg"), (0, 0, 20, 10)) is None


def test_coco_file_names_beside_the_json(photos: Path, configure: Configure) -> None:
    Image.new("RGB", (20, 10)).save(photos / "photos/w_2.jpg")  # of the same name, but not the one beside the JSON
    images = [{"id": 7, "file_name": "w_2.jpg"}]
    boxes = [{"image_id": 7, "category_id": 2, "bbox": [0, 0, 20, 10]}]
    (photos / "photos/wok/boxes.json").write_text(coco(images=images, annotations=boxes))
    annotations = read_annotations(configure({"all": "photos", "boxes": "photos/wok/boxes.json"}))
    assert annotations.shares(picture("photos/wok/w_2.jpg"), (0, 0, 4, 4)) == (("wok", 1.0),)
    assert annotations.shares(picture("photos/w_2.jpg"), (0, 0, 4, 4)) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Invalid JSON"),
        ("[]", "is not COCO JSON"),
        (json.dumps({"images": [], "annotations": []}), "categories: Field required"),
        (coco(annotations=[{"image_id": 7, "category_id": 2, "bbox": [0, 0, 1]}]), r"annotations.0.bbox.3: Field req"),
        (
            coco(annotations=[{"image_id": 8, "category_id": 2, "bbox": [0, 0, 1, 1]}]),
            "annotations.0 speaks of image 8",
        ),
        (coco(annotations=[{"image_id": 7, "category_id": 2, "bbox": [0, 0, -1, 1]}]), "annotations.0: expected bbox"),
        (
            coco(images=[{"id": 7, "file_name": "wok/w_1.jpg"}, {"id": 7, "file_name": "f_1.jpg"}]),
            "two of the images have the id 7",
        ),
        (coco(categories=[{"id": 2, "name": "wok"}, {"id": 2, "name": "lid"}]), "two of the categories have the id 2"),
        (
            coco(images=[{"id": 7, "file_name": "wok/w_1.jpg"}, {"id": 9, "file_name": "./wok/w_1.jpg"}]),
            "two of the images are called './wok/w_1.jpg'",
        ),
    ],
)
def test_malformed_json_is_named_with_its_reason(photos: Path, configure: Configure, text: str, reason: str) -> None:
    (photos / "boxes.json").write_text(text)
    with pytest.raises(AnnotationError, match=f"boxes.json.*{reason}"):
        read_annotations(configure({"all": "photos", "boxes": "boxes.json"}))


def test_a_missing_json(photos: Path, configure: Configure) -> None:
    with pytest.raises(AnnotationError, match=r"there is no file .*absent.json"):
        read_annotations(configure({"all": "photos", "boxes": "absent.json"}))
