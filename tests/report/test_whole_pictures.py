"""What is said of effects over whole pictures, word for word."""

from __future__ import annotations

from dataclasses import replace

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
from auditor.report.first_screen import steps
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
SCENE = finding("a scene", 50, Verdict.FAIL, shows_target=True)


def said_of(
    result: AuditResult, *findings: WholeFinding, held: bool = False, word: Verdict = Verdict.PASS
) -> AuditResult:
    whole = WholePictures(tuple(one.effect for one in findings), findings, "", held)
    return replace(result, whole=whole, verdict=word, limits=replace(result.limits, whole_pictures=held))


def test_one_line(full_result: AuditResult) -> None:
    told = "a cast flips 61/93 = 65.6%, its strongest control (opposite) 4/93 = 4.3%: uplift +61.3 points "
    told += "(+51.0 to +72.0 points, Exact paired 95%), above 10 points"
    free = "They are held to no limit (limits.whole_pictures)."
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


def test_a_pass_is_no_word_on_whole_pictures(full_result: AuditResult) -> None:
    (clause,) = whole_clause(said_of(full_result, BLUR, CAST, SCENE))
    assert clause == (
        "but the limits speak of patches: over whole pictures a cast flips 61/93 = 65.6%, its strongest control "
        "4/93 = 4.3%, held to no limit (limits.whole_pictures); 1 other effect is above it as well"
    )
    assert whole_clause(said_of(full_result, CAST, word=Verdict.FAIL)) == []
    assert whole_clause(said_of(full_result, BLUR, FRAME)) == []


def test_a_background_above_the_limit_says_why_the_run_does_not_pass(full_result: AuditResult) -> None:
    behind = finding("the background", 61, Verdict.FAIL)
    behind = replace(behind, trial=replace(behind.trial, effect=replace(behind.effect, kind=BACKGROUND)))
    source = full_result.source.name
    told = (
        f"exchanging the background behind {source} flips 61/93 = 65.6%, its strongest control 4/93 = 4.3%, which does "
        "not let it pass (limits.whole_pictures makes it a fail)"
    )
    opened = said_of(full_result, CAST, behind, word=Verdict.INCONCLUSIVE)
    assert whole_clause(opened) == [told]
    passing = tuple(replace(one, verdict=Verdict.PASS) for one in full_result.findings)
    sentence = verdict_sentence(replace(opened, findings=passing))
    assert sentence.startswith(f"INCONCLUSIVE: {told}; ")
    assert "keeps a run from passing" in whole_sentence(opened)
    assert whole_clause(said_of(full_result, behind, word=Verdict.FAIL)) == []
    assert any("by what lies behind the object alone" in step.words for step in steps(opened))
    whole, without = opened.whole, said_of(full_result, CAST).whole
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
