"""The pastes of a survey on one source's confirmation pictures, counted for any target. It runs no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from auditor.core.records import IntArray, Split
from auditor.core.records.whole_model import Measured
from auditor.run.stage import Run
from auditor.run.stages.images import IMAGES
from auditor.run.survey.confirmed import pastes
from auditor.run.survey.crops import Crops
from auditor.run.survey.pasting import CORNER, SOURCE_CROP, crop_name, halves, place_of
from auditor.run.survey.pictures import pictures_of
from auditor.statistics.whole_model import measured

Coverings = Mapping[str, IntArray]


@dataclass(frozen=True, slots=True)
class Pasted:
    """One source's pastes on its confirmation pictures.

    Attributes:
        called: by crop, (B,) class that each picture is called with it on.
        coverings: by place and by name, (draws, B) the same with a covering on.
        shown: (B,) class that each picture shows; pictures of a target count nowhere.
        first: of all classes together, those that the first half of the source crops' draws are cut from, the second
            half from the others; None: all are cut from the source's own class.
    """

    called: Mapping[int, IntArray]
    coverings: Mapping[str, Coverings]
    shown: IntArray
    first: frozenset[int] | None = None

    @classmethod
    def of(cls, table: pa.Table, shown: IntArray, first: frozenset[int] | None = None) -> Pasted:
        """The columns of a source's pastes, of which each block holds all its pictures in one order."""
        crop, called = (table[name].to_numpy().astype(np.int64) for name in ("crop", "called"))
        control, place = (np.array(table[name].to_pylist()) for name in ("control", "place"))
        said, number = called[crop >= 0].reshape(-1, len(shown)), crop[crop >= 0].reshape(-1, len(shown))
        coverings: dict[str, dict[str, IntArray]] = {}
        for where, name in dict.fromkeys(zip(place[crop < 0].tolist(), control[crop < 0].tolist(), strict=True)):
            found = called[(crop < 0) & (control == name) & (place == where)]
            coverings.setdefault(where, {})[name] = found.reshape(-1, len(shown))
        return cls(dict(zip(number[:, 0].tolist(), said, strict=True)), coverings, shown, first)

    def flips(self, crop: int, target: int) -> NDArray[np.bool_]:
        """(A,) whether each picture that does not show the target is called it with a crop on; (0,): not pasted."""
        if crop not in self.called:
            return np.zeros(0, dtype=np.bool_)
        return self._called(self.called[crop], target)

    def measure(self, crops: Crops, crop: int, target: int) -> Measured:
        """A crop beside the coverings at its place, of each the draw whose turn it is."""
        beside, tier = self.beside(crops, crop, target), crops.tier(crop, target)
        coverings = {name: flips[crop % len(flips)] for name, flips in beside.items()}
        return measured(crop_name(crop), tier, self.flips(crop, target), coverings, crops.spot(crop))

    def beside(self, crops: Crops, crop: int, target: int) -> Mapping[str, NDArray[np.bool_]]:
        """(draws, A) flips by each covering at a crop's place; of one that was not pasted, where there may be none,
        those of the corner."""
        return self._fair(self.coverings.get(place_of(crops.spot(crop)), self.in_corner), target)

    @property
    def in_corner(self) -> Coverings:
        """The coverings of the corner."""
        return self.coverings[CORNER]

    def covering(self, crops: Crops, crop: int, target: int) -> float:
        """The flip rate of the strongest covering at a crop's place, over its draws."""
        return _strongest(self.beside(crops, crop, target))

    def covering_in_corner(self, target: int) -> float:
        """The flip rate of the strongest covering in the corner, over its draws."""
        return _strongest(self._fair(self.in_corner, target))

    def reached_in_corner(self, target: int) -> float:
        """The share of pictures of other classes called a class with a covering on, over all of them."""
        flips = [flips.ravel() for flips in self._fair(self.in_corner, target).values()]
        return float(np.concatenate(flips).mean())

    def left_in_corner(self, label: int) -> float:
        """The share of a class's pictures called something else with a covering on, over all of them; NaN of none."""
        left = [(draws[:, self.shown == label] != label).ravel() for draws in self.in_corner.values()]
        return float(np.concatenate(left).mean()) if np.any(self.shown == label) else float("nan")

    def _fair(self, coverings: Coverings, target: int) -> dict[str, NDArray[np.bool_]]:
        """The flips to a target by coverings none of which is cut from its own pictures."""
        found = {name: self._called(draws, target) for name, draws in coverings.items()}
        if self.first is not None:
            first, second = np.split(found[SOURCE_CROP], 2)
            found[SOURCE_CROP] = second if target in self.first else first
        return found

    def _called(self, said: IntArray, target: int) -> NDArray[np.bool_]:
        flips: NDArray[np.bool_] = said[..., self.shown != target] == target
        return flips


def _strongest(flips: Mapping[str, NDArray[np.bool_]]) -> float:
    return max(float(draws.mean()) for draws in flips.values())


def pasted_by_source(run: Run) -> Iterator[tuple[int, Pasted]]:
    """Source by source what was pasted on its confirmation pictures."""
    pictures = pictures_of(run)
    first = frozenset(halves(run.get(IMAGES))[0].tolist()) if run.config.survey.together else None
    for source, table in pastes(run):
        yield source, Pasted.of(table, pictures.shown(Split.CONFIRMATION, source), first)
