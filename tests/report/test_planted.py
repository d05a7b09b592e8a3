"""What reports say of planted shortcuts: one sentence for all formats, a section, and what to do where nobody asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core.records import AuditResult, Verdict
from auditor.core.records.planted import PlantedFinding, PlantedShortcut
from auditor.report import FORMATS
from auditor.report.first_screen import steps
from auditor.report.planted import copy_words, effect_words, found_words, planted_sentence
from auditor.report.summary import what_it_does_not_say
from auditor.statistics.planted import how_often_found

COMMAND = "auditor plant ."
FOUND = PlantedFinding("c-004", "lemon <b>crop</b>", 40, 60, 0.5, before=3, of=61)
FIRST = PlantedShortcut(
    number=1,
    name="a piece of lemon",
    kind="thing",
    share=0.5,
    pictures=75,
    flips=33,
    eligible=60,
    changed=2,
    of=2000,
    findings=9,
    rank=1,
    caught=True,
    noticed=True,
    verdict=Verdict.FAIL,
    found=FOUND,
    instead=None,
    folder="planted/01-thing",
)
OTHER = PlantedFinding("c-001", "plate crop", 50, 60, 0.7, before=48, of=61)
FOURTH = replace(FIRST, number=2, name="a round sticker, Q", kind="sticker", rank=4, instead=OTHER)
LOST = replace(FIRST, number=3, rank=None, caught=False, noticed=False, found=None, instead=OTHER, verdict=Verdict.PASS)
WEAK = replace(FIRST, number=4, flips=6)


EFFECT = PlantedFinding("w-colour-cast-typical", "a colour cast", 45, 60, 0.7, before=2, of=60)
CAST = replace(
    FIRST, kind="colour cast", name="a colour cast of red", found=EFFECT, findings=2, folder="planted/w01-cast"
)
CAST = replace(CAST, verdict=Verdict.INCONCLUSIVE)
BLUR = replace(
    CAST, number=2, kind="sharpness", rank=None, caught=False, found=None, instead=EFFECT, folder="planted/w02"
)


def with_planted(result: AuditResult, *shortcuts: PlantedShortcut) -> AuditResult:
    return replace(result, planted=how_often_found(shortcuts, 0.1))


def test_one_sentence_tells_counts_with_their_interval(full_result: AuditResult) -> None:
    assert planted_sentence(full_result) is None
    told = planted_sentence(with_planted(full_result, FIRST, FOURTH, LOST, WEAK))
    assert told == (
        "Of 3 known shortcuts planted in copies of this model, each of which truly flips more than 10 points, the same "
        "search catches 2 (9.4–99.2, Clopper–Pearson 95%): a finding that shows it fails the copy. 0 more fail by "
        "what the copy takes for it and the model itself does not. It is the first finding in 1 and among the first 3 "
        "in 1; 1 copy passes."
    )


def test_changes_of_whole_pictures_have_a_sentence_and_a_table_of_their_own(full_result: AuditResult) -> None:
    result = with_planted(full_result, FIRST, CAST, BLUR)
    told = planted_sentence(result)
    assert told is not None
    assert told.startswith("Of 1 known shortcut planted in copies")
    assert told.endswith(
        "Of 2 changes of whole pictures planted as well, each of which truly flips more than 10 points, the audit "
        "names 1 (1.3–98.7, Clopper–Pearson 95%): an effect of its kind keeps the copy from passing. 1 more are "
        "noticed as something else; 0 copies pass."
    )
    page = FORMATS["html"].write(result)
    assert (
        page.count('aria-label="Planted shortcuts"')
        == page.count('aria-label="Planted changes of whole pictures"')
        == 1
    )
    assert 'aria-label="Planted changes of whole pictures"' not in FORMATS["html"].write(
        with_planted(full_result, FIRST)
    )
    weak = planted_sentence(with_planted(full_result, replace(CAST, flips=1)))
    assert weak == (
        "1 change of whole pictures was planted in copies of this model, and none flips more than 10 points, so "
        "nothing is shown of these."
    )


def test_cues_that_do_nothing_show_nothing(full_result: AuditResult) -> None:
    told = planted_sentence(with_planted(full_result, WEAK))
    assert told is not None
    assert "no cue flips more than 10 points" in told


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (FIRST, "finding 1 of 9: lemon <b>crop</b>, 40/60 = 66.7%, +50.0 points (3 of 61 in the model itself)"),
        (
            FOURTH,
            "finding 4 of 9: lemon <b>crop</b>, 40/60 = 66.7%, +50.0 points (3 of 61 in the model itself); ahead of it "
            "plate crop, 50/60 = 83.3%, +70.0 points (48 of 61 in the model itself)",
        ),
        (
            CAST,
            "effect 1 of 2 above the limit: a colour cast, 45/60 = 75.0%, +70.0 points (2 of 60 in the model itself)",
        ),
        (
            BLUR,
            "not found; the strongest effect is a colour cast, 45/60 = 75.0%, +70.0 points (2 of 60 in the model "
            "itself)",
        ),
        (
            LOST,
            "not found; the first finding is plate crop, 50/60 = 83.3%, +70.0 points (48 of 61 in the model itself)",
        ),
    ],
)
def test_each_says_what_shows_it_and_what_stands_before(one: PlantedShortcut, words: str) -> None:
    assert found_words(one) == words


def test_a_weak_cue_says_that_it_counts_for_nothing() -> None:
    assert effect_words(FIRST, 0.1) == "33/60 = 55.0%"
    assert effect_words(WEAK, 0.1) == "6/60 = 10.0%; not above the limit, so it counts for nothing"


def test_page_and_checklist_repeat_it_and_names_stay_text(full_result: AuditResult) -> None:
    result = with_planted(full_result, FIRST, FOURTH)
    page, checklist = (FORMATS[form].write(result) for form in ("html", "checklist"))
    assert planted_sentence(result) in what_it_does_not_say(result)
    assert 'id="planted"' in page
    assert "lemon &lt;b&gt;crop&lt;/b&gt;" in page
    assert "<b>crop" not in page
    assert "Of 2 known shortcuts planted" in checklist
    assert 'id="planted"' not in FORMATS["html"].write(full_result)


def test_a_pass_says_how_to_ask_and_no_longer_once_somebody_has(full_result: AuditResult) -> None:
    passed = replace(full_result, verdict=Verdict.PASS)
    assert COMMAND in [step.command for step in steps(passed)]
    assert COMMAND not in [step.command for step in steps(with_planted(passed, FIRST))]
    assert COMMAND not in [step.command for step in steps(replace(full_result, verdict=Verdict.FAIL))]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (FIRST, "fail, by a finding that shows the cue"),
        (replace(LOST, verdict=Verdict.FAIL), "fail, by what the model itself does too"),
        (replace(LOST, verdict=Verdict.FAIL, noticed=True), "fail, by what it takes for the cue"),
        (LOST, "pass"),
        (CAST, "kept from passing, by an effect of its kind"),
        (BLUR, "kept from passing, by another effect"),
        (replace(CAST, verdict=Verdict.FAIL), "fail, by an effect of its kind"),
        (replace(BLUR, noticed=False), "kept from passing, by what moves the model itself too"),
        (replace(BLUR, noticed=False, verdict=Verdict.PASS), "pass"),
        (replace(FIRST, caught=False, verdict=Verdict.INCONCLUSIVE), "inconclusive"),
    ],
)
def test_a_copy_says_by_what_it_fails(one: PlantedShortcut, words: str) -> None:
    assert copy_words(one) == words


def test_a_finding_has_grown_where_the_copy_flips_more_by_more_than_the_limit() -> None:
    assert FOUND.grown(0.1)
    assert not OTHER.grown(0.1)  # 83.3 against 78.7%
    assert not replace(FOUND, before=34, of=60).grown(0.1)  # 10 points are not more than 10
