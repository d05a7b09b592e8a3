"""What pastes end in: draws, blocks of trials and their names, how a run's trials ended, the unpatched model's word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from auditor.core.records.basics import FloatArray, IntArray, Placement, Split, Step
from auditor.core.records.candidates import Candidate, Rung
from auditor.core.records.checks import Repeat
from auditor.core.records.findings import SuggestionValidity, SurveyRow
from auditor.core.records.images import ImagePool
from auditor.core.records.looks import Looks
from auditor.core.records.result import Example
from auditor.core.records.stopping import Stopping


@dataclass(frozen=True, slots=True)
class Draws:
    """One paste an image, as (B,) float64 arrays.

    Attributes:
        centre_y, centre_x: of the patch, in pixels of the prepared picture; 0 is its top or left edge.
        side_px: length of the patch's longer side.
        rotation: radians, counter-clockwise as seen.
        tilt_y, tilt_x: perspective; how much the far edge shrinks, as a share of half the patch's side.
        brightness: added to the patch, in [−1, 1]; contrast: factor about mid grey.
        also: further numbers by name, of placements that draw more than these; each (B,) as well.
    """

    centre_y: NDArray[np.float64]
    centre_x: NDArray[np.float64]
    side_px: NDArray[np.float64]
    rotation: NDArray[np.float64]
    tilt_y: NDArray[np.float64]
    tilt_x: NDArray[np.float64]
    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]
    also: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, kw_only=True)

    def __len__(self) -> int:
        return len(self.centre_y)

    @property
    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Every number by its name, `also` among them."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "also"}
        return {**own, **self.also}

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[np.float64]]) -> Draws:
        """The draws of such columns."""
        own = [one.name for one in fields(cls) if one.name != "also"]
        also = {name: numbers for name, numbers in columns.items() if name not in own}
        return cls(*(columns[name] for name in own), also=also)

    def part(self, start: int, stop: int) -> Draws:
        """The draws of images start … stop − 1."""
        return Draws.of({name: numbers[start:stop] for name, numbers in self.columns.items()})

    def number(self, name: str, otherwise: float) -> NDArray[np.float64]:
        """(B,) one of `also`, or the same value for each image where it was not drawn."""
        return self.also.get(name, np.full(len(self), otherwise))


TOP = 5
"""How many of the likeliest classes count where the target enters them."""


@dataclass(frozen=True, slots=True)
class TrialBlock:
    """All pastes of one patch under one placement: V variants of N pictures.

    Attributes:
        image_keys: N picture keys; variants: V variant names; draws: V records of N draws each.
        clean, patched: (N,) and (V, N) predicted class indices.
        before, after: (N,) and (V, N) probability of the target, in [0, 1].
        flips: (V, N) whether the patched model calls the target.
        rank_before, rank_after: (N,) and (V, N) the target's place among the classes, 1 for the likeliest; of a group
            its best. 0 where it is not known, as in trials of earlier versions.
    """

    image_keys: tuple[str, ...]
    variants: tuple[str, ...]
    draws: tuple[Draws, ...]
    clean: IntArray
    patched: IntArray
    before: FloatArray
    after: FloatArray
    flips: NDArray[np.bool_]
    rank_before: IntArray
    rank_after: IntArray

    @property
    def outcomes(self) -> NDArray[np.bool_]:
        """(N,) whether a picture flips under any of its variants: `best` may take the best, one variant is itself."""
        return np.asarray(self.flips.any(axis=0), dtype=np.bool_)

    @property
    def best_after(self) -> FloatArray:
        """(N,) the target's highest probability over a picture's variants."""
        return np.asarray(self.after.max(axis=0), dtype=np.float32)

    @property
    def may_enter(self) -> NDArray[np.bool_]:
        """(N,) whether the target was known to be outside the `TOP` likeliest classes before."""
        return np.asarray(self.rank_before > TOP, dtype=np.bool_)

    @property
    def enters(self) -> NDArray[np.bool_]:
        """(N,) whether the target is among the `TOP` likeliest classes under any variant, wherever it was before."""
        return np.asarray(((self.rank_after > 0) & (self.rank_after <= TOP)).any(axis=0), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class TrialName:
    """Which trials a block holds: a candidate's own (control "") or one of its controls', in one split."""

    split: Split
    candidate: str
    control: str
    placement: Placement


@dataclass(frozen=True, slots=True)
class ConfirmedTrials:
    """A candidate and its controls under one placement, on the same confirmation pictures.

    `steps` tells of each control to which step of the ladder of effects it belongs. `stopping` is the look at which it
    ended, where it might end before all pictures were used; its pictures are then the first in the order of their keys.
    """

    candidate: Candidate
    placement: Placement
    block: TrialBlock
    controls: Mapping[str, TrialBlock]
    steps: Mapping[str, Step]
    stopping: Stopping | None = None

    @property
    def share(self) -> float:
        """Of each error, what the look at which it ended may spend."""
        return 1.0 if self.stopping is None else self.stopping.share

    @property
    def covering(self) -> dict[str, TrialBlock]:
        """The controls against which the uplift is measured: what any patch of that size does there."""
        return {name: block for name, block in self.controls.items() if self.steps[name] is Step.COVERING}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the trials of a run ended in, beside the trials themselves.

    Attributes:
        chosen: ids of the candidates that were confirmed, in the order in which selection chose them.
        tried: candidates tried in pixels, confirmed or not.
        controls: the controls that each confirmed candidate was to have, by name, each with its step of the ladder.
        rungs: how the search narrowed, from the atlas to the last trials on selection pictures.
        survey, validity: everything tried on confirmation pictures, and whether the suggestions helped; nothing and
            None where nothing could be tried there.
        looks: the looks at the confirmation pictures before this one; None where none was made, or the run is older.
        repeat: trials made a second time; None where nothing was confirmed, or the run is older.
    """

    chosen: tuple[str, ...]
    tried: int
    controls: Mapping[str, Step]
    rungs: tuple[Rung, ...]
    survey: tuple[SurveyRow, ...] = ()
    validity: SuggestionValidity | None = None
    examples: tuple[Example, ...] = ()
    looks: Looks | None = None
    repeat: Repeat | None = None


@dataclass(frozen=True, slots=True)
class Trials:
    """The trials of a run: how they ended, and every confirmed candidate with its controls."""

    outcome: Outcome
    confirmed: tuple[ConfirmedTrials, ...]


@dataclass(frozen=True, slots=True)
class Predictions:
    """What the model says of N pictures.

    Attributes:
        predicted: (N,) class indices; probability: (N,) of the target, in [0, 1].
        rank: (N,) the target's place among the classes, 1 for the likeliest; 0 where it was not kept.
    """

    predicted: IntArray
    probability: FloatArray
    rank: IntArray

    @classmethod
    def of_none(cls, pictures: int) -> Predictions:
        """Room for what is yet to be said of so many pictures."""
        return cls(np.zeros(pictures, np.int64), np.zeros(pictures, np.float32), np.zeros(pictures, np.int64))

    def put(self, start: int, batch: Predictions) -> None:
        """Enter what is said of the pictures from `start` on."""
        for one in fields(self):
            values = getattr(batch, one.name)
            getattr(self, one.name)[start : start + len(values)] = values

    def at(self, places: IntArray) -> Predictions:
        """Of the pictures at some places."""
        return Predictions(*(getattr(self, one.name)[places] for one in fields(self)))

    def with_more(self, more: Predictions) -> Predictions:
        """Of these pictures and others behind them."""
        return Predictions(
            *(np.concatenate([getattr(self, one.name), getattr(more, one.name)]) for one in fields(self))
        )


@dataclass(frozen=True, slots=True)
class Clean:
    """The unpatched model's word on the source pictures: rows of the pool, and what it says of each.

    Attributes:
        said: of all rows, in their order; eligible: those that the model calls source.
    """

    rows: IntArray
    said: Predictions
    eligible: IntArray

    def of(self, rows: IntArray) -> Predictions:
        """What the model says of the given rows, all of them source pictures."""
        return self.said.at(np.searchsorted(self.rows, rows))


def eligible_rows(pool: ImagePool, clean: Clean, split: Split) -> IntArray:
    """Rows of a split's eligible source pictures, in the order of the pool."""
    return np.array([row for row in clean.eligible if pool.images[row].split is split], dtype=np.int64)
