"""Whether a FAIL and a PASS said the truth, counted on rows whose fresh pictures are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.run.worlds.claims import claim_lines, has_shortcut
from auditor.run.worlds.figures import share
from auditor.run.worlds.fresh import FreshUplift
from auditor.run.worlds.score import Row

ABOVE, OPEN, BELOW = (0.001, 0.999), (0.3, 0.4), (0.999, 0.001)


def row(world: str, side: str, verdict: str, *told: tuple[float, float]) -> Row:
    fresh = tuple(FreshUplift("c-001", "a crop", 50, 400, 0.1, 0.0, 0.2, *one) for one in told)
    return Row(world, side, 0, verdict, 0.5, None, 5, 50, 100, None, {}, 1000, 10.0, fresh=fresh)


ROWS = [
    row("noodles", "planted", "fail", BELOW, ABOVE),
    row("noodles", "twin", "pass", BELOW, BELOW),
    row("egg", "planted", "fail", OPEN, BELOW),
    row("egg", "twin", "fail", BELOW, BELOW),
    row("rice", "planted", "inconclusive"),
    row("rice", "twin", "pass", BELOW, ABOVE),
    row("mark", "twin", "pass"),
]


def lines(rows: list[Row]) -> dict[str, str]:
    return dict(line.strip("| ").split(" | ") for line in claim_lines(rows))


def test_claims_are_borne_out_left_open_or_refuted() -> None:
    told = lines(ROWS)
    assert told["a FAIL is true on fresh pictures"] == f"{share(1, 3)}; 1 left open, 1 refuted"
    assert told["the same, of planted networks"] == f"{share(1, 2)}; 1 left open, 0 refuted"
    assert told["the same, of clean twins"] == f"{share(0, 1)}; 0 left open, 1 refuted"
    # of four twins one fails, by what fresh pictures refute; a planted network's fail is none
    of_twins = "clean twins that fail by nothing that fresh pictures bear out: false alarms"
    assert told[of_twins] == share(1, 4)
    assert lines([*ROWS, row("frame", "twin", "fail", ABOVE)])[of_twins] == share(1, 5)
    assert lines([*ROWS, row("frame", "twin", "fail", OPEN)])[of_twins] == share(2, 5)
    assert told["each finding that failed, by itself"] == "1/6; 1 left open, 4 refuted"
    # a PASS that held nothing to the limit has nothing that could be above it
    assert told["a PASS's findings stay below the limit on fresh pictures"] == f"{share(2, 3)}; 0 left open, 1 refuted"
    assert told["each finding of a PASS, by itself"] == "3/4; 0 left open, 1 refuted"
    assert claim_lines([row("mark", "twin", "pass")]) == []


@pytest.mark.parametrize(("failed", "borne_out"), [(1, "1/1"), (2, "0/1")])
def test_of_several_that_failed_one_has_to_be_surer(failed: int, borne_out: str) -> None:
    """0.02 is below 0.025, and not below half of it."""
    rows = [row("egg", "planted", "fail", *[(0.02, 0.9)] * failed)]
    assert lines(rows)["a FAIL is true on fresh pictures"].startswith(borne_out)


def test_what_is_known_to_be_there_is_told_by_other_audits_and_the_cue() -> None:
    first, second = row("mark", "twin", "fail", ABOVE), replace(row("mark", "twin", "pass"), seed=1)
    strong, weak = (replace(row("egg", "planted", "pass"), cue_flips=flips) for flips in (11, 10))
    rows = [first, second, strong, weak, row("egg", "twin", "fail", OPEN), replace(row("egg", "twin", "pass"), seed=1)]
    # of its own audit nothing is heard, and what fresh pictures leave open is not known
    assert [has_shortcut(one, rows) for one in rows] == [False, True, True, False, False, False]
    assert not has_shortcut(replace(strong, side="twin"), [])  # a twin's cue was spread over all classes


def test_intervals_are_counted_of_all_that_is_held_and_claims_of_what_a_word_rests_on() -> None:
    def one(uplift: float, rested_on: bool) -> FreshUplift:
        return FreshUplift("c-001", "a crop", 50, 400, uplift, 0.0, 0.2, *ABOVE, rested_on, 0.15, 0.30)

    first, second = row("egg", "planted", "fail"), row("rice", "planted", "inconclusive")
    rows = [
        replace(first, fresh=(one(0.15, True), one(0.31, False))),
        replace(second, fresh=(one(0.30, False), one(0.2, False))),
        row("mark", "twin", "pass"),
    ]
    told = lines(rows)
    assert told["the corrected interval of an uplift covers that on fresh pictures, each finding held"] == "3/4"
    assert told["audits of which every such interval does"] == share(1, 2)
    assert told["each finding that failed, by itself"] == "1/1; 0 left open, 0 refuted"
