"""What a report's first screen says: the finding that tells most, how sure it is, and what to do now. No markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.core.records import (
    BACKGROUND,
    AuditResult,
    Example,
    Finding,
    Interval,
    Limits,
    Placement,
    Verdict,
    WholeFinding,
)
from auditor.report.next_steps import calls_for_counterexamples
from auditor.report.numbers import confidence, how_many, is_measured, percent, plain_points, points_bounds
from auditor.report.order import awaiting_review, by_concern, examples_by_concern, held_back
from auditor.report.settling import to_settle
from auditor.report.summary import all_brought
from auditor.report.whole_pictures import keeps_from_passing

_WAITING = 4
"""Crops that wait for a look are shown on the first screen up to this number: one row of it."""

_WHERE = {
    Placement.FIXED: "in the top left corner",
    Placement.BEST: "in the corner and at the size that work best",
    Placement.RANDOM: "anywhere, turned and scaled at random",
    Placement.PHOTOGRAPHED: "anywhere, as if printed, stuck on and photographed",
    Placement.QUADRILATERAL: "onto the given quadrilateral",
    Placement.ON_OBJECT: "on what makes each picture the source",
    Placement.OFF_OBJECT: "beside what makes each picture the source",
    Placement.OWN: "where it lay in its own picture",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """The most worrying finding: a flipped picture of it, or None, what it does, and how sure that is."""

    finding: Finding
    example: Example | None
    does: str
    sure: str


@dataclass(frozen=True, slots=True)
class TellingEffect:
    """The effect over whole pictures that keeps a run from passing, what it does, and how sure that is."""

    effect: WholeFinding
    does: str
    sure: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Findings above the limit that a person's look alone keeps from failing: those shown, what is said of all."""

    findings: tuple[Finding, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do now, and the command that does it, or ""."""

    words: str
    command: str = ""


def telling(result: AuditResult) -> Telling | None:
    """The finding to show first: a failing one, else an open one, else that of largest uplift; None without any."""
    finding = next(iter(by_concern(result)), None)
    if finding is None:
        return None
    own = [one for one in examples_by_concern(result) if one.candidate == finding.candidate.id]
    here = [one for one in own if one.placement == str(finding.placement)]
    example = next(iter(here or own), None)
    return Telling(finding, example, _does(result, finding), _sure(finding, result.limits))


def waiting_beside(result: AuditResult) -> Waiting | None:
    """Crops to look at beside the finding shown first: measured above a limit, and nobody has said what they show.

    A run that fails by other things would hide them at the end of its findings, however much they flip; the feature
    that a model learnt may be seen in them alone.
    """
    told = telling(result)
    shown = told.finding.candidate.id if told is not None else ""
    found = [one for one in held_back(result) if one.candidate.id != shown]
    if not found:
        return None
    first, target = found[:_WAITING], result.target.name
    one, some = len(found) == 1, f" The {_WAITING} that flip most:" if len(found) > _WAITING else ""
    words = (
        f"{how_many(len(found), 'more candidate is', 'more candidates are')} above the limit, and nobody has said yet "
        f"what {'it shows' if one else 'they show'}. Where that is {target} itself, a flip is no fault; where it is "
        f"something else, the model fails by it.{some}"
    )
    return Waiting(tuple(first), words)


def telling_effect(result: AuditResult) -> TellingEffect | None:
    """The effect over whole pictures to show first: the strongest in the way of a pass, where no finding is as well."""
    way = result.whole.in_the_way if result.whole is not None else ()
    worse = (Verdict.FAIL, Verdict.INCONCLUSIVE)
    if not way or result.verdict not in worse or any(one.word in worse for one in result.findings):
        return None
    first, source, target = way[0], result.source.name, result.target.name
    does = (
        f"Over the whole picture it makes the model call {first.flips:,} of {first.eligible:,} pictures of {source} "
        f"“{target}”: {percent(first.rate)}. As much of a change of another kind ({first.control.name}) does so to "
        f"{first.control.flips:,}."
    )
    measured = "above" if first.uplift > result.limits.uplift else "at"
    lies = ", all of it above"
    if first.verdict is not Verdict.FAIL:
        lies = f"; it was measured {measured}, and not settled against,"
    sure = f"{_between(first.uplift_interval, result.limits)}{lies} the limit of {plain_points(result.limits.uplift)}."
    return TellingEffect(first, does, sure)


def _between(interval: Interval, limits: Limits) -> str:
    return f"At {confidence(limits.confidence)} confidence the difference is {points_bounds(interval)}"


def _does(result: AuditResult, finding: Finding) -> str:
    if not finding.eligible:
        return "It was measured on no picture."
    source, target, covering = result.source.name, result.target.name, finding.control
    alone = f" Covering the same spot ({covering.name}) does so to {covering.flips:,}." if covering.eligible else ""
    spot = finding.candidate.spot
    where = _WHERE[finding.placement] + (f" ({spot.words})" if spot is not None else "")
    return (
        f"Pasted {where}, it makes the model call {finding.flips:,} of {finding.eligible:,} "
        f"pictures of {source} “{target}”: {percent(finding.flips / finding.eligible)}.{alone}"
    )


def _sure(finding: Finding, limits: Limits) -> str:
    interval, limit = finding.uplift_interval, plain_points(limits.uplift)
    if not is_measured(interval):
        return "How sure that is was not measured."
    between = _between(interval, limits)
    if not finding.held_to_limit:
        return f"{between}; it is not held to the limit of {limit}."
    if interval.low > limits.uplift:
        look = "; but nobody has said yet whether it shows the target itself" if finding.awaits_look else ""
        return f"{between}, all of it above the limit of {limit}{look}."
    if interval.high < limits.uplift:
        return f"{between}, all of it below the limit of {limit}."
    return f"{between}, with the limit of {limit} inside."


def steps(result: AuditResult) -> tuple[Step, ...]:
    """What to do now, the most pressing first; after every verdict there is something."""
    of_the_model, looks = tuple(_of_the_model(result)), tuple(_of_looks(result))
    if result.verdict is Verdict.FAIL:
        first, last = ((), looks) if waiting_beside(result) is None else (looks, ())
        return (*first, *_after_fail(result), *of_the_model, *last)
    found = (*of_the_model, *looks)
    if result.verdict is Verdict.PASS:
        return (*found, *_after_pass(result))
    return (*found, *_after_inconclusive(result))


def _of_the_model(result: AuditResult) -> Iterator[Step]:
    accuracy = result.accuracy
    if accuracy is not None and accuracy.forbids_a_pass:
        yield Step(
            f"This model may not be the one you think: {'; '.join(accuracy.doubts)}. Such a run cannot pass. Check "
            "class names, folders and preprocessing; if that is how it is, set limits.unknown_target."
        )


def _of_looks(result: AuditResult) -> Iterator[Step]:
    waiting = awaiting_review(result)
    if waiting:
        named = ", ".join(f"{finding.candidate.id} ({finding.candidate.name})" for finding in waiting)
        yield Step(
            f"{how_many(len(waiting), 'candidate waits', 'candidates wait')} for a person's look: {named}. No "
            f"annotation tells whether they show {result.target.name} itself. Mark them in the folder that holds this "
            "report; the verdicts are then worked out again:",
            "auditor review .",
        )


def _after_fail(result: AuditResult) -> Iterator[Step]:
    failing = {one.candidate.id: one for one in by_concern(result) if one.word is Verdict.FAIL}
    target, source = result.target.name, result.source.name
    if failing:
        patches = f"the {len(failing)} patches that fail" if len(failing) > 1 else "the patch that fails"
        yield Step(
            f"Look at {patches} and at the pictures that flip. What shows {target} itself after all is marked in the "
            "folder that holds this report:",
            f"auditor review . --mark {next(iter(failing))}=object",
        )
        yield Step(
            f"Say in words what is left, and look for it in the training pictures: is it more frequent with {target} "
            f"than with {source}? Collect pictures that break the link ({target} without it, {source} with it) and "
            "train again."
        )
    if calls_for_counterexamples(result):
        yield Step(
            f"Or train on pictures that say otherwise: of many classes with what failed pasted on, and of {target} "
            "with it removed, each labelled with its own. Patches alike are held out, to be tried on the new model:",
            "auditor counterexamples . --out FOLDER",
        )
    if result.fragility is not None and result.fragility.verdict is Verdict.FAIL:
        yield Step(
            "Mere covering flips too much: the model leans on pictures being whole. Augmentation that covers parts is "
            "the usual remedy."
        )
    yield Step(
        "Audit the new model with the same settings, on confirmation pictures that nobody looked at. Until then, do "
        "not release it."
    )


def _after_pass(result: AuditResult) -> Iterator[Step]:
    yield Step(
        f"Read how many patches stand behind this ({how_many(result.hypotheses_tried, 'patch', 'patches')} tried), "
        "whether the search did better than chance, and what was skipped."
    )
    yield Step("Try what you fear yourself, in the folder that holds this report:", "auditor trial . --patches FOLDER")
    if result.planted is None and not all_brought(result):
        yield Step(
            "Ask whether this search would have found a shortcut in this very model: it is run blind on copies with "
            "known ones, which takes about as long as this run for each. In the folder that holds this report:",
            "auditor plant .",
        )
    yield Step(
        f"Then sign checklist.md, for {result.source.name} to {result.target.name} and pictures like these. Another "
        "layer and the pair the other way round are audits of their own."
    )


def _after_inconclusive(result: AuditResult) -> Iterator[Step]:
    missing = to_settle(result)
    if keeps_from_passing(result):
        yield from _after_effects(result)
    if missing is not None:
        yield Step(missing)
        if not missing.startswith("More pictures will hardly do"):
            yield _more_pictures(result)
    elif not any(finding.held_to_limit for finding in result.findings):
        yield Step(
            f"Nothing that can fail was confirmed. Widen the search, by another layer, more pictures of "
            f"{result.target.name} or patches of your own, and audit again."
        )
    reason = result.verdict_reason.rstrip(".") or "the measurements leave the answer open"
    yield Step(f"Do not read it as a pass: {reason}.")


def _more_pictures(result: AuditResult) -> Step:
    """How to confirm on more pictures what is open: in a look of its own, or in a new run where that cannot do."""
    whole = result.whole
    effects = whole is not None and bool(whole.findings)
    backgrounds = whole is not None and bool(whole.unsettled) and not whole.settled_by_more
    if backgrounds and not any(one.word is Verdict.INCONCLUSIVE for one in result.findings):
        return Step("Exchanged backgrounds take annotated pictures: begin a new run with that many on confirmation.")
    return Step(
        f"Confirm the same {'patches and effects' if effects else 'patches'} on more pictures, which allows for "
        "looking again, in the folder that holds this report:",
        "auditor run --more . --images PHOTOS",
    )


def _after_effects(result: AuditResult) -> Iterator[Step]:
    """What to do about effects over whole pictures that keep a run from passing."""
    source, target = result.source.name, result.target.name
    way = () if result.whole is None else result.whole.in_the_way
    kinds = [one.effect.kind for one in way]
    become = "become" if any(one.verdict is Verdict.FAIL for one in way) else "may become"
    if BACKGROUND in kinds:
        yield Step(
            f"Pictures of {source} {become} {target} by what lies behind the object alone: see whole-picture effects "
            f"below. Look at the backgrounds of the training pictures of {target}, collect pictures of both on each "
            "other's backgrounds, and train again."
        )
    looks = [kind for kind in kinds if kind != BACKGROUND]
    if looks:
        yield Step(
            f"Pictures of {source} {become} {target} by {' and '.join(looks)} of the whole picture alone: see "
            f"whole-picture effects below. Look whether training pictures of {target} differ in it from those of "
            f"{source}, collect pictures of both that do not, and train again."
        )
    yield Step(
        f"If {target} may rightly be told by {'this' if len(kinds) == 1 else 'these'}, say so with your name, a reason "
        "and a last day, by a waiver of whole_pictures in a policy (auditor policy writes one to start from), and in "
        "audits to come by limits.may_heed:",
        "auditor report . --policy POLICY",
    )
