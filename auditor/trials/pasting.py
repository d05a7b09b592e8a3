"""Pasting one patch onto a batch of pictures, each at its own draw, as one vectorised operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from auditor.core.records import PixelArray
from auditor.core.records.trials import Draws
from auditor.inputs.images.pixels import to_float
from auditor.trials.effects import SHAPE, change_patches, change_pictures
from auditor.trials.effects.effect import Patches
from auditor.trials.patch import aspect_of, pasted_size, resize_patch
from auditor.trials.spots import Rows, Spots


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

_TRACE = 1e-5
"""Opacity, and premultiplied colour, up to which nothing is pasted: what lies under a transparent part stays as it is,
bit by bit."""

_SMALL_PX = 3000
"""Pixels of a window below which work on all pictures at once is quicker than one picture after the other."""

_TOGETHER = 16
"""Pictures that are pasted on at once in windows of their own size: what is computed for them stays in the cache."""


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

    What effects do to the patch is done here; what they do to whole pictures is left to `photographed`. A processor
    goes from picture to picture where windows are large; not a bit differs.
    """
    differentiable = torch.is_grad_enabled() and (images.requires_grad or source.requires_grad)
    if images.device.type != "cpu" or differentiable or math.prod(spots.window) < _SMALL_PX:
        return paste_in_windows(images, source, spots, change)
    return paste_in_boxes(images, source, spots, change)


def paste_in_windows(images: Tensor, source: Tensor, spots: Spots, change: Change | None = None) -> Tensor:
    """`paste_at` on all pictures at once, each in a window as large as the largest takes: the fewest steps."""
    count, _, height, width = images.shape
    layers = _sampled(source.expand(count, -1, -1, -1), spots)
    colour, alpha = layers[:, :3], layers[:, 3:]
    colour, alpha = _as_seen(colour if change is None else change(colour, alpha), alpha, spots)
    rows, columns = _rows_and_columns(spots)
    flat = (rows * width + columns).view(count, 1, -1).expand(-1, 3, -1)
    pixels = images.view(count, 3, height * width)
    under = pixels.gather(2, flat)
    over = under.mul_(1.0 - alpha.flatten(2)).add_(colour.flatten(2))
    pixels.scatter_(2, flat, over)
    return images


def paste_in_boxes(images: Tensor, source: Tensor, spots: Spots, change: Change | None = None) -> Tensor:
    """`paste_at` on the boxes around the patches alone, some pictures at a time: the least arithmetic. No gradients."""
    every = source.expand(len(images), -1, -1, -1)
    groups = list(spots.boxed(_TOGETHER))
    changed = None if change is None else _changed(every, spots, groups, change)
    for rows, few in groups:
        if changed is None:
            layers = _sampled(_these(every, rows), few)
        else:
            layers = torch.stack(_views(changed, rows, few, spots))
        colour, alpha = _as_seen(layers[:, :3], layers[:, 3:], few)
        for pixels, rest, over in zip(_views(images, rows, few), 1.0 - alpha, colour, strict=True):
            pixels.mul_(rest).add_(over)
    return images


def _changed(source: Tensor, spots: Spots, groups: Sequence[tuple[Rows, Spots]], change: Change) -> Tensor:
    """(B, 4, h, w) changed colours and opacity in whole windows, on whose size it may hang what is drawn for them."""
    windows = source.new_zeros((len(source), 4, *spots.window))
    for rows, few in groups:
        layers = _sampled(_these(source, rows), few)
        for part, layer in zip(_views(windows, rows, few, spots), layers, strict=True):
            part.copy_(layer)
    return torch.cat((change(windows[:, :3], windows[:, 3:]), windows[:, 3:]), dim=1)


def _these(source: Tensor, rows: Rows) -> Tensor:
    """The patches of some pictures, without copies where all have the same."""
    return source[: len(rows)] if source.stride(0) == 0 else source[torch.from_numpy(rows)]


def _views(pictures: Tensor, rows: Rows, spots: Spots, within: Spots | None = None) -> list[Tensor]:
    """(C, h, w) the windows of some spots in their pictures, or in larger windows of these; nothing is copied."""
    (tall, wide), corners = spots.window, spots.corners()
    if within is not None:
        larger = within.corners()
        origins = [larger[row] for row in rows]
        corners = [(top - y, left - x) for (top, left), (y, x) in zip(corners, origins, strict=True)]
    return [
        pictures[row, :, top : top + tall, left : left + wide]
        for row, (top, left) in zip(rows.tolist(), corners, strict=True)
    ]


def _sampled(source: Tensor, spots: Spots) -> Tensor:
    """(B, 4, h, w) premultiplied colours and opacity of (B, 4, …) patches in the windows of their pictures."""
    y, x = _offsets(spots)
    across, down = _patch_coordinates(y, x, spots, (source.shape[-2], source.shape[-1]))
    if source.device.type == "cpu" and not source.requires_grad:
        # one after the other they are written faster; gradients would add up in another order
        grid = torch.stack((across, down)).movedim(0, -1)
    else:
        grid = torch.stack((across, down), dim=-1)
    sampled = functional.grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    # where a patch is transparent, rounding of places lets a trace of its neighbours through
    return functional.threshold(sampled, _TRACE, 0.0, inplace=True)


def _as_seen(colour: Tensor, alpha: Tensor, spots: Spots) -> tuple[Tensor, Tensor]:
    """Relit, and after the effects on patches."""
    *_, brightness, contrast = spots.columns()
    if spots.relit:
        colour = _relight(colour, alpha, brightness.unsqueeze(1), contrast.unsqueeze(1))
    if not spots.also:
        return colour, alpha
    half = spots.columns()[4] / 2
    y, x = _offsets(spots)
    return change_patches(Patches(colour, alpha, (y / half).unsqueeze(1), (x / half).unsqueeze(1)), spots.further())


def _rows_and_columns(spots: Spots) -> tuple[Tensor, Tensor]:
    """(B, h, 1) and (B, 1, w) int64: the pixels of windows in their pictures."""
    top, left, *_ = spots.columns()
    rows = top.long() + torch.arange(spots.window[0], device=top.device).unsqueeze(1)
    return rows, left.long() + torch.arange(spots.window[1], device=top.device)


def _offsets(spots: Spots) -> tuple[Tensor, Tensor]:
    """(B, h, 1) down and (B, 1, w) across: from patches' centres to the pixels of their windows."""
    rows, columns = _rows_and_columns(spots)
    _, _, centre_y, centre_x, *_ = spots.columns()
    return rows + 0.5 - centre_y, columns + 0.5 - centre_x


def photographed(images: Tensor, spots: Spots) -> Tensor:
    """(B, 3, H, W) pictures after what their spots' effects do to whole pictures; `images` itself where nothing."""
    return change_pictures(images, spots.further()) if spots.also else images


def _patch_coordinates(y: Tensor, x: Tensor, spots: Spots, texels: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(B, h, w) positions in the patch, across and down, −1 … 1 from edge to edge, of offsets from its centre."""
    (side, cosine, sine, tilt_y, tilt_x), further = spots.columns()[4:9], spots.further()
    half, longer = side / 2, max(texels)
    across = (x * cosine - y * sine) / (half * (texels[1] / longer))
    down = (x * sine + y * cosine) / (half * (texels[0] / longer))
    if SHAPE[0] in further.drawn:
        stretch_y, stretch_x, shear = (further[name].squeeze(1) for name in SHAPE)
        down = down / stretch_y
        across = (across - shear * down) / stretch_x
    depth = 1.0 + tilt_x * across + tilt_y * down
    return across / depth, down / depth


def _relight(colour: Tensor, alpha: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Contrast about mid grey, then brightness, on premultiplied colours, clipped to [0, alpha]."""
    changed = (colour - 0.5 * alpha) * contrast + (0.5 + brightness) * alpha
    return torch.minimum(changed.clamp_(min=0.0), alpha)
