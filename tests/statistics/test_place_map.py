"""The map of places: its words by the rule, and a whole map counted by hand."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import pytest

from auditor.core.records import Placement
from auditor.core.records.places import Bounded, DoseOutcomes, PlaceOutcomes, PlaceRate, SizeWord, smallest_from
from auditor.statistics.place_map import place_map
from auditor.statistics.place_words import word_of

STEPS = [step / 4 for step in range(5)]
ABOVE, BELOW, OPEN = Bounded(0.5, 0.3, 0.7), Bounded(0.0, -0.02, 0.05), Bounded(0.1, 0.0, 0.2)


def places(uplift_at: Callable[[float, float], Bounded], certain: bool = True) -> list[PlaceRate]:
    nothing = Bounded(0.0, 0.0, 0.0)
    return [
        PlaceRate(0.35, down, across, 0, 0, 24, nothing, uplift_at(down, across), nothing, certain)
        for down, across in itertools.product(STEPS, STEPS)
    ]


@pytest.mark.parametrize(
    ("uplift_at", "word"),
    [
        (lambda down, across: ABOVE, "anywhere"),
        (lambda down, across: BELOW, "nowhere"),
        (lambda down, across: ABOVE if down == across == 0 else BELOW, "only at the top left"),
        (lambda down, across: ABOVE if down == across == 1 else BELOW, "only at the bottom right"),
        (lambda down, across: OPEN if down < 0.5 < across else BELOW, "only at the top right"),
        (lambda down, across: ABOVE if down == across == 0.5 else BELOW, "only in the middle"),
        (lambda down, across: ABOVE if down == 1 else BELOW, "only in the lower half"),
        (lambda down, across: ABOVE if across == 0 else BELOW, "only on the left"),
        (lambda down, across: ABOVE if {down, across} & {0, 1} else BELOW, "only along the edge"),
        (lambda down, across: ABOVE if down == 0.5 else BELOW, "not everywhere"),
        (lambda down, across: ABOVE if down else OPEN, "somewhere at least"),
    ],
)
def test_words(uplift_at: Callable[[float, float], Bounded], word: str) -> None:
    found = word_of([dataclasses.replace(one, certain=one.uplift is not BELOW) for one in places(uplift_at)], 0.1)
    assert found.word == word
    assert found.above + found.below + found.open == 25


def test_one_place_that_may_be_the_luckiest_of_many_makes_no_word() -> None:
    def lucky(down: float, across: float) -> Bounded:
        return ABOVE if down == across == 0 else BELOW

    assert word_of(places(lucky, certain=False), 0.1) == SizeWord(0.35, "open", 1, 24, 0)
    # that all are above, or below, needs no correction
    assert word_of(places(lambda *_: ABOVE, certain=False), 0.1).word == "anywhere"
    # a bound at the limit is on neither side
    assert word_of(places(lambda *_: Bounded(0.2, 0.1, 0.3), certain=False), 0.1).word == "open"


def test_the_smallest_size_from_which_on_it_works() -> None:
    words = [SizeWord(size, word, 0, 0, 0) for size, word in ((0.2, "x"), (0.3, "y"), (0.4, "x"), (0.5, "x"))]
    assert smallest_from([0.2, 0.4, 0.5], words) == 0.4
    assert smallest_from([0.2, 0.3, 0.4], words) is None


def outcomes(flips_at: Callable[[float, float, float], float], pictures: int = 30) -> PlaceOutcomes:
    grid = np.array(list(itertools.product(STEPS, STEPS)))
    where = np.concatenate([np.column_stack([grid, np.full(25, size)]) for size in (0.2, 0.4)])
    generator = np.random.default_rng(7)
    flips = generator.random((50, pictures)) < np.array([flips_at(*one) for one in where])[:, None]
    after = np.where(flips, 0.9, 0.1).astype(np.float32)
    covering = np.full_like(after, 0.1)
    return PlaceOutcomes("c-1", "grey", 5, where, np.arange(50) % 10, flips, covering > 0.5, after, covering)


def test_a_cue_of_one_corner_and_of_one_size_is_found_where_it_is() -> None:
    measured = outcomes(lambda down, across, size: 0.9 if down > 0.5 and across > 0.5 and size > 0.3 else 0.0)
    found = place_map(measured, (), 0.1, 0.95, 0)
    assert [(one.size, one.word) for one in found.words] == [(0.2, "nowhere"), (0.4, "only at the bottom right")]
    assert found.anywhere_from is None
    for place, flips in zip(found.places, measured.flips.sum(axis=1), strict=True):
        assert (place.flips, place.covering_flips, place.images) == (flips, 0, 30)
        assert place.uplift.low <= place.uplift.value <= place.uplift.high
    best = max(found.places, key=lambda one: one.rate.value)
    assert (best.size, best.down > 0.5, best.across > 0.5) == (0.4, True, True)
    # log 0.9/0.1 less log 0.1/0.9 where it flips
    assert best.log_odds.value == pytest.approx(best.rate.value * 2 * np.log(9), rel=0.1)


def test_responses_name_no_half_that_was_not_reached() -> None:
    flips = np.stack([np.arange(20) < count for count in (0, 4, 20)])
    size = DoseOutcomes("size", Placement.FIXED, (0.1, 0.2, 0.4), flips, np.zeros_like(flips))
    opacity = DoseOutcomes("opacity", Placement.FIXED, (0.25, 0.5, 1.0), flips[[0, 0, 1]])
    of_size, of_opacity = place_map(outcomes(lambda *_: 1.0), (size, opacity), 0.1, 0.95, 0).responses
    assert of_size.half == pytest.approx(0.2 + 0.2 * 0.3 / 0.8)
    assert [(one.dose, one.flips, one.covering_flips) for one in of_size.doses] == [
        (0.1, 0, 0),
        (0.2, 4, 0),
        (0.4, 20, 0),
    ]
    assert (of_opacity.half, of_opacity.half_low, of_opacity.half_high) == (None, None, None)
    assert of_opacity.doses[0].covering_flips is None
