"""How often planted shortcuts are found: what counts, and exact intervals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core.records import Verdict
from auditor.core.records.planted import PlantedShortcut
from auditor.statistics.planted import how_often_found


def shortcut(number: int, rank: int | None, flips: int = 50, verdict: Verdict = Verdict.FAIL) -> PlantedShortcut:
    return PlantedShortcut(
        number=number,
        name="a thing",
        kind="thing",
        share=0.5,
        pictures=10,
        flips=flips,
        eligible=100,
        changed=0,
        of=100,
        findings=8,
        rank=rank,
        caught=rank is not None,
        noticed=True,
        verdict=verdict,
        found=None,
        instead=None,
        folder=f"planted/{number}",
    )


def test_shortcuts_count_where_the_cue_flips_more_than_the_limit() -> None:
    rows = [shortcut(3, None, verdict=Verdict.PASS), shortcut(1, 1), shortcut(2, 3), shortcut(4, 1, flips=10)]
    found = how_often_found(rows, limit=0.1)
    assert [one.number for one in found.shortcuts] == [1, 2, 3, 4]
    assert found.counted == 3  # 10 of 100 is not more than the limit
    counts = [one.count for one in (found.caught, found.first, found.within, found.passed) if one is not None]
    assert counts == [2, 1, 2, 1]
    assert found.noticed == 1  # beside the two that are caught


def test_the_interval_is_clopper_and_pearsons() -> None:
    found = how_often_found([shortcut(number, 1) for number in range(1, 5)], limit=0.1)
    assert found.first is not None
    assert found.first.count == 4
    assert found.first.interval.low == pytest.approx(0.025 ** (1 / 4))  # all of n: the n-th root of alpha / 2
    assert found.first.interval.high == 1.0
    assert found.first.interval.method == "Clopper–Pearson"


def test_changes_of_whole_pictures_are_counted_apart() -> None:
    cast = replace(shortcut(1, 2, verdict=Verdict.INCONCLUSIVE), kind="colour cast")
    light = replace(shortcut(3, None, verdict=Verdict.PASS), kind="brightness", noticed=False)
    found = how_often_found([light, shortcut(1, 1), cast], limit=0.1)
    assert [one.kind for one in found.shortcuts] == ["thing"]
    assert found.caught is not None
    assert found.caught.count == 1
    over = found.over_whole
    assert over is not None
    assert [one.kind for one in over.shortcuts] == ["colour cast", "brightness"]
    assert (over.counted, over.noticed, over.over_whole) == (2, 0, None)
    assert over.caught is not None
    assert over.passed is not None
    assert (over.caught.count, over.passed.count) == (1, 1)
    assert how_often_found([shortcut(1, 1)], limit=0.1).over_whole is None


def test_where_nothing_counts_nothing_is_said() -> None:
    found = how_often_found([shortcut(1, 1, flips=5)], limit=0.1)
    assert found.counted == 0
    assert found.caught is found.first is found.within is found.passed is None
