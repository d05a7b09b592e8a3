"""Draw a pair's atlas as natural crops. It takes cells and crops and returns PNG bytes; it writes nothing."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from auditor.atlas.positions import crop_box
from auditor.records import Cell, PixelArray

CropOf = Callable[[int, int, int], Image.Image]
"""Natural crop for an exemplar's image_row, y, x; of any size, drawn square."""

Colour = tuple[int, int, int]

SHARPNESS = 2
"""Pictures are drawn this many times larger than their nominal pixels, so that they stay crisp on dense screens."""

PAPER: Colour = (252, 251, 249)
PLOT: Colour = (255, 255, 255)
FRAME: Colour = (226, 223, 218)
INK: Colour = (38, 36, 40)
SOFT_INK: Colour = (112, 107, 115)

# Purple to orange through a light grey: told apart with every common colour blindness, and equally dark at both ends.
SOURCE_TO_TARGET: tuple[Colour, ...] = (
    (84, 39, 136),
    (128, 115, 172),
    (178, 171, 210),
    (222, 219, 222),
    (253, 184, 99),
    (224, 130, 20),
    (179, 88, 6),
)


def contrast_colour(contrast: float, largest: float) -> Colour:
    """Colour of a contrast between −largest (source, purple) and +largest (target, orange); 0 is light grey."""
    share = 0.0 if largest <= 0 or not math.isfinite(contrast) else max(-1.0, min(1.0, contrast / largest))
    place = (share + 1.0) / 2.0 * (len(SOURCE_TO_TARGET) - 1)
    below = min(int(place), len(SOURCE_TO_TARGET) - 2)
    part = place - below
    low, high = SOURCE_TO_TARGET[below], SOURCE_TO_TARGET[below + 1]
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
    return red, green, blue


def tile_share(count: int, largest: int) -> float:
    """Side of a tile as a share of its bin: the square root of its density, but never too small to see, (0.45, 1]."""
    return 0.45 + 0.55 * math.sqrt(count / largest)


def crops_from_pixels(pixels: PixelArray, grid_height: int, grid_width: int, share: float) -> CropOf:
    """Natural crops from the pictures as the network receives them, centred on a position of the layer's grid.

    Args:
        pixels: (N, 3, H, W) uint8 RGB.
        grid_height, grid_width: the layer's grid.
        share: side of a crop as a share of the shorter side of the picture, in (0, 1].
    """

    def crop(image_row: int, y: int, x: int) -> Image.Image:
        picture = pixels[image_row]
        size = (picture.shape[1], picture.shape[2])
        left, top, right, bottom = crop_box(y, x, (grid_height, grid_width), size, share)
        inside = picture[:, top:bottom, left:right]
        return Image.fromarray(np.ascontiguousarray(inside.transpose(1, 2, 0)))

    return crop


def draw_pair_sheet(
    cells: Sequence[Cell], crop_of: CropOf, source_name: str, target_name: str, tile_px: int = 64
) -> bytes:
    """Draw one level of a pair's atlas: the first exemplar's crop of each cell, on an axis from source to target.

    A tile grows with its cell's activations; its border shows the cell's contrast.

    Args:
        cells: of one level, with exemplars; bins without a cell stay blank.
        crop_of: the natural crop of an exemplar.
        tile_px: side of a bin in nominal pixels; the picture is drawn at twice the size.
    Returns:
        A PNG.
    """
    sheet = _Sheet.for_grid(max((cell.level for cell in cells), default=1), tile_px)
    largest_contrast = max((abs(cell.contrast) for cell in cells), default=0.0)
    _draw_title(sheet, cells, source_name, target_name)
    _draw_plot(sheet)
    for cell in cells:
        _draw_tile(sheet, cell, crop_of, max(one.count for one in cells), largest_contrast)
    _draw_axis(sheet, source_name, target_name)
    _draw_legend(sheet, cells, largest_contrast)
    return _png(sheet.image)


def draw_cell_strip(cell: Cell, crop_of: CropOf, tile_px: int = 72, most: int = 8) -> bytes:
    """Draw a cell's exemplars in a row, nearest the cell's mean first.

    Args:
        crop_of: the natural crop of an exemplar.
        tile_px: side of a crop in nominal pixels; the picture is drawn at twice the size.
        most: exemplars drawn, 1 or more.
    Returns:
        A PNG on a white ground; a cell without exemplars gives one blank tile.
    """
    side, gap = tile_px * SHARPNESS, 4 * SHARPNESS
    shown = cell.exemplars[:most]
    places = max(1, len(shown))
    image = Image.new("RGB", (places * side + (places - 1) * gap, side), PLOT)
    for place, exemplar in enumerate(shown):
        crop = _square(crop_of(exemplar.image_row, exemplar.y, exemplar.x), side)
        image.paste(crop, (place * (side + gap), 0))
    return _png(image)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A canvas and where the plot lies on it, in drawn pixels."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    level: int
    tile: int
    left: int
    top: int

    @classmethod
    def for_grid(cls, level: int, tile_px: int) -> _Sheet:
        tile = tile_px * SHARPNESS
        # A coarse grid of small tiles still leaves room for the words.
        tile = max(tile, math.ceil(460 * SHARPNESS / level))
        margin, head, foot = 24 * SHARPNESS, 66 * SHARPNESS, 128 * SHARPNESS
        image = Image.new("RGB", (level * tile + 2 * margin, level * tile + head + foot), PAPER)
        return cls(image, ImageDraw.Draw(image), level, tile, margin, head)

    @property
    def side(self) -> int:
        return self.level * self.tile

    @property
    def right(self) -> int:
        return self.left + self.side

    @property
    def bottom(self) -> int:
        return self.top + self.side

    @property
    def middle(self) -> int:
        return self.left + self.side // 2

    def text(self, at: tuple[float, float], words: str, size: int, colour: Colour, anchor: str) -> None:
        self.draw.text(at, words, fill=colour, font=_font(size), anchor=anchor)


def _draw_title(sheet: _Sheet, cells: Sequence[Cell], source_name: str, target_name: str) -> None:
    title = _shorten(f"What the network sees between {source_name} and {target_name}", 18, sheet.side)
    activations = sum(cell.count for cell in cells)
    note = (
        f"{activations} activations in {len(cells)} cells. Each tile: the photo crop nearest its cell's mean. "
        "Like activations lie at like heights."
    )
    sheet.text((sheet.left, 15 * SHARPNESS), title, 18, INK, "la")
    sheet.text((sheet.left, 41 * SHARPNESS), _shorten(note, 12, sheet.side), 12, SOFT_INK, "la")


def _draw_plot(sheet: _Sheet) -> None:
    box = (sheet.left, sheet.top, sheet.right, sheet.bottom)
    sheet.draw.rectangle(box, fill=PLOT, outline=FRAME, width=SHARPNESS)
    dash = 5 * SHARPNESS
    for y in range(sheet.top, sheet.bottom, 2 * dash):
        sheet.draw.line((sheet.middle, y, sheet.middle, min(y + dash, sheet.bottom)), fill=FRAME, width=SHARPNESS)


def _draw_tile(sheet: _Sheet, cell: Cell, crop_of: CropOf, largest_count: int, largest_contrast: float) -> None:
    if not cell.exemplars:
        return
    border = max(SHARPNESS, sheet.tile // 22)
    outer = max(2 * border + 1, round((sheet.tile - 4 * SHARPNESS) * tile_share(cell.count, largest_count)))
    left = sheet.left + cell.column * sheet.tile + (sheet.tile - outer) // 2
    top = sheet.top + cell.row * sheet.tile + (sheet.tile - outer) // 2
    first = cell.exemplars[0]
    colour = contrast_colour(cell.contrast, largest_contrast)
    sheet.draw.rectangle((left, top, left + outer - 1, top + outer - 1), fill=colour)
    crop = _square(crop_of(first.image_row, first.y, first.x), outer - 2 * border)
    sheet.image.paste(crop, (left + border, top + border))


def _draw_axis(sheet: _Sheet, source_name: str, target_name: str) -> None:
    y, head = sheet.bottom + 16 * SHARPNESS, 5 * SHARPNESS
    sheet.draw.line((sheet.left, y, sheet.right, y), fill=INK, width=SHARPNESS)
    sheet.draw.polygon([(sheet.right, y), (sheet.right - 2 * head, y - head), (sheet.right - 2 * head, y + head)], INK)
    sheet.draw.line((sheet.middle, y - head, sheet.middle, y + head), fill=INK, width=SHARPNESS)
    words_y, room = y + 7 * SHARPNESS, sheet.side // 2 - 70 * SHARPNESS
    source_colour, target_colour = SOURCE_TO_TARGET[0], SOURCE_TO_TARGET[-1]
    sheet.text((sheet.left, words_y), _shorten(f"towards {source_name}", 14, room), 14, source_colour, "la")
    sheet.text((sheet.right, words_y), _shorten(f"towards {target_name}", 14, room), 14, target_colour, "ra")
    sheet.text((sheet.middle, words_y), "0", 14, INK, "ma")
    sheet.text((sheet.middle, words_y + 18 * SHARPNESS), "contrast (logits)", 12, SOFT_INK, "ma")


def _draw_legend(sheet: _Sheet, cells: Sequence[Cell], largest_contrast: float) -> None:
    if not cells:
        return
    counts = sorted(cell.count for cell in cells)
    label_y, centre = sheet.bottom + 68 * SHARPNESS, sheet.bottom + 98 * SHARPNESS
    sheet.text((sheet.left, label_y), "size: activations in a cell", 12, SOFT_INK, "la")
    x = sheet.left
    for count in sorted({counts[0], counts[len(counts) // 2], counts[-1]}):
        side = round(26 * SHARPNESS * tile_share(count, counts[-1]))
        top = centre - side // 2
        sheet.draw.rectangle((x, top, x + side, top + side), fill=PLOT, outline=SOFT_INK, width=SHARPNESS)
        sheet.text((x + side + 5 * SHARPNESS, centre), str(count), 12, INK, "lm")
        x += side + 5 * SHARPNESS + round(_font(12).getlength(str(count))) + 16 * SHARPNESS
    width = 180 * SHARPNESS
    left, top, bottom = sheet.right - width, centre - 10 * SHARPNESS, centre
    sheet.text((left, label_y), "border: a cell's mean contrast", 12, SOFT_INK, "la")
    for offset in range(width):
        colour = contrast_colour(2 * offset / (width - 1) - 1, 1.0)
        sheet.draw.line((left + offset, top, left + offset, bottom), fill=colour)
    below = bottom + 4 * SHARPNESS
    sheet.text((left, below), f"-{largest_contrast:.2g}", 12, INK, "la")
    sheet.text((left + width // 2, below), "0", 12, INK, "ma")
    sheet.text((sheet.right, below), f"+{largest_contrast:.2g}", 12, INK, "ra")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size * SHARPNESS)


def _shorten(words: str, size: int, room: float) -> str:
    """`words`, cut with an ellipsis where they would take more than `room` drawn pixels."""
    font = _font(size)
    if font.getlength(words) <= room:
        return words
    while words and font.getlength(words + "...") > room:
        words = words[:-1]
    return words.rstrip() + "..."


def _square(crop: Image.Image, side: int) -> Image.Image:
    return ImageOps.fit(crop.convert("RGB"), (side, side), Image.Resampling.BICUBIC)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
