"""The matrix of a survey, source × target, as coordinates and shades: records in, geometry out, no markup.

Where all classes are one source a matrix has one row: there a bar stands for each target.
"""

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
    shade = round(min(1.0, max(0.0, one.uplift / _DARKEST)), 3)
    return Square(x, y, shade, number, confirmed, _told(pair, confirmed))


def _told(pair: SurveyedPair, confirmed: bool) -> str:
    one = pair.measured
    return (
        f"{pair.source} → {pair.target}: {counts(one.flips, one.eligible)} flip, {points(one.uplift)} over "
        f"{one.covering}, {percent(pair.expected)} expected{', confirmed' if confirmed else ''}"
    )


BARS = 40
"""Targets that have a bar, at most: the first ones."""

BAR_HEIGHT, BAR_NAMES, BAR_WIDTH, BAR_NUMBERS = 17.0, 190.0, 360.0, 330.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One target: its top edge, name, lengths of what a crop and the strongest covering flip, its numbers and crop."""

    y: float
    name: str
    flips: float
    covering: float
    number: str
    confirmed: bool
    told: str


@dataclass(frozen=True, slots=True)
class Bars:
    """What is drawn: a bar each, the pair that leads first; `left_out` counts the pairs beyond the most drawn."""

    bars: tuple[Bar, ...]
    left_out: int

    @property
    def start(self) -> float:
        """Where bars begin, right of the names."""
        return BAR_NAMES

    @property
    def width(self) -> float:
        return BAR_NAMES + BAR_WIDTH + BAR_NUMBERS

    @property
    def height(self) -> float:
        return len(self.bars) * BAR_HEIGHT + 2

    @property
    def thick(self) -> float:
        """Height of one bar."""
        return BAR_HEIGHT - 5


def bars_of(whole: WholeModel) -> Bars:
    """The measured flip rate of each target's crop beside the strongest covering's; the longest bar takes all room."""
    shown, confirmed = whole.pairs[:BARS], set(whole.confirmed)
    longest = max(
        (max(one.measured.flips, one.measured.covering_flips) / one.measured.eligible for one in shown), default=1.0
    )
    scale = BAR_WIDTH / (longest or 1.0)
    bars = []
    for place, pair in enumerate(shown):
        one, known = pair.measured, pair in confirmed
        flips, covering = (round(scale * count / one.eligible, 1) for count in (one.flips, one.covering_flips))
        rank = whole.likened(pair)
        likened = f", ranked {rank:,} on its own picture" if rank else ""
        number = f"{counts(one.flips, one.eligible)}, {whole.crop(one.crop).label}{likened}"
        bars.append(Bar(place * BAR_HEIGHT, pair.target, flips, covering, number, known, _told(pair, known)))
    return Bars(tuple(bars), len(whole.pairs) - len(shown))
