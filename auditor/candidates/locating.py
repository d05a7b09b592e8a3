"""Where in a picture a candidate's feature stands: by annotations that name it, or by the activations of the layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditor.candidates.areas import prepared_area
from auditor.candidates.screening import TailScreen, under_patch
from auditor.core.records import Candidate, ImageRecord, PixelArray
from auditor.inputs.images.annotations import Annotations
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.trials.areas import squares

ALIKE = 0.7
"""Positions count as the feature that are so many times as like the patch as the patch is where it lies itself.

Settled where the demonstration's masks tell what is right, and before anything was removed (docs/numbers.md)."""

LEAST_SHARE = 0.01
"""Of a picture's pixels: less of a thing is not in it."""

NAMED_SHARE = 0.1
"""Of the target's pictures: a thing that is annotated in fewer is looked for by activations."""

ACTIVATIONS = "activations"


@dataclass(frozen=True, slots=True)
class Located:
    """Where a feature stands in N pictures.

    Attributes:
        by: "activations", or "annotations of" the thing; "" where it cannot be found, and `why_not` says why.
        areas: (N, H, W) bool, nothing of a picture without it.
    """

    by: str
    areas: NDArray[np.bool_]
    why_not: str = ""


class Likeness:
    """Activations of pictures at the mapped layer, and how like each of them is to a patch where it lies.

    Activations are compared by the cosine of what they have more than the mean over source pictures.
    """

    def __init__(self, screen: TailScreen, pixels: PixelArray, names: Sequence[str]) -> None:
        """
        Args:
            screen: with the source pictures on which patches are seen, none of confirmation.
            pixels: (N, 3, H, W) uint8 prepared pictures; names: theirs, for the message where the network fails on one.
        """
        self._screen = screen
        with torch.no_grad():
            source = [features.grid for _, features, _ in screen.groups]
            positions = sum(grid.shape[0] * grid.shape[2] * grid.shape[3] for grid in source)
            total = torch.stack([grid.sum(dim=(0, 2, 3)) for grid in source]).sum(dim=0)
            self._mean = (total / positions).view(1, -1, 1, 1)

            def seen(rows: slice) -> Tensor:
                return screen.cut.features(to_float(pixels[rows], screen.cut.classifier.device)).grid.clone()

            parts = Batches(screen.batch_size).each(len(pixels), naming(seen, names))
            self._above = torch.cat([part for _, part in parts]) - self._mean

    @torch.no_grad()
    def of(self, rgba: PixelArray) -> tuple[NDArray[np.float32], float]:
        """How like a patch every position is, (N, H', W') in [-1, 1], and how like itself it is where it lies."""
        background = self._screen.common
        change, cover = background.changes([rgba])
        own = change.grid + background.features.grid - self._mean
        direction = under_patch(own, cover)[0]
        itself = under_patch(_cosine(own, direction).unsqueeze(1), cover)
        return _cosine(self._above, direction).cpu().numpy(), float(itself)


def _cosine(vectors: Tensor, direction: Tensor) -> Tensor:
    """(N, H', W') cosines of (N, D, H', W') with (D,)."""
    along = (vectors * direction.view(1, -1, 1, 1)).sum(dim=1)
    cosines: Tensor = along / (vectors.norm(dim=1) * direction.norm()).clamp(min=1e-12)
    return cosines


@dataclass(frozen=True, slots=True)
class Finder:
    """What features are found with, in the same N pictures for all of them.

    Attributes:
        images: the pictures' records; likeness: of their activations, None where no layer is mapped.
        size: side of the square within which activations tell what is removed, as a share of the shorter side.
    """

    images: Sequence[ImageRecord]
    preprocessing: Preprocessing
    annotations: Annotations
    likeness: Likeness | None
    size: float

    def find(self, candidate: Candidate, rgba: PixelArray) -> Located:
        """Where a candidate's feature stands.

        The thing that covers most of the candidate is looked up, where it is annotated in enough of the pictures; else
        positions of the layer are found that are like the candidate.
        """
        thing = candidate.shows[0][0] if candidate.shows else ""
        named = self._annotated(thing) if thing else None
        if named is not None:
            return Located(f"annotations of {thing}", named)
        if self.likeness is None:
            why = f"{thing} is annotated in too few of these pictures" if thing else "no annotation says what it shows"
            return Located("", self._nothing(), f"no layer is mapped, and {why}")
        return self._alike(self.likeness, rgba)

    def _nothing(self) -> NDArray[np.bool_]:
        return np.zeros((len(self.images), *self.preprocessing.output_size), dtype=np.bool_)

    def _annotated(self, thing: str) -> NDArray[np.bool_] | None:
        """Areas of a thing; None where it is annotated in too few pictures."""
        areas = self._nothing()
        for row, image in enumerate(self.images):
            original = self.annotations.where(image, thing)
            if original is not None and original.any():
                area = prepared_area(original, self.preprocessing)
                areas[row] = area & (area.mean() >= LEAST_SHARE)
        enough = areas.any(axis=(1, 2)).mean() >= NAMED_SHARE if len(areas) else False
        return areas if enough else None

    def _alike(self, likeness: Likeness, rgba: PixelArray) -> Located:
        alike, itself = likeness.of(rgba)
        if not itself > 0:
            return Located("", self._nothing(), "the mapped layer sees nothing in it that it does not see everywhere")
        input_size = self.preprocessing.output_size
        areas = [squares(within_a_square(one, ALIKE * itself, self.size), input_size) for one in alike]
        return Located(ACTIVATIONS, np.stack(areas))


def within_a_square(alike: NDArray[np.float32], least: float, size: float) -> NDArray[np.bool_]:
    """Positions that are like a feature, within the square that holds most of it.

    Args:
        alike: (H', W') likeness of each position; least: from which on a position counts.
        size: side of the square as a share of the grid's shorter side.
    Returns:
        (H', W'), none where no position counts.
    """
    chosen = alike >= least
    side = max(1, round(size * min(alike.shape)))
    squares_of = np.lib.stride_tricks.sliding_window_view(np.where(chosen, alike, 0.0), (side, side))
    held = squares_of.sum(axis=(2, 3))
    top, left = np.unravel_index(int(held.argmax()), held.shape)
    inside = np.zeros_like(chosen)
    inside[top : top + side, left : left + side] = True
    return chosen & inside


def parts_of(candidate: Candidate, known: Mapping[str, Candidate]) -> frozenset[str]:
    """Keys of the pictures that a candidate was cut from, itself or in parts."""
    cut_from = {candidate.image_key}
    for part in candidate.parts:
        if part in known:
            cut_from |= parts_of(known[part], known)
    return frozenset(cut_from - {""})
