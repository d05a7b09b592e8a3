"""The map of a candidate's places and its responses to size and opacity, from what became of their pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.core.records.places import Bounded, Dose, DoseOutcomes, DoseResponse, PlaceMap, PlaceOutcomes, PlaceRate
from auditor.statistics.doses import response_of
from auditor.statistics.log_odds import log_odds
from auditor.statistics.place_words import word_of
from auditor.statistics.pooling import Pooled, pooled_means


def place_map(
    outcomes: PlaceOutcomes, doses: Sequence[DoseOutcomes], limit: float, confidence: float, seed: int
) -> PlaceMap:
    """Pool what was measured at the places, and put into words where the patch works.

    Args:
        limit: of the uplift, a fraction.
        confidence: two-sided, of each place's bounds; the words' tests are one-sided at half of what it leaves.
        seed: of the resampling of pictures.
    """
    places = _places(outcomes, limit, confidence)
    sizes = sorted({place.size for place in places})
    return PlaceMap(
        candidate=outcomes.candidate,
        covering=outcomes.covering,
        limit=limit,
        confidence=confidence,
        grid=outcomes.grid,
        places=places,
        words=tuple(word_of([place for place in places if place.size == size], limit) for size in sizes),
        responses=tuple(_response(one, confidence, seed) for one in doses),
    )


def _places(outcomes: PlaceOutcomes, limit: float, confidence: float) -> tuple[PlaceRate, ...]:
    count, pictures = outcomes.flips.shape
    own, covering = outcomes.flips.astype(np.float64), outcomes.covering_flips.astype(np.float64)
    # as if one picture more had flipped somewhere: where none did, nobody knows that none would
    least = 1 / (count * pictures + 2)
    rates, uplifts, odds = (
        _pooled(outcomes, values, floor)
        for values, floor in (
            (own, least),
            (own - covering, least),
            (log_odds(outcomes.after) - log_odds(outcomes.covering_after), 0.0),
        )
    )
    tail = (1 - confidence) / 2
    wide, wider = (float(stats.norm.isf(level)) for level in (tail, tail / count))
    found = []
    for row, (down, across, size) in enumerate(outcomes.places.tolist()):
        found.append(
            PlaceRate(
                size=size,
                down=down,
                across=across,
                flips=int(outcomes.flips[row].sum()),
                covering_flips=int(outcomes.covering_flips[row].sum()),
                images=pictures,
                rate=_bounded(rates, row, wide, 0.0, 1.0),
                uplift=_bounded(uplifts, row, wide, -1.0, 1.0),
                log_odds=_bounded(odds, row, wide, -math.inf, math.inf),
                certain=bool(uplifts.mean[row] - wider * uplifts.deviation[row] > limit),
            )
        )
    return tuple(found)


def _pooled(outcomes: PlaceOutcomes, values: NDArray[np.float64], least_variance: float) -> Pooled:
    """Each size pooled by itself: what works at one may do nothing at the next."""
    mean, deviation = np.empty(len(values)), np.empty(len(values))
    for size in np.unique(outcomes.places[:, 2]):
        rows = outcomes.places[:, 2] == size
        found = pooled_means(values[rows], outcomes.parts[rows], outcomes.places[rows, :2], least_variance)
        mean[rows], deviation[rows] = found.mean, found.deviation
    return Pooled(mean, deviation)


def _bounded(pooled: Pooled, row: int, wide: float, least: float, most: float) -> Bounded:
    value, reach = float(pooled.mean[row]), wide * float(pooled.deviation[row])
    return Bounded(*(min(max(each, least), most) for each in (value, value - reach, value + reach)))


def _response(outcomes: DoseOutcomes, confidence: float, seed: int) -> DoseResponse:
    found = response_of(outcomes.flips, outcomes.doses, confidence, seed)
    covering = _counts(outcomes.covering_flips)
    counted = zip(outcomes.doses, outcomes.flips.sum(axis=1).tolist(), found.fitted.tolist(), strict=True)
    return DoseResponse(
        of=outcomes.of,
        placement=outcomes.placement,
        doses=tuple(
            Dose(dose, flips, outcomes.flips.shape[1], fitted, covering[row] if covering else None)
            for row, (dose, flips, fitted) in enumerate(counted)
        ),
        half=None if found.falls else _within(found.half),
        half_low=None if found.falls else _within(found.low),
        half_high=None if found.falls else _within(found.high),
        confidence=confidence,
        falls=found.falls,
    )


def _counts(flips: NDArray[np.bool_] | None) -> list[int] | None:
    return None if flips is None else [int(count) for count in flips.sum(axis=1)]


def _within(dose: float) -> float | None:
    """A dose that was reached; None where it lies beyond those that were tried."""
    return dose if math.isfinite(dose) else None
