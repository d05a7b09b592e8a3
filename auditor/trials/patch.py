"""Patch pixels: reading, writing and resizing RGBA pictures. What a patch shows is decided elsewhere."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from auditor.core.errors import PatchError, UnreadableImageError
from auditor.core.hashing import sha256_of
from auditor.core.records import Candidate, PixelArray
from auditor.inputs.images.reading import decode_rgba, read_bytes

MAX_SIDE_PX = 4096


@dataclass(frozen=True, slots=True)
class Patch:
    """A candidate with its pixels, (4, h, w) uint8 RGBA at the resolution it was cut or drawn at."""

    candidate: Candidate
    rgba: PixelArray

    @property
    def called(self) -> str:
        """What messages call it: its id, and the picture it was cut from."""
        path = self.candidate.image_path
        return f"{self.candidate.id}{f' (of {path})' if path else ''}"


def read_patch(path: Path) -> PixelArray:
    """Read a patch picture as (4, h, w) uint8 RGBA, upright; a picture without alpha is opaque.

    Raises:
        PatchError: the file is no picture of 8 bits a channel, is animated, is larger than 4096 px a side, or is
            nowhere opaque.
    """
    try:
        picture = decode_rgba(read_bytes(path, MAX_SIDE_PX**2), MAX_SIDE_PX**2)
    except UnreadableImageError as error:
        if error.reason == "too many pixels":
            raise _too_large(path, error.detail) from error
        raise PatchError(
            f"patch {path} cannot be read as a picture ({error}); expected a still picture of 8 bits a channel, "
            "such as a PNG with or without alpha"
        ) from error
    if max(picture.size) > MAX_SIDE_PX:
        raise _too_large(path, f"{picture.width}×{picture.height} px")
    rgba = np.asarray(picture, dtype=np.uint8).transpose(2, 0, 1)
    if not rgba[3].any():
        raise PatchError(f"patch {path} is transparent everywhere: nothing would be pasted")
    return np.ascontiguousarray(rgba)


def _too_large(path: Path, size: str) -> PatchError:
    return PatchError(f"patch {path} is too large ({size}); at most {MAX_SIDE_PX} px a side are read: make it smaller")


def patch_png(rgba: PixelArray) -> bytes:
    """Write a (4, h, w) uint8 patch as PNG; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgba.transpose(1, 2, 0)), "RGBA").save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def pixels_sha256(rgba: PixelArray) -> str:
    """The sha256 of a patch's pixels and shape, however its file was written: the same pixels, the same patch."""
    return sha256_of(repr(rgba.shape).encode() + np.ascontiguousarray(rgba).tobytes())


def kept(patch: Patch) -> tuple[Patch, bytes]:
    """A patch as it is kept: with the sha256 of its PNG, and that PNG, which is to be written.

    Encoding takes longer than making most patches does, and most are never kept: so they are hashed here alone.
    """
    png = patch_png(patch.rgba)
    return replace(patch, candidate=replace(patch.candidate, sha256=sha256_of(png))), png


def resize_patch(rgba: PixelArray, height_px: int, width_px: int) -> PixelArray:
    """Resize to (4, height_px, width_px) with antialiasing; colours are weighted by their opacity."""
    if rgba.shape[1:] == (height_px, width_px):
        return rgba
    picture = Image.fromarray(np.ascontiguousarray(rgba.transpose(1, 2, 0)), "RGBA")
    # RGBa is Pillow's premultiplied mode: without it, colours hidden under transparency bleed into the edge
    resized = picture.convert("RGBa").resize((width_px, height_px), Image.Resampling.BILINEAR).convert("RGBA")
    return np.ascontiguousarray(np.asarray(resized, dtype=np.uint8).transpose(2, 0, 1))


def pasted_size(rgba: PixelArray, side_px: int) -> tuple[int, int]:
    """Height and width in pixels of a patch whose longer side is pasted at `side_px`."""
    tall, wide = aspect_of(rgba)
    return max(1, round(side_px * tall)), max(1, round(side_px * wide))


def aspect_of(rgba: PixelArray) -> tuple[float, float]:
    """Height and width of a patch in units of its longer side, so that the longer one is 1."""
    height, width = rgba.shape[1:]
    longer = max(height, width)
    return height / longer, width / longer


def side_in_pixels(share: float, height_px: int, width_px: int) -> int:
    """A patch side given as a share of the shorter side of a (height_px, width_px) picture."""
    return max(1, round(share * min(height_px, width_px)))
