"""The table of what is caught in planted copies of worlds' twins."""

from __future__ import annotations

from auditor.core.records import Verdict
from auditor.core.records.planted import PlantedShortcut
from benchmarks.worlds.copies import table


def shortcut(kind: str, share: float, rank: int | None, caught: bool, verdict: Verdict) -> PlantedShortcut:
    return PlantedShortcut(1, "a", kind, share, 9, 50, 100, 0, 100, 8, rank, caught, verdict, None, None, "planted/1")


def test_counts_stand_by_share_and_kind_with_their_intervals() -> None:
    found = [
        shortcut("thing", 0.5, 1, True, Verdict.FAIL),
        shortcut("sticker", 0.5, 4, True, Verdict.FAIL),
        shortcut("thing", 0.25, None, False, Verdict.PASS),
    ]
    lines = table(found, weak=2).split("\n")
    assert lines[0] == "| | all | meant to flip 50% | meant to flip 25% | things | stickers |"
    assert lines[2].startswith(
        "| caught: a finding that shows it fails the copy | 2 of 3 (9.4–99.2%) | 2 of 2 (15.8–100.0%) |"
    )
    assert lines[3].startswith("| it is the first finding | 1 of 3 ")
    assert lines[5].endswith("| 1 of 2 (1.3–98.7%) | 1 of 1 (2.5–100.0%) |")
    assert lines[-1] == "Cues that flip no more than the limit, which count for nothing: 2."


def test_a_group_without_one_says_so() -> None:
    assert "| — |" in table([shortcut("thing", 0.5, 1, True, Verdict.FAIL)], weak=0)
