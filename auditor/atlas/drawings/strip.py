"""One cell in a row: its icon, then its natural crops."""

from __future__ import annotations

from PIL import Image

from auditor.atlas.drawings.canvas import SHARPNESS, Canvas, from_array, square
from auditor.atlas.drawings.colours import PLOT, SOFT_INK
from auditor.atlas.drawings.tiles import TileArt
from auditor.core.records import Cell

_GAP = 4


def draw_cell_strip(cell: Cell, art: TileArt, tile_px: int = 72, most: int = 8) -> Image.Image:
    """Draw a cell's icon, where it has one, and its exemplars in a row, nearest the cell's mean first.

    A line parts the icon, which was made, from the crops, which were seen.

    Args:
        tile_px: side of a tile in nominal pixels; the picture is drawn at `SHARPNESS` times the size.
        most: exemplars drawn, 1 or more.
    Returns:
        RGB on a white ground; a cell without exemplars gives one blank tile, whether or not it has an icon.
    """
    side, gap = tile_px * SHARPNESS, _GAP * SHARPNESS
    crops = [square(art.crop(one), side) for one in cell.exemplars[:most]]
    icon = art.icons.get(cell.name) if crops else None
    lead = 0 if icon is None else side + 3 * gap
    places = max(1, len(crops))
    canvas = Canvas.blank(lead + places * (side + gap) - gap, side, ground=PLOT)
    if icon is not None:
        canvas.image.paste(square(from_array(icon), side), (0, 0))
        middle = side + 3 * gap // 2
        canvas.draw.line((middle, 0, middle, side), fill=SOFT_INK, width=SHARPNESS)
    for place, crop in enumerate(crops):
        canvas.image.paste(crop, (lead + place * (side + gap), 0))
    return canvas.image
