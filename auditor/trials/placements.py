"""Where and how a patch is pasted: one draw an image, keyed by image, candidate and variant. Pastes nothing.

A new placement is its functions here, one entry in `PLACEMENTS`, and its name with a few words in
`core.records.basics.Placement`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor.core.config import TrialsConfig
from auditor.core.records import Candidate, Placement, Spot
from auditor.core.records.trials import Draws
from auditor.trials.effects import drawn_effects, reach_px
from auditor.trials.extents import half_extents
from auditor.trials.grounds import ANYWHERE, Grounds, Pastes, where_allowed, where_least, where_most
from auditor.trials.many_draws import uniforms
from auditor.trials.patch import side_in_pixels
from auditor.trials.quadrilateral import corners_px, draws_onto, longest_edge_px

CORNERS = ("top left", "top right", "bottom left", "bottom right")


@dataclass(frozen=True, slots=True)
class Variant:
    """One paste rule of a placement: under a name, a size, and a corner where it has one.

    Attributes:
        size: length of the patch's longer side as a share of the picture's shorter one.
        corner: one of `CORNERS`; "" where the place is drawn or given by `centre`.
        centre: down and across, as shares of the way that the patch has inside the picture: (0, 0) touches its top left
            corner, (1, 1) its bottom right one; of a `fixed` placement, in the place of a corner.
        afterwards: what becomes of every picture after its paste: numbers of `effects.AFTERWARDS` by name.
    """

    placement: Placement
    name: str
    size: float
    corner: str = ""
    centre: tuple[float, float] | None = None
    afterwards: tuple[tuple[str, float], ...] = ()

    @property
    def drawn(self) -> bool:
        """Whether the place is drawn anew for each picture."""
        return not self.corner and self.centre is None

    @property
    def shares(self) -> tuple[float, float]:
        """`centre`, of a corner too."""
        if self.centre is not None:
            return self.centre
        return float(self.corner.startswith("bottom")), float(self.corner.endswith("right"))


Draw = Callable[[Variant, TrialsConfig, Pastes], Draws]
"""Draws one paste an image, of which nothing but its name is known."""

Land = Callable[[Draws, Pastes], Draws]
"""Moves pastes to where they lie in pictures of which something is known."""


def _stay(draws: Draws, asked: Pastes) -> Draws:
    del asked
    return draws


def _as_told(variant: Variant, config: TrialsConfig, input_size: tuple[int, int]) -> float:
    del config
    return float(side_in_pixels(variant.size, *input_size))


def _jittered(variant: Variant, config: TrialsConfig, input_size: tuple[int, int]) -> float:
    return side_in_pixels(variant.size, *input_size) * (1.0 + config.scale_jitter)


def _longest_edge(variant: Variant, config: TrialsConfig, input_size: tuple[int, int]) -> float:
    del variant
    return longest_edge_px(config, input_size)


@dataclass(frozen=True, slots=True)
class PlacementRule:
    """How patches are pasted under a placement.

    Attributes:
        variants: its paste rules, told apart by their names; of several, a picture takes the best.
        draw: one paste an image under one of them.
        largest_px: the longest side that a draw of a variant can have in pictures of a size, in pixels.
        windowed: whether a window around the patch holds any draw; where not, the whole picture does.
        land: where the pastes lie in the end, by what is known of each picture.
    """

    variants: Callable[[TrialsConfig], tuple[Variant, ...]]
    draw: Draw
    largest_px: Callable[[Variant, TrialsConfig, tuple[int, int]], float] = _as_told
    windowed: bool = True
    land: Land = _stay


def variants_of(placement: Placement, config: TrialsConfig, spot: Spot | None = None) -> tuple[Variant, ...]:
    """The paste rules of a placement: one, or several from which each picture takes the best.

    Args:
        spot: of the candidate, where it is tried at its own place.
    """
    return (
        (at_spot(spot),) if placement is Placement.OWN and spot is not None else PLACEMENTS[placement].variants(config)
    )


def own_variants(candidate: Candidate, placement: Placement) -> tuple[Variant, ...] | None:
    """The paste rules of a trial that are its candidate's own; None: those that the placement has for all."""
    if placement is not Placement.OWN or candidate.spot is None:
        return None
    return (at_spot(candidate.spot),)


def at_spot(spot: Spot) -> Variant:
    """The paste rule of a candidate's own place."""
    name = f"own: {spot.size:.3g} at {spot.down:.3g} down, {spot.across:.3g} across"
    return Variant(Placement.OWN, name, spot.size, centre=(spot.down, spot.across))


def draw(
    variant: Variant,
    config: TrialsConfig,
    image_keys: Sequence[str],
    draw_key: str,
    aspect: tuple[float, float],
    input_size: tuple[int, int],
    seed: int,
    grounds: Grounds = ANYWHERE,
) -> Draws:
    """Draw one paste an image.

    Args:
        image_keys: B names; each image's draw depends on its own name alone.
        draw_key: the candidate's id. A control passes its candidate's, and so lands on the same spots.
        aspect: height and width of the patch, the longer one 1.
        input_size: (H, W) of the prepared pictures, pixels.
        grounds: what is known of each picture.
    """
    rule, asked = PLACEMENTS[variant.placement], Pastes(image_keys, draw_key, aspect, input_size, seed, grounds)
    draws = rule.land(rule.draw(variant, config, asked), asked)
    if not variant.afterwards:
        return draws
    given = {name: np.full(len(image_keys), number) for name, number in variant.afterwards}
    return replace(draws, also={**draws.also, **given})


def largest_side_px(variant: Variant, config: TrialsConfig, input_size: tuple[int, int]) -> float:
    """The longest side that any draw of a variant can have, in pixels; known before anything is drawn."""
    return PLACEMENTS[variant.placement].largest_px(variant, config, input_size)


def window_of(variant: Variant, config: TrialsConfig, input_size: tuple[int, int]) -> tuple[int, int] | None:
    """Height and width in pixels of a window that holds any draw of a variant whose place is drawn; else None.

    What is made anew for each picture is made in a window; it must not depend on which pictures share a batch.
    """
    if not variant.drawn:
        return None
    if not PLACEMENTS[variant.placement].windowed:
        return input_size
    # of a square that is turned and tilted as far as may be, the farthest corner
    nearest = max(1.0 - 2.0 * config.perspective, 1e-3)
    reach = largest_side_px(variant, config, input_size) / 2 * math.sqrt(2.0) / nearest * 1.1
    if variant.placement is Placement.PHOTOGRAPHED and "defocus" in config.effects:
        reach += float(reach_px({"defocus_px": np.array([config.defocus_px])}).max())
    return min(input_size[0], math.ceil(2 * reach) + 2), min(input_size[1], math.ceil(2 * reach) + 2)


def _fixed(config: TrialsConfig) -> tuple[Variant, ...]:
    return (Variant(Placement.FIXED, "fixed", config.size, CORNERS[0]),)


def _corners_and_sizes(config: TrialsConfig) -> tuple[Variant, ...]:
    sizes = dict.fromkeys(config.best_sizes)  # a size given twice is one variant: they are told apart by name
    return tuple(
        Variant(Placement.BEST, f"best: {corner}, {size:g}", size, corner) for size in sizes for corner in CORNERS
    )


def _anywhere(config: TrialsConfig) -> tuple[Variant, ...]:
    return (Variant(Placement.RANDOM, "random", config.size),)


def _on_object(config: TrialsConfig) -> tuple[Variant, ...]:
    return (Variant(Placement.ON_OBJECT, "on_object", config.size),)


def _off_object(config: TrialsConfig) -> tuple[Variant, ...]:
    return (Variant(Placement.OFF_OBJECT, "off_object", config.size),)


def _by_candidate(config: TrialsConfig) -> tuple[Variant, ...]:
    """None without a candidate, whose spot it is."""
    del config
    return ()


def _upright_draws(variant: Variant, config: TrialsConfig, asked: Pastes) -> Draws:
    """Upright in the variant's corner or at its centre, on whole pixels, the same for every picture."""
    del config
    height, width = asked.input_size
    side = side_in_pixels(variant.size, height, width)
    tall, wide = (max(1, round(side * share)) for share in asked.aspect)
    down, across = variant.shares
    centre_y, centre_x = round(down * (height - tall)) + tall / 2, round(across * (width - wide)) + wide / 2
    count = len(asked.image_keys)
    zero, one = np.zeros(count), np.ones(count)
    return Draws(one * centre_y, one * centre_x, one * side, zero, zero, zero, zero, one)


def _random_draws(variant: Variant, config: TrialsConfig, asked: Pastes) -> Draws:
    """Anywhere inside the picture, turned, tilted, resized and relit, drawn anew for every picture."""
    keys = [("placement", key, asked.draw_key) for key in asked.image_keys]
    uniform = 2.0 * uniforms(asked.seed, keys, 8) - 1.0
    height, width = asked.input_size
    side = side_in_pixels(variant.size, height, width) * (1.0 + config.scale_jitter * uniform[:, 2])
    rotation = np.deg2rad(config.rotation_degrees) * uniform[:, 3]
    tilt_y, tilt_x = config.perspective * uniform[:, 4], config.perspective * uniform[:, 5]
    half_y, half_x = half_extents(side, rotation, tilt_y, tilt_x, asked.aspect)
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


def _to_be_photographed(config: TrialsConfig) -> tuple[Variant, ...]:
    return (Variant(Placement.PHOTOGRAPHED, "photographed", config.size),)


def _photographed_draws(variant: Variant, config: TrialsConfig, asked: Pastes) -> Draws:
    """As `random`, at the same spots; relit and changed by the effects alone."""
    unlit = config.model_copy(update={"colour_jitter": 0.0})
    draws = _random_draws(variant, unlit, asked)
    return replace(draws, also=drawn_effects(config, asked.image_keys, asked.draw_key, asked.seed))


def _onto_corners(config: TrialsConfig) -> tuple[Variant, ...]:
    return (Variant(Placement.QUADRILATERAL, "quadrilateral", config.size),)


def _quadrilateral_draws(variant: Variant, config: TrialsConfig, asked: Pastes) -> Draws:
    """Onto four corners, each moved a little for every picture, whatever the patch's size and shape."""
    del variant
    corners = corners_px(config, asked.image_keys, asked.draw_key, asked.input_size, asked.seed)
    return draws_onto(corners, asked.aspect)


PLACEMENTS: Mapping[Placement, PlacementRule] = {
    Placement.FIXED: PlacementRule(_fixed, _upright_draws),
    Placement.BEST: PlacementRule(_corners_and_sizes, _upright_draws),
    Placement.RANDOM: PlacementRule(_anywhere, _random_draws, _jittered, land=where_allowed),
    Placement.PHOTOGRAPHED: PlacementRule(_to_be_photographed, _photographed_draws, _jittered, land=where_allowed),
    Placement.QUADRILATERAL: PlacementRule(_onto_corners, _quadrilateral_draws, _longest_edge, windowed=False),
    Placement.ON_OBJECT: PlacementRule(_on_object, _upright_draws, land=where_most),
    Placement.OFF_OBJECT: PlacementRule(_off_object, _upright_draws, land=where_least),
    Placement.OWN: PlacementRule(_by_candidate, _upright_draws),
}
"""Every placement; what each is for a person stands with its name."""
