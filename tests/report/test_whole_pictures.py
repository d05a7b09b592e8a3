"""What is said of effects over whole pictures, word for word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core.records import (
    BACKGROUND,
    AuditResult,
    ControlResult,
    Interval,
    Verdict,
    WholeControl,
    WholeEffect,
    WholeFinding,
    WholePictures,
    WholeTrial,
)
from auditor.report.first_screen import steps, telling_effect
from auditor.report.summary import verdict_sentence
from auditor.report.whole_pictures import left_out_words, whole_clause, whole_sentence

BOUNDS = Interval(0.51, 0.72, 0.95, "exact paired")


def finding(words: str, flips: int, verdict: Verdict, shows_target: bool = False) -> WholeFinding:
    effect = WholeEffect(f"w-{words}", words, "typical", words, shows_target, 9, 40, 1.0)
    control = ControlResult("opposite", 4, 93, (flips - 4) / 93, BOUNDS, 0.01)
    trial = WholeTrial(effect, flips, 93, 12.0, (WholeControl("opposite", 4, flips, 12.0),), 0.1, 0.5)
    return WholeFinding(
        trial, flips / 93, BOUNDS, (control,), control, control.uplift, BOUNDS, 0.01, 0.02, 1.0, 1.0, verdict
    )


CAST = finding("a cast", 61, Verdict.FAIL)
BLUR, FRAME = finding("a blur", 5, Verdict.PASS), finding("a frame", 12, Verdict.INCONCLUSIVE)
VEIL = finding("a veil", 18, Verdict.INCONCLUSIVE)
SCENE = finding("a scene", 50, Verdict.FAIL, shows_target=True)


def said_of(
    result: AuditResult,
    *findings: WholeFinding,
    held: bool = False,
    word: Verdict = Verdict.PASS,
    may_heed: tuple[str, ...] = (),
) -> AuditResult:
    limit = result.limits.uplift
    whole = WholePictures(tuple(one.effect for one in findings), findings, "", held, may_heed, limit)
    return replace(result, whole=whole, verdict=word, limits=replace(result.limits, whole_pictures=held))


def test_one_line(full_result: AuditResult) -> None:
    told = "a cast flips 61/93 = 65.6%, its strongest control (opposite) 4/93 = 4.3%: uplift +61.3 points "
    told += "(+51.0 to +72.0 points, Exact paired 95%), above 10 points"
    free = "Above the limit one fails no model, and keeps a run from passing (limits.whole_pictures)."
    assert whole_sentence(said_of(full_result, CAST)) == f"of 1 effect tried 1 was confirmed; {told}. {free}"
    for others, rest in (
        ((BLUR,), "the other is below it"),
        ((BLUR, BLUR), "the other 2 are below it"),
        ((BLUR, FRAME), "of the other 2, 1 below it, 1 not settled against it"),
    ):
        line = whole_sentence(said_of(full_result, *others, CAST))
        assert line == f"of {1 + len(others)} effects tried {1 + len(others)} were confirmed; {told}; {rest}. {free}"
    held = whole_sentence(said_of(full_result, CAST, SCENE, held=True))
    assert held.endswith("They are held to the limit, but 1 that may show the target.")


def test_a_pass_tells_what_the_model_may_heed(full_result: AuditResult) -> None:
    heeding = replace(full_result, limits=replace(full_result.limits, may_heed=("a cast",)))
    (clause,) = whole_clause(said_of(heeding, BLUR, CAST, SCENE))
    assert clause == (
        "but over whole pictures a cast flips 61/93 = 65.6%, its strongest control 4/93 = 4.3%, held to no limit; "
        "1 other effect is above the limit as well"
    )
    assert whole_clause(said_of(heeding, CAST, word=Verdict.FAIL)) == []
    assert whole_clause(said_of(heeding, BLUR, FRAME)) == []
    told = whole_sentence(said_of(heeding, CAST, SCENE, may_heed=("a cast",)))
    assert told.endswith("; 1 that may show the target and 1 that the model may heed (limits.may_heed) do not.")


@pytest.mark.parametrize("kind", [BACKGROUND, "colour cast"])
def test_one_above_the_limit_says_why_the_run_does_not_pass(full_result: AuditResult, kind: str) -> None:
    source, target = full_result.source.name, full_result.target.name
    found = finding("a cast", 61, Verdict.FAIL)
    found = replace(found, trial=replace(found.trial, effect=replace(found.effect, kind=kind)))
    what = f"exchanging the background behind {source}" if kind == BACKGROUND else "over whole pictures a cast"
    told = f"{what} flips 61/93 = 65.6%, its strongest control 4/93 = 4.3%, which does not let it pass"
    opened = said_of(full_result, found, word=Verdict.INCONCLUSIVE)
    assert whole_clause(opened) == [told]
    beside = said_of(full_result, found, replace(CAST, uplift=0.3), SCENE, word=Verdict.INCONCLUSIVE)
    assert whole_clause(beside) == [f"{told}; 1 other effect is above the limit as well"]
    passing = tuple(replace(one, verdict=Verdict.PASS) for one in full_result.findings)
    sentence = verdict_sentence(replace(opened, findings=passing))
    assert sentence.startswith(f"INCONCLUSIVE: {told}; ")
    assert whole_clause(said_of(full_result, found, word=Verdict.FAIL)) == []
    todo = {step.words: step.command for step in steps(opened)}
    by = "what lies behind the object" if kind == BACKGROUND else "colour cast of the whole picture"
    assert any(words.startswith(f"Pictures of {source} become {target} by {by} alone: see") for words in todo)
    (waiver,) = (words for words, command in todo.items() if command == "auditor report . --policy POLICY")
    assert waiver.startswith(f"If {target} may rightly be told by this, say so with your name, a reason and a last day")


def test_the_first_screen_shows_the_effect_where_no_finding_worries_more(full_result: AuditResult) -> None:
    passing = tuple(replace(one, verdict=Verdict.PASS) for one in full_result.findings)
    opened = replace(said_of(full_result, BLUR, CAST, word=Verdict.INCONCLUSIVE), findings=passing)
    told = telling_effect(opened)
    assert told is not None
    assert told.effect is CAST
    assert told.does == (
        "Over the whole picture it makes the model call 61 of 93 pictures of frying pan “wok”: 65.6%. As much of a "
        "change of another kind (opposite) does so to 4."
    )
    assert (
        told.sure
        == "At 95% confidence the difference is +51.0 to +72.0 points, all of it above the limit of 10 points."
    )
    assert telling_effect(replace(opened, findings=full_result.findings)) is None
    assert telling_effect(replace(opened, verdict=Verdict.PASS)) is None
    assert telling_effect(said_of(full_result, BLUR, SCENE, word=Verdict.INCONCLUSIVE)) is None
    failed = replace(said_of(full_result, CAST, held=True, word=Verdict.FAIL), findings=passing)
    assert telling_effect(failed) is not None


def test_one_measured_above_the_limit_and_not_settled_is_in_the_way_as_well(full_result: AuditResult) -> None:
    """A veil lifts 15 points, a frame 9, neither is settled against 10: the veil alone keeps the run from passing."""
    passing = replace(full_result, findings=tuple(replace(one, verdict=Verdict.PASS) for one in full_result.findings))
    opened = said_of(passing, FRAME, VEIL, word=Verdict.INCONCLUSIVE)
    told = (
        "over whole pictures a veil flips 18/93 = 19.4%, its strongest control 4/93 = 4.3%, which does not let it pass"
    )
    assert whole_clause(opened) == [told]
    screen = telling_effect(opened)
    assert screen is not None
    assert screen.effect is VEIL
    assert screen.sure.endswith("points; it was measured above, and not settled against, the limit of 10 points.")
    source, target = passing.source.name, passing.target.name
    assert any(one.words.startswith(f"Pictures of {source} may become {target} by a veil") for one in steps(opened))
    (beside,) = whole_clause(said_of(passing, CAST, VEIL, word=Verdict.INCONCLUSIVE))
    assert beside.endswith("; 1 other effect is in its way as well")
    assert telling_effect(said_of(passing, FRAME, word=Verdict.INCONCLUSIVE)) is None
    # a result of an earlier version knows no limit, and says what it said
    assert opened.whole is not None
    assert telling_effect(replace(opened, whole=replace(opened.whole, limit=1.0))) is None


def test_backgrounds_that_nobody_could_exchange_are_told(full_result: AuditResult) -> None:
    behind = finding("the background", 61, Verdict.FAIL)
    behind = replace(behind, trial=replace(behind.trial, effect=replace(behind.effect, kind=BACKGROUND)))
    whole, without = said_of(full_result, behind).whole, said_of(full_result, CAST).whole
    assert whole is not None
    assert without is not None
    assert left_out_words(whole) == ""
    assert "Backgrounds were not exchanged" in left_out_words(without)


def test_held_they_are_counted(full_result: AuditResult) -> None:
    def clause(*findings: WholeFinding) -> list[str]:
        return whole_clause(said_of(full_result, *findings, held=True))

    assert clause(CAST, SCENE, BLUR) == ["1 of 2 whole-picture effects flips more than 10 points"]
    assert clause(FRAME, BLUR) == ["1 of 2 whole-picture effects cannot be ruled out"]
    assert clause(BLUR) == []
    word = "which limits.whole_pictures does not let pass"
    assert clause() == [f"no effect over whole pictures was measured, {word}"]
    assert clause(SCENE) == [f"no effect over whole pictures was confirmed that can fail, {word}"]


def test_more_pictures_are_asked_for_where_they_would_settle_an_effect(full_result: AuditResult) -> None:
    passing = replace(full_result, findings=tuple(one for one in full_result.findings if one.word is Verdict.PASS))
    behind = replace(finding(BACKGROUND, 18, Verdict.INCONCLUSIVE), images_needed=400)
    needed = replace(passing, images_needed=400)
    told = steps(said_of(needed, replace(VEIL, images_needed=400), word=Verdict.INCONCLUSIVE))
    assert any(step.command == "auditor run --more . --images PHOTOS" for step in told)
    assert any(step.words.startswith("Confirm the same patches and effects on more pictures") for step in told)
    alone = steps(said_of(needed, behind, word=Verdict.INCONCLUSIVE))
    assert not any("--more" in step.command for step in alone)
    assert any("take annotated pictures: begin a new run" in step.words for step in alone)
    both = steps(said_of(needed, behind, VEIL, word=Verdict.INCONCLUSIVE))
    assert any("--more" in step.command for step in both)


def test_one_measured_at_the_limit_is_said_to_be_there(full_result: AuditResult) -> None:
    passing = replace(full_result, findings=tuple(one for one in full_result.findings if one.word is Verdict.PASS))
    at_limit = replace(VEIL, uplift=full_result.limits.uplift)
    found = telling_effect(said_of(passing, at_limit, word=Verdict.INCONCLUSIVE))
    assert found is not None
    assert "; it was measured at, and not settled against, the limit of" in found.sure
    assert telling_effect(said_of(passing, replace(VEIL, uplift=0.0999), word=Verdict.INCONCLUSIVE)) is None
