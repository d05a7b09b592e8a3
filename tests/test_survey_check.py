"""The check of a survey's order: what is counted, and what the sources that were searched stand for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.candidates.survey_check import FIRST, WORST, Searched, Sources, among_first, drawn_again, read

ORDER = [(f"s{place % 5}", f"t{place:02d}") for place in range(40)]
"""Forty pairs of five sources."""


def test_the_worst_pairs_are_counted_among_the_first() -> None:
    uplift = {pair: 0.01 * (40 - place) for place, pair in enumerate(ORDER)}
    weight = dict.fromkeys((source for source, _ in ORDER), 1.0)
    assert among_first(ORDER, uplift, weight) == WORST
    # three worst that the survey has last push three of the others out
    assert among_first(ORDER, uplift | dict.fromkeys(ORDER[-3:], 1.0), weight) == WORST - 3
    assert among_first(ORDER, dict.fromkeys(ORDER, 0.0), weight) == WORST
    assert among_first(ORDER, {pair: -value for pair, value in uplift.items()}, weight) == 0
    # a pair of a source that stands for four takes the places of four, and so does the fifth
    late = next(pair for pair in ORDER[FIRST:] if pair[0] == "s4")
    assert among_first(ORDER, uplift | {late: 1.0}, weight | {"s4": 4.0}, first=4) == 4
    assert among_first(ORDER, uplift | {late: 1.0}, weight | {"s4": 4.0}, first=8) == 5


def test_sources_of_the_first_pairs_are_certain_and_the_others_stand_for_all() -> None:
    order = [("a", "b"), ("c", "a"), ("a", "c"), ("b", "a"), ("d", "a"), ("e", "a"), ("f", "a")]
    sources = Sources.of(order, first=3)
    assert sources.certain == ("a", "c")
    assert sorted(sources.others) == ["b", "d", "e", "f"]
    assert sources.weights(["a", "c", *sources.others[:2]]) == {"a": 1, "c": 1, **dict.fromkeys(sources.others[:2], 2)}
    assert sources.weights(["a", "c"]) == {"a": 1, "c": 1}


def test_a_file_is_read_as_what_each_picture_was_called(tmp_path: Path) -> None:
    held = {
        "source": "pan",
        "pairs": {"wok": {"crop_of": "cup", "called": [0, 2, 3]}, "lid": {"crop_of": "cup", "called": []}},
        "pictures": 4,
        "covered": {"noise": ["wok", "pan", "pan", "pan"], "grey": ["wok", "wok", "lid", "pan"]},
    }
    (tmp_path / "0.json").write_text(json.dumps(held))
    found = read(tmp_path / "0.json")
    assert found.uplift("wok") == pytest.approx(3 / 4 - 2 / 4)
    assert found.uplift("lid") == -1 / 4
    assert found.uplift("wok", np.array([2, 3, 3])) == 1.0


def test_what_every_picture_does_is_the_same_when_they_are_drawn_again() -> None:
    worst = {*ORDER[5:12], *ORDER[-3:]}
    found = {
        source: Searched(
            {to: np.full(6, (source, to) in worst) for own, to in ORDER if own == source},
            {to: np.zeros((2, 6), dtype=np.bool_) for own, to in ORDER if own == source},
        )
        for source in sorted({source for source, _ in ORDER})
    }
    assert set(drawn_again(ORDER, found, Sources.of(ORDER), repeats=5).tolist()) == {7}
    few = {source: one for source, one in found.items() if source in ("s0", "s1")}  # a search that was cut short
    # at places 5, 6, 10 and 11 their pairs flip everything; the six equals after them are 0, 1, 15, 16, 20 and 21
    assert set(drawn_again(ORDER, few, Sources.of(ORDER), repeats=5).tolist()) == {8}
