"""The table of what is caught in planted copies of worlds' twins."""

from __future__ import annotations

import re

from auditor.core.records import Verdict
from auditor.core.records.planted import WHOLE, PlantedShortcut
from benchmarks.worlds.copies import WHOLE_ROWS, table


def shortcut(kind: str, share: float, rank: int | None, caught: bool, verdict: Verdict) -> PlantedShortcut:
    return PlantedShortcut(
        1, "a", kind, share, 9, 50, 100, 0, 100, 8, rank, caught, caught, verdict, None, None, "planted/1"
    )


def test_counts_stand_by_share_and_kind_with_intervals_by_network() -> None:
    found = [
        ("noodles", shortcut("thing", 0.5, 1, True, Verdict.FAIL)),
        ("rice", shortcut("sticker", 0.5, 4, True, Verdict.FAIL)),
        ("rice", shortcut("thing", 0.25, None, False, Verdict.PASS)),
    ]
    lines = table(found, weak=2).split("\n")
    assert lines[0] == "| | all | meant to flip 50% | meant to flip 25% | things | stickers |"
    counts = [re.findall(r"\d+ of \d+", line) for line in lines[2:7]]
    assert counts[0] == ["2 of 3", "2 of 2", "0 of 1", "1 of 2", "1 of 1"]
    assert counts[1] == counts[0]
    assert counts[2] == ["1 of 3", "1 of 2", "0 of 1", "1 of 2", "0 of 1"]
    assert counts[3] == counts[2]  # the fourth is not among the first three
    assert counts[4] == ["1 of 3", "0 of 2", "1 of 1", "1 of 2", "0 of 1"]
    assert lines[2].endswith("| 1 of 1 (2.5–100.0%) |")  # of one network Clopper and Pearson's
    assert lines[-1] == "Cues that flip no more than the limit, which count for nothing: 2."


def test_changes_of_whole_pictures_have_rows_and_kinds_of_their_own() -> None:
    cast = shortcut("colour cast", 0.5, 2, True, Verdict.INCONCLUSIVE)
    light = shortcut("brightness", 0.5, None, False, Verdict.PASS)
    lines = table([("rice", cast), ("noodles", light)], 1, WHOLE_ROWS, WHOLE).split("\n")
    assert lines[0] == "| | all | meant to flip 50% | colour cast | sharpness | brightness |"
    counts = [re.findall(r"\d+ of \d+|—", line) for line in lines[2:6]]
    assert counts[0] == ["1 of 2", "1 of 2", "1 of 1", "—", "0 of 1"]
    assert counts[2] == ["0 of 2", "0 of 2", "0 of 1", "—", "0 of 1"]  # the second of the effects
    assert counts[3] == ["1 of 2", "1 of 2", "0 of 1", "—", "1 of 1"]


def test_a_group_without_one_says_so() -> None:
    assert "| — |" in table([("rice", shortcut("thing", 0.5, 1, True, Verdict.FAIL))], weak=0)
