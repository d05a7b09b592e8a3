"""Pasting one patch onto a batch of pictures, each at its own draw, as one vectorised operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from auditor.core.records import PixelArray
from auditor.core.records.trials import Draws
from auditor.inputs.images.pixels import to_float
from auditor.trials.effects import SHAPE, change_patches, change_pictures, reach_px
from auditor.trials.effects.effect import Numbers, Patches
from auditor.trials.extents import half_extents
from auditor.trials.patch import aspect_of, pasted_size, resize_patch


class Sticker:
    """A patch ready to be pasted: its pixels on the device, resized once for each size it is used at."""

    def __init__(self, rgba: PixelArray, device: torch.device) -> None:
        self._rgba = rgba
        self._device = device
        self._by_size: dict[tuple[int, int], Tensor] = {}
        self.aspect = aspect_of(rgba)

    def at(self, side_px: float) -> Tensor:
        """(4, h, w) float32 in [0, 1], colours premultiplied by opacity, longer side `side_px` (rounded)."""
        size = pasted_size(self._rgba, max(1, round(side_px)))
        if size not in self._by_size:
            pixels = to_float(resize_patch(self._rgba, *size), self._device)
            pixels[:3] *= pixels[3:]
            self._by_size[size] = pixels
        return self._by_size[size]


def paste(images: Tensor, sticker: Sticker, draws: Draws, source_px: float) -> Tensor:
    """Paste a patch onto every picture of a batch, in place.

    Args:
        images: (B, 3, H, W) float32 RGB in [0, 1], contiguous; overwritten where the patch lies.
        sticker: the patch.
        draws: B placements. A patch that reaches over the edge is cut off there.
        source_px: longer side to which the patch is resized, with antialiasing, before it is sampled: the largest
            that a draw can have. It is not taken from the batch, lest a picture's pixels depend on its company.
    Returns:
        `images`.

    A patch that is neither turned nor tilted and whose corner lies on whole pixels keeps its resized
    pixels exactly, to float tolerance. Otherwise it is sampled bilinearly, with soft edges.
    """
    return paste_pixels(images, sticker.at(source_px), draws)


Change = Callable[[Tensor, Tensor], Tensor]
"""(B, 3, h, w) premultiplied colours and (B, 1, h, w) opacity of pasted patches, to other premultiplied colours."""


@dataclass(frozen=True, slots=True)
class Spots:
    """Where and how a batch is pasted, on the device: every number that changes from picture to picture, in one tensor.

    So they go there in one copy, also for more pictures than a batch holds; `spots[rows]` are those of some of them.

    Attributes:
        numbers: (11 + A, B) float32. Rows: top and left of the window, whole; centre down and across, and side, pixels;
            cosine and sine of the turn; tilt down and across; brightness, contrast; then the numbers of `also`.
        window: height and width of the part of each picture that is worked on, pixels.
        relit: whether any of them is shown brighter or with another contrast.
        also: name, least and most of each of the A further numbers.
    """

    numbers: Tensor
    window: tuple[int, int]
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
            window: as for `paste_pixels`.
        """
        top, left, window_y, window_x = _windows(draws, texels, *picture, window)
        turned = (np.cos(draws.rotation), np.sin(draws.rotation))
        placed = (top, left, draws.centre_y, draws.centre_x, draws.side_px, *turned, draws.tilt_y, draws.tilt_x)
        # in double precision until here, so that no device shows in the last bit; float32 holds whole numbers exactly
        numbers = np.stack((*placed, draws.brightness, draws.contrast, *draws.also.values())).astype(np.float32)
        relit = bool(draws.brightness.any() or (draws.contrast != 1.0).any())
        also = tuple(
            (name, float(each.min()), float(each.max())) if len(each) else (name, 0.0, 0.0)
            for name, each in draws.also.items()
        )
        return cls(torch.from_numpy(numbers).to(device), (window_y, window_x), relit, also)

    def __getitem__(self, rows: slice) -> Spots:
        return Spots(self.numbers[:, rows], self.window, self.relit, self.also)

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

_TRACE = 1e-5
"""Opacity, and premultiplied colour, up to which nothing is pasted: what lies under a transparent part stays as it is,
bit by bit."""


def paste_pixels(
    images: Tensor,
    source: Tensor,
    draws: Draws,
    change: Change | None = None,
    window: tuple[int, int] | None = None,
) -> Tensor:
    """`paste` for a patch that has its size already; differentiable with respect to its pixels.

    Args:
        images: as for `paste`; on the patch's device.
        source: (4, h, w) float32 in [0, 1], colours premultiplied by opacity; or (B, 4, h, w), one a picture.
        change: makes something else of the patches where they lie, before they are relit.
        window: height and width of the part of each picture that is worked on; None: what the draws take.
    """
    texels, picture = (source.shape[-2], source.shape[-1]), (images.shape[2], images.shape[3])
    return paste_at(images, source, Spots.of(draws, texels, picture, images.device, window), change)


def paste_at(images: Tensor, source: Tensor, spots: Spots, change: Change | None = None) -> Tensor:
    """`paste_pixels` on spots that are on the device already; nothing goes there or comes from there.

    What effects do to the patch is done here; what they do to whole pictures is left to `photographed`.
    """
    count, _, height, width = images.shape
    device = images.device
    window_y, window_x = spots.window
    top, left, centre_y, centre_x, *shape, brightness, contrast = spots.columns()

    rows = top.long().view(count, 1) + torch.arange(window_y, device=device)
    columns = left.long().view(count, 1) + torch.arange(window_x, device=device)
    y = rows.view(count, window_y, 1) + 0.5 - centre_y
    x = columns.view(count, 1, window_x) + 0.5 - centre_x
    further = spots.further()
    grid = _patch_coordinates(y, x, shape, (source.shape[-2], source.shape[-1]), further)
    sampled = functional.grid_sample(
        source.expand(count, -1, -1, -1), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    # where a patch is transparent, rounding of places lets a trace of its neighbours through
    sampled = functional.threshold(sampled, _TRACE, 0.0, inplace=True)
    colour, alpha = sampled[:, :3], sampled[:, 3:]
    if change is not None:
        colour = change(colour, alpha)
    if spots.relit:
        colour = _relight(colour, alpha, brightness.unsqueeze(1), contrast.unsqueeze(1))
    if spots.also:
        half = shape[0] / 2
        colour, alpha = change_patches(
            Patches(colour, alpha, (y / half).unsqueeze(1), (x / half).unsqueeze(1)), further
        )

    flat = (rows.view(count, window_y, 1) * width + columns.view(count, 1, window_x)).view(count, 1, -1)
    flat = flat.expand(-1, 3, -1)
    pixels = images.view(count, 3, height * width)
    under = pixels.gather(2, flat)
    over = under.mul_(1.0 - alpha.flatten(2)).add_(colour.flatten(2))
    pixels.scatter_(2, flat, over)
    return images


def photographed(images: Tensor, spots: Spots) -> Tensor:
    """(B, 3, H, W) pictures after what their spots' effects do to whole pictures; `images` itself where nothing."""
    return change_pictures(images, spots.further()) if spots.also else images


def _windows(
    draws: Draws, texels: tuple[int, int], height: int, width: int, size: tuple[int, int] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """Top-left corners of equally large windows inside the pictures that hold the pasted patches, and their size."""
    longer = max(texels)
    upright = (draws.rotation == 0.0) & (draws.tilt_y == 0.0) & (draws.tilt_x == 0.0)
    upright &= not any(name in draws.also for name in SHAPE)
    # sampling fades a patch out over half a texel around it; of an upright one that reaches no further pixel's centre
    grown_y, grown_x = (np.where(upright, 1.0, 1.0 + 1.0 / count) for count in texels)
    half_y, half_x = half_extents(
        draws.side_px,
        draws.rotation,
        draws.tilt_y * grown_y,
        draws.tilt_x * grown_x,
        (texels[0] / longer * grown_y, texels[1] / longer * grown_x),
        (draws.number(name, otherwise) for name, otherwise in zip(SHAPE, (1.0, 1.0, 0.0), strict=True)),
    )
    beyond = reach_px(draws.also)
    half_y, half_x = half_y + beyond, half_x + beyond
    top, window_y = _window(draws.centre_y, half_y, height, size[0] if size else None)
    left, window_x = _window(draws.centre_x, half_x, width, size[1] if size else None)
    return top, left, window_y, window_x


def _window(
    centre: NDArray[np.float64], half: NDArray[np.float64], length: int, size: int | None
) -> tuple[NDArray[np.int64], int]:
    # rounding keeps a patch that lies on whole pixels there, in spite of float error in centre ± half
    first = np.floor((centre - half).round(6))
    window = size or min(length, math.ceil(float((centre + half - first).round(6).max(initial=0.0))))
    return first.clip(0, length - window).astype(np.int64), window


def _patch_coordinates(
    y: Tensor, x: Tensor, shape: Sequence[Tensor], texels: tuple[int, int], further: Numbers
) -> Tensor:
    """(B, h, w, 2) positions in the patch, −1 … 1 from edge to edge, of picture offsets from its centre."""
    side, cosine, sine, tilt_y, tilt_x = shape
    half, longer = side / 2, max(texels)
    across = (x * cosine - y * sine) / (half * (texels[1] / longer))
    down = (x * sine + y * cosine) / (half * (texels[0] / longer))
    if SHAPE[0] in further.drawn:
        stretch_y, stretch_x, shear = (further[name].squeeze(1) for name in SHAPE)
        down = down / stretch_y
        across = (across - shear * down) / stretch_x
    depth = 1.0 + tilt_x * across + tilt_y * down
    return torch.stack((across / depth, down / depth), dim=-1)


def _relight(colour: Tensor, alpha: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Contrast about mid grey, then brightness, on premultiplied colours, clipped to [0, alpha]."""
    changed = (colour - 0.5 * alpha) * contrast + (0.5 + brightness) * alpha
    return torch.minimum(changed.clamp_(min=0.0), alpha)
