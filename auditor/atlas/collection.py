"""Collect activations with their attributions from pictures, shard by shard. Filtering and layout come after."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from auditor.atlas.activations import ActivationSet, Sample, Sampling, interior_positions, sample_positions
from auditor.atlas.attribution import (
    AttributionMethod,
    attribution_method,
    contrast_map,
    contrast_of,
    logits_and_attribution,
)
from auditor.atlas.network import CutNetwork
from auditor.atlas.relaxed import relaxed_max_pooling
from auditor.atlas.shards import MemoryShelf, Shards, ShardShelf
from auditor.core.errors import ImageError, LayerError
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, IntArray, PixelArray
from auditor.inputs.images.pixels import to_float

SHARD_IMAGES = 1024
"""Pictures a shard: what is held in memory at once, and what an interruption costs at most."""


def collect_activations(
    cut: CutNetwork,
    pixels: PixelArray,
    rows: IntArray,
    keys: Sequence[str],
    sampling: Sampling,
    batch_size: int,
    progress: Progress,
    shelf: ShardShelf | None = None,
    shard_images: int = SHARD_IMAGES,
) -> Shards:
    """Sample activations of some pictures, and put them on a shelf a shard at a time.

    Shards that stand on the shelf already are not made again, so an interrupted collection goes on where it stopped.
    A shard holds the samples of `shard_images` pictures in the order of `rows` and does not depend on other shards.

    Args:
        pixels: (N, 3, H, W) uint8 RGB, all pictures of the pool.
        rows: (R,) the pictures to use, as rows of `pixels`.
        keys: the key of each picture in `rows`, in the same order.
        sampling: which positions of each, and the pair whose contrast is recorded.
        batch_size: pictures a pass; it decides time and memory, not which positions are drawn.
        shelf: where the shards go; None: memory.
    Raises:
        ImageError: there are no pictures.
        LayerError: an activation or its attribution is not finite.
    """
    if len(rows) == 0:
        raise ImageError("activations were to be collected, but there are no pictures; choose a split that has some")
    shelf = MemoryShelf() if shelf is None else shelf
    collector = _Collector(cut, pixels, sampling, batch_size, progress)
    shards = Shards(shelf, -(-len(rows) // shard_images))
    progress.start("activations", len(rows))
    for number in range(shards.count):
        part = slice(number * shard_images, (number + 1) * shard_images)
        if shelf.has(number):
            progress.advance(len(rows[part]))
        else:
            shelf.write(number, collector.shard(rows[part], keys[part]))
    return shards


class _Collector:
    """What one collection needs from batch to batch."""

    def __init__(
        self, cut: CutNetwork, pixels: PixelArray, sampling: Sampling, batch_size: int, progress: Progress
    ) -> None:
        self._cut, self._pixels, self._sampling = cut, pixels, sampling
        self._batch_size, self._progress = batch_size, progress
        _, grid_height, grid_width = cut.feature_shape
        self._interior = interior_positions(grid_height, grid_width)
        self._method: AttributionMethod | None = None
        # one buffer for every batch: on a CPU fresh large blocks cost more than the arithmetic done in them
        self._images = torch.empty((batch_size, *pixels.shape[1:]), device=cut.classifier.device)

    def shard(self, rows: IntArray, keys: Sequence[str]) -> ActivationSet:
        """The samples of these pictures, in their order."""
        parts: list[ActivationSet] = []
        for start in range(0, len(rows), self._batch_size):
            batch = slice(start, start + self._batch_size)
            parts.append(self._batch(rows[batch], keys[batch]))
            self._progress.advance(len(rows[batch]))
        samples = ActivationSet.joined(parts)
        _refuse_not_finite(samples, paired=self._sampling.pair is not None)
        return samples

    def _batch(self, rows: IntArray, keys: Sequence[str]) -> ActivationSet:
        features = self._features(rows)
        with relaxed_max_pooling() if self._sampling.relaxed_pooling else contextlib.nullcontext():
            contrasts = self._contrasts(features)
            samples = [
                sample_positions(self._sampling, key, self._interior, None if contrasts is None else contrasts[index])
                for index, key in enumerate(keys)
            ]
            return self._gather(features, rows, samples)

    @torch.no_grad()
    def _features(self, rows: IntArray) -> Tensor:
        images = to_float(self._pixels[rows], self._images.device, into=self._images[: len(rows)])
        return self._cut.features(images)

    def _contrasts(self, features: Tensor) -> FloatArray | None:
        """(B, H', W') contrast at every position, where it decides which are kept."""
        if self._sampling.pair is None or not self._sampling.strongest_per_image:
            return None
        _, contrast = contrast_map(self._cut, features, *self._sampling.pair)
        contrasts: FloatArray = contrast.cpu().numpy()
        return contrasts

    def _gather(self, features: Tensor, rows: IntArray, samples: list[list[Sample]]) -> ActivationSet:
        """The samples of one batch: `samples[i]` are positions of `features[i]`, which is picture `rows[i]`."""
        flat = [(index, sample) for index, of_picture in enumerate(samples) for sample in of_picture]
        picture = np.array([index for index, _ in flat], dtype=np.int64)
        y = np.array([sample.y for _, sample in flat], dtype=np.int64)
        x = np.array([sample.x for _, sample in flat], dtype=np.int64)
        at_picture, at_y, at_x = (torch.from_numpy(each).to(features.device) for each in (picture, y, x))
        logits, attribution = self._attribution(features, at_picture, at_y, at_x)
        if self._sampling.pair is None:
            contrast = torch.full_like(logits[:, 0], torch.nan)
        else:
            contrast = contrast_of(logits, attribution, *self._sampling.pair)
        return ActivationSet(
            vectors=features[at_picture, :, at_y, at_x].float().cpu().numpy(),
            attribution=attribution.float().cpu().numpy(),
            contrast=contrast.float().cpu().numpy(),
            image_row=rows[picture],
            y=y,
            x=x,
            weight=np.array([sample.weight for _, sample in flat], dtype=np.float32),
            strongest=np.array([sample.strongest for _, sample in flat], dtype=np.bool_),
        )

    def _attribution(self, features: Tensor, picture: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and attribution (S, K) of S positions, a batch's number of feature maps at a time."""
        method = self._method or self._choose_method(features)
        if len(picture) == len(features):  # one position a picture: the maps as they are, without a copy
            return logits_and_attribution(self._cut, features, y, x, method=method, chunk=self._batch_size)
        parts: list[tuple[Tensor, Tensor]] = []
        for start in range(0, len(picture), self._batch_size):
            part = slice(start, start + self._batch_size)
            maps = features[picture[part]]
            parts.append(logits_and_attribution(self._cut, maps, y[part], x[part], method=method, chunk=len(maps)))
        logits, attribution = zip(*parts, strict=True)
        return torch.cat(logits), torch.cat(attribution)

    def _choose_method(self, features: Tensor) -> AttributionMethod:
        self._method = attribution_method(self._cut, features)
        if self._method is not AttributionMethod.FORWARD:
            self._progress.say(f"this network's tail has no forward-mode derivative; attribution takes {self._method}")
        return self._method


def _refuse_not_finite(samples: ActivationSet, paired: bool) -> None:
    """A network with finite logits may still have no derivative somewhere, such as a square root at 0."""
    broken = ~np.isfinite(samples.vectors).all(axis=1) | ~np.isfinite(samples.attribution).all(axis=1)
    if paired:
        broken |= ~np.isfinite(samples.contrast)
    if broken.any():
        raise LayerError(
            f"attribution must be finite, but it is not for {int(broken.sum())} of {len(samples)} activations: the "
            "network behind the layer has no derivative there; choose another layer (auditor layers lists them)"
        )
