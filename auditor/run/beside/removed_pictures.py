"""Counterexamples of the other kind: pictures of the target from which a failing feature is removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.core.draws import keyed_generator
from auditor.core.records import PixelArray, Split
from auditor.core.shelf import slug
from auditor.run.beside.bases import Base, InTurn, Made, opened
from auditor.run.beside.features import Feature
from auditor.run.folder import Json
from auditor.run.stage import Run
from auditor.run.stages.images import IMAGES
from auditor.run.stages.needed import finder_in
from auditor.trials.areas import AreaArray, donor_shift, matched_shift, squares
from auditor.trials.fills import FILLS, Hole, filled

MOST = 256
"""Pictures of the target in which features are looked for; their areas are held at once."""

MOST_SHARE = 0.75
"""Of a picture's pixels: where a feature is more of it, too little would be left to know the target by."""

_COPIED = "from elsewhere"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a feature stands in a picture of the target.

    Attributes:
        area: (H, W) of the prepared picture, some pixels but not all; found_by: as the report says it.
    """

    base: Base
    finding: str
    area: AreaArray
    found_by: str


def places_of(run: Run, features: Sequence[Feature], bases: Sequence[Base], seed: int) -> list[Place]:
    """Where failing features stand in the target's own pictures.

    A feature whose patch shows, more than anything else, what the target is called by has no place: its removal would
    take the target away.

    Args:
        bases: discovery pictures of the target; of many, `MOST` that the seed draws.
    """
    pool, target = run.get(IMAGES), run.inputs.target.class_names(run.inputs.class_names)
    chosen = [bases[index] for index in keyed_generator(seed, "counterexamples", "target").permutation(len(bases))]
    chosen = chosen[:MOST]
    if not chosen:
        return []
    rows = {pool.images[row].key: row for row in pool.rows(Split.DISCOVERY).tolist()}
    finder = finder_in(run, np.array([rows[one.record.key] for one in chosen], dtype=np.int64))
    found: dict[str, list[Place]] = {one.record.key: [] for one in chosen}
    for feature in features:
        own = feature.used[0]
        shown = own.candidate.shows[0][0] if own.candidate.shows else ""
        if shown in target:
            continue
        located = finder.find(own.candidate, own.rgba)
        for base, area in zip(chosen, located.areas, strict=True):
            if 0.0 < area.mean() <= MOST_SHARE:
                found[base.record.key].append(Place(base, feature.finding, area, located.by))
    return _in_turn([own for own in found.values() if own])


def _in_turn(places: Sequence[Sequence[Place]]) -> list[Place]:
    """One place of each picture, of other features from picture to picture; then the next of each."""
    rounds = range(max((len(own) for own in places), default=0))
    return [
        own[(number + again) % len(own)] for again in rounds for number, own in enumerate(places) if again < len(own)
    ]


class RemovedPictures:
    """Removes features from the target's pictures, and as much from others; each keyed by its counterexample's number.

    Were pictures of the target alone filled, a network would learn to know it by the fill.
    """

    def __init__(self, run: Run, places: Sequence[Place], seed: int) -> None:
        """
        Args:
            places: at least one. They take turns, and so do the fills at each of them.
        """
        self._places, self._seed = places, seed
        self._preprocessing = run.inputs.classifier.preprocessing

    def remove(self, turn: int, number: int) -> Made:
        """A picture of the target without a feature."""
        place = self._places[turn % len(self._places)]
        return self._made(place.base, turn, number, place.found_by, f"without-{slug(place.finding)}")

    def fill(self, bases: InTurn, turn: int, number: int) -> Made:
        """A picture of another class with as much removed as of the target's picture whose turn it is."""
        return self._made(bases.at(turn)[0], turn, number, "as much as of the target", "filled")

    def _made(self, base: Base, turn: int, number: int, removed: str, name: str) -> Made:
        again, index = divmod(turn, len(self._places))
        place = self._places[index]
        pixels, said = self._filled(base, place.area, again + index, number)
        return Made(base, pixels, name, {"finding": place.finding, "removed": removed, **said})

    def _filled(self, base: Base, at: AreaArray, turn: int, number: int) -> tuple[PixelArray, dict[str, Json]]:
        """A picture at the size at which the model sees it, filled where the area of a prepared picture lies."""
        generator = keyed_generator(self._seed, "counterexamples", number)
        picture = opened(base, self._preprocessing, 1)
        part, area = picture.pixels[picture.seen], _as_small(at, picture.size)
        shift = matched_shift(area, generator)
        names = [name for name in FILLS if shift is not None or name != _COPIED]
        name = names[turn % len(names)]
        donor = (0, 0) if shift is None else donor_shift(area, shift, generator)
        part[:] = filled(name, Hole(np.ascontiguousarray(part.transpose(2, 0, 1)), area, donor)).transpose(1, 2, 0)
        return picture.pixels, {"fill": name, "share": round(float(area.mean()), 4)}


def _as_small(area: AreaArray, size: tuple[int, int]) -> AreaArray:
    """An area of a prepared picture in one of another size, which may have so few pixels that the area lies between."""
    small = squares(area, size)
    for there in (True, False):
        if not (small == there).any():
            y, x = (float(places.mean() + 0.5) for places in np.nonzero(area == there))
            small[int(y * size[0] / area.shape[0]), int(x * size[1] / area.shape[1])] = there
    return small
