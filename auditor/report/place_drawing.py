"""Geometry of the place maps and of the responses to size and opacity. Records in, coordinates and shades out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auditor.core.records import Finding
from auditor.core.records.places import DoseResponse, PlaceMap, PlaceRate
from auditor.report.numbers import EN_DASH, MINUS
from auditor.report.places import beyond_verdict, half_clause, measured_on, on_object_sentence, place_sentence, share

MAP_PX = 200.0
_LIGHT, _DARK = (244, 247, 251), (16, 52, 104)
"""Ends of one hue that only grows darker, so that it reads in grey as well."""

_INK_TURNS = 0.66
"""Where white and black stand out as well."""

_WIDTH, _HEIGHT = 330.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 18.0, 12.0, 36.0
"""Of a chart, as `parts/places.html.j2` draws it, and the room around its points."""


@dataclass(frozen=True, slots=True)
class Square:
    """One place: left and top, fill and ink, its number, a mark of its uplift against the limit, and all of it told."""

    x: float
    y: float
    fill: str
    ink: str
    number: str
    mark: str
    told: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The places of one size: its title, its squares and their side."""

    title: str
    squares: tuple[Square, ...]
    side: float


@dataclass(frozen=True, slots=True)
class Point:
    """A rate on a chart."""

    x: float
    y: float
    told: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One response: ticks along both axes, the fitted line, points of the patch and its covering, and half's bounds."""

    title: str
    told: str
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    line: str
    points: tuple[Point, ...]
    covering: tuple[Point, ...]
    half: tuple[float, float] | None
    half_y: float


@dataclass(frozen=True, slots=True)
class PlaceDrawing:
    """What the report draws of one candidate's places."""

    sentence: str
    beyond: str | None
    on_object: str | None
    measured_on: str
    covering: str
    confidence: float
    rates: tuple[Panel, ...]
    log_odds: tuple[Panel, ...]
    charts: tuple[Chart, ...]


def place_drawing(found: PlaceMap, findings: Sequence[Finding]) -> PlaceDrawing:
    """Panels and charts of one map, and what it says beyond the verdicts of these findings."""
    most = max([place.log_odds.value for place in found.places] + [1e-9])
    sizes = [word.size for word in found.words]
    words = {word.size: word.word for word in found.words}

    def rates(size: float) -> Panel:
        title = f"{share(size)}: {words[size]}"
        return _panel(
            title, found.at_size(size), found.grid, lambda one: one.rate.value, _percent, lambda one: _mark(one, found)
        )

    def odds(size: float) -> Panel:
        return _panel(
            share(size), found.at_size(size), found.grid, lambda one: one.log_odds.value / most, _logits, lambda _: ""
        )

    return PlaceDrawing(
        sentence=place_sentence(found),
        beyond=beyond_verdict(found, findings),
        on_object=on_object_sentence(found),
        measured_on=measured_on(found),
        covering=found.covering,
        confidence=found.confidence,
        rates=tuple(map(rates, sizes)),
        log_odds=tuple(map(odds, sizes)),
        charts=tuple(_chart(one) for one in found.responses if len(one.doses) > 1),
    )


def _panel(
    title: str,
    places: Sequence[PlaceRate],
    grid: int,
    darkness: Callable[[PlaceRate], float],
    number: Callable[[PlaceRate], str],
    mark: Callable[[PlaceRate], str],
) -> Panel:
    side = MAP_PX / grid
    squares = []
    for row, place in enumerate(places):
        dark = min(max(darkness(place), 0.0), 1.0)
        squares.append(
            Square(
                x=round(row % grid * side, 2),
                y=round(row // grid * side, 2),
                fill=shade(dark),
                ink="#ffffff" if dark > _INK_TURNS else "#101820",
                number=number(place) if grid <= 8 else "",
                mark=mark(place) if grid <= 8 else "",
                told=_told(place),
            )
        )
    return Panel(title, tuple(squares), round(side, 2))


def shade(darkness: float) -> str:
    """A colour from light to dark for a share from 0 to 1."""
    return "#" + "".join(
        f"{round(light + darkness * (dark - light)):02x}" for light, dark in zip(_LIGHT, _DARK, strict=True)
    )


def _percent(place: PlaceRate) -> str:
    return f"{100 * place.rate.value:.0f}"


def _logits(place: PlaceRate) -> str:
    return f"{place.log_odds.value:+.1f}".replace("-", MINUS)


def _mark(place: PlaceRate, found: PlaceMap) -> str:
    if place.uplift.low > found.limit:
        return "+"
    return MINUS if place.uplift.high < found.limit else "?"


def _told(place: PlaceRate) -> str:
    low, high = (f"{100 * bound:.0f}".replace("-", MINUS) for bound in (place.uplift.low, place.uplift.high))
    return (
        f"{share(place.down)} down, {share(place.across)} across: measured {place.flips}/{place.images}, covering "
        f"{place.covering_flips}/{place.images}; pooled rate {_percent(place)}%, uplift {100 * place.uplift.value:.0f} "
        f"points ({low} to {high})"
    )


def _chart(response: DoseResponse) -> Chart:
    first, last = response.doses[0].dose, response.doses[-1].dose

    def x(dose: float) -> float:
        return round(_LEFT + (dose - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(rate: float) -> float:
        return round(_HEIGHT - _BOTTOM - rate * (_HEIGHT - _TOP - _BOTTOM), 1)

    def point(dose: float, flips: int, images: int) -> Point:
        return Point(x(dose), y(flips / images), f"{share(dose)}: {flips}/{images}")

    half = None
    if response.half is not None:
        low = first if response.half_low is None else response.half_low
        high = last if response.half_high is None else response.half_high
        half = (x(low), x(high))
    return Chart(
        title=response.of,
        told=f"flip rate against {response.of}, {share(first)}{EN_DASH}{share(last)}: {half_clause(response)}",
        across=tuple((x(one.dose), f"{100 * one.dose:g}") for one in response.doses),
        up=tuple((y(rate), f"{100 * rate:g}%") for rate in (0.0, 0.5, 1.0)),
        line=" ".join(f"{x(one.dose)},{y(one.fitted)}" for one in response.doses),
        points=tuple(point(one.dose, one.flips, one.images) for one in response.doses),
        covering=tuple(
            point(one.dose, one.covering_flips, one.images) for one in response.doses if one.covering_flips is not None
        ),
        half=half,
        half_y=y(0.5),
    )
