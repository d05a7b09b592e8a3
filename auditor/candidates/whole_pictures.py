"""Effects over whole pictures, taken from what sets the target's discovery pictures apart from the source's.

Each kind measures one property of a picture. The difference of its means points from source to target, and an effect
moves a picture by the difference: to the average target picture, or to those that show it most. Nobody is asked what
to look for, and nothing is tried here: `auditor.run.stages.whole_pictures` does.

The middle of a picture shows the object, whose own colour is no cue. So brightness, cast and saturation are measured in
the corners alone, and then given to the whole picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.records import CONTRAST_ALONE, IntArray, PixelArray
from auditor.inputs.images.pixels import to_float
from auditor.trials.whole_pictures import (
    Added,
    Change,
    Contrast,
    ContrastOf,
    Filtered,
    Saturation,
    Surroundings,
    Towards,
    mirrored,
    radii,
)

LOOKED_AT = 512
"""Pictures of a class that are measured, at most."""

STRONGEST = 0.1
"""The share of the target's pictures that shows a property most."""

BINS = 16
"""Rings of the spectrum, from 0 to its corners."""

RING = 0.125
"""Width of the frame, as a share of a picture's shorter side."""

SURROUNDINGS = (0.6, 0.9)
"""From where, as shares of the way from the middle to an edge, surroundings fade in and have replaced everything."""

TYPICAL, EXTREME = "typical", "strongest"

_AT_ONCE = 64  # fixed, so that no sum depends on the batch size of the machine
_LEAST = 1 / 255
_ROUNDING = _LEAST**2 / 12  # power at every frequency of what 8 bits round away

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effect:
    """What is tried: a change of a whole picture.

    Attributes:
        kind, dose, words, shows_target: as in `records.WholeEffect`.
        instead: changes that are its controls, by name; none: those that are made of its own.
        fine: whether it changes fine detail, so that noise is among them, beside `instead`: of a cast or a frame noise
            as large would be another thing, and hide what a model heeds.
        where: by the key of a picture, how far each pixel is changed; None: all of every picture (`Blended`).
    """

    kind: str
    dose: str
    words: str
    change: Change
    shows_target: bool = False
    instead: Mapping[str, Change] = field(default_factory=dict)
    fine: bool = False
    where: Mapping[str, PixelArray] | None = None

    @property
    def id(self) -> str:
        return f"w-{self.kind.replace(' ', '-')}-{self.dose}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A property of pictures, and how a picture is moved along it.

    Attributes:
        measure: (B, 3, H, W) float32 in [0, 1] → (B, D) float64 numbers.
        change: from the difference (D,) of two means, and the pictures' size, to the change that makes it.
        words: the difference in words.
    """

    measure: Callable[[Tensor], Tensor]
    change: Callable[[Values, tuple[int, int]], Change]
    words: Callable[[Values], str]


def brightness(images: Tensor) -> Tensor:
    """(B, 1) mean over the corners and channels."""
    return _corners(images).mean(dim=(1, 2)).unsqueeze(1)


def cast(images: Tensor) -> Tensor:
    """(B, 3) mean colour of the corners less its own grey."""
    colour = _corners(images).mean(dim=2)
    return colour - colour.mean(dim=1, keepdim=True)


def saturation(images: Tensor) -> Tensor:
    """(B, 1) logarithm of the root mean square distance of the corners' pixels from their own grey."""
    pixels = _corners(images)
    distance = (pixels - pixels.mean(dim=1, keepdim=True)).square().mean(dim=(1, 2)).sqrt()
    return (distance + _LEAST).log().unsqueeze(1)


def _corners(images: Tensor) -> Tensor:
    """(B, 3, P) float64 pixels of the corners."""
    return images.double()[:, :, corners(*images.shape[2:])]


def corners(height: int, width: int) -> NDArray[np.bool_]:
    """(H, W) what lies outside the ellipse that touches all four edges: the last place where an object lies."""
    y, x = ((np.arange(side) + 0.5) / side * 2 - 1 for side in (height, width))
    return np.asarray(np.hypot(y[:, None], x[None]) > 1.0)


def contrast(images: Tensor) -> Tensor:
    """(B, 1) logarithm of the spread (standard deviation) of grey, the mean of the channels."""
    return (images.double().mean(dim=1).flatten(1).std(dim=1, correction=0) + _LEAST).log().unsqueeze(1)


def sharpness(images: Tensor) -> Tensor:
    """(B, BINS) logarithm of the power of grey in rings of the spectrum: with the contrast that goes with detail."""
    grey = mirrored(images.double().mean(dim=1))
    power = torch.fft.rfft2(grey - grey.mean(dim=(1, 2), keepdim=True), norm="ortho").abs().square()
    height, width = images.shape[2:]
    rings, weights = (torch.from_numpy(each).to(images.device) for each in _rings(height, width))
    count = torch.zeros(BINS, dtype=torch.float64, device=images.device).index_add_(0, rings, weights)
    of_ring = torch.zeros(len(images), BINS, dtype=torch.float64, device=images.device)
    of_ring.index_add_(1, rings, power.flatten(1) * weights)
    return (of_ring / count.clamp(min=1.0) + _ROUNDING).log()


def _rings(height: int, width: int) -> tuple[IntArray, Values]:
    """Of each frequency of the half spectrum its ring, and how often it stands in the whole one."""
    rings = np.minimum((radii(height, width) / _RING_WIDTH).astype(np.int64), BINS - 1)
    weights = np.full(rings.shape, 2.0)
    weights[:, [0, -1]] = 1.0
    weights[0, 0] = 0.0  # the mean, which is no detail
    return rings.ravel(), weights.ravel()


_RING_WIDTH = math.sqrt(0.5) / BINS
_CENTRES = (np.arange(BINS) + 0.5) * _RING_WIDTH


def frame(images: Tensor) -> Tensor:
    """(B, 3 R) the pixels of the outer ring, channel by channel."""
    return images.double()[:, :, ring(*images.shape[2:])].flatten(1)


def ring(height: int, width: int) -> NDArray[np.bool_]:
    """(H, W) where the frame lies: at least one pixel wide."""
    wide = max(1, round(RING * min(height, width)))
    inside = np.zeros((height, width), dtype=np.bool_)
    inside[wide : height - wide, wide : width - wide] = True
    return ~inside


def _one_colour(difference: Values) -> Change:
    colour = np.broadcast_to(difference, 3).astype(np.float32)
    return Added(torch.from_numpy(colour.copy()).view(3, 1, 1))


def _levels(difference: Values) -> str:
    return ", ".join(f"{255 * each:+.1f}".replace("-", "\N{MINUS SIGN}") for each in difference.tolist())


def _detail(difference: Values) -> str:
    """What is done to the amplitude of the finer half of the rings and of the coarser one, on average.

    Where a loss of contrast takes as much from both, nothing is less sharp; and where it takes more from the coarser
    one, nothing is sharper either.
    """
    coarse, fine = (float(np.exp(half.mean() / 2)) for half in np.split(difference, 2))
    name = "a blur" if fine < coarse else "sharpening" if fine > 1 else "less contrast of every detail"
    return f"{name}, fine detail times {fine:.2f}, coarse times {coarse:.2f}"


KINDS: Mapping[str, Kind] = {
    "brightness": Kind(
        brightness, lambda far, _size: _one_colour(far), lambda far: f"brightness {_levels(far)} levels of 255"
    ),
    "colour cast": Kind(
        cast,
        lambda far, _size: _one_colour(far),
        lambda far: f"a colour cast of red, green, blue {_levels(far)} levels of 255",
    ),
    "contrast": Kind(
        contrast,
        lambda far, _size: Contrast(math.exp(float(far[0]))),
        lambda far: f"contrast times {math.exp(float(far[0])):.2f}",
    ),
    "saturation": Kind(
        saturation,
        lambda far, _size: Saturation(math.exp(float(far[0]))),
        lambda far: (
            f"{'nearly grey-scale, ' if far[0] < math.log(0.15) else ''}saturation times {math.exp(float(far[0])):.2f}"
        ),
    ),
    "sharpness": Kind(
        sharpness,
        lambda far, _size: Filtered(_CENTRES, np.exp(far / 2)),
        _detail,
    ),
}
"""The properties that are looked at, each typical and strongest, as frames are; beside them surroundings."""

FRAME_KIND, SURROUNDINGS_KIND = "frame", "surroundings"

SELECTION_PICTURES = 64
"""Selection pictures on which every effect is tried, at most."""


def count_of_effects() -> int:
    """How many effects are tried, at most."""
    return 2 * (len(KINDS) + 1) + 2


def count_of_kinds() -> int:
    """How many kinds there are, and so how many effects can be confirmed."""
    return len(KINDS) + 3


def whole_effects(
    source: PixelArray, target: PixelArray, others: PixelArray, device: torch.device, kinds: Sequence[str] = ()
) -> tuple[Effect, ...]:
    """Every effect that discovery pictures tell of without annotations, in the order of the table.

    Args:
        source, target, others: (N, 3, H, W) uint8 prepared discovery pictures of the pair and of other classes; of
            source and target at least one. Of each the first `LOOKED_AT` are used.
        kinds: those wanted; none: all.
    """
    source, target, others = (pixels[:LOOKED_AT] for pixels in (source, target, others))
    size = (int(source.shape[2]), int(source.shape[3]))
    effects: list[Effect] = []
    for name, kind in KINDS.items():
        if kinds and name not in kinds:
            continue
        for dose, difference in differences(kind.measure, source, target, device).items():
            change, fine = kind.change(difference, size), kind.measure is sharpness
            instead = {CONTRAST_ALONE: ContrastOf(change)} if fine else {}
            effects.append(Effect(name, dose, kind.words(difference), change, instead=instead, fine=fine))
    if not kinds or FRAME_KIND in kinds:
        effects += _frames(source, target, size, device)
    if not kinds or SURROUNDINGS_KIND in kinds:
        effects.append(_surroundings(source, target, others, size))
    return tuple(effects)


def differences(
    measure: Callable[[Tensor], Tensor], source: PixelArray, target: PixelArray, device: torch.device
) -> dict[str, Values]:
    """What lies between the source's pictures and the target's, by dose, (D,) each.

    Typical is the difference d of the means. Strongest is the difference between the source's mean and that of the
    tenth of the target's pictures that lie furthest along d, so that what a few pictures show strongly comes in full.
    """
    from_source = _mean(_measured(measure, source, device))
    return {
        dose: (_mean(_measured(measure, pictures, device)) - from_source).cpu().numpy()
        for dose, pictures in _by_dose(measure, from_source, target, device).items()
    }


def _by_dose(
    measure: Callable[[Tensor], Tensor], from_source: Tensor, target: PixelArray, device: torch.device
) -> dict[str, PixelArray]:
    """All of the target's pictures, and those that lie furthest on the way from the source's mean to theirs."""
    typical = _mean(_measured(measure, target, device)) - from_source
    along = torch.cat([values @ typical for values in _measured(measure, target, device)])
    most = max(1, math.ceil(STRONGEST * len(target)))
    rows = np.sort(torch.argsort(along, descending=True, stable=True)[:most].cpu().numpy())
    return {TYPICAL: target, EXTREME: target[rows]}


def _frames(source: PixelArray, target: PixelArray, size: tuple[int, int], device: torch.device) -> list[Effect]:
    """Towards the mean frame of target pictures, as far as they agree on it and source pictures are apart from it.

    At each pixel the weight is 1 − s / e: s the spread of target pictures about their mean, e the root mean square
    distance of source pictures from that mean, over the channels. It is 1 where all target pictures are one colour, and
    0 where they differ from each other as much as source pictures do from them, or where there is but one.
    """
    where = ring(*size)
    of_source, spread = _mean_and_variance(_measured(frame, source, device))
    spread = spread.nan_to_num(posinf=0.0)  # of a single picture, whose own distance from the mean is known
    effects = []
    for dose, pictures in _by_dose(frame, of_source, target, device).items():
        mean, own = _mean_and_variance(_measured(frame, pictures, device))
        inside = own.view(3, -1).sum(dim=0)
        outside = (spread + (of_source - mean).square()).view(3, -1).sum(dim=0)
        weight = (1.0 - (inside / outside).sqrt()).nan_to_num(0.0, 0.0, 0.0).clamp(0.0, 1.0)
        picture, opacity = np.zeros((3, *size), np.float32), np.zeros(size, np.float32)
        picture[:, where], opacity[where] = mean.view(3, -1).cpu().numpy(), weight.cpu().numpy()
        words = f"a frame: the outer eighth drawn {100 * float(weight.mean()):.0f}% towards the target's mean"
        effects.append(Effect(FRAME_KIND, dose, words, Towards(torch.from_numpy(picture), torch.from_numpy(opacity))))
    return effects


def _mean_and_variance(parts: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """(D,) each; the variance is the unbiased one, and infinite of a single picture, which tells of none."""
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for values in parts:
        count += len(values)
        total = total.to(values) + values.sum(dim=0)
        squares = squares.to(values) + values.square().sum(dim=0)
    mean = total / count
    if count == 1:
        return mean, torch.full_like(mean, torch.inf)
    return mean, ((squares - count * mean.square()) / (count - 1)).clamp(min=0.0)


def _measured(measure: Callable[[Tensor], Tensor], pixels: PixelArray, device: torch.device) -> Iterator[Tensor]:
    for start in range(0, len(pixels), _AT_ONCE):
        yield measure(to_float(pixels[start : start + _AT_ONCE], device))


def _mean(parts: Iterator[Tensor]) -> Tensor:
    """(D,) over all pictures of the parts."""
    total, count = None, 0
    for values in parts:
        total = values.sum(dim=0) if total is None else total + values.sum(dim=0)
        count += len(values)
    if total is None:
        raise ValueError("a mean needs at least one picture, got none")
    return total / count


def _surroundings(source: PixelArray, target: PixelArray, others: PixelArray, size: tuple[int, int]) -> Effect:
    """What surrounds a picture's middle, from target pictures; controls: from other classes' and the source's own."""
    weight = surroundings_weight(*size)
    instead = {"surroundings of the source": Surroundings(source, weight)}
    if len(others):
        instead["surroundings of other classes"] = Surroundings(others, weight)
    share = float(weight.mean())
    words = f"the surroundings of a target picture, {100 * share:.0f}% of the area"
    return Effect(SURROUNDINGS_KIND, TYPICAL, words, Surroundings(target, weight), shows_target=True, instead=instead)


def surroundings_weight(height: int, width: int) -> Tensor:
    """(H, W) float32: 0 inside an ellipse about the middle, rising in a straight line to 1 outside a larger one."""
    y = (torch.arange(height, dtype=torch.float64) + 0.5) / height * 2 - 1
    x = (torch.arange(width, dtype=torch.float64) + 0.5) / width * 2 - 1
    first, last = SURROUNDINGS
    return ((torch.hypot(y[:, None], x[None]) - first) / (last - first)).clamp(0.0, 1.0).float()
