"""The ledger of looks: what counts as looking again, and a ledger that is missing, damaged or not to be written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.core.records import EarlierLook, Looks
from auditor.run.ledger import LEDGER, Look, enter
from auditor.run.writing import append_line

FIRST = Look(
    run="first",
    date="2026-03-01T10:00:00+00:00",
    what="an audit",
    model="network.py:network",
    weights_sha256="ab" * 32,
    source=(0,),
    target=(1,),
    seed=5,
    settings="cd" * 32,
    pictures=("k0", "k1", "k2", "k3"),
    patches=("p0", "p1", "p2"),
)


def lines_of(folder: Path) -> list[str]:
    return (folder / LEDGER).read_text().splitlines()


def test_the_first_look_has_none_before(tmp_path: Path) -> None:
    assert enter(tmp_path, FIRST, {"u-a": "p0"}) == Looks()
    (line,) = lines_of(tmp_path)
    assert json.loads(line)["pictures"] == ["k0", "k1", "k2", "k3"]


def test_a_run_enters_a_look_once(tmp_path: Path) -> None:
    enter(tmp_path, FIRST, {})
    assert enter(tmp_path, replace(FIRST, date="2026-03-02T10:00:00+00:00"), {}) == Looks()
    assert len(lines_of(tmp_path)) == 1


def test_a_repeat_with_nothing_changed_is_entered_and_does_not_count(tmp_path: Path) -> None:
    enter(tmp_path, FIRST, {})
    assert enter(tmp_path, replace(FIRST, run="repeat"), {"u-a": "p0"}) == Looks()
    assert [json.loads(line)["run"] for line in lines_of(tmp_path)] == ["first", "repeat"]
    later = enter(tmp_path, replace(FIRST, run="later", seed=6), {})
    assert [one.run for one in later.earlier] == ["first"]


def test_another_look_counts_what_came_before_it(tmp_path: Path) -> None:
    enter(tmp_path, FIRST, {})
    again = replace(FIRST, run="second", seed=6, pictures=("k2", "k3", "k4"), patches=("p2", "p3"))
    assert enter(tmp_path, again, {}) == Looks((EarlierLook("first", FIRST.date, "an audit", 2, 3),), 3)
    third = enter(tmp_path, replace(FIRST, run="third", seed=7), {})
    assert [(one.run, one.pictures, one.patches) for one in third.earlier] == [("first", 4, 3), ("second", 2, 2)]
    assert third.patches == 4  # p2 was tried twice
    # the first one measured anew says what it said, whoever looked since
    assert enter(tmp_path, replace(FIRST, date="2026-04-01T10:00:00+00:00"), {}) == Looks()


def test_a_brought_patch_carries_all_that_were_tried_with_it(tmp_path: Path) -> None:
    enter(tmp_path, FIRST, {})
    again = replace(FIRST, run="second", patches=("new", "p1"))
    assert enter(tmp_path, again, {"u-best": "p1", "u-new": "new"}).chosen_from == {"u-best": 3}


def test_looks_that_the_test_allows_for_are_left_out(tmp_path: Path) -> None:
    """But not what lay in the folder of that name before."""
    for seed in (1, 2):
        enter(tmp_path, replace(FIRST, seed=seed), {})
    enter(tmp_path, replace(FIRST, run="other", seed=3), {})
    more = replace(FIRST, run="first/more/look-2", pictures=(*FIRST.pictures, "k4"))
    assert [(one.run, one.pictures) for one in enter(tmp_path, more, {}, paid=["first"]).earlier] == [
        ("first", 4),
        ("other", 4),
    ]


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"pictures": ("k0", "k1", "a", "b")}, True),  # half of them
        ({"pictures": ("k0", "a", "b", "c")}, False),
        ({"pictures": ("k0", "k1", "k2", "k3", *(f"new{number}" for number in range(20)))}, True),  # many were added
        ({"pictures": ("k0", "a")}, True),
        ({"pictures": ()}, False),
        ({"weights_sha256": "ef" * 32}, False),
        ({"model": "other.py:network"}, False),
        ({"source": (2,)}, False),
        ({"target": (1, 2)}, False),
        ({"patches": ("p9",)}, True),
        ({"settings": "ef" * 32}, True),
    ],
)
def test_looking_again_is_the_same_question_of_mostly_the_same_pictures(
    tmp_path: Path, change: dict[str, object], again: bool
) -> None:
    enter(tmp_path, FIRST, {})
    assert len(enter(tmp_path, replace(FIRST, run="second", **change), {}).earlier) == again  # type: ignore[arg-type]


def test_a_damaged_line_is_told_and_the_others_count(tmp_path: Path) -> None:
    enter(tmp_path, FIRST, {})
    whole = (tmp_path / LEDGER).read_bytes()
    (tmp_path / LEDGER).write_bytes(b"\xff\n" + whole + b"\n" + whole[:50])
    looks = enter(tmp_path, replace(FIRST, run="second", seed=6), {})
    assert [one.run for one in looks.earlier] == ["first"]
    assert looks.problem == "looks.jsonl holds 2 of 3 lines that cannot be read"
    # what is appended behind half a line is a line of its own
    kept = (tmp_path / LEDGER).read_bytes()
    assert json.loads(kept.splitlines()[-1])["run"] == "second"
    assert kept.startswith(b"\xff\n" + whole + b"\n" + whole[:50] + b"\n")


def test_a_ledger_that_cannot_be_used_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / LEDGER).mkdir()
    assert enter(tmp_path, FIRST, {}) == Looks(problem="looks.jsonl cannot be read: Is a directory")


def test_a_ledger_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, line: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("auditor.run.ledger.append_line", full)
    assert enter(tmp_path, FIRST, {}) == Looks(problem="looks.jsonl cannot be written: No space left on device")


def test_lines_are_appended(tmp_path: Path) -> None:
    for line in ("one", "zwei ü"):
        append_line(tmp_path / "lines", line)
    (tmp_path / "lines").write_text((tmp_path / "lines").read_text() + "half")
    append_line(tmp_path / "lines", "three")
    assert (tmp_path / "lines").read_text() == "one\nzwei ü\nhalf\nthree\n"
