"""What the network sees in single pictures, position by position, before and after a paste. It measures no flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image

from auditor.atlas.attribution import contrast_map
from auditor.atlas.drawings.look import Look, draw_look
from auditor.atlas.icons.directions import render_picture_grid
from auditor.atlas.icons.objective import Whitening
from auditor.atlas.icons.render import icon_settings
from auditor.core.progress import Progress, Within
from auditor.core.records import FloatArray, IntArray, PixelArray
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.naming import naming
from auditor.inputs.opening import Inputs

POSITIONS_A_SIDE = 7
"""Positions shown along each side of a picture: of a finer grid every second or third, since each icon costs time."""

ICON_PX = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture to look at: (3, H, W) uint8 as the network receives it, what it is in a word or two, and its name."""

    picture: PixelArray
    heading: str
    name: str


def look_at(inputs: Inputs, pictures: Sequence[Seen], vectors: FloatArray, progress: Progress) -> Image.Image:
    """Draw pictures below each other, each beside the icons of its positions.

    Icons are keyed by position, so between two pictures only what the network sees differently differs.

    Args:
        vectors: (S, D) activations of the layer, by which the icons are whitened.
    Raises:
        LayerError: the network cannot be run up to the layer at the icons' size.
        ModelError: the network fails; names the picture that it fails on.
    """
    _, height, width = inputs.cut.feature_shape
    settings = replace(icon_settings(inputs.config.atlas), side_px=ICON_PX)
    positions = shown_positions(height, width)
    whitening = Whitening.fit(vectors)
    progress.start("looking", len(pictures) * len(positions))

    def look(one: slice) -> Look:
        seen = pictures[one.start]
        contrast, called, probability = _reading(inputs, seen.picture)
        grid = render_picture_grid(
            inputs.cut,
            seen.picture,
            settings,
            inputs.config.seed,
            Within(progress),
            whitening=whitening,
            positions=positions,
        )
        return Look(
            picture=seen.picture,
            seen=grid,
            contrast=contrast[positions[:, 0], positions[:, 1]],
            heading=seen.heading,
            called=inputs.class_names[called],
            probability=probability,
        )

    one_by_one = naming(look, [seen.name for seen in pictures])
    looks = [one_by_one(slice(place, place + 1)) for place in range(len(pictures))]
    return draw_look(looks, inputs.source.name, inputs.target.name)


def shown_positions(height: int, width: int, a_side: int = POSITIONS_A_SIDE) -> IntArray:
    """Positions (P, 2) as y, x, row by row: all of a coarse grid, of a finer one evenly spaced about its middle."""
    axes = []
    for side in (height, width):
        step = -(-side // a_side)
        shown = len(range(0, side, step))
        first = (side - 1 - (shown - 1) * step) // 2
        axes.append(np.arange(first, side, step))
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.int64)


def _reading(inputs: Inputs, picture: PixelArray) -> tuple[FloatArray, int, float]:
    """Contrast (H', W') in logits, and the class the model calls the picture with its probability."""
    images = to_float(picture[None], inputs.classifier.device)
    with torch.no_grad():
        features = inputs.cut.features(images)
    logits, contrast = contrast_map(inputs.cut, features, inputs.source, inputs.target)
    probabilities = logits[0].softmax(dim=0)
    called = int(probabilities.argmax())
    return contrast[0].cpu().numpy(), called, float(probabilities[called])
