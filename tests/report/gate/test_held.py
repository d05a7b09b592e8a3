"""Items under a policy: their states by the evidence, waivers and their lapse, and the gate's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from auditor.core import records as r
from auditor.core.policy import ITEMS
from auditor.core.policy_file import policy_of
from auditor.report.gate import Checklist, Item, State, checklist_of
from auditor.report.html import report_html

TODAY = date(2026, 11, 26)
ALL = ["full_result", "empty_result", "unmeasured_result"]


def held(result: r.AuditResult, text: str) -> Checklist:
    return checklist_of(replace(result, policy=policy_of(text.encode(), "policy.toml", "policy.toml", TODAY)))


def item(checklist: Checklist, name: str) -> Item:
    return next(one for one in checklist.items if one.id == name)


def waiver(name: str, until: str = "2026-11-26", more: str = "") -> str:
    return f'[[waivers]]\nitem = "{name}"\nby = "Ada"\nreason = "as agreed"\nuntil = {until}\n{more}\n'


def only(result: r.AuditResult, *identities: str) -> r.AuditResult:
    """The findings that are named, each with pixels of its own."""
    kept = [one for one in result.findings if one.candidate.id in identities]
    told = [replace(one, candidate=replace(one.candidate, sha256=f"{place:08d}" * 8)) for place, one in enumerate(kept)]
    return replace(result, findings=tuple(told))


STATES = {
    "full_result": {
        "uplift": State.FAIL,
        "fragility": State.PASS,
        "clean_accuracy": State.PASS,
        "eligible": State.PASS,
        "controls": State.PASS,
        "splits": State.PASS,
        "looks": State.NOT_RUN,
        "skipped": State.PASS,
        "reproducible": State.PASS,
        "search": State.PASS,
        "needed": State.NOT_RUN,
        "positions": State.NOT_RUN,
        "whole_pictures": State.NOT_RUN,
    },
    "empty_result": {name: {"eligible": State.FAIL, "skipped": State.PASS}.get(name, State.NOT_RUN) for name in ITEMS},
}


@pytest.mark.parametrize("kind", STATES)
def test_each_item_stands_as_its_evidence_says(kind: str, request: pytest.FixtureRequest) -> None:
    checklist = checklist_of(request.getfixturevalue(kind))
    assert {one.id: one.state for one in checklist.items} == STATES[kind]
    assert not checklist.given


@pytest.mark.parametrize("kind", ALL)
def test_every_link_leads_into_the_report(kind: str, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue(kind)
    page = report_html(result)
    for one in checklist_of(result).items:
        assert f'id="{one.measured.section}"' in page, one.id


def test_numbers_with_their_intervals_are_the_result_s_own(full_result: r.AuditResult) -> None:
    items = {one.id: one.measured for one in checklist_of(full_result).items}
    worst = full_result.findings[0]
    assert (items["uplift"].number, items["uplift"].interval) == (worst.uplift, worst.uplift_interval)
    assert (items["fragility"].number, items["fragility"].limit_value) == (5 / 61, 0.25)
    assert (items["eligible"].number, items["eligible"].limit_value) == (61, 30)
    assert items["skipped"].number == pytest.approx(3 / (3 + 1204 + 903 + 899))
    assert items["clean_accuracy"].number == pytest.approx(70 / 84)


@pytest.mark.parametrize(
    ("text", "name", "state"),
    [
        ("[eligible]\nat_least = 61", "eligible", State.PASS),
        ("[eligible]\nat_least = 62", "eligible", State.FAIL),
        ("[skipped]\nat_most = 0.0009", "skipped", State.FAIL),
        ("[clean_accuracy]\nat_least = 0.7", "clean_accuracy", State.PASS),  # its lower bound is 0.7394
        ("[clean_accuracy]\nat_least = 0.8", "clean_accuracy", State.OPEN),
        ("[clean_accuracy]\nat_least = 0.9", "clean_accuracy", State.FAIL),  # its upper bound is 0.8981
        ("[fragility]\nat_most = 0.25", "fragility", State.PASS),
        ("[fragility]\nat_most = 0.2", "fragility", State.OPEN),
        ("[uplift]\nat_most = 0.05", "uplift", State.FAIL),
    ],
)
def test_limits_of_a_policy(full_result: r.AuditResult, text: str, name: str, state: State) -> None:
    assert item(held(full_result, text), name).state is state


def test_a_run_that_was_held_to_a_looser_limit_cannot_pass_a_stricter_one(full_result: r.AuditResult) -> None:
    passed = replace(only(full_result, "c-0002"), verdict=r.Verdict.PASS)
    assert item(held(passed, "[uplift]\nat_most = 0.10"), "uplift").state is State.PASS
    strict = item(held(passed, "[uplift]\nat_most = 0.05"), "uplift")
    assert strict.state is State.OPEN
    assert not strict.ticked
    assert strict.measured.evidence.endswith("; the policy asks for 5 points at most")


def looked(earlier: int, problem: str = "") -> r.Looks:
    look = r.EarlierLook("run", "2026-01-01T00:00:00+00:00", "an audit", 5, 5)
    return r.Looks((look,) * earlier, 5, problem=problem)


@pytest.mark.parametrize(
    ("looks", "text", "state"),
    [
        (looked(0), "", State.PASS),
        (looked(1), "", State.FAIL),
        (looked(1), "[looks]\nat_most = 1", State.PASS),
        (looked(0, "it cannot be read"), "", State.OPEN),
        (None, "", State.NOT_RUN),
    ],
)
def test_looks(full_result: r.AuditResult, looks: r.Looks | None, text: str, state: State) -> None:
    one = item(held(replace(full_result, looks=looks), text), "looks")
    assert one.state is state
    assert ("for the first time" in one.measured.evidence) == (looks is not None and not text)


def clean(result: r.AuditResult, *identities: str, verdict: r.Verdict = r.Verdict.PASS) -> r.AuditResult:
    """A result of which every item that decides passes but for its findings."""
    return replace(only(result, *identities), looks=r.Looks(), verdict=verdict)


def test_the_gate_passes_where_all_that_decides_passes(full_result: r.AuditResult) -> None:
    assert held(clean(full_result, "c-0002"), "").gate is r.Verdict.PASS
    assert held(replace(clean(full_result, "c-0002"), looks=None), "").gate is r.Verdict.INCONCLUSIVE
    assert held(clean(full_result, "c-0002"), "[eligible]\nat_least = 500").gate is r.Verdict.FAIL
    silent = "[eligible]\nat_least = 500\ndecides = false"
    assert held(clean(full_result, "c-0002"), silent).gate is r.Verdict.PASS
    assert held(clean(full_result, "c-0002"), "[needed]\ndecides = true").gate is r.Verdict.INCONCLUSIVE


@pytest.mark.parametrize("verdict", [r.Verdict.FAIL, r.Verdict.INCONCLUSIVE])
def test_without_a_waiver_the_gate_is_never_better_than_the_verdict(
    full_result: r.AuditResult, verdict: r.Verdict
) -> None:
    result = clean(full_result, "c-0002", verdict=verdict)
    assert held(result, "").gate is verdict
    skips = replace(result, skipped=result.skipped * 200)
    assert held(skips, waiver("skipped")).gate is verdict  # the verdict does not rest on what is waived


def test_a_waiver_holds_through_its_last_day_and_then_lapses(full_result: r.AuditResult) -> None:
    failed = clean(full_result, "c-0001", verdict=r.Verdict.FAIL)
    last_day = held(failed, waiver("uplift", "2026-11-26"))
    assert (item(last_day, "uplift").state, last_day.gate) == (State.WAIVED, r.Verdict.PASS)
    assert not item(last_day, "uplift").ticked
    after = held(failed, waiver("uplift", "2026-11-25"))
    assert (item(after, "uplift").state, after.gate) == (State.FAIL, r.Verdict.FAIL)
    assert [one.by for one in item(after, "uplift").lapsed] == ["Ada"]
    assert after.unused == ()


def test_a_waiver_of_one_patch_lets_no_other_through(full_result: r.AuditResult) -> None:
    two = clean(full_result, "c-0001", "c-0003", verdict=r.Verdict.FAIL)  # one fails, one is open
    one = held(two, waiver("uplift", more='patch = "00000000"'))
    assert (item(one, "uplift").state, one.gate) == (State.OPEN, r.Verdict.INCONCLUSIVE)
    both = held(two, waiver("uplift", more='patch = "00000000"') + waiver("uplift", more='patch = "00000001"'))
    assert (item(both, "uplift").state, both.gate) == (State.WAIVED, r.Verdict.PASS)
    stricter = held(two, "[uplift]\nat_most = 0.05\n" + waiver("uplift", more='patch = "00000000"'))
    assert item(stricter, "uplift").state is State.OPEN


def test_that_nothing_was_measured_is_not_waived(empty_result: r.AuditResult) -> None:
    checklist = held(empty_result, waiver("uplift") + waiver("fragility") + waiver("search"))
    states = {one.id: one.state for one in checklist.items}
    assert (states["uplift"], states["fragility"], states["search"]) == (State.NOT_RUN, State.NOT_RUN, State.WAIVED)
    assert [one.item for one in checklist.unused] == ["uplift", "fragility"]


def test_a_waiver_of_what_passes_is_unused(full_result: r.AuditResult) -> None:
    text = waiver("splits") + waiver("uplift", more='patch = "ffffffff"') + waiver("controls", "2020-01-01")
    assert [(one.item, one.patch) for one in held(full_result, text).unused] == [
        ("splits", None),
        ("uplift", "ffffffff"),
    ]


def test_what_the_run_s_own_limits_hold_decides_whatever_the_policy_says(full_result: r.AuditResult) -> None:
    result = replace(clean(full_result, "c-0002"), limits=replace(full_result.limits, search=True, whole_pictures=True))
    decides = {one.id for one in held(result, "").items if one.decides}
    assert {"search", "whole_pictures"} <= decides
    assert held(result, "").gate is r.Verdict.INCONCLUSIVE  # whole pictures were not measured


def test_a_search_worse_than_chance_fails_and_one_that_cannot_tell_is_open(full_result: r.AuditResult) -> None:
    validity = full_result.suggestion_validity
    assert validity is not None
    first, *others = validity.comparisons
    for low, high, state in ((-0.2, -0.1, State.FAIL), (-0.1, 0.2, State.OPEN)):
        moved = replace(first, difference=(low + high) / 2, interval=r.Interval(low, high, 0.95, "bootstrap"))
        result = replace(full_result, suggestion_validity=replace(validity, comparisons=(moved, *others)))
        assert item(held(result, ""), "search").state is state
