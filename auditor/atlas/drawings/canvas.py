"""A sheet of paper to draw on: words that fit their room, square tiles, and the finished picture as bytes."""

from __future__ import annotations

import functools
import io
import math
import unicodedata
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from auditor.atlas.drawings.colours import INK, PAPER, Colour
from auditor.core.records import PixelArray

SHARPNESS = 2
"""Pictures are drawn this many times larger than their nominal pixels, so that they stay crisp on dense screens."""

WIDEST_PX = 4000
"""No picture is drawn wider than this: what a browser still shows at once, and far below WebP's 16383."""

_WEBP_QUALITY, _WEBP_EFFORT = 85, 2


@dataclass(frozen=True, slots=True)
class Canvas:
    """An image and its pen. Places are in drawn pixels; `px` turns nominal ones into them, and type is nominal."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    unit: float

    @classmethod
    def blank(cls, width: int, height: int, unit: float = SHARPNESS, ground: Colour = PAPER) -> Canvas:
        """An empty sheet of drawn pixels, on which a nominal pixel is `unit` drawn ones."""
        image = Image.new("RGB", (width, height), ground)
        return cls(image, ImageDraw.Draw(image), unit)

    def px(self, nominal: float) -> int:
        return round(nominal * self.unit)

    def width_of(self, words: str, size: float) -> int:
        """Width of a line in drawn pixels."""
        return math.ceil(_font(self.px(size)).getlength(drawable(words)))

    def fitting(self, words: str, size: float, room: float, least: float = 9) -> float:
        """The size of type, `size` at most and `least` at least, at which a line takes no more than `room`."""
        width = self.width_of(words, size)
        if width <= room:
            return size
        return max(least, math.floor(2 * size * room / width) / 2)

    def text(
        self,
        at: tuple[float, float],
        words: str,
        size: float,
        colour: Colour = INK,
        anchor: str = "la",
        room: float | None = None,
    ) -> None:
        """Write one line, cut with an ellipsis where it would take more than `room` drawn pixels."""
        drawn_size = self.px(size)
        shown = drawable(words) if room is None else shorten(words, drawn_size, room)
        self.draw.text(at, shown, fill=colour, font=_font(drawn_size), anchor=anchor)


@functools.cache
def _font(drawn_size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=drawn_size)


def drawable(words: str) -> str:
    """One line that the built-in font can draw: white space folded, accents and control characters left out.

    The font knows little beyond ASCII; other scripts come out as empty boxes, one a character.
    """
    plain = unicodedata.normalize("NFKD", " ".join(words.split()))
    return "".join(one for one in plain if unicodedata.category(one)[0] not in "MC")


def shorten(words: str, drawn_size: int, room: float) -> str:
    """`words` as they can be drawn, cut with an ellipsis where they would take more than `room` drawn pixels."""
    words, font = drawable(words), _font(drawn_size)
    if font.getlength(words) <= room:
        return words
    while words and font.getlength(words.rstrip() + "...") > room:
        words = words[:-1]
    return words.rstrip() + "..." if words else ""


def square(crop: Image.Image, side: int) -> Image.Image:
    """The middle of a picture as a square RGB tile."""
    return ImageOps.fit(crop.convert("RGB"), (side, side), Image.Resampling.BICUBIC)


def from_array(pixels: PixelArray) -> Image.Image:
    """(3, h, w) RGB or (4, h, w) RGBA uint8 as an RGB image; what is transparent shows white."""
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def webp_bytes(image: Image.Image) -> bytes:
    """The format of sheets: a wall of photographs takes a fifth of what PNG takes, and every browser shows it.

    Colour is kept sharp at edges, since thin borders carry a meaning. Half the time of the library's own effort, and a
    twentieth more bytes.
    """
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=_WEBP_QUALITY, method=_WEBP_EFFORT, use_sharp_yuv=True)
    return buffer.getvalue()


def png_bytes(image: Image.Image) -> bytes:
    """The exact pixels, for pictures of few tiles; the last twentieth of bytes would cost ten times as long."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()
