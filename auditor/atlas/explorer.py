"""Atlases as the report's explorer draws them: cells, places of pictures, crops packed into one picture an atlas."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from auditor.atlas.drawings.canvas import from_array, square
from auditor.atlas.drawings.tiles import TileArt
from auditor.atlas.grid import bin_numbers
from auditor.atlas.kinds import Atlas, AtlasKind
from auditor.core.records import Cell, Exemplar, FloatArray, ImagePool
from auditor.core.records.explorer import Crop, Explored, ExploredAtlas, MapCell, MapPicture

TILE_PX = 64
MOST_TILES = 1600
"""Of all atlases together: about 3 MB of a report. The coarsest levels get theirs first, then every cell its second."""

CROPS = 6
CLASSES = 5
"""Crops and classes of pictures that a cell shows at most."""

_INT8 = 127


@dataclass(frozen=True, slots=True)
class View:
    """An atlas to be explored.

    Attributes:
        key: of letters, digits and hyphens; names it in files and links.
        layer: the module it maps; left, right: words for the ends of its first axis.
        words: a class' name by cell, where other pictures bear it out.
    """

    key: str
    layer: str
    left: str
    right: str
    atlas: Atlas
    art: TileArt
    words: Mapping[str, str] = field(default_factory=dict)


def explore(views: Sequence[View], pool: ImagePool) -> tuple[Explored, list[Image.Image]]:
    """What the explorer draws of some atlases, and the tiles of each in one picture.

    A picture of the pool is named where a crop of it is shown; its places are told in every atlas.
    """
    pictures: dict[int, int] = {}
    packs = [_pack(view, MOST_TILES // max(1, len(views)), pictures) for view in views]
    atlases = tuple(
        ExploredAtlas(
            key=view.key,
            layer=view.layer,
            left=view.left,
            right=view.right,
            pasted=view.atlas.kind is AtlasKind.PASTED,
            tiles=len(pack.tiles),
            columns=pack.columns,
            tile_px=TILE_PX,
            cells=tuple(
                _cell(view, pack, cell, shows) for cell, shows in zip(_cells(view), _shown(view, pool), strict=True)
            ),
            attribution=_in_bytes(_attributions(view)),
            scale=tuple(_short(float(one)) for one in _largest(_attributions(view))),
            places=_places(view, list(pictures)),
        )
        for view, pack in zip(views, packs, strict=True)
    )
    named = tuple(MapPicture(image.key, image.path, image.label) for image in map(pool.image, pictures))
    return Explored(atlases, named), [pack.picture() for pack in packs]


@dataclass(slots=True)
class _Pack:
    """Tiles of an atlas, each once and at most so many, and which of them a cell shows; crops by their place."""

    most: int
    tiles: list[Image.Image] = field(default_factory=list)
    icons: dict[str, int] = field(default_factory=dict)
    crops: dict[str, list[Crop]] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)

    @property
    def room(self) -> bool:
        return len(self.tiles) < self.most

    @property
    def columns(self) -> int:
        return max(1, math.ceil(math.sqrt(len(self.tiles))))

    def add(self, picture: Image.Image) -> int:
        self.tiles.append(square(picture, TILE_PX))
        return len(self.tiles) - 1

    def picture(self) -> Image.Image:
        rows = max(1, math.ceil(len(self.tiles) / self.columns))
        sheet = Image.new("RGB", (self.columns * TILE_PX, rows * TILE_PX), "white")
        for place, tile in enumerate(self.tiles):
            sheet.paste(tile, (place % self.columns * TILE_PX, place // self.columns * TILE_PX))
        return sheet


def _cells(view: View) -> list[Cell]:
    return sorted(view.atlas.cells, key=lambda cell: (cell.level, cell.row, cell.column))


def _pack(view: View, most: int, pictures: dict[int, int]) -> _Pack:
    """Every cell's nearest crop, icons, then further crops in turn, as long as there is room."""
    pack, cells = _Pack(most), _cells(view)
    for turn in range(CROPS):
        for cell in cells:
            if turn < len(cell.exemplars):
                _show(pack, view.art, cell, cell.exemplars[turn], pictures)
        if turn == 0:  # an icon never stands without its natural crop
            for cell in cells:
                if cell.name in view.art.icons and cell.name in pack.crops and pack.room:
                    pack.icons[cell.name] = pack.add(from_array(view.art.icons[cell.name]))
    return pack


def _show(pack: _Pack, art: TileArt, cell: Cell, exemplar: Exemplar, pictures: dict[int, int]) -> None:
    key = str((exemplar.image_row, exemplar.y, exemplar.x, exemplar.share))  # text, since NaN equals nothing
    if key not in pack.drawn and pack.room:
        pack.drawn[key] = pack.add(art.crop(exemplar))
    if key in pack.drawn:
        number = pictures.setdefault(exemplar.image_row, len(pictures))
        pack.crops.setdefault(cell.name, []).append(Crop(number, pack.drawn[key]))


def _cell(view: View, pack: _Pack, cell: Cell, shows: tuple[tuple[int, int], ...]) -> MapCell:
    return MapCell(
        name=cell.name,
        level=cell.level,
        column=cell.column,
        row=cell.row,
        count=cell.count,
        images=cell.images,
        observed=_with_error(cell.contrast, cell.contrast_error),
        predicted=_with_error(cell.predicted_push, cell.predicted_push_error),
        holds=cell.holds,
        word=view.words.get(cell.name, ""),
        supports=tuple((one.index, _short(one.attribution), _short(one.error)) for one in cell.supports),
        shows=shows,
        icon=pack.icons.get(cell.name),
        crops=tuple(pack.crops.get(cell.name, ())),
    )


def _shown(view: View, pool: ImagePool) -> list[tuple[tuple[int, int], ...]]:
    """For each cell the classes of the pictures with an activation in it, and how many are of each."""
    rows, found = view.atlas.samples.image_row, []
    bins = {level: bin_numbers(view.atlas.xy, level) for level in {cell.level for cell in view.atlas.cells}}
    for cell in _cells(view):
        members = np.unique(rows[bins[cell.level] == cell.row * cell.level + cell.column])
        counted = Counter(pool.image(int(row)).label for row in members)
        ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
        found.append(tuple(ordered[:CLASSES]))
    return found


def _places(view: View, pictures: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """For each picture the numbers of the cells, of all levels, that it has an activation in."""
    cells = _cells(view)
    number = {(cell.level, cell.row * cell.level + cell.column): place for place, cell in enumerate(cells)}
    found: dict[int, set[int]] = {row: set() for row in pictures}
    for level in {cell.level for cell in cells}:
        for row, place in zip(
            view.atlas.samples.image_row.tolist(), bin_numbers(view.atlas.xy, level).tolist(), strict=True
        ):
            if row in found and (level, place) in number:
                found[row].add(number[level, place])
    return tuple(tuple(sorted(found[row])) for row in pictures)


def _attributions(view: View) -> FloatArray:
    """(cells, classes), of no class where the atlas has no attribution."""
    cells = _cells(view)
    return np.stack([cell.mean_attribution for cell in cells]) if cells else np.zeros((0, 0), dtype=np.float32)


def _largest(attributions: FloatArray) -> FloatArray:
    """(classes,) the largest size of attribution to each class."""
    largest: FloatArray = np.abs(attributions).max(axis=0, initial=0.0)
    return largest


def _in_bytes(attributions: FloatArray) -> str:
    """A byte for each: a colour tells no more than 127 steps either way."""
    largest = _largest(attributions)
    steps = np.rint(attributions / np.where(largest > 0, largest, 1) * _INT8).astype(np.int8)
    return base64.b64encode(steps.tobytes()).decode("ascii")


def _with_error(value: float, error: float) -> tuple[float, float] | None:
    return (_short(value), _short(error) if math.isfinite(error) else 0.0) if math.isfinite(value) else None


def _short(value: float) -> float:
    return float(f"{value:.4g}")
