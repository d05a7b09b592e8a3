"""What annotated boxes or masks cover of a part of a picture. Whether that makes it the target is judged elsewhere."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from auditor.config import AuditConfig
from auditor.errors import AnnotationError, UnreadableImageError
from auditor.images.reading import upright_size
from auditor.images.tables import read_rows
from auditor.records import PixelArray

Rectangle = tuple[float, float, float, float]
_BOX_COLUMNS = ("path", "name", "left", "top", "right", "bottom")
_MASK_MODES = frozenset(("L", "P", "1"))


@dataclass(frozen=True, slots=True)
class NamedBox:
    """One annotated thing: left, top, right, bottom in the upright picture's pixels; right and bottom are outside."""

    name: str
    rectangle: Rectangle


@dataclass(slots=True)
class Annotations:
    """Boxes and masks of an audit's pictures; build it with `read_annotations`.

    Attributes:
        base: folder that relative picture paths start from (that of the configuration).
        roots: folders of the sources; a picture's relative path starts at the innermost root that holds it.
        boxes_by_file: boxes of rows whose path, from the CSV's own folder, is a file.
        boxes_by_name: boxes of all other rows, by relative path in the source.
        masks: folder of masks; mask_values: thing -> its value there.
    """

    base: Path
    roots: tuple[Path, ...] = ()
    boxes_by_file: Mapping[str, tuple[NamedBox, ...]] = field(default_factory=dict)
    boxes_by_name: Mapping[str, tuple[NamedBox, ...]] = field(default_factory=dict)
    masks: Path | None = None
    mask_values: Mapping[str, int] = field(default_factory=dict)
    max_pixels: int = 50_000_000
    _last_mask: tuple[Path, PixelArray] | None = None

    def shares(self, image_path: str | Path, box: tuple[int, int, int, int]) -> tuple[tuple[str, float], ...] | None:
        """Which named things cover which share of a box's pixels.

        Args:
            image_path: as in `ImageRecord.path` (relative to the configuration's folder), or absolute.
            box: left, top, right, bottom in the upright original picture's pixels; right and bottom are outside.
        Returns:
            (name, share in (0, 1]), largest first, equal shares by name; () where the picture is annotated but
            nothing named lies in the box; None where the picture has no annotation, which says nothing about what
            it shows. A mask, where there is one, goes before boxes. Things may overlap, so shares may exceed 1 in sum.
        Raises:
            AnnotationError: the box is empty, or the mask cannot be read or has another size than its picture.
        """
        if box[2] <= box[0] or box[3] <= box[1]:
            raise AnnotationError(
                f"the box {box} of {image_path} holds no pixel; expected left < right and top < bottom"
            )
        image = self._absolute(image_path)
        mask_path = self._mask_path(image)
        if mask_path is not None:
            return _largest_first(_mask_shares(self._mask(mask_path, image), self.mask_values, box))
        boxes = self._boxes(image)
        return None if boxes is None else _largest_first(_box_shares(boxes, box))

    def covers(self, image_path: str | Path) -> bool:
        """Whether the picture has a mask or a row of boxes."""
        image = self._absolute(image_path)
        return self._mask_path(image) is not None or self._boxes(image) is not None

    def _absolute(self, image_path: str | Path) -> Path:
        return Path(os.path.normpath(self.base / image_path))

    def _relative(self, image: Path) -> Iterable[Path]:
        """The picture's paths relative to the roots that hold it, from the innermost root outwards."""
        inside = [root for root in self.roots if image.is_relative_to(root)]
        return (image.relative_to(root) for root in sorted(inside, key=lambda root: -len(root.parts)))

    def _boxes(self, image: Path) -> tuple[NamedBox, ...] | None:
        by_file = self.boxes_by_file.get(str(image.resolve()))
        if by_file is not None:
            return by_file
        named = (self.boxes_by_name.get(relative.as_posix()) for relative in self._relative(image))
        return next((boxes for boxes in named if boxes is not None), None)

    def _mask_path(self, image: Path) -> Path | None:
        if self.masks is None:
            return None
        paths = (self.masks / relative.with_suffix(".png") for relative in self._relative(image))
        return next((path for path in paths if path.is_file()), None)

    def _mask(self, path: Path, image: Path) -> PixelArray:
        # Crops of one picture are asked for one after the other, so one mask is worth keeping.
        if self._last_mask is None or self._last_mask[0] != path:
            self._last_mask = (path, _read_mask(path, image, self.max_pixels))
        return self._last_mask[1]


def read_annotations(config: AuditConfig) -> Annotations:
    """Read the boxes and find the masks that the configuration names; without either, every picture is unknown.

    A row of the boxes' CSV names its picture by its path from the CSV's folder, or else by its relative path in the
    source of pictures. A row with a path alone says that its picture was looked at and shows none of the named things.

    Raises:
        AnnotationError: a missing or malformed CSV (with the line), a missing folder of masks, or a mask value that
            8 bits cannot hold.
    """
    images = config.images
    sources = (images.all, images.discovery, images.selection, images.confirmation)
    roots = [Path(os.path.normpath(config.base.resolve() / Path(source).expanduser())) for source in sources if source]
    by_file: dict[str, tuple[NamedBox, ...]] = {}
    by_name: dict[str, tuple[NamedBox, ...]] = {}
    if images.boxes is not None:
        by_file, by_name = _read_boxes(config.path(images.boxes))
    masks = None if images.masks is None else config.path(images.masks)
    if masks is not None and not masks.is_dir():
        raise AnnotationError(f"there is no folder of masks at {masks}; correct images.masks")
    for name, value in images.mask_values.items():
        if not 0 <= value <= 255:
            raise AnnotationError(f"images.mask_values gives {name!r} the value {value}; masks hold 0 to 255")
    return Annotations(
        base=config.base.resolve(),
        roots=tuple(root if root.is_dir() else root.parent for root in roots),
        boxes_by_file=by_file,
        boxes_by_name=by_name,
        masks=masks,
        mask_values=dict(images.mask_values),
        max_pixels=images.max_pixels,
    )


def _read_boxes(table: Path) -> tuple[dict[str, tuple[NamedBox, ...]], dict[str, tuple[NamedBox, ...]]]:
    by_file: dict[str, tuple[NamedBox, ...]] = {}
    by_name: dict[str, tuple[NamedBox, ...]] = {}
    for line, row in read_rows(table, _BOX_COLUMNS, AnnotationError):
        if not row["path"]:
            raise AnnotationError(f"{table}, line {line}: the path is missing")
        boxes = _parse_boxes(row, f"{table}, line {line}")
        file = table.parent / row["path"]
        if file.is_file():
            key = str(file.resolve())
            by_file[key] = (*by_file.get(key, ()), *boxes)
        else:
            key = Path(os.path.normpath(row["path"])).as_posix()
            by_name[key] = (*by_name.get(key, ()), *boxes)
    return by_file, by_name


def _parse_boxes(row: Mapping[str, str], where: str) -> tuple[NamedBox, ...]:
    if not any(row[column] for column in _BOX_COLUMNS[1:]):
        return ()
    try:
        left, top, right, bottom = (float(row[column]) for column in _BOX_COLUMNS[2:])
    except ValueError as problem:
        raise AnnotationError(f"{where}: left, top, right and bottom must be pixels ({problem})") from problem
    ordered = all(map(math.isfinite, (left, top, right, bottom))) and left < right and top < bottom
    if not row["name"] or not ordered:
        raise AnnotationError(
            f"{where}: expected a name and left < right, top < bottom, got {','.join(row[c] for c in _BOX_COLUMNS[1:])}"
        )
    return (NamedBox(row["name"], (left, top, right, bottom)),)


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


def _read_mask(path: Path, image: Path, max_pixels: int) -> PixelArray:
    """(H, W) uint8 values of a mask that has its picture's upright size."""
    try:
        size = upright_size(image, max_pixels)
    except UnreadableImageError as problem:
        raise AnnotationError(f"{image} cannot be compared with its mask {path}: {problem}") from problem
    try:
        with Image.open(path, formats=("PNG",)) as mask:
            if mask.size != size:
                raise AnnotationError(
                    f"the mask {path} has {mask.width}×{mask.height} pixels, its picture {image} {size[0]}×{size[1]} "
                    "(upright); draw it at the picture's size"
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
