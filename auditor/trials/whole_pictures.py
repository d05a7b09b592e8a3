"""Effects blended over whole pictures, and other changes of the same size. Where effects come from is told elsewhere.

An effect is given as a change: what it adds to each pixel of a picture. Its controls are made of that very change, so
they have its size on every picture: its opposite, the same with its colours turned, and noise. Beside what takes fine
detail away or adds to it stands the contrast that goes with it, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from auditor.core.draws import keyed_generator
from auditor.core.errors import DamagedFileError
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, PixelArray
from auditor.core.records.trials import Predictions
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.trials.sweep import what_is_said

Generators = Sequence[np.random.Generator]
"""One a picture, keyed by what is drawn for it."""


class Change(Protocol):
    """What an effect adds to pictures."""

    def __call__(self, images: Tensor, draws: Generators) -> Tensor:
        """(B, 3, H, W) float32 to be added to (B, 3, H, W) float32 RGB in [0, 1], on the same device."""


@dataclass(frozen=True, slots=True)
class Added:
    """The same numbers for every picture: `picture` is (3, 1, 1) or (3, H, W) float32."""

    picture: Tensor

    def __call__(self, images: Tensor, draws: Generators) -> Tensor:
        del draws
        return self.picture.to(images.device).expand_as(images)


@dataclass(frozen=True, slots=True)
class Contrast:
    """Every pixel's distance from its picture's own mean colour, times `gain`."""

    gain: float

    def __call__(self, images: Tensor, draws: Generators) -> Tensor:
        del draws
        return (images - images.mean(dim=(2, 3), keepdim=True)) * (self.gain - 1.0)


@dataclass(frozen=True, slots=True)
class ContrastOf:
    """A picture's contrast changed by as much as another change changes it, and nothing else.

    Spread is the standard deviation of grey, the mean of the channels. A picture without any stays as it is.
    """

    change: Change

    def __call__(self, images: Tensor, draws: Generators) -> Tensor:
        before = _spread(images)
        gain = torch.where(before > 0.0, _spread(images + self.change(images, draws)) / before, 1.0)
        return (images - images.mean(dim=(2, 3), keepdim=True)) * (gain - 1.0).view(-1, 1, 1, 1)


def _spread(images: Tensor) -> Tensor:
    """(B,)"""
    return images.mean(dim=1).flatten(1).std(dim=1, correction=0)


@dataclass(frozen=True, slots=True)
class Saturation:
    """Every pixel's distance from its own grey, the mean of its channels, times `gain`; 0 leaves a grey-scale."""

    gain: float

    def __call__(self, images: Tensor, draws: Generators) -> Tensor:
        del draws
        return (images - images.mean(dim=1, keepdim=True)) * (self.gain - 1.0)


def mirrored(images: Tensor) -> Tensor:
    """(…, H, W) continued by its mirror image to (…, 2H, 2W), whose edges meet without a step."""
    wide = torch.cat((images, images.flip(-1)), dim=-1)
    return torch.cat((wide, wide.flip(-2)), dim=-2)


def radii(height: int, width: int) -> FloatArray:
    """(2H, W + 1) frequencies of a real (2H, 2W) picture's half spectrum, cycles a pixel in any direction."""
    down, across = np.fft.fftfreq(2 * height), np.fft.rfftfreq(2 * width)
    return np.asarray(np.hypot(down[:, None], across[None]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Filtered:
    """Every frequency times a gain that depends on its radius alone: a blur where fine detail has gains below 1.

    Attributes:
        centres, gains: (bins,) radii in cycles a pixel, and gains there; between them they follow straight lines. The
            mean of a picture stays.
    """

    centres: FloatArray
    gains: FloatArray
    _by_size: dict[tuple[int, int], Tensor] = field(default_factory=dict)

    def __call__(self, images: Tensor, draws: Generators) -> Tensor:
        del draws
        height, width = images.shape[2:]
        spectrum = torch.fft.rfft2(mirrored(images)) * self._less_one(height, width).to(images.device)
        changed: Tensor = torch.fft.irfft2(spectrum, s=(2 * height, 2 * width))
        return changed[..., :height, :width]

    def _less_one(self, height: int, width: int) -> Tensor:
        if (height, width) not in self._by_size:
            gains = np.interp(radii(height, width), self.centres, self.gains)
            gains[0, 0] = 1.0
            self._by_size[height, width] = torch.from_numpy((gains - 1.0).astype(np.float32))
        return self._by_size[height, width]


@dataclass(frozen=True, slots=True)
class Towards:
    """Towards one picture, (3, H, W) float32, as far as `weight`, (H, W), says at each pixel: 0 keeps, 1 replaces."""

    picture: Tensor
    weight: Tensor

    def __call__(self, images: Tensor, draws: Generators) -> Tensor:
        del draws
        return self.weight.to(images.device) * (self.picture.to(images.device) - images)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Towards another picture, drawn for each, as far as `weight` says at each pixel: 0 keeps, 1 replaces.

    Attributes:
        pictures: (M, 3, H, W) uint8, at least one; weight: (H, W) float32 in [0, 1].
    """

    pictures: PixelArray
    weight: Tensor

    def __call__(self, images: Tensor, draws: Generators) -> Tensor:
        chosen = [int(draw.integers(len(self.pictures))) for draw in draws]
        return self.weight.to(images.device) * (to_float(self.pictures[chosen], images.device) - images)


def opposite(change: Tensor, draws: Generators) -> Tensor:
    """The change taken away instead of added."""
    del draws
    return -change


def turned(change: Tensor, draws: Generators) -> Tensor:
    """The change with its colours turned at random: another cast, as strong at every pixel. (B, 3, H, W)."""
    turns = torch.from_numpy(np.stack([_rotation(draw) for draw in draws])).to(change.device)
    return torch.einsum("bij,bjhw->bihw", turns, change)


def _rotation(draw: np.random.Generator) -> np.ndarray:
    """(3, 3) float32 orthogonal, uniformly distributed (Haar): the QR decomposition of Gaussians, its signs settled."""
    q, r = np.linalg.qr(draw.standard_normal((3, 3)))
    return np.asarray(q * np.sign(np.diag(r)), dtype=np.float32)


def noise(change: Tensor, draws: Generators) -> Tensor:
    """Gaussian noise, independent in every pixel and channel, with the change's root mean square on every picture."""
    shape = tuple(change.shape[1:])
    drawn = torch.from_numpy(np.stack([draw.standard_normal(shape, dtype=np.float32) for draw in draws]))
    drawn = drawn.to(change.device)
    return drawn * (_root_mean_square(change) / _root_mean_square(drawn)).view(-1, 1, 1, 1)


def _root_mean_square(change: Tensor) -> Tensor:
    """(B,) over pixels and channels."""
    return change.square().mean(dim=(1, 2, 3)).sqrt()


Instead = Callable[[Tensor, Generators], Tensor]
OF_ANY_CHANGE: dict[str, Instead] = {"opposite": opposite, "other colours": turned}
"""Controls that are made of the effect's own change, and so are as large on every picture."""

OF_FINE_DETAIL: dict[str, Instead] = {"noise": noise}
"""Beside them, of a change of fine detail."""


@dataclass(frozen=True, slots=True)
class Blended:
    """What is done to pictures in one go: a change, or something of its size instead of it.

    Attributes:
        name: keys the draws: of the effect, and "" or its control's name.
        where: by the key of a picture, (H, W) uint8, how far each pixel is changed: 255 in full; a picture without one
            stays as it is. None: all of every picture.
    """

    name: tuple[str, str]
    change: Change
    instead: Instead | None = None
    where: Mapping[str, PixelArray] | None = None

    def on(self, images: Tensor, keys: Sequence[str], seed: int) -> Tensor:
        """(B, 3, H, W) pictures in [0, 1] after it, clipped to [0, 1]; a new tensor."""
        draws = [keyed_generator(seed, "whole picture", *self.name, key) for key in keys]
        change = self.change(images, draws)
        if self.instead is not None:
            change = self.instead(change, draws)
        if self.where is not None:
            nothing = np.zeros(images.shape[2:], dtype=np.uint8)
            shares = np.stack([self.where.get(key, nothing) for key in keys])
            change = change * to_float(shares[:, None], images.device)
        return (images + change).clamp_(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Said:
    """What the model says of changed pictures, and (N,) by how much each was changed, root mean square in [0, 1]."""

    of: Predictions
    change: FloatArray

    def arrays(self) -> dict[str, np.ndarray]:
        """By name, for a file."""
        return {
            "predicted": self.of.predicted,
            "probability": self.of.probability,
            "rank": self.of.rank,
            "change": self.change,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], pictures: int) -> Said:
        """Of `arrays`.

        Raises:
            DamagedFileError: they are of other pictures.
        """
        found = cls(Predictions(arrays["predicted"], arrays["probability"], arrays["rank"]), arrays["change"])
        if len(found.change) != pictures:
            raise DamagedFileError(f"it tells of {len(found.change)} pictures, and there are {pictures}")
        return found


@torch.inference_mode()
def blend(
    classifier: Classifier,
    criterion: TargetCalled,
    pixels: PixelArray,
    keys: Sequence[str],
    blended: Blended,
    batch_size: int,
    seed: int,
    progress: Progress,
    names: Sequence[str] = (),
) -> Said:
    """Change (N, 3, H, W) uint8 pictures and record what the model says of them.

    Args:
        keys: of the pictures; names: of them, for the message where the network fails on one.
    Raises:
        ModelError: the network fails; names the picture that it fails on, where it is one.
    """
    predictions = Predictions.of_none(len(pixels))
    sizes = np.zeros(len(pixels), dtype=np.float32)

    def predict(rows: slice) -> Predictions:
        images = to_float(pixels[rows], classifier.device)
        after = blended.on(images, keys[rows], seed)
        sizes[rows] = _root_mean_square(after - images).cpu().numpy()
        return what_is_said(classifier.forward_normalised(classifier.normalise_(after), finite=False), criterion)

    told = [f"{name} under {' '.join(blended.name).strip()}" for name in names]
    for rows, batch in Batches(batch_size).each(len(pixels), naming(predict, told), progress):
        predictions.put(rows.start, batch)
        progress.advance(rows.stop - rows.start)
    return Said(predictions, sizes)


def picture_under(pixels: PixelArray, key: str, blended: Blended, seed: int, device: torch.device) -> PixelArray:
    """One (3, H, W) uint8 picture after the change, rounded, for a person to look at."""
    after = blended.on(to_float(pixels[None], device), [key], seed)[0]
    rounded: PixelArray = after.mul(255.0).round_().byte().cpu().numpy()
    return rounded
