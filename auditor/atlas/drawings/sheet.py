"""One level of an atlas on one sheet: every cell at its place, with a legend. What cells say was found before."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from PIL import Image

from auditor.atlas.drawings.canvas import SHARPNESS, WIDEST_PX, Canvas
from auditor.atlas.drawings.colours import FRAME, INK, PLOT, SOFT_INK, UNKNOWN, contrast_colour, largest_size
from auditor.atlas.drawings.legend import (
    AXIS_HEIGHT,
    KEY_HEIGHT,
    MARK_HEIGHT,
    Mark,
    draw_axis,
    draw_colour_key,
    draw_marks,
    draw_size_key,
    lines_of,
)
from auditor.atlas.drawings.tiles import (
    Box,
    TileArt,
    border_of,
    draw_mark,
    draw_tile,
    mark_radius,
    tile_box,
    tile_share,
)
from auditor.atlas.kinds import AtlasKind
from auditor.core.records import Cell

_HEAD = 66  # nominal pixels
_MARGIN = 24 * SHARPNESS
_GAP = 4 * SHARPNESS
_WIDEST_PLOT = WIDEST_PX - 2 * _MARGIN
_LEAST_PLOT = 460 * SHARPNESS  # a coarse grid of few tiles still leaves room for the words
_LARGEST_BIN = 72 * SHARPNESS  # for each picture in it
_LEAST_FOR_LABEL = 64 * SHARPNESS
_PLOT_OF_PLAIN_TYPE = 1000  # drawn pixels of plot to a drawn pixel of unit: a wide sheet is seen from further away


@dataclass(frozen=True, slots=True)
class Scope:
    """Which atlas a sheet shows.

    Attributes:
        source, target: names of the pair whose contrast the colours show; empty where there is no pair.
        kind: a pair's atlas has the contrast as its left-right axis, that of patches as pasted the push, others none.
        class_name: whose atlas it is, where it is a class's.
        layer: its name, where several are shown beside each other.
    """

    source: str = ""
    target: str = ""
    kind: AtlasKind = AtlasKind.PAIR
    class_name: str = ""
    layer: str = ""

    @property
    def title(self) -> str:
        return f"{self._shows}, layer {self.layer}" if self.layer else self._shows

    @property
    def _shows(self) -> str:
        if self.kind is AtlasKind.PAIR:
            return f"What the network sees between {self.source} and {self.target}"
        if self.kind is AtlasKind.PASTED:
            return f"Patches pasted on {self.source}: which push towards {self.target}"
        if self.kind is AtlasKind.CLASS:
            return f"What the network counts towards {self.class_name}"
        return "What the network sees in all pictures"

    @property
    def axis(self) -> tuple[str, str, str] | None:
        """What the left end of the left-right axis, its middle and its right end say; None without such an axis."""
        if self.kind is AtlasKind.PAIR:
            return f"towards {self.source}", "contrast (logits)", f"towards {self.target}"
        if self.kind is AtlasKind.PASTED:
            return "less than covering", "push over covering (logits)", f"towards {self.target}"
        return None


@dataclass(frozen=True, slots=True)
class Notes:
    """What is told of the cells beside their pictures; every mapping and set goes by the cell's name.

    Attributes:
        labels: a few words under a tile, where the level leaves room.
        colour_by: the push that borders show: `observed`, or `predicted` (grey where not screened).
        candidates: cells that gave a candidate.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    colour_by: Literal["observed", "predicted"] = "observed"
    candidates: Collection[str] = frozenset()

    def push(self, cell: Cell) -> float:
        """The number behind the cell's border, logits; NaN where it is not known."""
        return cell.contrast if self.colour_by == "observed" else cell.predicted_push

    @property
    def push_words(self) -> str:
        if self.colour_by == "observed":
            return "border: observed push (logits)"
        return "border: predicted push (logits)"


def draw_sheet(cells: Sequence[Cell], art: TileArt, scope: Scope, notes: Notes | None = None) -> Image.Image:
    """Draw one level of an atlas.

    A tile holds the cell's icon beside its natural crop, and grows with the cell's activations. Where fewer than half
    of the cells have an icon, all show the crop alone: a few icons would take half of everyone's room. The border
    shows a push; it is dashed where what the cell says of push did not hold on other pictures.

    Args:
        cells: of one level; bins without a cell, and cells without exemplars, stay blank.
        art: where crops and icons come from.
        notes: labels, colours and marks.
    Returns:
        RGB, `SHARPNESS` drawn pixels to a nominal one, at most `WIDEST_PX` wide.
    """
    notes = notes or Notes()
    shown = [cell for cell in cells if cell.exemplars]
    if 2 * sum(cell.name in art.icons for cell in shown) < len(shown):
        art = replace(art, icons={})
    plan = _Plan.of(cells, art, notes)
    canvas = Canvas.blank(plan.right + plan.left, plan.bottom, plan.unit)
    marks = lines_of(canvas, _marks(shown, notes, scope), plan.right - plan.left)
    axis = canvas.px(AXIS_HEIGHT) if scope.axis else 0
    keys = canvas.px(KEY_HEIGHT + MARK_HEIGHT * len(marks)) if shown else 0
    canvas = Canvas.blank(plan.right + plan.left, plan.bottom + axis + keys + canvas.px(32), plan.unit)
    _draw_head(canvas, plan, cells, art, scope)
    _draw_plot(canvas, plan, scope)
    largest = largest_size([notes.push(cell) for cell in shown])
    for cell in shown:
        _draw_cell(canvas, plan, cell, art, notes, largest)
    for cell in shown:
        if cell.name in notes.candidates:  # above the neighbours, into whose bins it may reach
            _, top, right, bottom = plan.box(cell, art)
            draw_mark(canvas, (right - 1, top), mark_radius(bottom - top))
    below = plan.bottom + canvas.px(16)
    if scope.axis:
        draw_axis(canvas, plan.left, plan.right, below, scope.axis)
    if shown:
        draw_size_key(canvas, plan.left, below + axis, [cell.count for cell in shown], _counted(scope))
        if scope.source:
            ends = ("", scope.target) if scope.kind is AtlasKind.PASTED else (scope.source, scope.target)
            draw_colour_key(canvas, plan.right, below + axis, notes.push_words, largest, ends)
        draw_marks(canvas, plan.left, below + axis + canvas.px(KEY_HEIGHT), marks)
    return canvas.image


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where bins lie, in drawn pixels: a bin is as wide as its pictures side by side, and has its label below.

    Attributes:
        picture: side of the largest picture with its gap; label: height of the line below, 0 where none has room.
        most: activations of the densest cell.
        unit: drawn pixels to a nominal one of the words around the plot, larger on a wider sheet.
    """

    level: int
    bin_width: int
    picture: int
    label: int
    most: int
    unit: float

    @classmethod
    def of(cls, cells: Sequence[Cell], art: TileArt, notes: Notes) -> _Plan:
        level = max((cell.level for cell in cells), default=1)
        abreast = max([1, *(art.shows(cell) for cell in cells)])
        width = max(1, min(_LARGEST_BIN * abreast, _WIDEST_PLOT // level))
        width = max(width, math.ceil(_LEAST_PLOT / level))
        words = bool(notes.labels) and width >= _LEAST_FOR_LABEL
        return cls(
            level=level,
            bin_width=width,
            picture=width // abreast,
            label=round(1.6 * _label_size(width)) if words else 0,
            most=max((cell.count for cell in cells), default=1),
            unit=max(float(SHARPNESS), level * width / _PLOT_OF_PLAIN_TYPE),
        )

    @property
    def left(self) -> int:
        return _MARGIN

    @property
    def top(self) -> int:
        return round(_HEAD * self.unit)

    @property
    def right(self) -> int:
        return self.left + self.level * self.bin_width

    @property
    def bottom(self) -> int:
        return self.top + self.level * (self.picture + self.label)

    def box(self, cell: Cell, art: TileArt) -> Box:
        """Left, top, right, bottom (exclusive) of the cell's tile, in the middle of its bin."""
        gap = min(_GAP, max(1, self.picture // 12))
        height = max(5, round((self.picture - gap) * tile_share(cell.count, self.most)))
        x = self.left + cell.column * self.bin_width + self.bin_width // 2
        y = self.top + cell.row * (self.picture + self.label) + self.picture // 2
        return tile_box(x, y, height, art.shows(cell))


def _label_size(bin_width: int) -> int:
    """Size of a label's type in drawn pixels."""
    return max(18, min(26, bin_width // 9))


def _draw_head(canvas: Canvas, plan: _Plan, cells: Sequence[Cell], art: TileArt, scope: Scope) -> None:
    room = plan.right - plan.left
    shown = (
        "the crop nearest its cell's mean"
        if scope.kind is AtlasKind.PASTED
        else "the photo crop nearest its cell's mean"
    )
    if any(art.shows(cell) == 2 for cell in cells):
        shown = f"icon, then {shown}"
    near = f"Like {_counted(scope)} lie at like heights." if scope.axis else "What is near is alike."
    words = " Words: what else it supports, where other pictures bear it out." if scope.kind is AtlasKind.CLASS else ""
    asked = [cell for cell in cells if cell.held is not None]
    holding = f" {sum(cell.holds is True for cell in asked)} hold." if asked else ""
    counted = f"{sum(cell.count for cell in cells)} {_counted(scope)} in {len(cells)} cells.{holding}"
    note = f"{counted} Each tile: {shown}. {near}{words}"
    canvas.text((plan.left, canvas.px(15)), scope.title, canvas.fitting(scope.title, 18, room), INK, "la", room)
    canvas.text((plan.left, canvas.px(41)), note, canvas.fitting(note, 12, room), SOFT_INK, "la", room)


def _draw_plot(canvas: Canvas, plan: _Plan, scope: Scope) -> None:
    canvas.draw.rectangle((plan.left, plan.top, plan.right, plan.bottom), fill=PLOT, outline=FRAME, width=canvas.px(1))
    if not scope.axis:
        return
    dash, middle = canvas.px(5), (plan.left + plan.right) // 2
    for y in range(plan.top, plan.bottom, 2 * dash):
        canvas.draw.line((middle, y, middle, min(y + dash, plan.bottom)), fill=FRAME, width=canvas.px(1))


def _draw_cell(canvas: Canvas, plan: _Plan, cell: Cell, art: TileArt, notes: Notes, largest: float) -> None:
    box = plan.box(cell, art)
    left, top, right, bottom = box
    pictures = art.pictures(cell, bottom - top - 2 * border_of(bottom - top))
    draw_tile(canvas, box, pictures, contrast_colour(notes.push(cell), largest), _fails(cell))
    if plan.label and cell.name in notes.labels:
        at, size = ((left + right) / 2, bottom + 4), _label_size(plan.bin_width) / canvas.unit
        canvas.text(at, notes.labels[cell.name], size, SOFT_INK, "ma", plan.bin_width - 4)


def _fails(cell: Cell) -> bool:
    return cell.holds is False


def _counted(scope: Scope) -> str:
    """What lies in the cells."""
    return "crops" if scope.kind is AtlasKind.PASTED else "activations"


def _marks(shown: Sequence[Cell], notes: Notes, scope: Scope) -> list[Mark]:
    """Only what the sheet holds is explained."""
    marks: list[Mark] = []
    if any(cell.name in notes.candidates for cell in shown):
        marks.append(Mark("gave a candidate", "disc"))
    if any(_fails(cell) for cell in shown):
        if scope.kind is AtlasKind.PASTED:
            marks.append(Mark("dashed: did not hold, crops of other pictures do not push so", "dashed"))
        else:
            marks.append(Mark("dashed: contrast did not hold on other pictures or layouts", "dashed"))
    if scope.source and any(math.isnan(notes.push(cell)) for cell in shown):
        words = "grey: contrast not known" if notes.colour_by == "observed" else "grey: not screened"
        marks.append(Mark(words, "frame", UNKNOWN))
    return marks
