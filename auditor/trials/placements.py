"""Where and how a patch is pasted: one draw an image, keyed by image, candidate and variant. Pastes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.core.config import TrialsConfig
from auditor.core.draws import keyed_generator
from auditor.core.records import Placement
from auditor.core.records.trials import Draws
from auditor.trials.patch import side_in_pixels

CORNERS = ("top left", "top right", "bottom left", "bottom right")


@dataclass(frozen=True, slots=True)
class Variant:
    """One paste rule: a placement kind, or one corner and size of the `best` grid."""

    placement: Placement
    corner: str
    size: float

    @property
    def name(self) -> str:
        if self.placement is Placement.BEST:
            return f"best: {self.corner}, {self.size:g}"
        return str(self.placement)


def variants_of(placement: Placement, config: TrialsConfig) -> tuple[Variant, ...]:
    """The paste rules of a placement: one, or the twelve (corners × sizes) from which `best` takes its pick."""
    if placement is Placement.BEST:
        sizes = dict.fromkeys(config.best_sizes)  # a size given twice is one variant: they are told apart by name
        return tuple(Variant(placement, corner, size) for size in sizes for corner in CORNERS)
    return (Variant(placement, CORNERS[0], config.size),)


def draw(
    variant: Variant,
    config: TrialsConfig,
    image_keys: Sequence[str],
    draw_key: str,
    aspect: tuple[float, float],
    input_size: tuple[int, int],
    seed: int,
) -> Draws:
    """Draw one paste an image.

    Args:
        image_keys: B names; each image's draw depends on its own name alone.
        draw_key: the candidate's id. A control passes its candidate's, and so lands on the same spots.
        aspect: height and width of the patch, the longer one 1.
        input_size: (H, W) of the prepared pictures, pixels.
    """
    if variant.placement is Placement.RANDOM:
        return _random_draws(config, image_keys, draw_key, aspect, input_size, seed)
    height, width = input_size
    side = side_in_pixels(variant.size, height, width)
    tall, wide = max(1, round(side * aspect[0])), max(1, round(side * aspect[1]))
    centre_y = tall / 2 if variant.corner.startswith("top") else height - tall / 2
    centre_x = wide / 2 if variant.corner.endswith("left") else width - wide / 2
    count = len(image_keys)
    zero, one = np.zeros(count), np.ones(count)
    return Draws(one * centre_y, one * centre_x, one * side, zero, zero, zero, zero, one)


def _random_draws(
    config: TrialsConfig,
    image_keys: Sequence[str],
    draw_key: str,
    aspect: tuple[float, float],
    input_size: tuple[int, int],
    seed: int,
) -> Draws:
    uniform = np.array(
        [keyed_generator(seed, "placement", key, draw_key).uniform(-1.0, 1.0, size=8) for key in image_keys]
    ).reshape(len(image_keys), 8)
    height, width = input_size
    side = side_in_pixels(config.size, height, width) * (1.0 + config.scale_jitter * uniform[:, 2])
    rotation = np.deg2rad(config.rotation_degrees) * uniform[:, 3]
    tilt_y, tilt_x = config.perspective * uniform[:, 4], config.perspective * uniform[:, 5]
    half_y, half_x = half_extents(side, rotation, tilt_y, tilt_x, aspect)
    return Draws(
        centre_y=height / 2 + uniform[:, 0] * np.maximum(height / 2 - half_y, 0.0),
        centre_x=width / 2 + uniform[:, 1] * np.maximum(width / 2 - half_x, 0.0),
        side_px=side,
        rotation=rotation,
        tilt_y=tilt_y,
        tilt_x=tilt_x,
        brightness=config.colour_jitter * 0.5 * uniform[:, 6],
        contrast=1.0 + config.colour_jitter * uniform[:, 7],
    )


def largest_side_px(variant: Variant, config: TrialsConfig, input_size: tuple[int, int]) -> float:
    """The longest side that any draw of a variant can have, in pixels; known before anything is drawn."""
    side = side_in_pixels(variant.size, *input_size)
    return side * (1.0 + config.scale_jitter) if variant.placement is Placement.RANDOM else float(side)


def half_extents(
    side_px: NDArray[np.float64],
    rotation: NDArray[np.float64],
    tilt_y: NDArray[np.float64],
    tilt_x: NDArray[np.float64],
    aspect: tuple[float | NDArray[np.float64], float | NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far a turned and tilted patch reaches from its centre, up or down and left or right, in pixels.

    Its corners are what reaches farthest: a tilted square is still a quadrilateral.
    """
    sine, cosine = np.sin(rotation), np.cos(rotation)
    half_y, half_x = np.zeros_like(side_px), np.zeros_like(side_px)
    for edge_y, edge_x in itertools.product((-1.0, 1.0), repeat=2):
        # a corner tilted to the horizon or beyond it counts as very far away
        nearness = side_px / 2 / np.maximum(1.0 - tilt_y * edge_y - tilt_x * edge_x, 1e-3)
        down, across = edge_y * aspect[0] * nearness, edge_x * aspect[1] * nearness
        half_y = np.maximum(half_y, np.abs(down * cosine - across * sine))
        half_x = np.maximum(half_x, np.abs(down * sine + across * cosine))
    return half_y, half_x
