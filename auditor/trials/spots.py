"""Where and how a batch is pasted: the numbers of its draws, and the part of each picture that they concern."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.records.trials import Draws
from auditor.trials.effects import SHAPE, reach_px
from auditor.trials.effects.effect import Numbers
from auditor.trials.extents import half_extents

Rows = NDArray[np.int64]
Some = slice | Rows


def on_device(rows: Some, device: torch.device) -> slice | Tensor:
    """Some pictures as an index of what lies on a device."""
    return rows if isinstance(rows, slice) else torch.from_numpy(rows).to(device)


@dataclass(frozen=True, slots=True)
class Spots:
    """Where and how a batch is pasted, on the device: every number that changes from picture to picture, in one tensor.

    So they go there in one copy, also for more pictures than a batch holds; `spots[rows]` are those of some of them.

    Attributes:
        numbers: (11 + A, B) float32. Rows: top and left of the window, whole; centre down and across, and side, pixels;
            cosine and sine of the turn; tilt down and across; brightness, contrast; then the numbers of `also`.
        window: height and width of the part of each picture that is worked on, pixels.
        boxes: (4, B) top, left, height and width of the part of each window that its patch reaches; height or width is
            0 where that is none of it. They stay on the processor.
        relit: whether any of them is shown brighter or with another contrast.
        also: name, least and most of each of the A further numbers.
    """

    numbers: Tensor
    window: tuple[int, int]
    boxes: NDArray[np.int64]
    relit: bool
    also: tuple[tuple[str, float, float], ...] = ()

    @classmethod
    def of(
        cls,
        draws: Draws,
        texels: tuple[int, int],
        picture: tuple[int, int],
        device: torch.device,
        window: tuple[int, int] | None = None,
    ) -> Spots:
        """
        Args:
            texels: (h, w) of the patch's pixels. picture: (H, W) of the pictures.
            window: as for `paste_pixels` (`auditor.trials.pasting`).
        """
        top, left, whole, boxes = _windows(draws, texels, *picture, window)
        turned = (np.cos(draws.rotation), np.sin(draws.rotation))
        placed = (top, left, draws.centre_y, draws.centre_x, draws.side_px, *turned, draws.tilt_y, draws.tilt_x)
        # in double precision until here, so that no device shows in the last bit; float32 holds whole numbers exactly
        numbers = np.stack((*placed, draws.brightness, draws.contrast, *draws.also.values())).astype(np.float32)
        relit = bool(draws.brightness.any() or (draws.contrast != 1.0).any())
        also = tuple(
            (name, float(each.min()), float(each.max())) if len(each) else (name, 0.0, 0.0)
            for name, each in draws.also.items()
        )
        return cls(torch.from_numpy(numbers).to(device), whole, boxes, relit, also)

    def __getitem__(self, rows: Some) -> Spots:
        numbers = self.numbers[:, on_device(rows, self.numbers.device)]
        return replace(self, numbers=numbers, boxes=self.boxes[:, rows])

    def boxed(self, most: int) -> Iterator[tuple[Rows, Spots]]:
        """The same spots in windows hardly larger than their boxes: up to `most` at once, those of like size together.

        Yields:
            Which of these spots, and they in their smaller windows; none whose patch does not reach its window.
        """
        area = self.boxes[2] * self.boxes[3]
        order = np.argsort(area, kind="stable")[np.count_nonzero(area == 0) :]
        for start in range(0, len(order), most):
            rows = order[start : start + most]
            boxes, numbers = self.boxes[:, rows], self.numbers[:, torch.from_numpy(rows)]
            window = int(boxes[2].max()), int(boxes[3].max())
            for corner in (0, 1):
                # it must not reach over the end of the larger window
                last = numbers[corner] + (self.window[corner] - window[corner])
                numbers[corner] = torch.minimum(torch.from_numpy(boxes[corner]).to(last), last)
            yield rows, replace(self, numbers=numbers, window=window, boxes=boxes)

    def corners(self) -> list[tuple[int, int]]:
        """Top and left of each window; waits for the device."""
        return [(int(top), int(left)) for top, left in zip(*self.numbers[:2].tolist(), strict=True)]

    def columns(self) -> tuple[Tensor, ...]:
        """The first 11 rows of `numbers`, (B, 1, 1) each."""
        return self.numbers.view(*self.numbers.shape, 1, 1)[:_PLACED].unbind()

    def further(self) -> Numbers:
        """The other rows."""
        rows = self.numbers.view(*self.numbers.shape, 1, 1, 1)[_PLACED:].unbind()
        drawn = {name: row for (name, _, _), row in zip(self.also, rows, strict=True)}
        return Numbers(
            drawn, {name: least for name, least, _ in self.also}, {name: most for name, _, most in self.also}
        )


_PLACED = 11

_HORIZON = 0.99
"""How far a patch may be tilted, of 1, where a corner of it lies at the horizon."""


def _windows(
    draws: Draws, texels: tuple[int, int], height: int, width: int, size: tuple[int, int] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int], NDArray[np.int64]]:
    """Top-left corners of equally large windows inside the pictures that hold the pasted patches, their size, and the
    boxes in them."""
    upright = (draws.rotation == 0.0) & (draws.tilt_y == 0.0) & (draws.tilt_x == 0.0)
    upright &= not any(name in draws.also for name in SHAPE)
    # sampling fades a patch out over half a texel around it; of an upright one that reaches no further pixel's centre
    faded = [np.ones(len(draws)) + 1.0 / count for count in texels]
    half_y, half_x = _reach(draws, texels, [np.where(upright, 1.0, grown) for grown in faded])
    top, window_y = _window(draws.centre_y, half_y, height, size[0] if size else None)
    left, window_x = _window(draws.centre_x, half_x, width, size[1] if size else None)
    grown_y, grown_x = faded
    half_y, half_x = _reach(draws, texels, faded)
    # a patch that reaches the horizon has no outline
    unbounded = np.abs(draws.tilt_y) * grown_y + np.abs(draws.tilt_x) * grown_x > _HORIZON
    half_y, half_x = np.where(unbounded, np.inf, half_y), np.where(unbounded, np.inf, half_x)
    first_y, tall = _box(draws.centre_y, half_y, top, window_y)
    first_x, wide = _box(draws.centre_x, half_x, left, window_x)
    return top, left, (window_y, window_x), np.stack((first_y, first_x, tall, wide))


def _reach(
    draws: Draws, texels: tuple[int, int], grown: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far from its centre each patch reaches down and across, pixels, were it so many times as tall and as wide."""
    longer, (grown_y, grown_x) = max(texels), grown
    stretch_y, stretch_x, shear = (
        draws.number(name, otherwise) for name, otherwise in zip(SHAPE, (1.0, 1.0, 0.0), strict=True)
    )
    half_y, half_x = half_extents(
        draws.side_px,
        draws.rotation,
        draws.tilt_y * grown_y,
        draws.tilt_x * grown_x,
        (texels[0] / longer * grown_y, texels[1] / longer * grown_x),
        # it is the grown height that shear carries across, not the grown width
        (stretch_y, stretch_x, shear * grown_y / grown_x),
    )
    beyond = reach_px(draws.also)
    return half_y + beyond, half_x + beyond


def _window(
    centre: NDArray[np.float64], half: NDArray[np.float64], length: int, size: int | None
) -> tuple[NDArray[np.int64], int]:
    # rounding keeps a patch that lies on whole pixels there, in spite of float error in centre ± half
    first = np.floor((centre - half).round(6))
    window = size or min(length, math.ceil(float((centre + half - first).round(6).max(initial=0.0))))
    return first.clip(0, length - window).astype(np.int64), window


def _box(
    centre: NDArray[np.float64], half: NDArray[np.float64], start: NDArray[np.int64], length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First pixel of a window at which a patch may be more than nothing, and how many there are."""
    first = np.floor(centre - half).clip(start, start + length).astype(np.int64)
    stop = np.ceil(centre + half).clip(start, start + length).astype(np.int64)
    return first, stop - first
