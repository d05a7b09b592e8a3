"""The sentences that every format repeats."""

from __future__ import annotations

import dataclasses

import pytest

from auditor.core.records import (
    AuditResult,
    ClassGroup,
    Correlation,
    EarlierLook,
    Finding,
    GroupMean,
    Interval,
    Looks,
    Origin,
    Placement,
    Role,
    SuggestionValidity,
    SurveyRow,
    Tier,
    TierComparison,
    Verdict,
)
from auditor.report import order, summary
from auditor.report.checklist import checklist_markdown
from auditor.report.page import page_of
from auditor.report.validity import validity_words

NAN = float("nan")


def of_tier(result: AuditResult, *wanted: Tier) -> tuple[Finding, ...]:
    return tuple(found for found in result.findings if found.candidate.tier in wanted)


def test_the_sentence_of_a_fail_counts_only_what_is_held_to_the_limit(full_result: AuditResult) -> None:
    assert summary.verdict_sentence(full_result) == (
        "FAIL: 1 of 5 patches moves frying pan to wok by more than 10 points, and 1 more that waits for a look "
        "(2 more show wok itself and are not held to the limit)"
    )


def test_the_sentence_without_exceptions_is_the_plain_one(full_result: AuditResult) -> None:
    two = of_tier(full_result, Tier.TARGET_CONTEXT)
    failing = tuple(dataclasses.replace(found, verdict=Verdict.FAIL) for found in two)
    result = dataclasses.replace(full_result, findings=failing)
    assert summary.verdict_sentence(result) == ("FAIL: 2 of 2 patches move frying pan to wok by more than 10 points")


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (
            Verdict.PASS,
            "PASS: the one patch that is held to the limit does not move frying pan to wok by 10 points or more",
        ),
        (
            Verdict.INCONCLUSIVE,
            "INCONCLUSIVE: the one patch that is held to the limit is not shown to move frying pan to wok by "
            "more than 10 points, but cannot be ruled out",
        ),
    ],
)
def test_the_sentence_of_a_pass_and_of_an_open_run(full_result: AuditResult, verdict: Verdict, expected: str) -> None:
    finding = dataclasses.replace(full_result.findings[0], verdict=verdict)
    result = dataclasses.replace(full_result, findings=(finding,), verdict=verdict)
    assert summary.verdict_sentence(result) == expected


def test_what_a_look_alone_holds_back_is_not_called_open(full_result: AuditResult) -> None:
    by_id = {found.candidate.id: found for found in full_result.findings}
    waiting, open_, passed = by_id["c-0005"], by_id["c-0003"], by_id["l-0001"]
    other = dataclasses.replace(waiting, candidate=dataclasses.replace(waiting.candidate, id="c-0015"))
    for findings, said in (
        ((waiting,), "INCONCLUSIVE: the one patch that is held to the limit moves frying pan to wok by more than 10 "
                     "points, but waits for a look: it may show wok itself"),
        ((waiting, passed), "INCONCLUSIVE: 1 of 2 patches moves frying pan to wok by more than 10 points, but waits "
                            "for a look: it may show wok itself"),
        ((waiting, other, open_, passed), "INCONCLUSIVE: 2 of 4 patches move frying pan to wok by more than 10 points, "
                                          "but wait for a look: they may show wok itself; 1 more cannot be ruled out"),
        ((open_, passed), "INCONCLUSIVE: none of 2 patches is shown to move frying pan to wok by more than 10 points, "
                          "but 1 cannot be ruled out"),
    ):  # fmt: skip
        result = dataclasses.replace(full_result, findings=findings, verdict=Verdict.INCONCLUSIVE)
        assert summary.verdict_sentence(result) == said
    failing = dataclasses.replace(open_, verdict=Verdict.FAIL)
    result = dataclasses.replace(full_result, findings=(failing, waiting, other))
    assert summary.verdict_sentence(result) == (
        "FAIL: 1 of 3 patches moves frying pan to wok by more than 10 points, and 2 more that wait for a look"
    )


def test_a_candidate_that_fails_at_one_placement_waits_for_no_look(full_result: AuditResult) -> None:
    (waiting,) = (found for found in full_result.findings if found.candidate.id == "c-0005")
    failing = dataclasses.replace(waiting, placement=Placement.RANDOM, verdict=Verdict.FAIL)
    result = dataclasses.replace(full_result, findings=(failing, waiting))
    assert summary.verdict_sentence(result) == (
        "FAIL: the one patch that is held to the limit moves frying pan to wok by more than 10 points"
    )


def test_optimised_patches_and_the_object_are_named_as_what_they_are(full_result: AuditResult) -> None:
    thing = of_tier(full_result, Tier.TARGET_OBJECT)[0]
    ceiling = dataclasses.replace(
        thing,
        candidate=dataclasses.replace(thing.candidate, id="o-1", origin=Origin.OPTIMISED, tier=Tier.SYNTHETIC),
    )
    for findings, said in (
        ((thing,), "(1 more shows wok itself and is not held to the limit)"),
        ((ceiling,), "(1 more was computed with the model's gradients and is not held to the limit)"),
        (
            (thing, ceiling),
            "(2 more show wok itself or were computed with the model's gradients and are not held to the limit)",
        ),
    ):
        result = dataclasses.replace(full_result, findings=findings, verdict=Verdict.PASS)
        assert summary.verdict_sentence(result).endswith(said)


def test_a_candidate_that_fails_at_one_placement_counts_once(full_result: AuditResult) -> None:
    failing = full_result.findings[0]
    elsewhere = dataclasses.replace(failing, placement=Placement.RANDOM, verdict=Verdict.INCONCLUSIVE)
    result = dataclasses.replace(full_result, findings=(elsewhere, failing))
    assert "FAIL: the one patch that is held to the limit moves" in summary.verdict_sentence(result)
    assert "1 patch at 2 placements (2 findings)" in summary.scope_sentence(result)


def test_findings_of_one_candidate_stand_together_and_the_most_worrying_candidate_first(
    full_result: AuditResult,
) -> None:
    first, second = full_result.findings[:2]
    findings = (
        dataclasses.replace(second, placement=Placement.RANDOM, verdict=Verdict.FAIL, uplift=0.2),
        dataclasses.replace(first, placement=Placement.RANDOM, verdict=Verdict.PASS, uplift=-0.1),
        dataclasses.replace(first, verdict=Verdict.FAIL, uplift=0.6),
        dataclasses.replace(second, verdict=Verdict.INCONCLUSIVE, uplift=0.1),
    )
    result = dataclasses.replace(full_result, findings=findings)
    assert order.by_concern(result) == (findings[2], findings[1], findings[0], findings[3])


def test_fragility_that_fails_stands_first_when_no_candidate_does(full_result: AuditResult) -> None:
    assert full_result.fragility is not None
    fragile = dataclasses.replace(full_result.fragility, flips=30, rate=30 / 61, verdict=Verdict.FAIL)
    passing = tuple(found for found in full_result.findings if found.verdict is Verdict.PASS)
    result = dataclasses.replace(full_result, fragility=fragile, findings=passing)
    assert summary.verdict_sentence(result).startswith(
        "FAIL: mere covering (random cell) flips 30/61 = 49.2%, above the limit of 25.0%; none of 2 patches"
    )


def test_open_fragility_explains_an_open_run_whose_candidates_pass(full_result: AuditResult) -> None:
    assert full_result.fragility is not None
    open_ = dataclasses.replace(full_result.fragility, verdict=Verdict.INCONCLUSIVE)
    passing = tuple(found for found in full_result.findings if found.verdict is Verdict.PASS)
    result = dataclasses.replace(full_result, fragility=open_, findings=passing, verdict=Verdict.INCONCLUSIVE)
    assert summary.verdict_sentence(result).startswith(
        "INCONCLUSIVE: mere covering (random cell) flips 5/61 = 8.2%, not settled against the limit of 25.0%; none of 2"
    )


def test_a_run_without_findings_says_so(empty_result: AuditResult) -> None:
    assert summary.verdict_sentence(empty_result) == "INCONCLUSIVE: no candidate was confirmed for frying pan to wok"
    assert summary.scope_sentence(empty_result) == (
        "No candidate stands behind this word: 4 candidates tried, none confirmed, on 0 eligible pictures."
    )


def test_orders(full_result: AuditResult) -> None:
    assert [found.candidate.id for found in order.by_concern(full_result)] == [
        "c-0001", "c-0005", "c-0003", "l-0001", "c-0002", "c-0004", "c-0006"
    ]  # fmt: skip
    assert [found.candidate.id for found in order.best_of_tiers(full_result)] == [
        "c-0001", "c-0005", "c-0003", "l-0001", "c-0004"
    ]  # fmt: skip
    assert [found.candidate.id for found in order.awaiting_review(full_result)] == ["c-0005"]
    assert [row.candidate.id for row in order.survey_by_uplift(full_result)][:3] == ["c-0004", "c-0001", "c-0005"]
    assert summary.eligible(full_result) == 61


def validity(difference: float, interval: Interval | None) -> SuggestionValidity:
    nothing = Correlation(NAN, None, 2)
    return SuggestionValidity(
        nothing, Correlation(-0.5, Interval(-0.8, -0.1, 0.95, "bootstrap"), 9),
        GroupMean(4, 40, 100, 0.4, None), GroupMean(4, 30, 100, 0.3, None), difference, interval, "noise",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "start", "end"),
    [
        (0.02, 0.18, "The search did better than chance: ", "+10.0 points (+2.0 to +18.0 points, Bootstrap 95%)."),
        (-0.02, 0.22, "The search did no better than chance: ", "which cannot be told from none."),
        (0.0, 0.2, "The search did no better than chance: ", "which cannot be told from none."),
        (-0.2, -0.01, "The search did worse than chance: ", "(−20.0 to −1.0 points, Bootstrap 95%)."),
        (NAN, NAN, "Whether the search did better than chance was not measured: ", "30/100 = 30.0%."),
    ],
)
def test_validity_is_said_as_plainly_when_the_search_did_not_help(
    low: float, high: float, start: str, end: str
) -> None:
    difference = -0.1 if high < 0 else 0.1
    words = validity_words(validity(difference, Interval(low, high, 0.95, "bootstrap")))
    assert words.headline.startswith(start)
    assert words.headline.endswith(end)
    assert "suggested ones flip 40/100 = 40.0% of trials, random ones 30/100 = 30.0%" in words.headline


def test_the_headline_speaks_of_third_class_where_there_is_enough_of_it() -> None:
    """All tiers together the search does better, by target objects alone; among crops of other classes it does not."""
    third = compared(Tier.THIRD_CLASS, 0.02, -0.01, 0.05)
    all_together = compared(None, 0.3, 0.2, 0.4)
    both = dataclasses.replace(validity(0.3, Interval(0.2, 0.4, 0.95, "bootstrap")), comparisons=(third, all_together))
    assert not both.headline.better_than_chance
    assert validity_words(both).headline.startswith(
        "The search did no better than chance: of the third class crops, suggested ones flip 4/20 = 20.0% of trials"
    )
    few = dataclasses.replace(both, comparisons=(dataclasses.replace(third, interval=None), all_together))
    assert few.headline.better_than_chance
    assert validity_words(few).headline.startswith("The search did better than chance: suggested ones flip 40/100")


def compared(tier: Tier | None, difference: float, low: float, high: float) -> TierComparison:
    group = GroupMean(2, 4, 20, 0.2, None)
    return TierComparison(tier, group, group, difference, Interval(low, high, 0.95, "bootstrap"))


@pytest.mark.parametrize(
    ("verdict", "asked", "said"),
    [
        (Verdict.PASS, False, "PASS: none of 5 patches moves frying pan to wok by 10 points or more"
         " (2 more show wok itself and are not held to the limit); the search did no better than chance"),
        (Verdict.INCONCLUSIVE, True, "INCONCLUSIVE: the search did no better than chance, which limits.search does not "
         "let pass; none of 5"),
        (Verdict.FAIL, True, "FAIL: "),
    ],
)  # fmt: skip
def test_a_search_that_is_no_better_than_chance_stands_beside_a_pass(
    full_result: AuditResult, verdict: Verdict, asked: bool, said: str
) -> None:
    passing = tuple(dataclasses.replace(found, verdict=Verdict.PASS) for found in full_result.findings)
    result = dataclasses.replace(
        full_result, findings=passing, verdict=verdict,
        limits=dataclasses.replace(full_result.limits, search=asked),
        suggestion_validity=validity(0.1, Interval(-0.02, 0.22, 0.95, "bootstrap")),
    )  # fmt: skip
    assert summary.verdict_sentence(result).startswith(said)
    assert ("no better than chance" in summary.verdict_sentence(result)) == (verdict is not Verdict.FAIL)
    (line,) = (line for line in checklist_markdown(result).splitlines() if "The search does better" in line)
    assert line.startswith("- [ ] The search does better than chance (else a pass says little): The search did no")


def test_what_a_patch_does_beside_flipping_is_said(full_result: AuditResult) -> None:
    log_odds, top_five = summary.beside_flips(full_result.findings[0])
    assert log_odds == (
        "Raises the log-odds of the target by +1.20 logits more than source crop does (+0.80 to +1.70 logits, "
        "Paired t 95%)"
    )
    assert top_five == (
        "Brings it among the 5 likeliest classes in 13/40 = 32.5% of the pictures where it was not before, source crop "
        "in 1/40 = 2.5%: +30.0 points (+15.0 to +45.0 points, Exact paired 95%)"
    )
    assert summary.beside_flips(full_result.findings[1]) == ()


def test_a_correlation_is_read_in_words() -> None:
    predicted, observed = validity_words(validity(0.1, None)).lines
    assert predicted.endswith(
        "−0.50 (−0.80 to −0.10, Bootstrap 95%), over 9 candidates; this reading points the wrong way."
    )
    assert observed.endswith("not measured (over 2 candidates).")


def test_class_names_come_from_the_result(full_result: AuditResult) -> None:
    other = dataclasses.replace(full_result, source=ClassGroup("any class but wok", (0, 1, 2)))
    assert "moves any class but wok to wok" in summary.verdict_sentence(other)
    assert "any class but wok to wok" in summary.what_it_does_not_say(other)[1]


def test_the_ceiling_is_what_the_models_own_gradients_make(full_result: AuditResult) -> None:
    assert summary.ceiling_sentence(full_result) is None
    row = full_result.survey[0]

    def computed(identity: str, origin: Origin, flips: int) -> SurveyRow:
        made = dataclasses.replace(row.candidate, id=identity, origin=origin)
        return dataclasses.replace(row, candidate=made, flips=flips, eligible=61)

    rows = (
        computed("o-001", Origin.OPTIMISED, 58),
        computed("i-001", Origin.RENDER, 3),
        computed("i-002", Origin.RENDER, 9),
    )
    said = summary.ceiling_sentence(dataclasses.replace(full_result, survey=(*full_result.survey, *rows)))
    assert said is not None
    assert said.endswith(
        "a patch trained to flip it flips 58/61 = 95.1%, the best of 2 rendered ones flips 9/61 = 14.8%."
    )


def test_earlier_looks_are_counted_and_leave_a_box_open(full_result: AuditResult) -> None:
    assert summary.looks_sentence(full_result) is None  # a result of an earlier version
    box = "Confirmation pictures looked at for the first time, or by a test that allows for looking again"
    assert box not in checklist_markdown(full_result)

    never = dataclasses.replace(full_result, looks=Looks())
    none = "The ledger beside this run tells of no earlier look at these confirmation pictures."
    assert summary.looks_sentence(never) == none
    assert f"- [x] {box}: 0 earlier looks in the ledger\n" in checklist_markdown(never)

    days = (EarlierLook(f"run-{day}", f"2026-03-0{day}T10:00:00+00:00", "an audit", 50, 145) for day in (1, 2))
    twice = dataclasses.replace(full_result, looks=Looks(tuple(days), 147))
    assert summary.looks_sentence(twice) == (
        "These confirmation pictures, or most of them, had been looked at 2 times before, for the same model and pair, "
        "with 147 patches in all (the last time by run-2, 2026-03-02: an audit). No interval here allows for that, "
        "and a limit that is crossed at one of several looks proves less than it says."
    )
    assert f"- [ ] {box}: 2 earlier looks in the ledger\n" in checklist_markdown(twice)

    unsure = dataclasses.replace(full_result, looks=Looks(problem="it cannot be read"))
    assert summary.looks_sentence(unsure) == f"{none} Looks may be missing: it cannot be read."
    assert f"- [ ] {box}: 0 earlier looks in the ledger; it cannot be read\n" in checklist_markdown(unsure)


def test_a_patch_tried_before_says_of_how_many(full_result: AuditResult) -> None:
    first = full_result.findings[0]
    assert summary.chosen_from_sentence(first) is None
    assert summary.chosen_from_sentence(dataclasses.replace(first, hypotheses=1145)) == (
        "These very pixels had been tried on these pictures before, as one of 1,145 patches: interval and adjusted p "
        "are corrected for having chosen it from them."
    )


def test_what_was_made_names_its_parts(full_result: AuditResult) -> None:
    one = full_result.survey[0].candidate
    assert summary.chosen_by(dataclasses.replace(one, parts=("c-001", "c-004"))) == "made of c-001 and c-004"
    assert summary.chosen_by(dataclasses.replace(one, role=Role.STRONGEST_CONTRAST)) == "by contrast alone"


def test_patches_that_a_person_brought_were_not_chosen_and_no_search_is_shown(full_result: AuditResult) -> None:
    one = full_result.findings[0]
    brought = dataclasses.replace(one, candidate=dataclasses.replace(one.candidate, origin=Origin.USER))
    twice = (brought, dataclasses.replace(brought, placement=Placement.BEST))
    result = dataclasses.replace(full_result, findings=twice, hypotheses_tried=2, survey=())
    assert summary.scope_sentence(result) == (
        f"Behind this word stands 1 patch that a person brought, every one measured at 2 placements (2 findings), "
        f"on {summary.eligible(result)} eligible pictures."
    )
    assert {"whole-pictures", "atlas", "validity", "survey"}.isdisjoint(part for part, _ in page_of(result).sections)
    assert [title for _, title in page_of(full_result).sections][8:11] == [
        "Atlas",
        "Do the suggestions help?",
        "Survey",
    ]


def test_examples_follow_the_findings_as_reviews_left_them(full_result: AuditResult) -> None:
    shown = {
        name: dataclasses.replace(full_result.examples[0], candidate=name) for name in ("c-0004", "gone", "c-0003")
    }
    examples = (*shown.values(), *full_result.examples)
    ordered = order.examples_by_concern(dataclasses.replace(full_result, examples=examples))
    assert [one.candidate for one in ordered] == ["c-0001", "c-0001", "c-0003", "c-0004", "gone"]
