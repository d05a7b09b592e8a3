"""From one file to one upright 8-bit RGB picture, or a fixed reason why not. It resizes nothing and knows no class."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import stat
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps, PpmImagePlugin, TiffImagePlugin, UnidentifiedImageError

from auditor.core.errors import UnreadableImageError

Reason = Literal[
    "truncated",
    "zero bytes",
    "not a picture",
    "16-bit",
    "CMYK",
    "animated",
    "too many pixels",
    "unreadable file",
    "missing file",
]

# Pillow also reads formats that run other programs (EPS runs Ghostscript); a picture to classify is one of these.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
_WHERE_PILLOW_HAS_THEM = ("AVIF", "HEIF", "JXL")
_PLUGINS = ("pillow_heif.HeifImagePlugin", "pillow_jxl")
"""Modules that teach Pillow a format when they are imported; none of them is needed."""
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTH_BYTE = 24
_DEEP_MODES = frozenset(("I", "F", "I;16", "I;16L", "I;16B", "I;16N"))
_PLAIN_MODES = frozenset(("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "YCbCr"))
_BITS_PER_SAMPLE = 258
# What Pillow's decoders raise on damaged bytes.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
    zlib.error,
)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_bytes(path: Path, max_pixels: int) -> bytes:
    """Read a picture's file whole.

    Raises:
        UnreadableImageError: missing, unreadable, empty, or larger than any uncompressed picture of `max_pixels`.
    """
    largest_bytes = 16 * max_pixels + 2**26
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would block its reader for ever
            raise _refusal("unreadable file", "it is no file, but a folder, a pipe or a device")
        size_bytes = found.st_size
        if size_bytes > largest_bytes:
            raise _refusal("too many pixels", f"a file of {size_bytes:,} bytes for at most {max_pixels:,} pixels")
        data = path.read_bytes()
    except FileNotFoundError as problem:
        raise _refusal("missing file", "no such file") from problem
    except OSError as problem:
        raise _refusal("unreadable file", problem.strerror or "") from problem
    if not data:
        raise _refusal("zero bytes")
    return data


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture as upright RGB; `on_white`: whether it is transparent somewhere, and white shows through there."""

    image: Image.Image
    on_white: bool


def decode_image(data: bytes, max_pixels: int) -> Image.Image:
    """Decode a picture's bytes as upright RGB (EXIF orientation applied, transparency on white).

    Args:
        max_pixels: pictures of more pixels are refused from their header, before anything is decoded.
    Raises:
        UnreadableImageError: with one of the reasons of `Reason`.
    """
    return decode(data, max_pixels).image


def decode(data: bytes, max_pixels: int) -> Decoded:
    """As `decode_image`, and whether anything shows through."""
    image = _loaded(data, max_pixels)
    if not image.has_transparency_data:
        return Decoded(image if image.mode == "RGB" else image.convert("RGB"), on_white=False)
    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, (255, 255, 255, 255))
    shown = Image.alpha_composite(white, layered).convert("RGB")
    return Decoded(shown, on_white=layered.getchannel("A").getextrema() != (255, 255))


def decode_rgba(data: bytes, max_pixels: int) -> Image.Image:
    """Decode a picture's bytes as upright RGBA; one without transparency is opaque.

    Raises:
        UnreadableImageError: as `decode_image`.
    """
    return _loaded(data, max_pixels).convert("RGBA")


def _loaded(data: bytes, max_pixels: int) -> Image.Image:
    image = _open(data, max_pixels)
    try:
        image.load()
    except _BOMBS as problem:
        raise _refusal("too many pixels", str(problem)) from problem
    except _DAMAGE as problem:
        raise _refusal("truncated", f"{image.format} data end early or are damaged: {problem}") from problem
    return _upright(image)


@functools.cache
def formats_read() -> tuple[str, ...]:
    """The formats that are read, by Pillow's names: AVIF, HEIC and JPEG XL where this Pillow or a plugin has them."""
    Image.init()
    for plugin in _PLUGINS:
        with contextlib.suppress(ImportError):
            importlib.import_module(plugin)
    return (*_FORMATS, *(each for each in _WHERE_PILLOW_HAS_THEM if each in Image.OPEN))


def _open(data: bytes, max_pixels: int) -> Image.Image:
    """Open a picture by its header and refuse what the header already rules out."""
    try:
        image = Image.open(BytesIO(data), formats=formats_read())
    except _BOMBS as problem:
        raise _refusal("too many pixels", str(problem)) from problem
    except UnidentifiedImageError as problem:
        if data.startswith(_SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
            raise _refusal("truncated", "its header ends early or is damaged") from problem
        raise _refusal("not a picture", f"its bytes are none of {', '.join(formats_read())}") from problem
    except _DAMAGE as problem:
        raise _refusal("truncated", f"its header is damaged: {problem}") from problem
    # Pillow only warns between one and two times its own limit, and a warning cannot be caught safely in a thread.
    limit = min(max_pixels, Image.MAX_IMAGE_PIXELS or max_pixels)
    if image.width * image.height > limit:
        raise _refusal("too many pixels", f"{image.width}×{image.height}, at most {limit:,} are read")
    try:
        _refuse_kind(image, data)
    except _DAMAGE as problem:
        raise _refusal("truncated", f"{image.format} header is damaged: {problem}") from problem
    return image


def _refuse_kind(image: Image.Image, data: bytes) -> None:
    if _is_deep(image, data):
        raise _refusal("16-bit", f"{image.format} of mode {image.mode}; 8 bits a channel are expected")
    if image.mode == "CMYK":
        raise _refusal("CMYK", "its colours depend on a printing profile; convert it to RGB")
    if image.mode not in _PLAIN_MODES:
        raise _refusal("not a picture", f"{image.format} of colour mode {image.mode}")
    # MPO is how phones store a JPEG with a second view or preview: one still picture, not a film.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise _refusal("animated", f"{image.format} of several frames or pages")


def _is_deep(image: Image.Image, data: bytes) -> bool:
    """Whether a channel has more than 8 bits; Pillow quietly cuts 16-bit colour down to 8, so headers are asked."""
    if image.mode in _DEEP_MODES:
        return True
    if data.startswith(_PNG_SIGNATURE):
        return data[_PNG_DEPTH_BYTE] == 16
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return any(bits > 8 for bits in image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))
    if isinstance(image, PpmImagePlugin.PpmImageFile):
        arguments = image.tile[0].args
        return isinstance(arguments, tuple) and isinstance(arguments[-1], int) and arguments[-1] > 255
    return False


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGE:
        # Damaged EXIF says nothing about which way is up; the pixels themselves are sound.
        return image


def _refusal(reason: Reason, detail: str = "") -> UnreadableImageError:
    return UnreadableImageError(reason, detail.replace(os.linesep, " "))
