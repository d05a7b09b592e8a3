"""Read annotated boxes: a CSV, Pascal VOC's (and ImageNet's) XML or COCO's JSON. What they cover is found elsewhere."""

from __future__ import annotations

import io
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from pydantic import BaseModel, ValidationError

from auditor.core.errors import AnnotationError
from auditor.core.files import read_file
from auditor.inputs.images.csv_rows import read_rows

Rectangle = tuple[float, float, float, float]
_COLUMNS = ("path", "name", "left", "top", "right", "bottom")


@dataclass(frozen=True, slots=True)
class NamedBox:
    """One annotated thing: left, top, right, bottom in the upright picture's pixels; right and bottom are outside."""

    name: str
    rectangle: Rectangle


@dataclass(frozen=True, slots=True)
class PictureBoxes:
    """What one file says of one picture.

    Attributes:
        size_px: the (width, height) that the boxes were drawn at, if stated.
        file: where it is said.
        path: the picture's relative path, `/` between folders; of XML that of the file itself without its suffix.
        stated: XML and JSON only: what the file calls its picture, with as many folders as it states; "" for nothing.
    """

    boxes: tuple[NamedBox, ...]
    size_px: tuple[int, int] | None = None
    file: str = ""
    path: str = ""
    stated: str = ""


@dataclass(frozen=True, slots=True)
class ReadBoxes:
    """The boxes of one file or folder, not yet given to pictures.

    Attributes:
        by_file: of pictures that were found beside the file, by their resolved paths.
        others: of pictures that are still to be found, each `path` once.
    """

    by_file: Mapping[str, PictureBoxes] = field(default_factory=dict)
    others: tuple[PictureBoxes, ...] = ()


def read_boxes(path: Path) -> ReadBoxes:
    """Read a CSV, a `.json` file (COCO) or a folder of `.xml` files (Pascal VOC), told apart by what `path` is.

    Raises:
        AnnotationError: nothing is there, or a file is malformed; the file and the reason are named.
    """
    if path.is_dir():
        return _read_voc_folder(path)
    return _read_coco(path) if path.suffix.lower() == ".json" else _read_csv(path)


def _read_csv(table: Path) -> ReadBoxes:
    by_file: dict[str, PictureBoxes] = {}
    by_path: dict[str, PictureBoxes] = {}
    for line, row in read_rows(table, _COLUMNS, AnnotationError):
        if not row["path"]:
            raise AnnotationError(f"{table}, line {line}: the path is missing")
        file = table.parent / row["path"]
        is_file = os.path.isfile(file)  # unlike pathlib's it takes any name, however long
        key = os.path.realpath(file) if is_file else Path(os.path.normpath(row["path"])).as_posix()
        index = by_file if is_file else by_path
        before = index[key].boxes if key in index else ()
        index[key] = PictureBoxes((*before, *_row_boxes(row, f"{table}, line {line}")), file=str(table), path=key)
    return ReadBoxes(by_file, tuple(by_path.values()))


def _row_boxes(row: Mapping[str, str], where: str) -> tuple[NamedBox, ...]:
    if not any(row[column] for column in _COLUMNS[1:]):
        return ()
    try:
        left, top, right, bottom = (float(row[column]) for column in _COLUMNS[2:])
    except ValueError as problem:
        raise AnnotationError(f"{where}: left, top, right and bottom must be pixels ({problem})") from problem
    ordered = all(map(math.isfinite, (left, top, right, bottom))) and left < right and top < bottom
    if not row["name"] or not ordered:
        raise AnnotationError(
            f"{where}: expected a name and left < right, top < bottom, got {','.join(row[c] for c in _COLUMNS[1:])}"
        )
    return (NamedBox(row["name"], (left, top, right, bottom)),)


class _WithoutDtd(ElementTree.TreeBuilder):
    """Refuses a document type before anything in it is read: without one there are no entities to expand."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        del pubid, system
        raise AnnotationError(f"it declares a document type ({name}), which is never read; take the declaration out")


def _read_voc_folder(folder: Path) -> ReadBoxes:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".xml")
    if not files:
        raise AnnotationError(
            f"{folder} holds no .xml; images.boxes takes a CSV, a COCO .json or a folder of Pascal VOC .xml files"
        )
    said = tuple(_read_voc(file, folder) for file in files)
    twice = next((path for path, count in Counter(one.path for one in said).items() if count > 1), None)
    if twice is not None:
        raise AnnotationError(f"{folder} holds {twice}.xml and {twice}.XML; keep one of them")
    return ReadBoxes(others=said)


def _read_voc(file: Path, folder: Path) -> PictureBoxes:
    """What one XML file says; without a name for its picture it is called as the file itself.

    Pixels are counted from 1 and both ends lie inside the box, as Pascal VOC's development kit has it.
    """
    try:
        # the tree builder refuses document types, and with them every entity that could be expanded
        root = ElementTree.parse(io.BytesIO(read_file(file)), ElementTree.XMLParser(target=_WithoutDtd())).getroot()  # noqa: S314
        boxes = tuple(_voc_box(thing) for thing in root.iter("object"))
        width, height = (int(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    except (AnnotationError, ElementTree.ParseError, OSError, UnicodeError, LookupError, ValueError) as problem:
        raise AnnotationError(f"{file} cannot be used as Pascal VOC XML: {problem}") from problem
    size = (width, height) if width > 0 and height > 0 else None
    own = file.relative_to(folder).with_suffix("").as_posix()
    beside, named = ((root.findtext(tag) or "").strip().replace("\\", "/") for tag in ("folder", "filename"))
    # ImageNet's files lack the suffix that Pascal VOC's have, and some state no name but '%s'
    if not named or "%" in named:
        stated = PurePosixPath(own).name
    else:
        stated = named if "/" in named or not beside else f"{beside}/{named}"
    return PictureBoxes(boxes, size, str(file), own, stated)


def _voc_box(thing: ElementTree.Element) -> NamedBox:
    name = (thing.findtext("name") or "").strip()
    edges = [(thing.findtext(f"bndbox/{edge}") or "").strip() for edge in ("xmin", "ymin", "xmax", "ymax")]
    shown = f"object {name or 'without a name'}, bndbox {', '.join(edge or 'nothing' for edge in edges)}"
    try:
        xmin, ymin, xmax, ymax = (float(edge) for edge in edges)
    except ValueError as problem:
        raise AnnotationError(f"expected four numbers, got {shown}") from problem
    ordered = all(map(math.isfinite, (xmin, ymin, xmax, ymax))) and xmin <= xmax and ymin <= ymax
    if not name or not ordered:
        raise AnnotationError(f"expected a name and xmin ≤ xmax, ymin ≤ ymax, got {shown}")
    return NamedBox(name, (max(xmin - 1, 0.0), max(ymin - 1, 0.0), xmax, ymax))


class _CocoImage(BaseModel):
    id: int
    file_name: str
    width: int = 0
    height: int = 0


class _CocoBox(BaseModel):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]


class _CocoCategory(BaseModel):
    id: int
    name: str


class _Coco(BaseModel):
    images: list[_CocoImage]
    annotations: list[_CocoBox]
    categories: list[_CocoCategory]


def _read_coco(file: Path) -> ReadBoxes:
    """COCO's object instances: a picture without any was looked at and shows none of the categories."""
    try:
        content = _Coco.model_validate_json(read_file(file))
    except FileNotFoundError as problem:
        raise AnnotationError(f"there is no file {file}; check the path in the configuration") from problem
    except OSError as problem:
        raise AnnotationError(f"{file} cannot be read: {problem.strerror or problem}") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise AnnotationError(f"{file} is not COCO JSON: {where + ': ' if where else ''}{first['msg']}") from problem
    for kind, ids in (
        ("images", [image.id for image in content.images]),
        ("categories", [category.id for category in content.categories]),
    ):
        twice = next((one for one, count in Counter(ids).items() if count > 1), None)
        if twice is not None:
            raise AnnotationError(f"{file}: two of the {kind} have the id {twice}; boxes could be of either")
    names = {category.id: category.name for category in content.categories}
    boxes: dict[int, list[NamedBox]] = {image.id: [] for image in content.images}
    for number, annotation in enumerate(content.annotations):
        where = f"{file}: annotations.{number}"
        if annotation.image_id not in boxes or annotation.category_id not in names:
            raise AnnotationError(
                f"{where} speaks of image {annotation.image_id} and category {annotation.category_id}; "
                "both must be listed under images and categories"
            )
        boxes[annotation.image_id].extend(_coco_boxes(names[annotation.category_id], annotation.bbox, where))
    by_file: dict[str, PictureBoxes] = {}
    by_path: dict[str, PictureBoxes] = {}
    for image in content.images:
        size = (image.width, image.height) if image.width > 0 and image.height > 0 else None
        path = Path(os.path.normpath(image.file_name.replace("\\", "/"))).as_posix()
        beside = file.parent / path
        is_file = os.path.isfile(beside)
        index, key = (by_file, os.path.realpath(beside)) if is_file else (by_path, path)
        if key in index:
            raise AnnotationError(f"{file}: two of the images are called {image.file_name!r}; list each picture once")
        index[key] = PictureBoxes(tuple(boxes[image.id]), size, str(file), path, path)
    return ReadBoxes(by_file, tuple(by_path.values()))


def _coco_boxes(name: str, bbox: Rectangle, where: str) -> Iterator[NamedBox]:
    left, top, width, height = bbox
    if not all(map(math.isfinite, bbox)) or width < 0 or height < 0:
        raise AnnotationError(f"{where}: expected bbox [left, top, width, height] in pixels, got {list(bbox)}")
    if width > 0 and height > 0:  # published files hold a few boxes without any area, which cover nothing
        yield NamedBox(name, (left, top, left + width, top + height))
