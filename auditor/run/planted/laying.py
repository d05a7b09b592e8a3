"""A cue laid on a picture at a size, an angle and a place of its own; what is seen of it is known to the pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from auditor.core.records import PixelArray
from auditor.inputs.world.cues.cue import Drawn


@dataclass(frozen=True, slots=True)
class Laying:
    """How a cue may lie.

    Attributes:
        size: of its longer side, as a share of the picture's shorter one, from and to. turn: degrees, either way.
        place: of it, as shares of the way that it has (across, down); None: anywhere.
        lit: whether it is seen from either side and in light of its own, as a thing is and a sticker is not.
    """

    size: tuple[float, float]
    turn: float
    place: tuple[float, float] | None = None
    lit: bool = False


def lay(stamps: Sequence[Image.Image], laying: Laying, pixels: PixelArray, rng: np.random.Generator) -> Drawn:
    """A picture with a cue on it, and where the cue is what is seen.

    Args:
        stamps: RGBA; one is drawn. pixels: (H, W, 3) uint8 RGB; not modified.
        rng: of the stamp, its light, its angle, its size and its place, drawn in this order.
    """
    stamp = stamps[int(rng.integers(len(stamps)))]
    if laying.lit:
        stamp = _lit(stamp, rng)
    stamp = stamp.rotate(float(rng.uniform(-laying.turn, laying.turn)), Image.Resampling.BICUBIC, expand=True)
    tall, wide = pixels.shape[:2]
    longer = rng.uniform(*laying.size) * min(tall, wide) / max(stamp.size)
    stamp = stamp.resize(tuple(max(1, round(longer * side)) for side in stamp.size), Image.Resampling.LANCZOS)
    across, down = rng.uniform(0.0, 1.0, 2) if laying.place is None else laying.place
    left, top = round(float(across) * (wide - stamp.width)), round(float(down) * (tall - stamp.height))
    return _laid(pixels, np.asarray(stamp, dtype=np.float32), left, top)


def _lit(stamp: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Seen from the other side, half of the time, and in light of its own."""
    seen = stamp.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else stamp
    lit = ImageEnhance.Brightness(seen.convert("RGB")).enhance(float(rng.uniform(0.8, 1.1)))
    lit.putalpha(seen.getchannel("A"))
    return lit


def _laid(pixels: PixelArray, stamp: NDArray[np.float32], left: int, top: int) -> Drawn:
    height, width = stamp.shape[:2]
    cover = stamp[..., 3:] / 255.0
    inside = np.s_[top : top + height, left : left + width]
    result, mask = pixels.copy(), np.zeros(pixels.shape[:2], dtype=np.bool_)
    result[inside] = np.round(pixels[inside] * (1.0 - cover) + stamp[..., :3] * cover).astype(np.uint8)
    mask[inside] = cover[..., 0] >= 0.5
    return Drawn(result, mask)
