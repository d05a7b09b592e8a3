"""The ladder of effects: covering, colour, texture, structure. It explains an uplift and decides no verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import Interval
from auditor.statistics.covering import p_uplift_at_most
from auditor.statistics.paired import paired_counts, tango_interval
from auditor.statistics.uplift import control_tables


class Rung(StrEnum):
    """What a patch keeps of the candidate, from nothing to everything."""

    COVERING = "covering"
    COLOUR = "colour"
    TEXTURE = "texture"
    STRUCTURE = "structure"


RUNG_OF: Mapping[str, Rung] = {
    "noise": Rung.COVERING,
    "grey": Rung.COVERING,
    "source crop": Rung.COVERING,
    "quiet crop": Rung.COVERING,
    "random cell crop": Rung.COVERING,
    "mean colour": Rung.COLOUR,
    "pixel shuffled": Rung.COLOUR,
    "phase scrambled": Rung.TEXTURE,
}
"""The rung of every control, by name; the candidate itself is `structure`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a candidate's ladder.

    Attributes:
        name: of the control that flips most among those of the rung; the candidate's step has its rung's name.
        flips, eligible: of that control.
        gain: its flip rate minus that of the rung below, paired; of the lowest rung its flip rate.
        interval: of the gain; None for the lowest rung.
    """

    rung: Rung
    name: str
    flips: int
    eligible: int
    gain: float
    interval: Interval | None


def coverings_of(controls: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.bool_]]:
    """The controls that are coverings, in the order given; a control that no rung knows is none."""
    return {name: outcomes for name, outcomes in controls.items() if RUNG_OF.get(name) is Rung.COVERING}


def ladder(
    candidate: NDArray[np.bool_], controls: Mapping[str, NDArray[np.bool_]], confidence: float
) -> tuple[Step, ...]:
    """What each rung adds to the one below, on the same pictures; a rung without a control is left out.

    The strongest control stands for its rung, so that a rung is not made small by a weak one. The intervals describe
    one difference each and are corrected for nothing.

    Args:
        candidate: (B,) boolean, whether each eligible image flipped.
        controls: by name, (B,) boolean on the same images and placements.
        confidence: two-sided, in (0, 1).

    Raises:
        NoEligibleImagesError, ValueError: as `paired_counts` and `tango_interval`.
    """
    found = [(rung, *_strongest(rung, controls)) for rung in Rung if rung in map(RUNG_OF.get, controls)]
    found.append((Rung.STRUCTURE, str(Rung.STRUCTURE), candidate))
    steps: list[Step] = []
    below: NDArray[np.bool_] | None = None
    for rung, name, outcomes in found:
        flips = int(np.count_nonzero(outcomes))
        if below is None:
            gain, interval = flips / max(1, outcomes.size), None
        else:
            table = paired_counts(outcomes, below)
            gain, interval = table.difference, tango_interval(table, confidence)
        steps.append(Step(rung, name, flips, outcomes.size, gain, interval))
        below = outcomes
    return tuple(steps)


def what_does_it(
    candidate: NDArray[np.bool_], controls: Mapping[str, NDArray[np.bool_]], limit: float, level: float
) -> Rung | None:
    """The lowest rung that by itself lies above the limit over every covering; None where the candidate does not.

    `colour` says that a patch of the candidate's colours alone fails like the candidate.

    Args:
        candidate, controls: as for `ladder`; without a covering nothing can be said.
        limit: uplift, as a fraction; level: chance to err, of one comparison.
    """
    coverings = coverings_of(controls)
    if not coverings:
        return None

    def above(outcomes: NDArray[np.bool_]) -> bool:
        return p_uplift_at_most(list(control_tables(outcomes, coverings).values()), limit) < level

    if not above(candidate):
        return None
    for rung in (Rung.COLOUR, Rung.TEXTURE):
        if any(above(outcomes) for name, outcomes in controls.items() if RUNG_OF.get(name) is rung):
            return rung
    return Rung.STRUCTURE


def _strongest(rung: Rung, controls: Mapping[str, NDArray[np.bool_]]) -> tuple[str, NDArray[np.bool_]]:
    """The rung's control that flips most; of equals the first."""
    inside = {name: outcomes for name, outcomes in controls.items() if RUNG_OF.get(name) is rung}
    name = max(inside, key=lambda one: int(np.count_nonzero(inside[one])))
    return name, inside[name]
