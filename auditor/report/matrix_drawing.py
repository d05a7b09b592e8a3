"""The matrix of a survey, source × target, as coordinates and shades: records in, geometry out, no markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.core.records.whole_model import SurveyedPair, WholeModel
from auditor.report.numbers import counts, percent, points

MOST = 64
"""Classes along a side, at most: those with the largest uplift come first."""

CELL, LABELS = 22.0, 118.0
_DARKEST = 0.6
"""Uplift that is drawn darkest; more is not told apart."""


@dataclass(frozen=True, slots=True)
class Square:
    """One pair: left and top, share of the darkest shade, its number, whether it is confirmed, and all of it told."""

    x: float
    y: float
    shade: float
    number: str
    confirmed: bool
    told: str


@dataclass(frozen=True, slots=True)
class Label:
    """A class's name beside its row or above its column, at the middle of it."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """What is drawn: rows are sources, columns targets, those with the largest uplift first.

    `left_out` counts the classes that are beyond the most that are drawn.
    """

    squares: tuple[Square, ...]
    rows: tuple[Label, ...]
    columns: tuple[Label, ...]
    width: float
    height: float
    left_out: int

    @property
    def cell(self) -> float:
        return CELL

    @property
    def margin(self) -> float:
        """Room for the names, at the left and above."""
        return LABELS


def matrix_of(whole: WholeModel) -> Matrix:
    """The measured uplift of each pair, coloured where it is above 0."""
    by_pair = {(pair.source, pair.target): pair for pair in whole.pairs}
    sources = _order({name: 0.0 for name, _ in by_pair}, by_pair, 0)
    targets = _order({name: 0.0 for _, name in by_pair}, by_pair, 1)
    confirmed = {(pair.source, pair.target) for pair in whole.confirmed}
    squares = []
    for row, source in enumerate(sources[:MOST]):
        for column, target in enumerate(targets[:MOST]):
            pair = by_pair.get((source, target))
            if pair is not None:
                known = (source, target) in confirmed
                squares.append(_square(pair, LABELS + column * CELL, LABELS + row * CELL, known))
    shown = len(sources[:MOST]), len(targets[:MOST])
    return Matrix(
        squares=tuple(squares),
        rows=tuple(Label(LABELS + (place + 0.5) * CELL, name) for place, name in enumerate(sources[:MOST])),
        columns=tuple(Label(LABELS + (place + 0.5) * CELL, name) for place, name in enumerate(targets[:MOST])),
        width=LABELS + shown[1] * CELL + LABELS / 2,
        height=LABELS + shown[0] * CELL + 4,
        left_out=len(sources) + len(targets) - sum(shown),
    )


def _order(sums: dict[str, float], by_pair: Mapping[tuple[str, str], SurveyedPair], side: int) -> list[str]:
    """Names by the sum of their pairs' expected uplift, the largest first."""
    for names, pair in by_pair.items():
        sums[names[side]] += max(0.0, pair.expected_uplift)
    return sorted(sums, key=lambda name: (-sums[name], name))


def _square(pair: SurveyedPair, x: float, y: float, confirmed: bool) -> Square:
    one = pair.measured
    number = str(round(100 * one.uplift)) if one.uplift >= 0.1 else ""
    told = (
        f"{pair.source} → {pair.target}: {counts(one.flips, one.eligible)} flip, {points(one.uplift)} over "
        f"{one.covering}, {percent(pair.expected)} expected{', confirmed' if confirmed else ''}"
    )
    return Square(x, y, round(min(1.0, max(0.0, one.uplift / _DARKEST)), 3), number, confirmed, told)
