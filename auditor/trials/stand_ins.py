"""What is pasted in a patch's place, drawn anew for each picture. Which controls there are is told in candidates.

A stand-in is made where the patch lies and at the size at which it is shown there, since noise or shuffled pixels made
larger would melt to their mean when shrunk, and be no control at all. Its draws are keyed by seed, picture, candidate
and control, so that one drawing's luck stays in one picture (docs/design.md, section 5, rule 3).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.draws import keyed_generator
from auditor.core.records import IntArray, PixelArray
from auditor.inputs.images.pixels import to_float
from auditor.trials.many_draws import choices, uniforms_on

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Draw:
    """What keys the draws of one control of one candidate, a picture at a time."""

    seed: int
    candidate: str
    control: str

    def keys(self, image_keys: Sequence[str]) -> list[tuple[str | int, ...]]:
        """Of the generators for all that is drawn for each picture: the same whatever the batch and the order."""
        return [("control", self.control, self.candidate, key) for key in image_keys]


@dataclass(frozen=True, slots=True)
class Changed:
    """A stand-in made of the patch's own pixels, where and as large as they are shown.

    Attributes:
        change: (B, 3, h, w) colours premultiplied by opacity, (B, 1, h, w) opacity and (B, planes, h, w) numbers in
            [0, 1), to other premultiplied colours; opacity stays.
        planes: numbers it takes at each pixel; 0: nothing is drawn.
    """

    change: Callable[[Tensor, Tensor, Tensor], Tensor]
    planes: int = 0

    def numbers(self, draw: Draw, image_keys: Sequence[str], size: tuple[int, int], device: torch.device) -> Tensor:
        """(B, planes, h, w) float32 uniform in [0, 1), each picture's own."""
        if not self.planes:
            return torch.empty((len(image_keys), 0, *size), device=device)
        keys, shape = draw.keys(image_keys), (self.planes, *size)
        if device.type != "cpu":
            return uniforms_on(device, draw.seed, keys, math.prod(shape)).view(-1, *shape)
        drawn = [keyed_generator(draw.seed, *key).random(shape, dtype=np.float32) for key in keys]
        return torch.from_numpy(np.stack(drawn))


@dataclass(frozen=True, slots=True)
class CutFromPictures:
    """A stand-in cut from other pictures, as large as the patch is shown and under its opacity.

    Attributes:
        rows: (M,) pictures of the pool to cut from.
        centres: (M, 2) where, as shares of height and width; None: anywhere.
    """

    rows: IntArray
    centres: NDArray[np.float64] | None = None

    @property
    def digest(self) -> str:
        """12 hex digits that change with where it may be cut."""
        centres = b"" if self.centres is None else self.centres.tobytes()
        return hashlib.sha256(self.rows.tobytes() + centres).hexdigest()[:12]

    def cut(
        self, draw: Draw, image_keys: Sequence[str], pixels: PixelArray, alpha: Tensor, device: torch.device
    ) -> Tensor:
        """(B, 4, h, w) float32 in [0, 1], colours premultiplied: each picture's own cut.

        Args:
            pixels: (N, 3, H, W) uint8, the pool's prepared pictures.
            alpha: (h, w) opacity of the patch at the size at which it is pasted.
        """
        height, width = alpha.shape
        cuts = np.empty((len(image_keys), 3, height, width), dtype=np.uint8)
        numbers, shares = self._drawn(draw, image_keys)
        corners = np.rint(shares * pixels.shape[2:] - np.array(alpha.shape) / 2).astype(np.int64)
        corners = corners.clip(0, np.array(pixels.shape[2:]) - alpha.shape)
        for place, (row, (top, left)) in enumerate(zip(self.rows[numbers], corners.tolist(), strict=True)):
            cuts[place] = pixels[row, :, top : top + height, left : left + width]
        opacity = alpha.expand(len(cuts), 1, height, width)
        return torch.cat([to_float(cuts, device) * opacity, opacity], dim=1)

    def _drawn(self, draw: Draw, image_keys: Sequence[str]) -> tuple[IntArray, NDArray[np.float64]]:
        """(B,) which of the pictures is cut for each, and (B, 2) where the middle of it lies, as shares."""
        numbers, shares = choices(draw.seed, draw.keys(image_keys), len(self.rows), 2)
        return numbers, shares if self.centres is None else self.centres[numbers]


StandIn = Changed | CutFromPictures


@dataclass(frozen=True, slots=True)
class Control:
    """A control of a candidate: its name, and what is pasted in the candidate's place."""

    name: str
    stand_in: StandIn


def grey(colour: Tensor, alpha: Tensor, numbers: Tensor) -> Tensor:
    """Mid grey."""
    del numbers
    return (0.5 * alpha).expand_as(colour)


def mean_colour(colour: Tensor, alpha: Tensor, numbers: Tensor) -> Tensor:
    """The mean colour of the patch, weighted by its opacity."""
    del numbers
    return _mean(colour, alpha) * alpha


def noise(colour: Tensor, alpha: Tensor, numbers: Tensor) -> Tensor:
    """Independent uniform noise at every pixel of the picture and in every channel."""
    del colour
    return numbers * alpha


def shuffled(colour: Tensor, alpha: Tensor, numbers: Tensor) -> Tensor:
    """The same pixels in random places of like opacity (within a quarter); opacity stays where it is.

    A patch with soft edges or a faded background so keeps the colours that can be seen of it.
    """
    count, _, height, width = colour.shape
    opaque = colour / alpha.clamp(min=1e-6)
    level = torch.where(alpha > 0, (alpha * (255.0 / 64.0)).floor().clamp(max=3.0), -1.0).view(count, -1)
    source = (_exchanged_seen if level.device.type == "cpu" else _exchanged)(level, numbers.view(count, -1))
    moved = opaque.view(count, 3, -1).gather(2, source.unsqueeze(1).expand(-1, 3, -1)).view(count, 3, height, width)
    return moved * alpha


def _exchanged(level: Tensor, numbers: Tensor) -> Tensor:
    """(B, P) int64 which pixel comes to each place: one of the place's own level, in an order that is drawn."""
    # both orders go level by level, so that a place's pixel is exchanged for one of its own level
    places = torch.argsort(level, dim=1, stable=True)
    drawn = torch.argsort(level + numbers * 0.999, dim=1, stable=True)
    return torch.empty_like(places).scatter_(1, places, drawn)


def _exchanged_seen(level: Tensor, numbers: Tensor) -> Tensor:
    """`_exchanged` of what can be seen, on a processor; the rest, most of a window, stays and is nothing anywhere."""
    source = np.tile(np.arange(level.shape[1]), (len(level), 1))
    keys = (level + numbers * 0.999).numpy()
    for row, levels, key in zip(source, level.numpy(), keys, strict=True):
        seen = np.flatnonzero(levels >= 0.0)
        row[seen[np.argsort(levels[seen], kind="stable")]] = seen[np.argsort(key[seen], kind="stable")]
    return torch.from_numpy(source)


def phase_scrambled(colour: Tensor, alpha: Tensor, numbers: Tensor) -> Tensor:
    """The same power spectrum with random phases, equal in all channels, so that colours keep belonging together.

    The phases are those of a real noise picture, which keeps the result real without any special cases. What is
    transparent is taken as the patch's mean colour, so that it adds no structure.
    """
    mean = _mean(colour, alpha)
    filled = colour + mean * (1.0 - alpha)
    phase = torch.fft.fft2(torch.special.ndtri(numbers.double().clamp(1e-7, 1.0 - 1e-7))).angle()
    phase[..., 0, 0] = 0.0  # the mean colour stays
    spectrum = torch.fft.fft2(filled.double())
    scrambled = torch.fft.ifft2(spectrum * torch.exp(1j * phase)).real
    kept: Tensor = scrambled.clamp(0.0, 1.0).float() * alpha
    return kept


def _mean(colour: Tensor, alpha: Tensor) -> Tensor:
    """(B, 3, 1, 1) mean colours of premultiplied (B, 3, h, w) ones."""
    weight = alpha.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    return colour.sum(dim=(2, 3), keepdim=True) / weight
