"""Collect activations with their attributions from pictures. It samples positions; filtering and layout come after."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditor.atlas.attribution import AttributionMethod, attribution_all_classes, attribution_method, contrast_map
from auditor.atlas.network import CutNetwork
from auditor.errors import LayerError
from auditor.progress import Progress
from auditor.records import (
    ClassGroup,
    FloatArray,
    IntArray,
    PixelArray,
)


@dataclass(frozen=True, slots=True)
class ActivationSet:
    """S sampled activations, each at one position of one picture.

    Attributes:
        vectors: (S, D) activations h.
        attribution: (S, K) attribution to every class, in logits.
        contrast: (S,) contrast of the pair, in logits.
        image_row: (S,) row of the picture in the pool.
        y, x: (S,) position in the layer's grid.
        weight: (S,) share of its picture's interior that a sample stands for; a picture's samples sum to 1.
        strongest: (S,) kept for its strong contrast (True) or drawn at random (False).
    """

    vectors: FloatArray
    attribution: FloatArray
    contrast: FloatArray
    image_row: IntArray
    y: IntArray
    x: IntArray
    weight: FloatArray
    strongest: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.contrast)

    def where(self, kept: NDArray[np.bool_]) -> ActivationSet:
        """The samples for which `kept` (S,) is True. Weights stay as they are."""
        return ActivationSet(*(getattr(self, column.name)[kept] for column in fields(self)))


@dataclass(frozen=True, slots=True)
class Sample:
    """One position to keep of one picture."""

    y: int
    x: int
    weight: float
    strongest: bool


def collect_activations(
    cut: CutNetwork,
    pixels: PixelArray,
    rows: IntArray,
    keys: Sequence[str],
    source: ClassGroup,
    target: ClassGroup,
    strongest_per_image: int,
    batch_size: int,
    seed: int,
    progress: Progress,
) -> ActivationSet:
    """Sample activations of some pictures: a random position of each, and those of strongest contrast.

    Args:
        pixels: (N, 3, H, W) uint8 RGB, all pictures of the pool.
        rows: (R,) the pictures to use, as rows of `pixels`.
        keys: the key of each picture in `rows`, in the same order.
        source, target: the pair whose contrast decides what is strong.
        strongest_per_image: positions kept beside the random one, 0 or more.
        batch_size: pictures a pass; it decides time and memory, not which positions are drawn.
        seed: with a picture's key it decides the picture's random position.
    Returns:
        The samples in the order of `rows`; within a picture the random one first.
    Raises:
        LayerError: an activation or its attribution is not finite.
    """
    progress.start("activations", len(rows))
    width, grid_height, grid_width = cut.feature_shape
    interior = interior_positions(grid_height, grid_width)
    method: AttributionMethod | None = None
    parts: list[ActivationSet] = []
    for start in range(0, len(rows), batch_size):
        batch_rows = rows[start : start + batch_size]
        features = _features(cut, pixels[batch_rows])
        if method is None:
            method = attribution_method(cut, features)
            if method is not AttributionMethod.FORWARD:
                progress.say(f"this network's tail has no forward-mode derivative; attribution takes {method}")
        _, contrast = contrast_map(cut, features, source, target)
        contrasts = contrast.cpu().numpy()
        positions = [
            sample_positions(picture, interior, strongest_per_image, seed, key)
            for picture, key in zip(contrasts, keys[start : start + batch_size], strict=True)
        ]
        parts.append(_gather(cut, features, contrasts, batch_rows, positions, method, batch_size))
        progress.advance(len(batch_rows))
    samples = _concatenate(parts, width)
    _refuse_not_finite(samples)
    return samples


def interior_positions(grid_height: int, grid_width: int) -> IntArray:
    """Positions (P, 2) as y, x without the border, row by row. A side shorter than 3 has no interior and is kept whole.

    Border activations are shaped by the padding around the picture more than by the picture.
    """
    ys = np.arange(1, grid_height - 1) if grid_height >= 3 else np.arange(grid_height)
    xs = np.arange(1, grid_width - 1) if grid_width >= 3 else np.arange(grid_width)
    return np.stack(np.meshgrid(ys, xs, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.int64)


def sample_positions(
    contrast: FloatArray, interior: IntArray, strongest_per_image: int, seed: int, key: str
) -> list[Sample]:
    """Positions to keep of one picture, weighted so that they stand for its whole interior.

    Of the P interior positions the k of highest contrast are kept, each standing for itself. One more is drawn at
    random and stands for the P − k others; a draw that hits one of the k is drawn again, so that it is uniform over
    the others and weighted sums over the samples are unbiased for sums over the interior.

    Args:
        contrast: (H', W') of the picture.
        interior: (P, 2) positions as y, x.
        strongest_per_image: k; where it is P or more, everything is kept and nothing drawn.
    Returns:
        The random sample, then the strongest by falling contrast (of equals the earlier position). Weights sum to 1.
    """
    total = len(interior)
    values = contrast[interior[:, 0], interior[:, 1]]
    strongest = [int(position) for position in np.argsort(-values, kind="stable")[:strongest_per_image]]
    samples: list[Sample] = []
    if len(strongest) < total:
        order = _keyed_generator(seed, key).permutation(total)
        drawn = next(int(position) for position in order if int(position) not in strongest)
        y, x = interior[drawn].tolist()
        samples.append(Sample(y, x, (total - len(strongest)) / total, strongest=False))
    for position in strongest:
        y, x = interior[position].tolist()
        samples.append(Sample(y, x, 1 / total, strongest=True))
    return samples


def _keyed_generator(seed: int, key: str) -> np.random.Generator:
    digest = hashlib.sha256(f"activations/{seed}/{key}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


@torch.no_grad()
def _features(cut: CutNetwork, pixels: PixelArray) -> Tensor:
    images = torch.from_numpy(pixels).to(cut.classifier.device).float() / 255
    return cut.features(images)


def _gather(
    cut: CutNetwork,
    features: Tensor,
    contrast: FloatArray,
    rows: IntArray,
    samples: list[list[Sample]],
    method: AttributionMethod,
    chunk: int,
) -> ActivationSet:
    """The samples of one batch: `samples[i]` are positions of `features[i]`, which is picture `rows[i]`."""
    flat = [(index, sample) for index, of_picture in enumerate(samples) for sample in of_picture]
    picture = np.array([index for index, _ in flat], dtype=np.int64)
    y = np.array([sample.y for _, sample in flat], dtype=np.int64)
    x = np.array([sample.x for _, sample in flat], dtype=np.int64)
    vectors = features[torch.from_numpy(picture), :, torch.from_numpy(y), torch.from_numpy(x)]
    attributions: list[Tensor] = []
    for start in range(0, len(flat), chunk):
        part = slice(start, start + chunk)
        maps = features[torch.from_numpy(picture[part])]
        at_y, at_x = torch.from_numpy(y[part]), torch.from_numpy(x[part])
        attributions.append(attribution_all_classes(cut, maps, at_y, at_x, method=method, chunk=chunk))
    return ActivationSet(
        vectors=vectors.cpu().numpy().astype(np.float32),
        attribution=torch.cat(attributions).cpu().numpy().astype(np.float32),
        contrast=contrast[picture, y, x].astype(np.float32),
        image_row=rows[picture],
        y=y,
        x=x,
        weight=np.array([sample.weight for _, sample in flat], dtype=np.float32),
        strongest=np.array([sample.strongest for _, sample in flat], dtype=np.bool_),
    )


def _refuse_not_finite(samples: ActivationSet) -> None:
    """A network with finite logits may still have no derivative somewhere, such as a square root at 0."""
    broken = ~np.isfinite(samples.vectors).all(axis=1)
    broken |= ~np.isfinite(samples.attribution).all(axis=1) | ~np.isfinite(samples.contrast)
    if broken.any():
        raise LayerError(
            f"attribution must be finite, but it is not for {int(broken.sum())} of {len(samples)} activations: the "
            "network behind the layer has no derivative there; choose another layer (auditor layers lists them)"
        )


def _concatenate(parts: list[ActivationSet], width: int) -> ActivationSet:
    if not parts:
        none, whole = np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
        empty = np.zeros((0, width), dtype=np.float32)
        return ActivationSet(empty, np.zeros((0, 0), np.float32), none, whole, whole, whole, none, whole.astype(bool))
    return ActivationSet(
        *(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(ActivationSet))
    )
