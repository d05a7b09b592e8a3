"""Pictures: those that serve, those that do not, and the pool of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.core.records.basics import IntArray, PixelArray, Split


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One usable picture. `key` is the start of its sha256 and names it everywhere."""

    key: str
    sha256: str
    path: str
    label: int
    split: Split
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class SkippedImage:
    """One picture that was not used, and why: what did not run is not a pass."""

    path: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ImagePool:
    """All pictures of an audit: row i of `pixels` is `images[i]` as the model receives it, before normalising.

    `pixels` is (N, 3, H, W) uint8 RGB. `on_white` counts pictures that are transparent somewhere and stand on white.
    """

    images: tuple[ImageRecord, ...]
    skipped: tuple[SkippedImage, ...]
    pixels: PixelArray
    on_white: int = 0

    def rows(self, split: Split, labels: tuple[int, ...] | None = None) -> IntArray:
        """Row numbers of one split's pictures, of the given labels only (None: all)."""
        wanted = None if labels is None else frozenset(labels)
        chosen = (
            row
            for row, image in enumerate(self.images)
            if image.split == split and (wanted is None or image.label in wanted)
        )
        return np.fromiter(chosen, dtype=np.int64)
