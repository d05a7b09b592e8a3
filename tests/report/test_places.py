"""Where and how large, in sentences and coordinates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core.records import AuditResult, Placement, Verdict
from auditor.core.records.places import AtAttribution, Bounded, Dose, DoseResponse, PlaceMap, PlaceRate, SizeWord
from auditor.report.place_drawing import place_drawing, shade
from auditor.report.places import beyond_verdict, half_clause, on_object_sentence, place_sentence, places_lines


def response(
    half: float | None, low: float | None, high: float | None, *flips: int, falls: bool = False
) -> DoseResponse:
    doses = tuple(Dose(dose, count, 10, count / 10, 0) for dose, count in zip((0.1, 0.2, 0.4), flips, strict=True))
    return DoseResponse("size", Placement.FIXED, doses, half, low, high, 0.95, falls)


def a_map(*words: tuple[float, str], certain: bool = False, uplift: float = 0.5, candidate: str = "c-1") -> PlaceMap:
    rate, bounds = Bounded(uplift, uplift - 0.1, uplift + 0.1), Bounded(2.0, 1.0, 3.0)
    places = tuple(
        PlaceRate(size, down, across, 5, 0, 10, rate, rate, bounds, certain)
        for size, _ in words
        for down in (0.0, 1.0)
        for across in (0.0, 1.0)
    )
    told = tuple(SizeWord(size, word, 3, 0, 1) for size, word in words)
    return PlaceMap(candidate, "grey", 0.1, 0.95, 2, places, told, (response(0.3, 0.25, None, 0, 2, 8),))


HALF = "half of the pictures flip"
SIDE = "of the picture's shorter side"


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (response(0.278, 0.27, 0.29, 0, 2, 8), f"{HALF} at size 27.8% {SIDE} (27–29%)"),
        (response(0.3, None, 0.35, 4, 4, 8), f"{HALF} at size 30% {SIDE} (less than 10% to 35%)"),
        (response(None, None, None, 6, 7, 8), f"{HALF} below size 10% {SIDE} already"),
        (response(None, 0.39, None, 0, 2, 4), f"no size up to 40% {SIDE} flips half of the pictures"),
        (response(None, None, None, 0, 9, 0, falls=True), "fewer flip at the largest size than at a smaller one"),
    ],
)
def test_half(measured: DoseResponse, words: str) -> None:
    assert half_clause(measured) == words


def test_where() -> None:
    found = a_map((0.2, "nowhere"), (0.35, "anywhere"), (0.5, "anywhere"))
    assert place_sentence(found).startswith("works anywhere from 35% of the picture's shorter side; half of ")
    found = a_map((0.2, "nowhere"), (0.35, "anywhere"), (0.5, "somewhere at least"))
    assert place_sentence(found).startswith(
        "works nowhere at 20%, anywhere at 35%, somewhere at least at 50% (above the limit at 3 of 4 places) of the "
        "picture's shorter side; "
    )


def test_on_the_object_and_off_it() -> None:
    bounds = Bounded(0.5, 0.4, 0.6)
    found = replace(
        a_map((0.2, "nowhere")),
        on_object=(
            AtAttribution(Placement.ON_OBJECT, 45, 1, 64, bounds),
            AtAttribution(Placement.OFF_OBJECT, 12, 0, 64, bounds),
        ),
    )
    assert on_object_sentence(found) == (
        "Flips 45/64 = 70.3% on what makes a picture the source (grey 1) and 12/64 = 18.8% beside it (grey 0)"
    )
    assert on_object_sentence(a_map((0.2, "nowhere"))) is None


def test_nowhere_is_said_once() -> None:
    found = a_map((0.2, "nowhere"), (0.5, "nowhere"))
    assert place_sentence(found).startswith("works nowhere at sizes of 20% to 50% of the picture's shorter side; ")


def test_a_pass_is_told_where_it_ends(full_result: AuditResult) -> None:
    finding = full_result.findings[0]
    identity = finding.candidate.id
    passed = replace(finding, verdict=Verdict.PASS)
    sure = a_map((0.5, "anywhere"), certain=True, candidate=identity)
    assert beyond_verdict(sure, [passed]) == (
        "It passes as it was confirmed, but is above the limit, all places corrected for, at 4 of 4 places at 50% of "
        "the picture's shorter side"
    )
    assert beyond_verdict(sure, [passed, replace(finding, verdict=Verdict.FAIL)]) is None
    assert beyond_verdict(a_map((0.5, "open"), candidate=identity), [passed]) is None
    lines = places_lines(replace(full_result, findings=(passed,), places=(sure,)))
    assert [line.split(" ")[0] for line in lines] == [identity, f"{identity}:"]


def test_shades_only_grow_darker_also_in_grey() -> None:
    def grey(colour: str) -> float:
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    shades = [grey(shade(step / 20)) for step in range(21)]
    assert shades == sorted(shades, reverse=True)
    assert (shade(0.0), shade(1.0)) == ("#f4f7fb", "#103468")


def test_coordinates() -> None:
    drawn = place_drawing(a_map((0.2, "nowhere"), (0.5, "anywhere")), ())
    assert [panel.title for panel in drawn.rates] == ["20%: nowhere", "50%: anywhere"]
    squares = drawn.rates[0].squares
    assert [(one.x, one.y) for one in squares] == [(0, 0), (100, 0), (0, 100), (100, 100)]
    assert (squares[0].number, squares[0].mark, drawn.log_odds[0].squares[0].number) == ("50", "+", "+2.0")
    (chart,) = drawn.charts
    # a third of the way from 10 to 40% lies 20%; no upper bound: to the largest size
    left, right = chart.across[0][0], chart.across[-1][0]
    assert chart.across[1][0] == pytest.approx(left + (right - left) / 3, abs=0.1)
    assert chart.half == (pytest.approx(left + (right - left) / 2, abs=0.1), right)
    assert chart.points[2].told == "40%: 8/10"
