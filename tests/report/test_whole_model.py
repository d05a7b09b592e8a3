"""The report of a survey: its matrix, its sentences, and names that are no markup."""

from __future__ import annotations

import json

from auditor.core.records import Tier
from auditor.core.records.whole_model import (
    AuditOfPair,
    Measured,
    ReachedFromMany,
    SurveyedClass,
    SurveyedCrop,
    SurveyedPair,
    WholeModel,
)
from auditor.report.matrix_drawing import CELL, LABELS, MOST, matrix_of
from auditor.report.whole_model import features_told, headline, whole_model_html, whole_model_json


def pair(source: str, target: str, flips: int, q_value: float = 1.0) -> SurveyedPair:
    one = Measured("w-00001", Tier.THIRD_CLASS, flips, 20, "noise", 1, (flips - 1) / 20, 0.5)
    return SurveyedPair(
        source, target, 2, 8, one, q_value, flips / 20, nearest=3, nearest_expected=flips / 30, covering=0.05
    )


def whole(pairs: tuple[SurveyedPair, ...], classes: tuple[str, ...]) -> WholeModel:
    told = tuple(SurveyedClass(name, 20, 0.1, None, 0.0, 0.2, 0, 0) for name in classes)
    crop = SurveyedCrop("w-00001", "<b>cup</b>", "photos/cup.png", "k", (0, 0, 4, 4))
    reached = ReachedFromMany("w-00001", classes[0], 9, 4, 60, 180, 0.01)
    return WholeModel(
        pairs, (reached,), told, (crop,), 0.05, 0.1, 100, 10, 20, 60, len(pairs), len(pairs), None, 0.2, 0.1, (), 5000,
        "model", "", "layer", 0,
    )  # fmt: skip


def test_the_matrix_has_those_that_lead_first_and_frames_what_is_confirmed() -> None:
    pairs = (pair("b", "z", 19, 0.01), pair("a", "z", 5), pair("a", "y", 1), pair("c", "y", 0))
    matrix = matrix_of(whole(pairs, ("a", "b", "c", "y", "z")))
    assert [label.name for label in matrix.rows] == ["b", "a", "c"]
    assert [label.name for label in matrix.columns] == ["z", "y"]
    first, second, third, fourth = matrix.squares
    assert (first.x, first.y, first.shade, first.number, first.confirmed) == (LABELS, LABELS, 1.0, "90", True)
    assert first.told == "b → z: 19/20 = 95.0% flip, +90.0 points over noise, 95.0% expected, confirmed"
    assert (second.y, second.number, second.confirmed) == (LABELS + CELL, "20", False)
    assert (third.x, third.shade, third.number) == (LABELS + CELL, 0.0, "")
    assert fourth.shade == 0.0  # less than covering is no colour
    assert matrix.left_out == 0


def test_of_many_classes_those_of_most_uplift_are_drawn() -> None:
    names = tuple(f"c{number:03d}" for number in range(MOST + 6))
    matrix = matrix_of(whole(tuple(pair(name, "z", number % 20) for number, name in enumerate(names)), (*names, "z")))
    assert (len(matrix.rows), len(matrix.columns), len(matrix.squares), matrix.left_out) == (MOST, 1, MOST, 6)
    assert matrix.rows[0].name == "c019"


def test_sentences_and_page_of_a_survey() -> None:
    found = whole((pair("<i>pan</i>", "z", 19, 0.01), pair("a", "z", 5)), ("z", "<i>pan</i>", "a"))
    assert headline(found) == (
        "Of 2 pairs of classes, 1 has a crop that does more than every covering; <i>pan</i> → z leads, where 95.0% are "
        "expected to flip"
    )
    assert headline(whole((pair("a", "z", 1),), ("a", "z"))) == (
        "Of 1 pair of classes, none has a crop shown to do more than covering"
    )
    assert features_told(found) == [
        "w-00001 (<b>cup</b>) makes 33.3% of pictures z and is more than 10 points above covering in 4 of 9 classes"
    ]
    audit = AuditOfPair("a", "z", "audits/a-to-z", "fail", "FAIL: one patch", "crop: 9/10", "3 pass")
    page = whole_model_html(found, {}, (audit,))
    assert "<i>pan" not in page
    assert "<b>cup" not in page
    assert '<a href="audits/a-to-z/report.html">a → z</a>' in page
    assert "1 pair had a full audit; 1 fails." in page
    told = json.loads(whole_model_json(found, (audit,)))
    assert [one["confirmed"] for one in told["pairs"]] == [True, False]
    assert told["audits"][0]["verdict"] == "fail"
    nothing = whole_model_html(whole((), ("a", "b", "c")), {})
    assert "No pair was measured." in nothing
