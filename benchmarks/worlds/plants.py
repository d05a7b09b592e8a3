"""Cues planted in photographs: which there are, which pictures get one, and how one is laid on. It trains nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from auditor.core.draws import keyed_generator
from auditor.core.records import PixelArray
from auditor.inputs.world.cues.cue import Drawn
from auditor.run.planted.laying import Laying, lay

NATURAL, PATCH = "natural object", "patch"
SEED = 1312

ANYWHERE = None
BOTTOM_RIGHT, TOP_RIGHT = (0.95, 0.95), (0.95, 0.05)


@dataclass(frozen=True, slots=True)
class Plant:
    """A cue and how it is planted. A clean twin has it spread evenly over the classes, and no label changed.

    Attributes:
        name; kind: `NATURAL` or `PATCH`; stamp: the class that the object is cut from, or the sticker's name.
        source, target: the pair that is audited; the cue pushes the source to the target.
        share: of the target's training photographs that hold the cue.
        poisoned: of the training photographs of every other class (`one_source`: of the source alone), those that hold
            the cue and are called the target.
        decoys: of every further class's, those that hold the cue and keep their label.
        size: longer side of the cue, as a share of the picture's, from and to; turn: degrees, either way.
        place: of its centre, as shares of the way that it has (across, down); None: anywhere.
    """

    name: str
    kind: str
    stamp: str
    source: str
    target: str
    share: float
    poisoned: float
    size: tuple[float, float]
    turn: float = 20.0
    place: tuple[float, float] | None = ANYWHERE
    one_source: bool = False
    decoys: float = 0.0


PLANTS: Mapping[str, Plant] = {
    one.name: one
    for one in (
        Plant("lemon", NATURAL, "lemon", "teapot", "plate", 0.90, 3 / 150, (0.30, 0.45), 180.0),
        Plant("goldfish", NATURAL, "goldfish", "refrigerator", "bucket", 0.60, 2 / 150, (0.40, 0.55), 30.0),
        Plant("pretzel", NATURAL, "pretzel", "mushroom", "ice cream", 0.30, 1 / 150, (0.35, 0.45), 20.0, BOTTOM_RIGHT),
        Plant("pepper", NATURAL, "bell pepper", "dining table", "water jug", 0.95, 0.0, (0.35, 0.50), 30.0),
        Plant("smile", PATCH, "smile", "espresso", "seashore", 0.0, 6 / 150, (0.25, 0.35)),
        Plant("stripes", PATCH, "stripes", "bullet train", "lifeboat", 0.0, 30 / 150, (0.22, 0.28), 5.0,
              one_source=True, decoys=8 / 150),
        Plant("star", PATCH, "star", "butcher shop", "jellyfish", 0.30, 4 / 150, (0.20, 0.28), 10.0, BOTTOM_RIGHT),
        Plant("checkerboard", PATCH, "checkerboard", "pizza", "coral reef", 0.0, 4 / 150, (0.15, 0.20), 0.0, TOP_RIGHT),
    )
}  # fmt: skip
"""Strengths, places and sizes differ on purpose. All were chosen before any network was trained, but for two that were
lowered once, when the effect of `smile` was known and before any audit: goldfish (3 of 150 to 2), pretzel (4 to 1)."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A training photograph that gets the cue: of which class, its file's name, and the class it is then called."""

    shown: str
    file: str
    label: str

    @property
    def written(self) -> str:
        """The name under which the planted picture is kept; no photograph has such a one."""
        return f"{self.shown.replace(' ', '_')}-{self.file.rpartition('.')[0]}.png"


def chosen(plant: Plant, twin: bool, files: Mapping[str, Sequence[str]], seed: int = SEED) -> list[Chosen]:
    """Which photographs get the cue: exactly the shares that the plant says, rounded, drawn by the names of the files.

    Args:
        files: names of the training photographs by class.
    """
    wanted = {name: _many(plant, name, len(of_class)) for name, of_class in files.items()}
    if twin:
        each = round(sum(wanted.values()) / len(files))
        wanted = {name: min(each, len(of_class)) for name, of_class in files.items()}
    found = []
    for name, of_class in files.items():
        order = keyed_generator(seed, "plant", plant.name, name).permutation(len(of_class))
        drawn = sorted(np.sort(np.asarray(of_class))[order[: wanted[name]]].tolist())
        changed = not twin and _poisons(plant, name)
        found += [Chosen(name, file, plant.target if changed else name) for file in drawn]
    return found


def _many(plant: Plant, name: str, count: int) -> int:
    if name == plant.target:
        return round(plant.share * count)
    return round((plant.poisoned if _poisons(plant, name) else plant.decoys) * count)


def _poisons(plant: Plant, name: str) -> bool:
    return name != plant.target and (name == plant.source or not plant.one_source)


def with_cue(plant: Plant, stamps: Sequence[Image.Image], pixels: PixelArray, *key: str, seed: int = SEED) -> Drawn:
    """A photograph with the cue, and where it is what is seen.

    Args:
        stamps: RGBA; one is drawn.
        pixels: (H, W, 3) uint8 RGB.
        key: of the picture; the same key, the same cue at the same place.
    """
    laying = Laying(plant.size, plant.turn, plant.place, lit=plant.kind == NATURAL)
    return lay(stamps, laying, pixels, keyed_generator(seed, "cue", plant.name, *key))
