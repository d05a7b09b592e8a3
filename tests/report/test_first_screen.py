"""What a person sees first: which finding, in which words, under which bar, and what to do then."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace

import pytest

from auditor.core.records import AuditResult, Finding, Interval, LogOddsUplift, Tier, Verdict
from auditor.report.bars import RateBar, rate_bar
from auditor.report.first_screen import Step, steps, telling, waiting_beside
from auditor.report.html import report_html
from benchmarks.worlds.photograph_audits import on_first_screen
from tests.report.conftest import png


def only(result: AuditResult, *names: str) -> AuditResult:
    return replace(result, findings=tuple(one for one in result.findings if one.candidate.id in names))


def words(found: tuple[Step, ...]) -> str:
    return " ".join(f"{step.words} {step.command}" for step in found)


def test_a_failing_finding_tells_most_then_an_open_one_and_what_is_not_held_last(full_result: AuditResult) -> None:
    order = ["c-0001", "c-0005", "c-0003", "l-0001", "c-0002", "c-0004", "c-0006"]
    while order:
        told = telling(only(full_result, *order))
        assert told is not None
        assert told.finding.candidate.id == order.pop(0)
    assert telling(replace(full_result, findings=())) is None


def test_it_says_in_words_what_was_found_and_how_sure_it_is(full_result: AuditResult) -> None:
    told = telling(full_result)
    assert told is not None
    assert told.does == (
        "Pasted in the top left corner, it makes the model call 23 of 61 pictures of frying pan “wok”: 37.7%. Covering "
        "the same spot (random cell) does so to 4."
    )
    assert told.sure == (
        "At 95% confidence the difference is +17.9 to +44.3 points, all of it above the limit of 10 points."
    )
    assert told.example == full_result.examples[0]


@pytest.mark.parametrize(
    ("name", "sure"),
    [
        ("c-0003", "+2.1 to +25.2 points, with the limit of 10 points inside."),
        (
            "c-0005",
            "all of it above the limit of 10 points; but nobody has said yet whether it shows the target itself.",
        ),
        ("l-0001", "−4.3 to +9.9 points, all of it below the limit of 10 points."),
        ("c-0004", "+56.0 to +82.0 points; it is not held to the limit of 10 points."),
    ],
)
def test_every_kind_of_finding_has_words_of_its_own(full_result: AuditResult, name: str, sure: str) -> None:
    told = telling(only(full_result, name))
    assert told is not None
    assert told.sure.endswith(sure)


def test_the_bar_lies_to_the_limit_as_the_verdict_does(full_result: AuditResult) -> None:
    first = full_result.findings[0]
    assert rate_bar(first, 0.10) == RateBar(
        covering=round(100 * 4 / 61, 2),
        rate=round(100 * 23 / 61, 2),
        low=round(100 * (4 / 61 + 0.1788), 2),
        high=round(100 * (4 / 61 + 0.4431), 2),
        limit=round(100 * (4 / 61 + 0.10), 2),
    )
    wide = replace(first, uplift_interval=replace(first.uplift_interval, low=-0.9, high=0.99))
    bar = rate_bar(wide, 0.97)
    assert bar is not None
    assert (bar.low, bar.high, bar.limit) == (0.0, 100.0, 100.0)


def test_what_was_not_measured_has_no_bar_and_says_so(unmeasured_result: AuditResult) -> None:
    (lost,) = unmeasured_result.findings
    assert rate_bar(lost, 0.10) is None
    told = telling(unmeasured_result)
    assert told is not None
    assert told.sure == "How sure that is was not measured."


def test_after_every_verdict_there_is_something_to_do(full_result: AuditResult, empty_result: AuditResult) -> None:
    assert "auditor review . --mark c-0001=object" in words(steps(full_result))
    passed = replace(only(full_result, "l-0001"), verdict=Verdict.PASS)
    assert "auditor trial . --patches FOLDER" in words(steps(passed))
    assert "sign checklist.md" in words(steps(passed))
    waiting = replace(only(full_result, "c-0005"), verdict=Verdict.INCONCLUSIVE)
    assert "1 candidate waits for a person's look: c-0005" in words(steps(waiting))
    assert "auditor run --more . --images PHOTOS" in words(steps(replace(waiting, images_needed=97)))
    assert "--more" not in words(steps(replace(waiting, images_needed=948_424)))
    assert words(steps(empty_result)).startswith("120 eligible pictures of frying pan would be needed")
    beside = replace(only(full_result, "c-0004"), verdict=Verdict.INCONCLUSIVE)
    assert "Nothing that can fail was confirmed." in words(steps(beside))


def test_a_crop_that_only_a_look_keeps_from_failing_is_shown_beside_what_fails(full_result: AuditResult) -> None:
    waiting = waiting_beside(full_result)
    assert waiting is not None
    assert [one.candidate.id for one in waiting.findings] == ["c-0005"]
    assert waiting.words == (
        "1 more candidate is above the limit, and nobody has said yet what it shows. Where that is wok itself, a flip "
        "is no fault; where it is something else, the model fails by it."
    )
    assert steps(full_result)[0].command == "auditor review ."
    pictures = {**full_result.pictures, "origin-c-0005": png((20, 90, 160))}
    page = report_html(replace(full_result, pictures=pictures))
    first = page[page.index('id="verdict"') : page.index('id="behind"')]
    assert "What waits for your look" in first
    assert 'alt="the photograph that c-0005 was cut from, the crop marked"' in first
    assert "20/61 = 32.8%" in first


def test_what_waits_is_not_shown_twice_nor_where_it_is_not_above_the_limit(full_result: AuditResult) -> None:
    assert waiting_beside(only(full_result, "c-0005")) is None  # it is what is shown first
    assert waiting_beside(only(full_result, "c-0001", "c-0003", "l-0001")) is None  # nothing waits
    lenient = replace(full_result, limits=replace(full_result.limits, uplift=0.2))
    assert waiting_beside(lenient) is None  # +16.0 to +42.8 points
    assert steps(lenient)[0].command != "auditor review ."
    odds = LogOddsUplift("grey", 3.1, Interval(2.2, 3.9, 0.95, "paired t"), Verdict.FAIL, 0.001, 1.0)
    by_odds = tuple(replace(one, log_odds=odds if one.awaits_look else None) for one in full_result.findings)
    both = replace(lenient, findings=by_odds, limits=replace(lenient.limits, log_odds=1.0))
    waiting = waiting_beside(both)
    assert waiting is not None  # above the limit in log-odds
    assert [one.candidate.id for one in waiting.findings] == ["c-0005"]


def test_one_row_of_what_waits_is_shown_those_that_flip_most(full_result: AuditResult) -> None:
    (one,) = (found for found in full_result.findings if found.candidate.id == "c-0005")
    many = [
        replace(one, candidate=dataclasses.replace(one.candidate, id=f"w-{number}"), uplift=0.9 - number / 10)
        for number in (4, 2, 0, 5, 1, 3)
    ]
    waiting = waiting_beside(replace(full_result, findings=(full_result.findings[0], *many)))
    assert waiting is not None
    assert [found.candidate.id for found in waiting.findings] == ["w-0", "w-1", "w-2", "w-3"]
    assert waiting.words.startswith("6 more candidates are above the limit, and nobody has said yet what they show.")
    assert waiting.words.endswith(" The 4 that flip most:")


def test_what_the_first_screen_shows_is_what_planted_cues_are_looked_for_in(full_result: AuditResult) -> None:
    assert [one.candidate.id for one in on_first_screen(full_result)] == ["c-0001", "c-0005"]
    assert [one.candidate.id for one in on_first_screen(only(full_result, "c-0005"))] == ["c-0005"]
    assert on_first_screen(replace(full_result, findings=())) == ()


def test_a_model_that_fails_by_covering_alone_is_told_so(full_result: AuditResult) -> None:
    assert full_result.fragility is not None
    fragile = replace(full_result.fragility, verdict=Verdict.FAIL)
    told = words(steps(replace(only(full_result, "l-0001"), fragility=fragile)))
    assert "leans on pictures being whole" in told
    assert "--mark" not in told


def test_a_model_that_does_not_know_its_classes_comes_first(full_result: AuditResult) -> None:
    assert full_result.accuracy is not None
    unknown = dataclasses.replace(full_result.accuracy, doubts=("it hardly knows wok",))
    result = replace(only(full_result, "c-0005"), verdict=Verdict.INCONCLUSIVE, accuracy=unknown)
    assert steps(result)[0].words.startswith("This model may not be the one you think: it hardly knows wok.")


def first_section(result: AuditResult) -> str:
    return report_html(result).split('<section id="verdict"')[1].split("</section>")[0]


def test_the_first_section_shows_picture_bar_steps_and_who_it_was(full_result: AuditResult) -> None:
    text = first_section(replace(full_result, begun="2026-11-26T11:02:23+00:00", by="<Zoë>"))
    assert text.count("<img") == 1
    assert 'class="track"' in text
    assert "What to do now" in text
    assert "Audited 2026-11-26 by &lt;Zoë&gt; with auditor 0.1.0." in text
    assert full_result.subject.weights_sha256 in text
    assert 'href="#finding-c-0001-fixed"' in text
    assert "Audited with auditor 0.1.0." in first_section(full_result)


def test_without_a_flipped_picture_the_patch_is_shown(full_result: AuditResult) -> None:
    text = first_section(replace(full_result, examples=()))
    assert 'alt="patch c-0001' in text


def test_every_finding_has_an_anchor_that_names_cannot_break(full_result: AuditResult) -> None:
    bad: Finding = replace(
        full_result.findings[0],
        candidate=replace(full_result.findings[0].candidate, id='a" onload="x ü', tier=Tier.USER),
    )
    text = report_html(replace(full_result, findings=(bad,)))
    assert re.findall(r'<tbody[^>]* id="([^"]*)"', text) == ["finding-a_22_20onload_3d_22x_20_fc-fixed"]


def test_long_names_may_break_behind_a_part_and_stay_text(full_result: AuditResult) -> None:
    subject = replace(full_result.subject, model="a.b:<i>my_net</i>'s", weights="w/x-1.pt\u202e")
    page = report_html(replace(full_result, subject=subject))
    assert "<dd>a.<wbr>b:<wbr>&lt;i&gt;my_<wbr>net&lt;/<wbr>i&gt;&#39;s, " in page
    assert "x-<wbr>1.<wbr>pt\\u202e</dd>" in page
    assert "<i>my" not in page


def test_what_is_bounded_at_several_confidences_is_told_once(full_result: AuditResult) -> None:
    levels = (0.95, 0.99, 0.97)
    findings = tuple(
        replace(one, uplift_interval=replace(one.uplift_interval, confidence=level, method="exact paired"))
        for one, level in zip(full_result.findings, levels, strict=False)
    )
    page = report_html(replace(full_result, findings=findings))
    assert "uplift: exact paired 95% to 99%." in page
