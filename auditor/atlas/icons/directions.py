"""Directions worth an icon: single channels, and every position of one picture. Rendering them is icons.py's work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from auditor.atlas.icons.head import at_rest
from auditor.atlas.icons.objective import Whitening
from auditor.atlas.icons.render import Icons, IconSettings, render_icons
from auditor.atlas.network import CutNetwork
from auditor.core.errors import LayerError
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, IntArray, PixelArray
from auditor.inputs.images.pixels import to_float


@dataclass(frozen=True, slots=True)
class PictureGrid:
    """What the network sees in one picture, position by position.

    Attributes:
        y, x: (P,) positions in the layer's grid.
        magnitude: (P,) length of the activation: how much is seen there; icons are best shown in proportion.
        icons: (P,) one a position.
    """

    y: IntArray
    x: IntArray
    magnitude: FloatArray
    icons: Icons


def channel_directions(head: CutNetwork, channels: Sequence[int]) -> FloatArray:
    """One-hot directions: (N, D), one a channel.

    Raises:
        LayerError: a channel that the layer does not have.
    """
    width = head.feature_shape[0]
    wrong = [channel for channel in channels if not 0 <= channel < width]
    if wrong:
        raise LayerError(f"the layer's channels are 0 to {width - 1}, got {wrong[0]}")
    return np.eye(width, dtype=np.float32)[np.array(channels, dtype=np.int64)]


def picture_activations(head: CutNetwork, picture: PixelArray) -> FloatArray:
    """The layer's activations at every position of one picture, (H', W', D).

    Args:
        picture: (3, H, W) uint8, prepared as the classifier wants it.
    """
    with at_rest(head.classifier.module), torch.no_grad():
        images = to_float(picture[None], head.classifier.device)
        activations: FloatArray = head.features(images).grid[0].permute(1, 2, 0).float().cpu().numpy()
    return np.ascontiguousarray(activations)


def render_picture_grid(
    head: CutNetwork,
    picture: PixelArray,
    settings: IconSettings,
    seed: int,
    progress: Progress,
    *,
    whitening: Whitening | None = None,
    positions: IntArray | None = None,
    batch_size: int = 64,
) -> PictureGrid:
    """One icon for every position of one picture: what the network sees there.

    An icon is keyed by its position, so two pictures rendered with one seed have the same icon wherever the network
    sees the same, and a picture before and after a paste differs only where the paste reaches.

    Args:
        picture: (3, H, W) uint8, prepared as the classifier wants it.
        positions: (P, 2) as y, x; None: the whole grid, row by row.
        whitening, batch_size: as `render_icons`.
    Raises:
        LayerError: as `render_icons`.
    Source: Olah et al., "The Building Blocks of Interpretability", Distill 2018, doi:10.23915/distill.00010.
    """
    activations = picture_activations(head, picture)
    if positions is None:
        positions = np.argwhere(np.ones(activations.shape[:2], dtype=np.bool_)).astype(np.int64)
    y, x = positions[:, 0], positions[:, 1]
    directions = activations[y, x]
    keys = [f"position {row},{column}" for row, column in positions.tolist()]
    icons = render_icons(head, directions, keys, settings, seed, progress, whitening=whitening, batch_size=batch_size)
    return PictureGrid(y, x, np.linalg.norm(directions, axis=1), icons)
