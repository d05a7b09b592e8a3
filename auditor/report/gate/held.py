"""Items held to a policy: who is waived, and the gate's word over what decides. It measures nothing."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.policy import Waiver
from auditor.core.policy_file import default_policy
from auditor.core.records import AuditResult, Finding, Verdict
from auditor.core.records.policy import PolicyInForce
from auditor.report.gate.items import ITEMS, Case
from auditor.report.gate.states import Checklist, Item, Measured, State, gate_word, worst
from auditor.report.page import Page, page_of
from auditor.report.text import plain

_OF_THE_VERDICT = ("uplift", "fragility", "clean_accuracy", "search", "whole_pictures")
"""Items that a run's verdict rests on: unless one of them is waived, the gate is never better than the verdict."""

_NEVER_UNMEASURED = ("uplift", "fragility")
"""Items of which a waiver lets a result through, and not that there is none."""


def checklist_of(result: AuditResult, page: Page | None = None) -> Checklist:
    """A result's items, held to its policy, or to the one that ships where nobody gave one."""
    page = page_of(result) if page is None else page
    given = result.policy is not None
    held = result.policy or default_policy()
    items = tuple(_held(name, held, result, page) for name in ITEMS)
    used = [waiver for item in items for waiver in (*item.waivers, *item.lapsed)]
    unused = tuple(one for one in held.policy.waivers if one not in used and one.until >= held.on)
    waived = any(item.waivers for item in items if item.id in _OF_THE_VERDICT)
    states = [item.state for item in items if item.decides]
    gate = gate_word(states, Verdict.PASS if waived else result.verdict)
    return Checklist(held, given, items, gate, unused)


def _held(name: str, held: PolicyInForce, result: AuditResult, page: Page) -> Item:
    asks, measure = ITEMS[name]
    measured = measure(Case(result, page, held.policy))
    own = [one for one in held.policy.waivers if one.item == name]
    waivers = _covering(name, measured, [one for one in own if one.until >= held.on])
    lapsed = _covering(name, measured, [one for one in own if one.until < held.on])
    state = _waived(measured, waivers) if waivers else measured.state
    decides = held.policy.decides(name) or _held_by_the_run(name, result)
    return Item(name, asks, measured, state, decides, waivers, lapsed)


def _held_by_the_run(name: str, result: AuditResult) -> bool:
    """Whether the run's own settings let an item decide its verdict, whatever the policy says."""
    return (name == "search" and result.limits.search) or (name == "whole_pictures" and result.limits.whole_pictures)


def _covering(name: str, measured: Measured, waivers: Sequence[Waiver]) -> tuple[Waiver, ...]:
    """Those of an item's waivers that there is something for."""
    wanted = (State.FAIL, State.OPEN) if name in _NEVER_UNMEASURED else (State.FAIL, State.OPEN, State.NOT_RUN)
    bad = [sha256 for sha256, state in measured.parts if state in (State.FAIL, State.OPEN)]
    return tuple(
        one
        for one in waivers
        if (measured.state in wanted if one.patch is None else any(sha256.startswith(one.patch) for sha256 in bad))
    )


def _waived(measured: Measured, waivers: Sequence[Waiver]) -> State:
    if any(one.patch is None for one in waivers):
        return State.WAIVED
    left = [state for sha256, state in measured.parts if not is_waived(sha256, waivers)]
    state = worst([*left, measured.beside])
    return State.WAIVED if state is State.PASS else state


def waivers_of(finding: Finding, item: Item) -> tuple[Waiver, ...]:
    """The waivers of an item that let a finding through; what passes, or is not held, needs none."""
    if finding.word not in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        return ()
    return tuple(one for one in item.waivers if is_waived(finding.candidate.sha256, [one]))


def waiver_words(waiver: Waiver) -> str:
    """Until when, by whom and why."""
    return plain(f"waived until {waiver.until.isoformat()} by {waiver.by}: {waiver.reason}")


def is_waived(sha256: str, waivers: Sequence[Waiver]) -> bool:
    """Whether one of these waivers lets a patch through."""
    return any(one.patch is None or sha256.startswith(one.patch) for one in waivers)
