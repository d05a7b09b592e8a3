"""Several layers' layouts side by side, with the same pictures marked in each. The layouts are made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from auditor.atlas.activations import ActivationSet
from auditor.atlas.drawings.canvas import SHARPNESS, WIDEST_PX, Canvas, square
from auditor.atlas.drawings.colours import FRAME, INK, PLOT, SOFT_INK, contrast_colour
from auditor.atlas.drawings.legend import KEY_HEIGHT, draw_colour_key
from auditor.atlas.drawings.natural_crops import CropOf
from auditor.core.records import FloatArray, IntArray

_MARGIN = 24 * SHARPNESS
_BETWEEN = 16 * SHARPNESS
_HEAD = 92 * SHARPNESS
_LARGEST_PANEL = 460 * SHARPNESS
_TILE = 32 * SHARPNESS
_DOT = 3 * SHARPNESS // 2


@dataclass(frozen=True, slots=True)
class LayerMap:
    """One layer's layout.

    Attributes:
        name: of the layer.
        samples: S activations; sample i is of the same picture in every layer. Points of unknown contrast are grey.
        xy: (S, 2) in [0, 1]; x to the right, y downwards.
        crop_of: natural crops at this layer.
    """

    name: str
    samples: ActivationSet
    xy: FloatArray
    crop_of: CropOf


def spread_out(places: FloatArray, most: int) -> IntArray:
    """Up to `most` of the places (S, d), far from each other: first the one nearest the middle, then each time the
    one farthest from all chosen so far (Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5)."""
    if len(places) == 0:
        return np.zeros(0, dtype=np.int64)
    chosen = [int(np.linalg.norm(places - places.mean(axis=0), axis=1).argmin())]
    distance = np.linalg.norm(places - places[chosen[0]], axis=1)
    while len(chosen) < most and distance.max() > 0:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return np.array(chosen, dtype=np.int64)


def draw_layers(maps: Sequence[LayerMap], source_name: str, target_name: str, tiles: int = 36) -> Image.Image:
    """Draw layouts side by side: every activation a point, and some pictures as numbered crops, the same in each.

    Args:
        maps: one or more layers with the same S pictures in the same order.
        source_name, target_name: of the pair whose contrast colours the points, on one scale for all layers.
        tiles: pictures shown as crops, far from each other in the layouts taken together.
    Returns:
        RGB, at most `WIDEST_PX` wide.
    """
    count = len(maps)
    panel = min(_LARGEST_PANEL, (WIDEST_PX - 2 * _MARGIN - (count - 1) * _BETWEEN) // count)
    largest = _scale(np.concatenate([layer.samples.contrast for layer in maps]))
    foot = KEY_HEIGHT * SHARPNESS if largest else 0
    right = _MARGIN + count * panel + (count - 1) * _BETWEEN
    canvas = Canvas.blank(right + _MARGIN, _HEAD + panel + foot + _MARGIN)
    canvas.text((_MARGIN, 15 * SHARPNESS), "The same pictures in each layer", 18, INK, "la", right - _MARGIN)
    words = "Each point is an activation; crops of one number are of one picture."
    canvas.text((_MARGIN, 41 * SHARPNESS), words, 12, SOFT_INK, "la", right - _MARGIN)
    chosen = spread_out(np.concatenate([layer.xy for layer in maps], axis=1), tiles)
    for place, layer in enumerate(maps):
        left = _MARGIN + place * (panel + _BETWEEN)
        canvas.text((left, _HEAD - 6 * SHARPNESS), layer.name, 14, INK, "ls", panel)
        _draw_panel(canvas, layer, (left, _HEAD), panel, chosen, largest)
    if largest:
        top = _HEAD + panel + 14 * SHARPNESS
        draw_colour_key(
            canvas, right, top, "point: contrast (logits), ends clipped", largest, (source_name, target_name)
        )
    return canvas.image


def _scale(contrast: FloatArray) -> float:
    """The 98th percentile of the size of what is known, since single activations have long tails; 0.0 for nothing."""
    known = np.abs(contrast[~np.isnan(contrast)])
    return float(np.percentile(known, 98)) if len(known) else 0.0


def _draw_panel(
    canvas: Canvas, layer: LayerMap, corner: tuple[int, int], panel: int, chosen: IntArray, largest: float
) -> None:
    left, top = corner
    canvas.draw.rectangle((left, top, left + panel - 1, top + panel - 1), fill=PLOT, outline=FRAME, width=SHARPNESS)
    inner, inset = panel - _TILE - 2 * SHARPNESS, _TILE // 2 + SHARPNESS  # no crop leaves the panel
    spots = np.round(layer.xy.astype(np.float64) * inner).astype(np.int64) + np.array([left + inset, top + inset])
    for (x, y), contrast in zip(spots.tolist(), layer.samples.contrast.tolist(), strict=True):
        canvas.draw.ellipse((x - _DOT, y - _DOT, x + _DOT, y + _DOT), fill=contrast_colour(contrast, largest))
    for number, sample in reversed(list(enumerate(chosen.tolist(), start=1))):
        x, y = spots[sample].tolist()
        _draw_crop(canvas, layer, sample, number, (x - _TILE // 2, y - _TILE // 2))


def _draw_crop(canvas: Canvas, layer: LayerMap, sample: int, number: int, corner: tuple[int, int]) -> None:
    left, top = corner
    taken = layer.samples
    picture = layer.crop_of(int(taken.image_row[sample]), int(taken.y[sample]), int(taken.x[sample]))
    canvas.image.paste(square(picture, _TILE), corner)
    canvas.draw.rectangle((left, top, left + _TILE - 1, top + _TILE - 1), outline=PLOT, width=SHARPNESS // 2)
    width, height = canvas.width_of(str(number), 9) + 4 * SHARPNESS, 10 * SHARPNESS
    canvas.draw.rectangle((left, top, left + width - 1, top + height - 1), fill=PLOT)
    canvas.text((left + width / 2, top + height / 2), str(number), 9, INK, "mm")
