"""What the report's explorer draws: atlases by their cells, with crops in one picture an atlas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop that a cell shows: its picture among `Explored.pictures`, and its number among the atlas' tiles."""

    picture: int
    tile: int


@dataclass(frozen=True, slots=True)
class MapCell:
    """A cell as the explorer shows it.

    Attributes:
        name, level, column, row, count, images: as a `Cell`'s.
        observed, predicted: both readings of push and their standard errors, logits; None where not measured.
        holds: whether what it says of push held on other pictures; None where that was not asked.
        word: of a class that other pictures bear out, "" without one.
        supports: class, attribution and standard error, the largest first.
        shows: class and how many pictures with an activation in the cell are of it, the most first.
        icon: its number among the tiles, None without one.
        crops: around its exemplars, nearest first; none where the tiles did not suffice.
    """

    name: str
    level: int
    column: int
    row: int
    count: int
    images: int
    observed: tuple[float, float] | None
    predicted: tuple[float, float] | None
    holds: bool | None
    word: str
    supports: tuple[tuple[int, float, float], ...]
    shows: tuple[tuple[int, int], ...]
    icon: int | None
    crops: tuple[Crop, ...]


@dataclass(frozen=True, slots=True)
class MapPicture:
    """A picture that some crop was cut from: key, path, and class index, -1 of one that nobody labelled."""

    key: str
    path: str
    label: int


@dataclass(frozen=True, slots=True)
class ExploredAtlas:
    """One atlas of the explorer.

    Attributes:
        key: names it in links and files: `pair`, `pasted`, or a further layer's.
        layer: the module it maps; left, right: words for the ends of its first axis.
        pasted: its cells are of patches where they are pasted, placed by the push foretold.
        tiles: crops and icons drawn; columns: of them in one row of the picture; tile_px: the side of one.
        attribution: (cells, classes) as int8 in base64, row by row, "" of an atlas without; times `scale` over 127 it
            is the mean attribution in logits.
        places: for each of `Explored.pictures`, the numbers of the cells that it has an activation in.
    """

    key: str
    layer: str
    left: str
    right: str
    pasted: bool
    tiles: int
    columns: int
    tile_px: int
    cells: tuple[MapCell, ...]
    attribution: str
    scale: tuple[float, ...]
    places: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Explored:
    """All atlases of a run's explorer, and the pictures that their crops were cut from."""

    atlases: tuple[ExploredAtlas, ...]
    pictures: tuple[MapPicture, ...]
