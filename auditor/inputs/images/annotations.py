"""What annotated boxes or masks cover of a part of a picture. Whether that makes it the target is judged elsewhere."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from auditor.core.config import AuditConfig
from auditor.core.errors import AnnotationError, ConfigError, UnknownNameError
from auditor.core.plain_text import file_name
from auditor.core.records import ImageRecord, PixelArray
from auditor.inputs.images.annotations_boxes import NamedBox, PictureBoxes, ReadBoxes, Rectangle, read_boxes
from auditor.inputs.images.annotations_matching import Pictures, matched, refuse_shared_masks
from auditor.inputs.images.mapping import Names

_MASK_MODES = frozenset(("L", "P", "1"))


@dataclass(slots=True)
class Annotations:
    """Boxes and masks of an audit's pictures; build it with `read_annotations`.

    Attributes:
        base: folder that relative picture paths start from (that of the configuration).
        pictures: those that may be annotated; None where there are neither boxes nor masks.
        boxes: what is said of a picture, by its resolved path.
        masks: folder of masks; mask_values: thing -> its value there.
    """

    base: Path
    pictures: Pictures | None = None
    boxes: Mapping[str, PictureBoxes] = field(default_factory=dict)
    masks: Path | None = None
    mask_values: Mapping[str, int] = field(default_factory=dict)
    _last_mask: tuple[Path, PixelArray] | None = None

    def shares(self, image: ImageRecord, box: tuple[int, int, int, int]) -> tuple[tuple[str, float], ...] | None:
        """Which named things cover which share of a box's pixels. The picture itself is not opened.

        Args:
            box: left, top, right, bottom in the upright original picture's pixels; right and bottom are outside.
        Returns:
            (name, share in (0, 1]), largest first, equal shares by name; () where the picture is annotated but
            nothing named lies in the box; None where the picture has no annotation, which says nothing about what
            it shows. A mask, where there is one, goes before boxes. Things may overlap, so shares may exceed 1 in sum.
        Raises:
            AnnotationError: the box is empty, the mask cannot be read, or mask or boxes were drawn at another size than
                the picture has.
        """
        if box[2] <= box[0] or box[3] <= box[1]:
            raise AnnotationError(
                f"the box {box} of {image.path} holds no pixel; expected left < right and top < bottom"
            )
        if self.pictures is None:
            return None
        where = os.path.normpath(self.base / file_name(image.path))
        mask_path = self._mask_path(where)
        if mask_path is not None:
            return _largest_first(_mask_shares(self._mask(mask_path, image), self.mask_values, box))
        said = self.boxes.get(self.pictures.real(where))
        if said is None:
            return None
        _check_size(said, image)
        return _largest_first(_box_shares(said.boxes, box))

    def where(self, image: ImageRecord, *things: str) -> NDArray[np.bool_] | None:
        """Where in a picture one of some named things is annotated: (height, width) of the upright original.

        Returns:
            None where the picture has no annotation, which says nothing about what it shows.
        Raises:
            AnnotationError: as `shares`.
        """
        if self.pictures is None:
            return None
        where = os.path.normpath(self.base / file_name(image.path))
        mask_path = self._mask_path(where)
        if mask_path is not None:
            values = [self.mask_values[thing] for thing in things if thing in self.mask_values]
            return np.isin(self._mask(mask_path, image), values)
        said = self.boxes.get(self.pictures.real(where))
        if said is None:
            return None
        _check_size(said, image)
        inside = np.zeros((image.height_px, image.width_px), dtype=np.bool_)
        for named in said.boxes:
            if named.name in things:
                left, top, right, bottom = (max(0, round(edge)) for edge in named.rectangle)
                inside[top:bottom, left:right] = True
        return inside

    def _mask_path(self, where: str) -> Path | None:
        if self.masks is None or self.pictures is None:
            return None
        paths = (_mask_of(self.masks, relative) for relative in self.pictures.relative_to_roots(where))
        return next((path for path in paths if os.path.isfile(path)), None)

    def _mask(self, path: Path, image: ImageRecord) -> PixelArray:
        # Crops of one picture are asked for one after the other, so one mask is worth keeping.
        if self._last_mask is None or self._last_mask[0] != path:
            self._last_mask = (path, _read_mask(path, image))
        return self._last_mask[1]


def read_annotations(config: AuditConfig, names: Names | None = None) -> Annotations:
    """Read the boxes and find the masks that the configuration names; without either, every picture is unknown.

    A row of the boxes' CSV names its picture by its path from the CSV's folder, or else by its relative path in the
    source of pictures, or from the configuration's folder. A row with a path alone says that its picture was looked at
    and shows none of the named things. An XML file names its picture by its own relative path, or else by the folder
    and file name in it; COCO's JSON by `file_name`: a path from its folder, a relative path, or else the file's name.

    Args:
        names: the model's classes; a box that is named by an alias of one (such as ImageNet's wnid) bears its name.
    Raises:
        AnnotationError: missing or malformed boxes (with the file, and the line), boxes or a mask that could be of
            two pictures, boxes called by what several classes are called, a missing folder of masks, or a mask value
            that 8 bits cannot hold.
    """
    images = config.images
    if images.boxes is None and images.masks is None:
        return Annotations(config.base.resolve())
    read = ReadBoxes() if images.boxes is None else read_boxes(config.path(images.boxes))
    masks = None if images.masks is None else config.path(images.masks)
    if masks is not None and not masks.is_dir():
        raise AnnotationError(f"there is no folder of masks at {masks}; correct images.masks")
    for name, value in images.mask_values.items():
        if not 0 <= value <= 255:
            raise AnnotationError(f"images.mask_values gives {name!r} the value {value}; masks hold 0 to 255")
    pictures = Pictures(config)
    if masks is not None:
        refuse_shared_masks(masks, pictures, _mask_of)
    boxes = _in_class_names(matched(read, pictures), names)
    return Annotations(config.base.resolve(), pictures, boxes, masks, dict(images.mask_values))


def _mask_of(masks: Path, relative: str) -> Path:
    return (masks / relative).with_suffix(".png")


def _in_class_names(boxes: Mapping[str, PictureBoxes], names: Names | None) -> Mapping[str, PictureBoxes]:
    """The boxes with every name that stands for a class (an alias, such as a wnid) turned into the class's own."""
    if names is None:
        return boxes
    called = {box.name for said in boxes.values() for box in said.boxes}
    own = {name: _class_name(name, names) for name in sorted(called)}
    return {
        real: replace(said, boxes=tuple(replace(box, name=own[box.name]) for box in said.boxes))
        for real, said in boxes.items()
    }


def _class_name(name: str, names: Names) -> str:
    try:
        # a bare number would be taken for a class's index
        return name if name.isdecimal() else names.names[names.index_of(name)]
    except UnknownNameError:
        return name
    except ConfigError as problem:
        raise AnnotationError(
            f"images.boxes has boxes called {name!r}, which is no one class's name: {problem}"
        ) from problem


def _box_shares(boxes: Iterable[NamedBox], box: tuple[int, int, int, int]) -> dict[str, float]:
    inside: dict[str, list[Rectangle]] = {}
    for named in boxes:
        left, top = max(named.rectangle[0], box[0]), max(named.rectangle[1], box[1])
        right, bottom = min(named.rectangle[2], box[2]), min(named.rectangle[3], box[3])
        if left < right and top < bottom:
            inside.setdefault(named.name, []).append((left, top, right, bottom))
    area = (box[2] - box[0]) * (box[3] - box[1])
    return {name: union_area(rectangles) / area for name, rectangles in inside.items()}


def union_area(rectangles: Iterable[Rectangle]) -> float:
    """Area covered by at least one of the rectangles (left, top, right, bottom), exactly."""
    rectangles = list(rectangles)
    edges = sorted({edge for left, _, right, _ in rectangles for edge in (left, right)})
    area = 0.0
    for west, east in itertools.pairwise(edges):
        spans = sorted((top, bottom) for left, top, right, bottom in rectangles if left <= west and right >= east)
        reached = -math.inf
        for top, bottom in spans:
            area += (east - west) * max(0.0, bottom - max(top, reached))
            reached = max(reached, bottom)
    return area


def _mask_shares(mask: PixelArray, mask_values: Mapping[str, int], box: tuple[int, int, int, int]) -> dict[str, float]:
    left, top, right, bottom = box
    counts = np.bincount(mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)].ravel(), minlength=256)
    area = (right - left) * (bottom - top)
    return {name: int(counts[value]) / area for name, value in mask_values.items()}


def _largest_first(shares: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(((name, share) for name, share in shares.items() if share > 0), key=lambda s: (-s[1], s[0])))


def _check_size(said: PictureBoxes, image: ImageRecord) -> None:
    width, height = image.width_px, image.height_px
    if said.size_px is not None and said.size_px != (width, height):
        raise AnnotationError(
            f"{said.file} annotates a picture of {said.size_px[0]}×{said.size_px[1]} pixels, but {image.path} has "
            f"{width}×{height} (upright); boxes must be drawn at the picture's own size"
        )


def _read_mask(path: Path, image: ImageRecord) -> PixelArray:
    """(H, W) uint8 values of a mask that has its picture's upright size."""
    size = (image.width_px, image.height_px)
    try:
        with Image.open(path, formats=("PNG",)) as mask:
            if mask.size != size:
                raise AnnotationError(
                    f"the mask {path} has {mask.width}×{mask.height} pixels, its picture {image.path} "
                    f"{size[0]}×{size[1]} (upright); draw it at the picture's size"
                )
            if mask.mode not in _MASK_MODES:
                raise AnnotationError(
                    f"the mask {path} has mode {mask.mode}; expected an 8-bit grey or palette PNG, one value a thing"
                )
            return np.asarray(mask).astype(np.uint8)
    except (UnidentifiedImageError, Image.DecompressionBombError) as problem:
        raise AnnotationError(f"the mask {path} is not a PNG that can be read: {problem}") from problem
    except (OSError, SyntaxError, ValueError) as problem:
        raise AnnotationError(f"the mask {path} is damaged or cannot be opened: {problem}") from problem
