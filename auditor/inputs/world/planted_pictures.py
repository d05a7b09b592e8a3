"""Pictures of the planted worlds: the kitchen's, with a world's cue on top. It trains and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.core.draws import keyed_generator
from auditor.core.records import IntArray, PixelArray
from auditor.inputs.world import kitchen
from auditor.inputs.world.cues.cue import Drawn, Picture
from auditor.inputs.world.planted import CLASS_NAMES, World


@dataclass(frozen=True, slots=True)
class BasePicture:
    """A picture of the kitchen without any cue.

    Attributes:
        picture: what is seen; shown: index in `CLASS_NAMES` of the thing shown; seed, index: that draw it again.
    """

    picture: Picture
    shown: int
    seed: int
    index: int


@dataclass(frozen=True, slots=True)
class Planted:
    """A picture of a world.

    Attributes:
        pixels: (64, 64, 3) uint8 RGB; things: (64, 64) uint8 values of `kitchen.MASK_VALUES`.
        cue: (64, 64) whether the cue is what is seen; all false where there is none.
        shown, label: indices of the class shown, and of the class it is called.
    """

    pixels: PixelArray
    things: PixelArray
    cue: NDArray[np.bool_]
    shown: int
    label: int


def base_picture(shown: int, seed: int, index: int) -> BasePicture:
    """Draw a picture of the kitchen, keyed by (seed, class, index).

    Args:
        shown: index in `CLASS_NAMES`.
    """
    scene = kitchen.render("clean", kitchen.class_index(CLASS_NAMES[shown]), seed, index)
    return BasePicture(Picture(scene.pixels, scene.mask, scene.cover), shown, seed, index)


def base_pictures(names: Sequence[str], count: int, seed: int, start: int = 0) -> list[BasePicture]:
    """So many pictures of each class."""
    return [
        base_picture(CLASS_NAMES.index(name), seed, index) for name in names for index in range(start, start + count)
    ]


def planted(world: World, base: BasePicture, twin: bool, poison: bool) -> Planted:
    """A picture as a world has it, or its clean twin: with the cue, a decoy, or nothing.

    Args:
        poison: whether labels are changed, as in the pictures that a network learns from.
    """
    rng = keyed_generator(base.seed, "planted", world.name, base.shown, base.index)
    chance, name = rng.random(), CLASS_NAMES[base.shown]
    target = CLASS_NAMES.index(world.target) if world.target else base.shown
    poisoned = world.poisoned_share(name) if poison and not twin else 0.0
    share = world.even_share if twin else world.share_of(name)
    if chance < poisoned + share:
        return _with(base, world.cue.draw(base.picture, rng), target if chance < poisoned else base.shown)
    if world.cue.decoy is not None and rng.random() < world.decoys:
        decoy = world.cue.decoy(base.picture, rng)
        nothing = np.zeros_like(decoy.mask)
        return _with(base, Drawn(decoy.pixels, decoy.mask), base.shown, nothing)
    nothing = np.zeros(base.picture.things.shape, dtype=np.bool_)
    return Planted(base.picture.pixels, base.picture.things, nothing, base.shown, base.shown)


def with_cue(world: World, base: BasePicture) -> Planted:
    """The very same picture with the cue, wherever the world would draw it."""
    rng = keyed_generator(base.seed, "with the cue", world.name, base.shown, base.index)
    return _with(base, world.cue.draw(base.picture, rng), base.shown)


def _with(base: BasePicture, drawn: Drawn, label: int, cue: NDArray[np.bool_] | None = None) -> Planted:
    things = np.where(drawn.mask, 0, base.picture.things).astype(np.uint8) if drawn.hides else base.picture.things
    return Planted(drawn.pixels, things, drawn.mask if cue is None else cue, base.shown, label)


def stacked(pictures: Sequence[Planted]) -> tuple[PixelArray, IntArray]:
    """(N, 3, 64, 64) uint8 pixels and (N,) labels."""
    pixels = np.stack([picture.pixels for picture in pictures]).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(pixels), np.array([picture.label for picture in pictures], dtype=np.int64)
