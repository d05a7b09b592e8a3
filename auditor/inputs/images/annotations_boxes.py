"""Read annotated boxes: a CSV, Pascal VOC's (and ImageNet's) XML or COCO's JSON. What they cover is found elsewhere."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from pydantic import BaseModel, ValidationError

from auditor.core.errors import AnnotationError
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
    """What one file says of one picture; `size_px` is the (width, height) that the boxes were drawn at, if stated."""

    boxes: tuple[NamedBox, ...]
    size_px: tuple[int, int] | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class BoxIndex:
    """Annotated pictures, by what their file calls them; a picture is looked for in this order.

    Attributes:
        by_file: by the picture's own resolved path.
        by_path: by relative path in the source; of XML without its suffix.
        by_name: XML and JSON only: from a file's name without suffix to a key of `by_path`, where one annotation alone
            has that name.
    """

    by_file: Mapping[str, PictureBoxes] = field(default_factory=dict)
    by_path: Mapping[str, PictureBoxes] = field(default_factory=dict)
    by_name: Mapping[str, str] = field(default_factory=dict)

    def path_of(self, relatives: Iterable[Path]) -> str | None:
        """The key of `by_path` that a picture has, by one of its paths relative to the sources."""
        keys = (key for path in relatives for key in (path.as_posix(), path.with_suffix("").as_posix()))
        return next((key for key in keys if key in self.by_path), None)

    def at_path(self, image: Path, relatives: Iterable[Path]) -> PictureBoxes | None:
        """What is said of a picture by its whole path, or by one of its paths relative to the sources."""
        return self.by_file.get(str(image.resolve())) or self.by_path.get(self.path_of(relatives) or "")

    def of(self, image: Path, relatives: Iterable[Path]) -> PictureBoxes | None:
        """What is said of a picture; None where nothing is."""
        return self.at_path(image, relatives) or self.by_path.get(self.by_name.get(image.stem, ""))


def read_boxes(path: Path) -> BoxIndex:
    """Read a CSV, a `.json` file (COCO) or a folder of `.xml` files (Pascal VOC), told apart by what `path` is.

    Raises:
        AnnotationError: nothing is there, or a file is malformed; the file and the reason are named.
    """
    if path.is_dir():
        return _read_voc_folder(path)
    return _read_coco(path) if path.suffix.lower() == ".json" else _read_csv(path)


def _read_csv(table: Path) -> BoxIndex:
    by_file: dict[str, PictureBoxes] = {}
    by_path: dict[str, PictureBoxes] = {}
    for line, row in read_rows(table, _COLUMNS, AnnotationError):
        if not row["path"]:
            raise AnnotationError(f"{table}, line {line}: the path is missing")
        file = table.parent / row["path"]
        is_file = file.is_file()
        key = str(file.resolve()) if is_file else Path(os.path.normpath(row["path"])).as_posix()
        index = by_file if is_file else by_path
        before = index[key].boxes if key in index else ()
        index[key] = PictureBoxes((*before, *_row_boxes(row, f"{table}, line {line}")), file=str(table))
    return BoxIndex(by_file, by_path)


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


def _read_voc_folder(folder: Path) -> BoxIndex:
    files = sorted(folder.rglob("*.xml"))
    if not files:
        raise AnnotationError(
            f"{folder} holds no .xml; images.boxes takes a CSV, a COCO .json or a folder of Pascal VOC .xml files"
        )
    said = [(file.relative_to(folder).with_suffix("").as_posix(), *_read_voc(file)) for file in files]
    stems = ((PurePosixPath(named).stem if named else PurePosixPath(own).name, own) for own, named, _ in said)
    return BoxIndex(by_path={own: boxes for own, _, boxes in said}, by_name=_unique(stems))


def _read_voc(file: Path) -> tuple[str, PictureBoxes]:
    """The picture's name as the file states it ("" where it does not), and its boxes.

    Pixels are counted from 1 and both ends lie inside the box, as Pascal VOC's development kit has it.
    """
    try:
        # the tree builder refuses document types, and with them every entity that could be expanded
        root = ElementTree.parse(file, ElementTree.XMLParser(target=_WithoutDtd())).getroot()  # noqa: S314
        boxes = tuple(_voc_box(thing) for thing in root.iter("object"))
        width, height = (int(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    except (AnnotationError, ElementTree.ParseError, OSError, UnicodeError, LookupError, ValueError) as problem:
        raise AnnotationError(f"{file} cannot be used as Pascal VOC XML: {problem}") from problem
    size = (width, height) if width > 0 and height > 0 else None
    # ImageNet's files lack the suffix that Pascal VOC's have, and some state no name but '%s'
    named = (root.findtext("filename") or "").strip().replace("\\", "/")
    return "" if "%" in named else named, PictureBoxes(boxes, size, str(file))


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


def _read_coco(file: Path) -> BoxIndex:
    """COCO's object instances: a picture without any was looked at and shows none of the categories."""
    try:
        content = _Coco.model_validate_json(file.read_bytes())
    except FileNotFoundError as problem:
        raise AnnotationError(f"there is no file {file}; check the path in the configuration") from problem
    except OSError as problem:
        raise AnnotationError(f"{file} cannot be read: {problem}") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise AnnotationError(f"{file} is not COCO JSON: {where + ': ' if where else ''}{first['msg']}") from problem
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
        said = PictureBoxes(tuple(boxes[image.id]), size, str(file))
        beside = file.parent / image.file_name
        if beside.is_file():
            by_file[str(beside.resolve())] = said
            continue
        by_path[Path(os.path.normpath(image.file_name)).as_posix()] = said
    return BoxIndex(by_file, by_path, _unique((PurePosixPath(path).stem, path) for path in by_path))


def _coco_boxes(name: str, bbox: Rectangle, where: str) -> Iterator[NamedBox]:
    left, top, width, height = bbox
    if not all(map(math.isfinite, bbox)) or width < 0 or height < 0:
        raise AnnotationError(f"{where}: expected bbox [left, top, width, height] in pixels, got {list(bbox)}")
    if width > 0 and height > 0:  # published files hold a few boxes without any area, which cover nothing
        yield NamedBox(name, (left, top, left + width, top + height))


def _unique(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Paths by name, without names that two annotations share: which picture they speak of cannot be told from it."""
    by_name: dict[str, str | None] = {}
    for name, path in named:
        by_name[name] = None if name in by_name else path
    return {name: path for name, path in by_name.items() if path is not None}
