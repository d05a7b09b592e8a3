"""Pictures as data URIs, shrunk to the size at which a report shows them. It reads PNG bytes and writes no file."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

_AS_IT_IS_BYTES = 48_000
_COARSE_PX = 100
_QUALITY = 85
_LONGEST_WEBP_PX = 16383


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a page; `coarse` asks for hard pixel edges, since so few pixels only blur when enlarged."""

    uri: str
    width_px: int
    height_px: int
    coarse: bool


class Album:
    """The result's pictures by key. A missing or broken one is None, and the page says so.

    What was shrunk for one page is kept for the next: a run writes its report before what decorates it, and then again.
    """

    def __init__(self, pictures: Mapping[str, bytes]) -> None:
        self._pictures = pictures
        self._shown: dict[tuple[str, int, bool], Picture | None] = {}

    def show(self, key: str, longest_px: int) -> Picture | None:
        """The picture whose longer side is at most `longest_px`, or None."""
        return self._kept(key, longest_px, False)

    def sheet(self, key: str, width_px: int) -> Picture | None:
        """The picture at most `width_px` wide, however high: a tall sheet bound by its height is a narrow one."""
        return self._kept(key, width_px, True)

    def _kept(self, key: str, most_px: int, by_width: bool) -> Picture | None:
        asked = key, most_px, by_width
        if asked not in self._shown:
            png = self._pictures.get(key)
            self._shown[asked] = None if png is None else _picture(png, most_px, by_width)
        return self._shown[asked]

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Keys with the prefix, those that end in a number in the order of that number."""
        found = [key for key in self._pictures if key.startswith(prefix)]
        return tuple(sorted(found, key=lambda key: (_number(key.removeprefix(prefix)), key)))


@functools.lru_cache(maxsize=512)
def _picture(png: bytes, most_px: int, by_width: bool) -> Picture | None:
    try:
        with Image.open(io.BytesIO(png), formats=("PNG", "WEBP")) as opened:
            opened.load()
            media_type = f"image/{str(opened.format).lower()}"
            small = opened.format == "WEBP"  # encoded once more it would show less
            image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    coarse = max(image.size) < _COARSE_PX
    if (image.width if by_width else max(image.size)) <= most_px and (small or len(png) <= _AS_IT_IS_BYTES):
        return Picture(_uri(media_type, png), *image.size, coarse)
    image.thumbnail((most_px, image.height if by_width else most_px), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    # WebP keeps a report of many photographs mailable: half of what JPEG takes. The run folder keeps the exact PNG.
    if image.mode == "RGBA":
        image.save(file, "PNG", optimize=True)
        return Picture(_uri("image/png", file.getvalue()), *image.size, coarse)
    if max(image.size) > _LONGEST_WEBP_PX:
        image.save(file, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
        return Picture(_uri("image/jpeg", file.getvalue()), *image.size, coarse)
    image.save(file, "WEBP", quality=_QUALITY, method=2, use_sharp_yuv=True)
    return Picture(_uri("image/webp", file.getvalue()), *image.size, coarse)


def _uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _number(text: str) -> int:
    digits = "".join(character for character in text if character in "0123456789")
    return int(digits) if digits else 0
