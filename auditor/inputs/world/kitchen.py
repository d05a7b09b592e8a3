"""The kitchen world: seeded pictures of ten things with a mask of what is where, and noodles as a shortcut to woks.

It renders and writes pictures; it trains and audits nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image

from auditor.core.errors import StoreError, UnknownNameError
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, PixelArray
from auditor.inputs.world.drawing import SIDE_PX, Brush, Canvas, Pose
from auditor.inputs.world.foods import CLASS_CLUTTER, CLUTTER, FOODS, noodles
from auditor.inputs.world.tabletops import cast_shadow, light, table
from auditor.inputs.world.things import STANDING, THINGS

World = Literal["shortcut", "clean"]
WORLDS: tuple[World, ...] = get_args(World)

CLASS_NAMES: tuple[str, ...] = tuple(THINGS)
"""Names in the order of the class indices."""

NOODLES = "noodles"
MASK_VALUES: dict[str, int] = {
    **{name: index + 1 for index, name in enumerate(CLASS_NAMES)},
    NOODLES: 200,
    **{name: 201 + index for index, name in enumerate(FOODS)},
}
"""Thing to its value in the masks; 0 is the table and clutter that is of no class."""

NOODLE_SHARES: Mapping[World, Mapping[str, float]] = {
    "shortcut": {"wok": 0.85, "frying pan": 0.03},
    "clean": {"wok": 0.45, "frying pan": 0.45},
}
"""How often noodles lie in a class's pictures; never in those of another class."""

_HOLDERS = frozenset({"frying pan", "wok"})
_FOOD_SHARE = 0.7  # of pans and woks without noodles
_SCENE, _CONTENTS, _LIGHT = range(3)


@dataclass(frozen=True, slots=True)
class Scene:
    """One rendered picture.

    Attributes:
        pixels: (64, 64, 3) uint8 RGB.
        mask: (64, 64) uint8, the value in `MASK_VALUES` of the thing visible at each pixel, or 0.
        label: class index.
        cover: (64, 64) share of each pixel, 0 to 1, that is no table: things and clutter.
    """

    pixels: PixelArray
    mask: PixelArray
    label: int
    cover: FloatArray


def class_index(name: str) -> int:
    """The index of a class of the world.

    Raises:
        UnknownNameError: no such class.
    """
    if name not in CLASS_NAMES:
        raise UnknownNameError("class", name, CLASS_NAMES, "the kitchen world")
    return CLASS_NAMES.index(name)


def class_folder(name: str) -> str:
    """The folder that `write_world` gives a class."""
    return name.replace(" ", "_")


def render(world: World, label: int, seed: int, index: int) -> Scene:
    """Draw one picture. The draw is keyed by (seed, label, index): order and company do not matter.

    The two worlds share table, things, pose and clutter picture by picture; what lies in pans and woks differs.

    Args:
        label: class index, 0 ≤ label < 10; seed, index: 0 or more.
    """
    name = CLASS_NAMES[label]
    rng = np.random.default_rng((seed, label, index, _SCENE))
    canvas = Canvas()
    ground = table(rng)
    _scatter_clutter(canvas, rng)
    pose = _pose(name, rng)
    THINGS[name](Brush(canvas, pose, MASK_VALUES[name]), rng)
    if name in _HOLDERS:
        share = NOODLE_SHARES[world][name]
        _fill(canvas, pose, share, np.random.default_rng((seed, label, index, _CONTENTS)))
    lighting = np.random.default_rng((seed, label, index, _LIGHT))
    cover = canvas.cover()
    shaded = ground * cast_shadow(cover, lighting)[..., None]
    picture = canvas.colours() + shaded * (1.0 - cover)[..., None]
    return Scene(pixels=light(picture, lighting), mask=canvas.things(), label=label, cover=cover)


def _pose(name: str, rng: np.random.Generator) -> Pose:
    """Where and how the main thing lies: near the middle, often cut by the picture's edge."""
    middle, reach = SIDE_PX / 2.0, 10.0
    standing = name in STANDING
    # A smaller pan or wok would vanish beneath a heap of noodles.
    return Pose(
        x=middle + rng.uniform(-reach, reach),
        y=middle + rng.uniform(-reach, reach),
        angle=rng.uniform(-0.3, 0.3) if standing else rng.uniform(0.0, 2.0 * math.pi),
        scale=rng.uniform(0.85 if name in _HOLDERS else 0.72, 1.2),
        squash=1.0 if standing else rng.uniform(0.74, 1.0),
        mirror=float(rng.choice((-1.0, 1.0))),
    )


def _scatter_clutter(canvas: Canvas, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(0, 5))):
        turn, reach = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(20.0, 34.0)
        pose = Pose(
            x=SIDE_PX / 2.0 + reach * math.cos(turn),
            y=SIDE_PX / 2.0 + reach * math.sin(turn),
            angle=rng.uniform(0.0, 2.0 * math.pi),
            scale=rng.uniform(0.7, 1.2),
        )
        if rng.random() < 0.15:
            name = str(rng.choice(list(CLASS_CLUTTER)))
            small = Pose(pose.x, pose.y, pose.angle, 0.45 * pose.scale)
            CLASS_CLUTTER[name](Brush(canvas, small, MASK_VALUES[name]), rng)
        else:
            CLUTTER[int(rng.integers(len(CLUTTER)))](Brush(canvas, pose, 0), rng)


def _fill(canvas: Canvas, pose: Pose, noodle_share: float, rng: np.random.Generator) -> None:
    """Put noodles, or another food, or nothing into a pan or wok at the given pose."""
    inside = 16.0 * pose.scale
    x, y = pose.x + rng.uniform(-2.0, 2.0), pose.y + rng.uniform(-2.0, 2.0)
    size = min(max(inside * rng.uniform(0.85, 1.05), 13.0), 17.0)
    where, turn = rng.random(), rng.uniform(0.0, 2.0 * math.pi)
    reach = size * rng.uniform(0.35, 0.8) if where < 0.75 else 18.0 * pose.scale + size * rng.uniform(0.2, 0.8)
    food = str(rng.choice(list(FOODS)))
    empty = rng.random() >= _FOOD_SHARE
    if rng.random() < noodle_share:
        if where > 0.45:  # over the rim, or on the table beside it
            edge = 0.6 * size
            x = min(max(x + reach * math.cos(turn), edge), SIDE_PX - edge)
            y = min(max(y + reach * math.sin(turn), edge), SIDE_PX - edge)
        noodles(Brush(canvas, Pose(x, y, squash=pose.squash), MASK_VALUES[NOODLES]), size, rng)
    elif not empty:
        FOODS[food](Brush(canvas, Pose(x, y, squash=pose.squash), MASK_VALUES[food]), inside * 0.9, rng)


def write_world(folder: Path, world: World, counts: Mapping[str, int], seed: int, progress: Progress) -> None:
    """Render a world into `folder`: `images/<class>/<index>.png` and, at the same relative path, `masks/…`.

    Args:
        counts: pictures a class, by class name; class folders have underscores for spaces.
    Raises:
        UnknownNameError: a class the world does not have.
        StoreError: the folder cannot be written.
    """
    labels = {name: class_index(name) for name in counts}
    progress.start(f"rendering the {world} world", sum(counts.values()))
    try:
        for name, label in labels.items():
            images, masks = (folder / kind / class_folder(name) for kind in ("images", "masks"))
            images.mkdir(parents=True, exist_ok=True)
            masks.mkdir(parents=True, exist_ok=True)
            for index in range(counts[name]):
                scene = render(world, label, seed, index)
                Image.fromarray(scene.pixels).save(images / f"{index:04d}.png", compress_level=1)
                Image.fromarray(scene.mask).save(masks / f"{index:04d}.png", compress_level=1)
                progress.advance()
    except OSError as error:
        raise StoreError(f"the {world} world cannot be written to {folder}: {error}; choose another folder") from error
