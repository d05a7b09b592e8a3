"""The items of a checklist, one function each: what was measured, what it is held to, and how it stands.

A new item is a function here, an entry in `ITEMS`, and a table of the policy (core/policy.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from auditor.core.policy import ITEMS as NAMES
from auditor.core.policy import Policy
from auditor.core.records import AuditResult, Checks, Split, Verdict
from auditor.report.anchors import anchor
from auditor.report.gate.states import OF_VERDICT, Measured, State, worst
from auditor.report.needed import needed_summary
from auditor.report.numbers import (
    confidence,
    how_many,
    is_measured,
    percent,
    plain_points,
    points,
    points_interval,
    rate_with_counts,
)
from auditor.report.page import Page
from auditor.report.summary import accuracy_sentence, fragility_sentence, limit_words
from auditor.report.whole_pictures import whole_sentence

_SAME = 1e-9
"""Limits nearer than this are the same number, written twice."""


@dataclass(frozen=True, slots=True)
class Case:
    """A result, what a report shows of it, and the policy that it is held to."""

    result: AuditResult
    page: Page
    policy: Policy


def _uplift(case: Case) -> Measured:
    held = [finding for finding in case.page.findings if finding.held_to_limit]
    parts = tuple((finding.candidate.sha256, OF_VERDICT[finding.word]) for finding in held)
    state = worst([state for _, state in parts]) if held else State.NOT_RUN
    limit, most = limit_words(case.result.limits), case.policy.uplift.at_most
    loose = most is not None and case.result.limits.uplift > most + _SAME
    asked = f"; the policy asks for {plain_points(most)} at most" if most is not None and loose else ""
    first = held[0] if held else None
    return Measured(
        state=State.OPEN if loose and state is State.PASS else state,
        evidence=f"Uplift within its limit of {limit} at {confidence(case.result.limits.confidence)} confidence: "
        f"{_tally(case.result)}{asked}",
        limit=f"{limit}{asked}",
        limit_value=case.result.limits.uplift,
        shown="none held" if first is None else f"{points(first.uplift)} ({points_interval(first.uplift_interval)})",
        number=None if first is None else first.uplift,
        interval=None if first is None else first.uplift_interval,
        section="findings" if first is None else anchor(first),
        parts=parts,
        beside=State.OPEN if loose else State.PASS,
    )


def _tally(result: AuditResult) -> str:
    if not result.findings:
        return "no finding"
    found = [finding.verdict for finding in result.findings if finding.held_to_limit]
    counted = [f"{found.count(verdict)} {verdict.value}" for verdict in Verdict if verdict is not Verdict.NOT_HELD]
    beside = len(result.findings) - len(found)
    return ", ".join(counted + [f"{beside} not held"] * (beside > 0))


def _fragility(case: Case) -> Measured:
    fragility, most = case.result.fragility, case.policy.fragility.at_most
    if fragility is None:
        return Measured(State.NOT_RUN, "Fragility: not measured", _at_most(most), "not measured", "fragility")
    loose = most is not None and fragility.limit > most + _SAME
    asked = f"; the policy asks for {percent(most)} at most" if most is not None and loose else ""
    state = OF_VERDICT[fragility.verdict] if fragility.eligible else State.NOT_RUN
    return Measured(
        state=State.OPEN if loose and state is State.PASS else state,
        evidence=f"Fragility ({fragility.verdict.value}): {fragility_sentence(fragility)}{asked}",
        limit=f"{percent(fragility.limit)}{asked}",
        limit_value=fragility.limit,
        shown=rate_with_counts(fragility.flips, fragility.eligible, fragility.interval),
        number=fragility.rate,
        interval=fragility.interval,
        section="fragility",
    )


def _clean_accuracy(case: Case) -> Measured:
    accuracy, least = case.result.accuracy, case.policy.clean_accuracy.at_least
    limit = "no doubt of it" if least is None else f"at least {percent(least)} of the target's"
    if accuracy is None:
        told = "The model knows its own classes: not measured"
        return Measured(State.NOT_RUN, told, limit, "not measured", "accuracy", least)
    told = f"The model knows its own classes: {accuracy_sentence(case.result, accuracy)}"
    word = "confirmed in the configuration (limits.unknown_target)" if accuracy.accepted else "not confirmed by anybody"
    doubts = f" But {'; '.join(accuracy.doubts)} ({word})" if accuracy.doubts else ""
    share = accuracy.target
    state = State.OPEN if doubts else State.PASS
    if least is not None:
        known = share.interval is not None and is_measured(share.interval)
        low, high = (share.interval.low, share.interval.high) if known and share.interval else (0.0, 1.0)
        state = State.FAIL if high < least else State.OPEN if low < least else state
    target = case.result.target.name
    asked = "" if least is None else f" The policy asks for {percent(least)} of {target}, at the lower bound."
    return Measured(
        state=state,
        evidence=f"{told}{asked}{doubts}",
        limit=limit,
        limit_value=least,
        shown=rate_with_counts(share.count, share.pictures, share.interval),
        number=share.rate,
        interval=share.interval,
        section="accuracy",
    )


def _eligible(case: Case) -> Measured:
    least = case.policy.eligible.at_least
    return Measured(
        state=State.PASS if case.page.eligible >= least else State.FAIL,
        evidence=f"Enough pictures: {case.page.eligible:,} of confirmation are eligible, {least:,} are asked for",
        limit=f"at least {least:,}",
        limit_value=least,
        shown=f"{case.page.eligible:,}",
        number=case.page.eligible,
        section="behind",
    )


def _controls(case: Case) -> Measured:
    if not case.result.findings:
        return Measured(State.NOT_RUN, "Controls: none ran", "all", "none", "findings")
    missing = [
        f"{finding.candidate.id} ({control.name}: {control.eligible} of {finding.eligible} pictures)"
        for finding in case.result.findings
        for control in finding.controls
        if control.eligible != finding.eligible
    ]
    bare = [f"{finding.candidate.id} (none)" for finding in case.result.findings if not finding.controls]
    fewest, most = (pick(len(finding.controls) for finding in case.result.findings) for pick in (min, max))
    number = how_many(most, "control") if fewest == most else f"{fewest} to {most} controls"
    lacking = (
        f"; incomplete: {', '.join(missing + bare)}"
        if missing or bare
        else ", on the finding's own pictures and placements"
    )
    return Measured(
        state=State.FAIL if missing or bare else State.PASS,
        evidence=f"{number} a finding{lacking}",
        limit="all, on all pictures",
        shown=f"{number} a finding",
        number=fewest,
        section="findings",
    )


def _splits(case: Case) -> Measured:
    """Passes where all three were made and their pictures' contents were compared."""
    counted = ", ".join(f"{split.split.value} {split.used:,}" for split in case.page.splits) or "none made"
    said = f"Splits share no picture: {counted}"
    checks = case.result.checks
    if checks is None or checks.pictures is None:
        return Measured(State.NOT_RUN, f"{said}; not checked", "none", "not checked", "behind", 0)
    shared, made = len(checks.shared), {split.split for split in case.result.splits if split.used > 0} == set(Split)
    if shared:
        told = (
            f"{said}; but {how_many(shared, 'content')} in more than one of them, the first of sha256 "
            f"{checks.shared[0]}"
        )
    else:
        told = f"{said}; sha256 of {how_many(checks.pictures, 'picture')} compared"
    state = State.FAIL if shared else State.PASS if made else State.OPEN
    return Measured(state, told, "none shared", how_many(shared, "shared", "shared"), "behind", 0, shared)


def _looks(case: Case) -> Measured:
    looks, most = case.result.looks, case.policy.looks.at_most
    if looks is None:
        told = "Looks at the same confirmation pictures: not known"
        return Measured(State.NOT_RUN, told, f"at most {most:,}", "not known", "behind", most)
    before = len(looks.earlier)
    counted = how_many(before, "other earlier look" if looks.number > 1 else "earlier look")
    unsure = f"; {looks.problem}" if looks.problem else ""
    asks = (
        "Confirmation pictures looked at for the first time, or by a test that allows for looking again"
        if most == 0
        else f"Confirmation pictures looked at {most:,} times before at most"
    )
    state = State.FAIL if before > most else State.OPEN if unsure else State.PASS
    told = f"{asks}: {counted} in the ledger{unsure}"
    return Measured(state, told, f"at most {most:,}", counted, "behind", most, before)


def _skipped(case: Case) -> Measured:
    skipped, most = len(case.result.skipped), case.policy.skipped.at_most
    of = skipped + case.page.images_used
    share = skipped / of if of else 0.0
    told = f"{skipped:,} of {how_many(of, 'picture')} skipped, {percent(share)}" if skipped else "0 pictures skipped"
    state = State.PASS if share <= most else State.FAIL
    return Measured(state, told, _at_most(most), percent(share), "images", most, share)


def _reproducible(case: Case) -> Measured:
    """Passes where trials made again came out the same, the counts follow from the stored trials, and the weights are
    known."""
    checks = case.result.checks or Checks()
    result, repeat = case.result, checks.repeat
    names = f"seed {result.seed}, device {result.subject.device}, run {result.run}"
    if repeat is None:
        again = "no trial was made a second time"
    else:
        again = (
            f"{repeat.same} of {how_many(repeat.pictures, 'trial')} of {repeat.candidate}, made a second time in "
            f"another batch, gave the same place and class"
        )
    if checks.counted is None:
        counted = "no flips were counted again"
    elif checks.differing:
        counted = f"trials.parquet holds other flips of {', '.join(checks.differing)} than are stated"
    else:
        counted = f"the flips of {how_many(checks.counted, 'finding')} follow from trials.parquet"
    unnamed = "" if result.subject.weights_sha256 else "; the weights are not recorded"
    repeated = repeat is not None and 0 < repeat.pictures == repeat.same
    agree = checks.counted is not None and not checks.differing
    if repeat is None and checks.counted is None:
        state = State.NOT_RUN
    elif checks.differing or (repeat is not None and repeat.same < repeat.pictures):
        state = State.FAIL
    else:
        state = State.PASS if repeated and agree and not unnamed else State.OPEN
    shown = "not made again" if repeat is None else f"{repeat.same} of {how_many(repeat.pictures, 'trial')} the same"
    return Measured(state, f"Reproducible: {again}; {counted}{unnamed}. {names}", "all the same", shown, "reproduce")


def _search(case: Case) -> Measured:
    validity, section = case.result.suggestion_validity, _there(case.page, "validity")
    if validity is None or case.page.validity is None:
        told = "The search does better than chance: not measured"
        return Measured(State.NOT_RUN, told, "above 0 points", "not measured", section, 0.0)
    one = validity.headline
    worse = one.interval is not None and one.interval.high < 0
    unknown = one.interval is None or not math.isfinite(one.difference)
    state = State.NOT_RUN if unknown else State.FAIL if worse else State.OPEN
    return Measured(
        state=State.PASS if one.better_than_chance else state,
        evidence=f"The search does better than chance (else a pass says little): {case.page.validity.headline}",
        limit="above 0 points",
        limit_value=0.0,
        shown=points(one.difference) + (f" ({points_interval(one.interval)})" if one.interval is not None else ""),
        number=one.difference,
        interval=one.interval,
        section=section,
    )


def _needed(case: Case) -> Measured:
    """Passes where every finding was asked about, whatever the answer."""
    told, findings = needed_summary(case.result), case.result.findings
    asked = sum(one.needed is not None and bool(one.needed.fills) for one in findings)
    shown, everyone = f"asked of {asked} of {how_many(len(findings), 'finding')}", asked == len(findings)
    if told is None:
        return Measured(
            State.NOT_RUN, "Whether the target needs what was confirmed: not asked", "every finding", shown, "findings"
        )
    told = f"Whether the target needs what was confirmed: {told}"
    return Measured(State.PASS if everyone else State.OPEN, told, "every finding", shown, "findings", number=asked)


def _positions(case: Case) -> Measured:
    least = case.policy.positions.at_least
    placed = sorted({finding.placement.value for finding in case.result.findings})
    confirmed = f"confirmed at {', '.join(placed)} placement" if placed else "nothing confirmed"
    if not case.result.places:
        told = f"Positions tried: {confirmed}; no map of places was made"
        return Measured(State.NOT_RUN, told, f"at least {least:,}", "no map", "findings", least)
    number = min(len(one.places) for one in case.result.places)
    first = case.result.places[0]
    word = how_many(len(case.result.places), "candidate")
    told = (
        f"Positions tried: {confirmed}; {word} at {number:,} places and sizes each "
        f"({first.grid} × {first.grid} places, {how_many(len(first.words), 'size')})"
    )
    state = State.PASS if number >= least else State.FAIL
    return Measured(state, told, f"at least {least:,}", f"{number:,}", "findings", least, number)


def _whole_pictures(case: Case) -> Measured:
    whole, limit = case.result.whole, plain_points(case.result.limits.uplift)
    told = f"Effects over whole pictures below {limit}: {whole_sentence(case.result)}"
    section = _there(case.page, "whole-pictures")
    if whole is None or not whole.findings:
        return Measured(State.NOT_RUN, told, limit, "not measured", section, case.result.limits.uplift)
    looked_at = whole.heeded
    most = max(whole.findings, key=lambda one: one.uplift if math.isfinite(one.uplift) else -math.inf)
    if any(one.verdict is Verdict.FAIL for one in looked_at):
        state = State.FAIL
    else:
        passes = looked_at and all(one.verdict is Verdict.PASS for one in looked_at)
        state = State.PASS if passes else State.OPEN
    return Measured(
        state=state,
        evidence=told,
        limit=limit,
        limit_value=case.result.limits.uplift,
        shown=f"{points(most.uplift)} ({points_interval(most.uplift_interval)})",
        number=most.uplift,
        interval=most.uplift_interval,
        section=section,
    )


def _at_most(limit: float | None) -> str:
    return "the run's own" if limit is None else f"at most {percent(limit)}"


def _there(page: Page, section: str) -> str:
    """A section's name, or where a report without it says why."""
    return section if section in {name for name, _ in page.sections} else "behind"


_MEASURES: Mapping[str, tuple[str, Callable[[Case], Measured]]] = {
    "uplift": ("Patches stay within the uplift limit", _uplift),
    "fragility": ("Covering stays within the fragility limit", _fragility),
    "clean_accuracy": ("Clean accuracy of the target", _clean_accuracy),
    "eligible": ("Enough eligible pictures", _eligible),
    "controls": ("Controls ran", _controls),
    "splits": ("Splits are disjoint", _splits),
    "looks": ("Earlier looks at the same pictures", _looks),
    "skipped": ("Share of pictures skipped", _skipped),
    "reproducible": ("Trials made again are the same", _reproducible),
    "search": ("Search against chance", _search),
    "needed": ("Needed or not was asked", _needed),
    "positions": ("Places and sizes tried", _positions),
    "whole_pictures": ("Effects over whole pictures", _whole_pictures),
}

ITEMS = {name: _MEASURES[name] for name in NAMES}
"""Every item of a policy, in its order: what it asks in a few words, and what measures it."""
