"""Pictures: those that serve, those that do not, and the pool of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


NO_LABEL = -1
"""The label of a picture of which nobody said what it shows."""


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Pictures without labels, which only give crops; rows, pixels and skipped pictures as in `ImagePool`.

    `listed` is how many there were to choose from.
    """

    images: tuple[ImageRecord, ...]
    skipped: tuple[SkippedImage, ...]
    pixels: PixelArray
    listed: int

    @property
    def words(self) -> str:
        """How many there are, and how many were left out and why, for a person."""
        used, beyond = len(self.images), self.listed - len(self.images) - len(self.skipped)
        left_out = [tally(self.skipped)] * bool(self.skipped) + [f"{beyond} beyond images.pool_pictures"] * (beyond > 0)
        told = f"; left out: {', '.join(left_out)}" if left_out else ""
        return f"images.pool: {used} of {self.listed} pictures without labels give crops as well{told}"


def tally(skipped: Sequence[SkippedImage]) -> str:
    """How many pictures were left out for which reason, the most frequent first."""
    counted = sorted(Counter(skip.reason for skip in skipped).items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{count} {reason}" for reason, count in counted)


@dataclass(frozen=True, slots=True)
class ImagePool:
    """All pictures of an audit: row i of `pixels` is `images[i]` as the model receives it, before normalising.

    `pixels` is (N, 3, H, W) uint8 RGB. `on_white` counts pictures that are transparent somewhere and stand on white,
    `left_out` what was left out unopened, by why.
    `unlabelled` are those of `images.pool`, None without one: they are of no split, and their rows follow the others'.
    """

    images: tuple[ImageRecord, ...]
    skipped: tuple[SkippedImage, ...]
    pixels: PixelArray
    on_white: int = 0
    unlabelled: Unlabelled | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def image(self, row: int) -> ImageRecord:
        """The record of a row, of a picture without a label, too."""
        if row < len(self.images) or self.unlabelled is None:
            return self.images[row]
        return self.unlabelled.images[row - len(self.images)]

    def prepared(self, row: int) -> PixelArray:
        """(3, H, W) uint8 of a row, of a picture without a label, too."""
        if row < len(self.images) or self.unlabelled is None:
            return np.asarray(self.pixels[row])
        return np.asarray(self.unlabelled.pixels[row - len(self.images)])

    @property
    def keys(self) -> tuple[str, ...]:
        """The key of every row, of pictures without a label, too."""
        others = () if self.unlabelled is None else self.unlabelled.images
        return tuple(image.key for image in (*self.images, *others))

    @property
    def unlabelled_rows(self) -> IntArray:
        """Row numbers of the pictures without labels."""
        count = 0 if self.unlabelled is None else len(self.unlabelled.images)
        return np.arange(len(self.images), len(self.images) + count, dtype=np.int64)

    def paths(self, rows: IntArray) -> list[str]:
        """What people call the pictures of some rows."""
        return [self.image(int(row)).path for row in rows]

    def rows(self, split: Split, labels: tuple[int, ...] | None = None) -> IntArray:
        """Row numbers of one split's pictures, of the given labels only (None: all)."""
        wanted = None if labels is None else frozenset(labels)
        chosen = (
            row
            for row, image in enumerate(self.images)
            if image.split == split and (wanted is None or image.label in wanted)
        )
        return np.fromiter(chosen, dtype=np.int64)
