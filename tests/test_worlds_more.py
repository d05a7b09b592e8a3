"""What a second look settles, counted."""

from __future__ import annotations

from auditor.run.worlds.figures import share
from auditor.run.worlds.fresh import FreshUplift
from auditor.run.worlds.score import Row
from benchmarks.worlds.more import HEADER, REFUSED, Again, lines


def scored(world: str, side: str, verdict: str) -> Row:
    return Row(world, side, 0, verdict, 0.5, 1, 5, 50, 100, None, {}, 1000, 10.0)


def on_fresh(p_above: float, p_below: float) -> tuple[FreshUplift, ...]:
    return (FreshUplift("c-001", "a crop", 9, 90, 0.1, 0.0, 0.2, p_above, p_below),)


def test_what_became_of_the_open_ones_beside_all() -> None:
    rows = [
        scored("noodles", "planted", "fail"),
        scored("rice", "planted", "inconclusive"),
        scored("egg", "planted", "inconclusive"),
        *(scored(name, "twin", "inconclusive") for name in ("noodles", "rice", "egg", "mark")),
        scored("spot", "twin", "pass"),
    ]

    def settled(row: Row, verdict: str, fresh: tuple[FreshUplift, ...]) -> Again:
        told = Row(row.world, row.side, 0, verdict, 0.5, 1, 5, 50, 100, None, {}, 1000, 10.0, fresh=fresh)
        return Again(told, verdict, 100, 500)

    again = [
        settled(rows[1], "fail", on_fresh(0.001, 1.0)),
        Again(rows[2], REFUSED, 100, 100),
        settled(rows[3], "pass", on_fresh(1.0, 0.001)),
        settled(rows[4], "pass", on_fresh(0.4, 0.6)),  # fresh pictures leave it open
        settled(rows[5], "fail", on_fresh(0.4, 0.6)),
        settled(rows[6], "inconclusive", on_fresh(0.4, 0.6)),
    ]
    planted, twins = (dict(zip(HEADER, line, strict=True)) for line in lines(rows, again))
    assert planted == {
        "": "planted", "open": "2 of 3", "refused": "1", "fail": "1, 1 truly", "pass": "0, 0 borne out",
        "open again": "0", "all: fail": share(2, 3), "all: pass": share(0, 3), "all: open": share(1, 3),
    }  # fmt: skip
    assert twins == {
        "": "clean twins", "open": "4 of 5", "refused": "0", "fail": "1, 0 truly", "pass": "2, 1 borne out",
        "open again": "1", "all: fail": share(1, 5), "all: pass": share(3, 5), "all: open": share(1, 5),
    }  # fmt: skip
