"""One cell as a tile: its icon beside its natural crop, in a border of its colour. Places are the sheet's affair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from auditor.atlas.drawings.canvas import Canvas, from_array, square
from auditor.atlas.drawings.colours import INK, PLOT, Colour
from auditor.atlas.drawings.natural_crops import CropOf
from auditor.core.records import Cell, Exemplar, PixelArray

Icons = Mapping[str, PixelArray]
"""Name of a cell to its icon, (3, s, s) RGB or (4, s, s) RGBA uint8; cells may lack one."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class TileArt:
    """What a cell looks like: `crop_of` is always asked, so that an icon never stands without its natural crop."""

    crop_of: CropOf
    icons: Icons = field(default_factory=dict)

    def pictures(self, cell: Cell, side: int) -> list[Image.Image]:
        """The icon, where there is one, then the crop nearest the cell's mean, as squares; none without exemplars."""
        if not cell.exemplars:
            return []
        crop = square(self.crop(cell.exemplars[0]), side)
        icon = self.icons.get(cell.name)
        return [crop] if icon is None else [square(from_array(icon), side), crop]

    def crop(self, exemplar: Exemplar) -> Image.Image:
        """The natural crop of an exemplar."""
        return self.crop_of(exemplar.image_row, exemplar.y, exemplar.x, exemplar.share)

    def shows(self, cell: Cell) -> int:
        """How many pictures the cell's tile holds: 0, 1 or 2."""
        return (1 + (cell.name in self.icons)) if cell.exemplars else 0


def tile_share(count: int, largest: int) -> float:
    """Side of a tile as a share of its bin: the square root of its density, but never too small to see, (0.6, 1]."""
    return 0.6 + 0.4 * math.sqrt(count / largest)


def border_of(height: int) -> int:
    """Border of a tile of this height, in drawn pixels."""
    return max(2, height // 20)


def tile_box(centre_x: int, centre_y: int, height: int, pictures: int) -> Box:
    """Left, top, right, bottom (exclusive) of a tile whose pictures stand side by side, a border around each."""
    border = border_of(height)
    width = border + pictures * (height - border)
    left, top = centre_x - width // 2, centre_y - height // 2
    return left, top, left + width, top + height


def draw_tile(canvas: Canvas, box: Box, pictures: list[Image.Image], colour: Colour, dashed: bool) -> None:
    """Draw square pictures side by side, with a border around each."""
    left, top, right, bottom = box
    border = border_of(bottom - top)
    side = bottom - top - 2 * border
    canvas.draw.rectangle((left, top, right - 1, bottom - 1), fill=colour)
    if dashed:
        draw_gaps(canvas.draw, box, border)
    for place, picture in enumerate(pictures):
        canvas.image.paste(picture, (left + border + place * (side + border), top + border))


def draw_gaps(draw: ImageDraw.ImageDraw, box: Box, border: int) -> None:
    """Cut gaps as long as the dashes between them into a border, so that it reads as dashed."""
    left, top, right, bottom = box
    dash = max(2, 2 * border)
    for x in range(left + dash, right - dash, 2 * dash):
        for y in (top, bottom - border):
            draw.rectangle((x, y, x + dash - 1, y + border - 1), fill=PLOT)
    for y in range(top + dash, bottom - dash, 2 * dash):
        for x in (left, right - border):
            draw.rectangle((x, y, x + border - 1, y + dash - 1), fill=PLOT)


def draw_mark(canvas: Canvas, centre: tuple[int, int], radius: int) -> None:
    """The disc at a corner of a tile that gave a candidate."""
    (x, y), outer = centre, radius + max(1, radius // 3)
    canvas.draw.ellipse((x - outer, y - outer, x + outer, y + outer), fill=PLOT)
    canvas.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=INK)


def mark_radius(height: int) -> int:
    """Radius of the disc of a tile of this height, in drawn pixels."""
    return max(4, min(12, height // 12))
