"""Collect activations with their attributions from pictures, shard by shard. Filtering and layout come after."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

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
from auditor.atlas.shards import Shards
from auditor.core.config import AtlasConfig
from auditor.core.errors import ImageError, LayerError
from auditor.core.progress import Progress
from auditor.core.records import ClassGroup, FloatArray, ImagePool, IntArray
from auditor.core.shelf import MemoryShelf, Shelf
from auditor.core.work import Hands, Work
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.cut import LayerCut, features_at
from auditor.inputs.model.device import off_the_device
from auditor.inputs.model.features import Features
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming

SHARD_IMAGES = 1024
"""Pictures a shard: what is held in memory at once, and what an interruption costs at most."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What an atlas is made of, and how.

    Attributes:
        cut: the network, cut after the layer to map.
        pool: all pictures; those of the discovery split are mapped, whatever their class.
        pair: source and target, whose contrast is recorded; None: it is NaN.
        layer: the layer's name for messages, where it is one of several; else "".
        batch_size: pictures a pass; it decides time and memory, not which positions are drawn.
    """

    cut: CutNetwork
    pool: ImagePool
    pair: tuple[ClassGroup, ClassGroup] | None
    config: AtlasConfig
    batch_size: int
    seed: int
    progress: Progress
    layer: str = ""

    @property
    def whose(self) -> str:
        """Begins a message that speaks of one layer of several."""
        return f"layer {self.layer!r}: " if self.layer else ""

    @property
    def device(self) -> torch.device:
        """Where the network lies, and where a layout is made that can use a card."""
        return self.cut.classifier.device

    def sampling(self, strongest_per_image: int) -> Sampling:
        """Which positions of each picture are taken."""
        config = self.config
        return Sampling(self.seed, self.pair, config.positions_per_image, strongest_per_image, config.relaxed_pooling)


@dataclass(frozen=True, slots=True)
class Part:
    """The pictures of one shard: rows of the pool, and their keys in the same order."""

    rows: IntArray
    keys: tuple[str, ...]


def collect_activations(
    mapped: Mapped,
    rows: IntArray,
    sampling: Sampling,
    shelf: Shelf | None = None,
    shard_images: int = SHARD_IMAGES,
    hands: Hands[Mapped] | None = None,
) -> Shards:
    """Sample activations of some pictures, and put them on a shelf a shard at a time.

    Shards that are on the shelf already are not made again, so an interrupted collection goes on where it stopped.
    A shard holds the samples of `shard_images` pictures in the order of `rows` and does not depend on other shards.

    Args:
        rows: (R,) the pictures to use, as rows of the pool.
        sampling: which positions of each, and the pair whose contrast is recorded.
        shelf: where the shards go; None: memory.
        hands: who collects; None: this process.
    Raises:
        ImageError: there are no pictures.
        LayerError: an activation or its attribution is not finite, or attribution is 0 everywhere.
    """
    alone = None if hands is None else Hands(partial(_alone, hands.open), hands.engine)
    return collect_together((mapped,), rows, sampling, (shelf or MemoryShelf(),), shard_images, alone)[0]


def collect_together(
    layers: Sequence[Mapped],
    rows: IntArray,
    sampling: Sampling,
    shelves: Sequence[Shelf],
    shard_images: int = SHARD_IMAGES,
    hands: Hands[Sequence[Mapped]] | None = None,
) -> tuple[Shards, ...]:
    """`collect_activations` of several layers of one network, which each picture passes once up to the last of them.

    Args:
        layers: the same but for cut and name.
        shelves: one for each of them; hands: who collects, each opening all layers.
    Returns:
        What each layer by itself would give, in their order.
    """
    if len(rows) == 0:
        raise ImageError("activations were to be collected, but there are no pictures; choose a split that has some")
    shards = tuple(Shards(shelf, -(-len(rows) // shard_images)) for shelf in shelves)
    first = layers[0]
    first.progress.start("activations", len(rows))
    missing: list[int] = []
    parts: list[Part] = []
    for number in range(shards[0].count):
        part = rows[number * shard_images : (number + 1) * shard_images]
        if all(of_layer.has(number) for of_layer in shards):
            first.progress.advance(len(part))
        else:
            missing.append(number)
            parts.append(Part(part, tuple(first.pool.images[row].key for row in part)))
    hands = hands or Hands(lambda: layers)
    work = Work(partial(_open_collector, hands.open, sampling), _collect_part, _pictures)
    for number, samples in zip(missing, hands.engine.each(work, parts), strict=True):
        for mapped, of_layer, own in zip(layers, shards, samples, strict=True):
            if number == 0:  # as good as the whole for this, and before hours are spent
                _refuse_zero(own, mapped.whose)
            of_layer.write(number, own)
    return shards


def _alone(open_mapped: Callable[[], Mapped]) -> Sequence[Mapped]:
    return (open_mapped(),)


def _open_collector(open_layers: Callable[[], Sequence[Mapped]], sampling: Sampling) -> _Collector:
    return _Collector(open_layers(), sampling)


def _collect_part(collector: _Collector, part: Part) -> tuple[ActivationSet, ...]:
    return collector.shard(part.rows, part.keys)


def _pictures(part: Part) -> int:
    return len(part.rows)


class _Collector:
    """What one collection needs from batch to batch: the network, and each layer's own part."""

    def __init__(self, layers: Sequence[Mapped], sampling: Sampling) -> None:
        first = layers[0]
        self._cuts, self._pool, self._progress = [one.cut for one in layers], first.pool, first.progress
        self._batches = Batches(first.batch_size)
        self._layers = [_Layer(one, sampling, self._batches) for one in layers]
        # one buffer for every batch: on a CPU fresh large blocks cost more than the arithmetic done in them
        shape = (self._batches.size, *first.pool.pixels.shape[1:])
        self._images = torch.empty(shape, device=first.cut.classifier.device)

    def shard(self, rows: IntArray, keys: Sequence[str]) -> tuple[ActivationSet, ...]:
        """The samples of these pictures in each layer, in their order.

        Raises:
            ModelError: the network fails; names the picture that it fails on, where it is one.
        """
        parts: list[list[ActivationSet]] = []
        collect = naming(lambda batch: self._batch(rows[batch], keys[batch]), self._pool.paths(rows))
        for batch, part in self._batches.each(len(rows), collect, self._progress):
            parts.append(part)
            self._progress.advance(batch.stop - batch.start)
        samples = tuple(ActivationSet.joined(of_layer) for of_layer in zip(*parts, strict=True))
        for layer, own in zip(self._layers, samples, strict=True):
            layer.refuse_not_finite(own)
        return samples

    def _batch(self, rows: IntArray, keys: Sequence[str]) -> list[ActivationSet]:
        seen = self._features(rows)
        return [layer.batch(own, rows, keys) for layer, own in zip(self._layers, seen, strict=True)]

    @torch.no_grad()
    def _features(self, rows: IntArray) -> tuple[Features, ...]:
        images = to_float(self._pool.pixels[rows], self._images.device, into=self._images[: len(rows)])
        together = [cut for cut in self._cuts if isinstance(cut, LayerCut)]
        if 1 < len(together) == len(self._cuts):
            return features_at(together, images)
        return tuple(cut.features(images) for cut in self._cuts)


class _Layer:
    """Positions, attribution and contrast at one layer, of features that the network has put out there."""

    def __init__(self, mapped: Mapped, sampling: Sampling, batches: Batches) -> None:
        self._mapped, self._cut, self._pool, self._sampling = mapped, mapped.cut, mapped.pool, sampling
        self._batches, self._progress = batches, mapped.progress
        _, grid_height, grid_width = mapped.cut.feature_shape
        self._interior = interior_positions(grid_height, grid_width)
        self._method: AttributionMethod | None = None

    def batch(self, features: Features, rows: IntArray, keys: Sequence[str]) -> ActivationSet:
        """The samples of one batch; `features[i]` are picture `rows[i]`'s."""
        with relaxed_max_pooling() if self._sampling.relaxed_pooling else contextlib.nullcontext():
            contrasts = self._contrasts(features)
            samples = [
                sample_positions(self._sampling, key, self._interior, None if contrasts is None else contrasts[index])
                for index, key in enumerate(keys)
            ]
            return self._gather(features, rows, samples)

    def _contrasts(self, features: Features) -> FloatArray | None:
        """(B, H', W') contrast at every position, where it decides which are kept."""
        if self._sampling.pair is None or not self._sampling.strongest_per_image:
            return None
        _, contrast = contrast_map(self._cut, features, *self._sampling.pair)
        contrasts: FloatArray = contrast.cpu().numpy()
        return contrasts

    def _gather(self, features: Features, rows: IntArray, samples: list[list[Sample]]) -> ActivationSet:
        """The samples of one batch: `samples[i]` are positions of `features[i]`, which is picture `rows[i]`."""
        flat = [(index, sample) for index, of_picture in enumerate(samples) for sample in of_picture]
        picture = np.array([index for index, _ in flat], dtype=np.int64)
        y = np.array([sample.y for _, sample in flat], dtype=np.int64)
        x = np.array([sample.x for _, sample in flat], dtype=np.int64)
        at_picture, at_y, at_x = torch.from_numpy(np.stack((picture, y, x))).to(self._cut.classifier.device)
        logits, attribution = self._attribution(features, at_picture, at_y, at_x)
        if self._sampling.pair is None:
            contrast = torch.full_like(logits[:, 0], torch.nan)
        else:
            contrast = contrast_of(logits, attribution, *self._sampling.pair)
        vectors = features.grid[at_picture, :, at_y, at_x]
        numbers = off_the_device(vectors, attribution, contrast.unsqueeze(1))
        return ActivationSet(
            vectors=numbers[0],
            attribution=numbers[1],
            contrast=numbers[2][:, 0],
            image_row=rows[picture],
            y=y,
            x=x,
            weight=np.array([sample.weight for _, sample in flat], dtype=np.float32),
            strongest=np.array([sample.strongest for _, sample in flat], dtype=np.bool_),
        )

    def _attribution(self, features: Features, picture: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and attribution (S, K) of S positions, a batch's number of feature maps at a time."""
        method = self._method or self._choose_method(features)
        if len(picture) == len(features):  # one position a picture: the maps as they are, without a copy
            return logits_and_attribution(self._cut, features, y, x, method=method, chunk=self._batches.size)
        parts: list[tuple[Tensor, Tensor]] = []
        for start in range(0, len(picture), self._batches.size):
            part = slice(start, start + self._batches.size)
            maps = features[picture[part]]
            parts.append(logits_and_attribution(self._cut, maps, y[part], x[part], method=method, chunk=len(maps)))
        logits, attribution = zip(*parts, strict=True)
        return torch.cat(logits), torch.cat(attribution)

    def refuse_not_finite(self, samples: ActivationSet) -> None:
        """A network with finite logits may still have no derivative somewhere, such as a square root at 0."""
        broken = ~np.isfinite(samples.vectors).all(axis=1) | ~np.isfinite(samples.attribution).all(axis=1)
        if self._sampling.pair is not None:
            broken |= ~np.isfinite(samples.contrast)
        if broken.any():
            first = self._pool.images[samples.image_row[int(broken.argmax())]].path
            raise LayerError(
                f"{self._mapped.whose}"
                f"attribution must be finite, but it is not for {int(broken.sum())} of {len(samples)} activations, as "
                f"in {first}: the network behind the layer has no derivative there; choose another layer (auditor "
                "layers lists them)"
            )

    def _choose_method(self, features: Features) -> AttributionMethod:
        self._method = attribution_method(self._cut, features)
        if self._method is not AttributionMethod.FORWARD:
            self._progress.say(f"this network's tail has no forward-mode derivative; attribution takes {self._method}")
        return self._method


def _refuse_zero(samples: ActivationSet, whose: str) -> None:
    """An atlas of nothing but zeros would still be drawn, and candidates be chosen from it."""
    if samples.attribution.any():
        return
    if samples.vectors.any():
        why = "no logit changes with an activation to first order, as where logits are rounded"
    else:
        why = "every activation of the layer is 0"
    raise LayerError(
        f"{whose}attribution is 0 everywhere, for all {len(samples)} activations looked at and every class: {why}; "
        "give a network whose logits have a derivative, or choose another layer (auditor layers lists them)"
    )
