"""Where a patch works, in a word: a rule over the bounds of its uplift at all places of a grid. It measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.core.records.places import ANYWHERE, NOT_EVERYWHERE, NOWHERE, OPEN, SOMEWHERE, PlaceRate, SizeWord

_FIRST, _INNER, _LAST, _ANY = (-1.0, 0.5), (0.0, 1.0), (0.5, 2.0), (-1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the picture: where a place's shares down and across lie strictly between bounds, or outside of them."""

    name: str
    down: tuple[float, float]
    across: tuple[float, float]
    outside: bool = False

    def holds(self, place: PlaceRate) -> bool:
        """Whether a place lies in it."""
        within = self.down[0] < place.down < self.down[1] and self.across[0] < place.across < self.across[1]
        return within is not self.outside


REGIONS = (
    Region("at the top left", _FIRST, _FIRST),
    Region("at the top right", _FIRST, _LAST),
    Region("at the bottom left", _LAST, _FIRST),
    Region("at the bottom right", _LAST, _LAST),
    Region("in the middle", _INNER, _INNER),
    Region("in the upper half", _FIRST, _ANY),
    Region("in the lower half", _LAST, _ANY),
    Region("on the left", _ANY, _FIRST),
    Region("on the right", _ANY, _LAST),
    Region("along the edge", _INNER, _INNER, outside=True),
)
"""The parts that have a word, the smallest first."""


def word_of(places: Sequence[PlaceRate], limit: float) -> SizeWord:
    """The word for the places of one size.

    A place is above where its lower bound of the uplift lies above the limit, below where its upper bound lies below
    it, else open; it is certainly above where that holds at a level divided by all places of the map. In this order:

    - `anywhere`: all places are above. "Every place is above" needs every place's own test and no correction.
    - `nowhere`: all places are below, likewise.
    - `only …`: all places outside a part of the picture are below, and one inside is certainly above; of several such
      parts the smallest.
    - `not everywhere`: one place is certainly above and another below.
    - `somewhere at least`: one place is certainly above, and none below.
    - `open`: anything else.

    Args:
        places: of one size, at least one.
        limit: of the uplift, a fraction.
    """
    above = [place.uplift.low > limit for place in places]
    below = [place.uplift.high < limit for place in places]
    counted = (sum(above), sum(below), len(places) - sum(above) - sum(below))
    return SizeWord(places[0].size, _word(places, all(above), below), *counted)


def _word(places: Sequence[PlaceRate], everywhere: bool, below: Sequence[bool]) -> str:
    certain = [place.certain for place in places]
    if everywhere:
        return ANYWHERE
    if all(below):
        return NOWHERE
    if not any(certain):
        return OPEN
    for region in REGIONS:
        inside = [region.holds(place) for place in places]
        outside_below = all(is_in or is_below for is_in, is_below in zip(inside, below, strict=True))
        if outside_below and any(is_in and is_sure for is_in, is_sure in zip(inside, certain, strict=True)):
            return f"only {region.name}"
    return NOT_EVERYWHERE if any(below) else SOMEWHERE
