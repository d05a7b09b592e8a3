"""A Markdown checklist to attach to a model review: evidence filled in, open boxes where a person must act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.core.records import AuditResult, Checks, Split, Tier, Verdict
from auditor.report.environment import markdown_environment
from auditor.report.needed import needed_summary
from auditor.report.numbers import confidence, how_many, plain_points
from auditor.report.page import Page, page_of
from auditor.report.summary import accuracy_sentence, fragility_sentence, limit_words
from auditor.report.text import shown_path
from auditor.report.whole_pictures import whole_sentence
from auditor.report.words import TIERS

_HERE = "(in the folder that holds this file)"
"""A command that works wherever a run folder was moved to, and names no folder of the machine."""


@dataclass(frozen=True, slots=True)
class Box:
    """One line of the checklist: ticked where the evidence settles it, open where a person must act."""

    ticked: bool
    text: str


def checklist_markdown(result: AuditResult) -> str:
    """The checklist as Markdown (GitHub's dialect, for its tables and boxes), ending in a line break."""
    page = page_of(result)
    template = markdown_environment().get_template("checklist.md.j2")
    return template.render(
        result=result,
        page=page,
        tested=tuple(_tested(result, page)),
        evidence=tuple(_evidence(result, page)),
        person=tuple(_person(result, page)),
    )


def _tested(result: AuditResult, page: Page) -> Iterator[Box]:
    subject = result.subject
    rule = subject.layer_rule or "no rule named"
    layer = f"{subject.layers_named} ({rule})" if subject.layer else f"no layer mapped ({rule})"
    yield Box(True, f"Model: {shown_path(subject.model)}, {layer}")
    yield Box(
        bool(subject.weights_sha256),
        f"Weights: {shown_path(subject.weights) or 'built in'}, sha256 {subject.weights_sha256 or 'not recorded'}",
    )
    yield Box(True, f"Pair: {result.source.name} to {result.target.name}")
    yield Box(
        result.hypotheses_tried > 0,
        f"{how_many(result.hypotheses_tried, 'patch', 'patches')} tried, {result.hypotheses_confirmed:,} confirmed on "
        "pictures that had no part in choosing them",
    )
    needed = "" if page.to_settle is None else f" {page.to_settle}"
    yield Box(
        page.eligible > 0 and result.images_needed is None,
        f"{how_many(page.eligible, 'eligible confirmation picture')}.{needed} Eligible means: {result.eligibility}",
    )


def _evidence(result: AuditResult, page: Page) -> Iterator[Box]:
    worst = {finding.verdict for finding in result.findings if finding.held_to_limit}
    yield Box(
        bool(worst) and worst == {Verdict.PASS},
        f"Uplift within its limit of {limit_words(result.limits)} at {confidence(result.limits.confidence)} "
        f"confidence: {_tally(result)}",
    )
    fragility = result.fragility
    if fragility is None:
        yield Box(False, "Fragility: not measured")
    else:
        within = fragility.verdict is Verdict.PASS
        yield Box(within, f"Fragility ({fragility.verdict.value}): {fragility_sentence(fragility)}")
    yield _whole_pictures(result)
    yield _knows_its_classes(result)
    yield _controls(result)
    yield _needed(result)
    yield _splits(result, page)
    if result.looks is not None:
        before = how_many(
            len(result.looks.earlier), "other earlier look" if result.looks.number > 1 else "earlier look"
        )
        unsure = f"; {result.looks.problem}" if result.looks.problem else ""
        yield Box(
            not result.looks.earlier and not unsure,
            f"Confirmation pictures looked at for the first time, or by a test that allows for looking again: "
            f"{before} in the ledger{unsure}",
        )
    reasons = ", ".join(f"{reason} {len(pictures)}" for reason, pictures in page.skipped_by_reason)
    yield Box(
        not result.skipped,
        f"{how_many(len(result.skipped), 'picture')} skipped"
        + (f" ({reasons}): do the rest still represent?" if reasons else ""),
    )
    if result.left_out:
        counts = "; ".join(f"{why}: {count:,}" for why, count in sorted(result.left_out.items()))
        yield Box(False, f"Left out unopened ({counts}): is no picture of yours among them?")
    if page.validity is None:
        yield Box(False, "The search does better than chance: not measured")
    else:
        validity = result.suggestion_validity
        beaten = validity is not None and validity.headline.better_than_chance
        yield Box(beaten, f"The search does better than chance (else a pass says little): {page.validity.headline}")
    yield _reproducible(result)


def _person(result: AuditResult, page: Page) -> Iterator[Box]:
    for finding in page.awaiting:
        yield Box(
            False,
            f"Say what {finding.candidate.id} ({finding.candidate.name}) shows, {result.target.name} or its context: "
            f"auditor review . {_HERE}",
        )
    for finding in page.findings:
        if finding.review is not None:
            mark, why, tier = finding.review.mark.value, finding.review.why, finding.candidate.tier
            before = f" ({TIERS[tier].label} before)" if tier not in (finding.tier, Tier.TARGET_IMAGE) else ""
            yield Box(True, f"{finding.candidate.id} was seen by {finding.review.reviewer}: {mark}{before}. {why}")
    for finding in page.findings:
        if finding.verdict is Verdict.FAIL:
            yield Box(
                False,
                f"Look at {finding.candidate.id} ({finding.candidate.name}) and decide what follows from it; if it "
                f"shows {result.target.name} after all: auditor review . --mark {finding.candidate.id}=object {_HERE}",
            )
    yield Box(False, "The model and weights above are those to be released")
    yield Box(False, "The pictures tested resemble those the model will meet")
    yield Box(False, "The verdict and what it does not say have been read")


def _splits(result: AuditResult, page: Page) -> Box:
    """Ticked where all three were made and their pictures' contents were compared."""
    counted = ", ".join(f"{split.split.value} {split.used:,}" for split in page.splits) or "none made"
    said = f"Splits share no picture: {counted}"
    checks = result.checks
    if checks is None or checks.pictures is None:
        return Box(False, f"{said}; not checked")
    if checks.shared:
        return Box(
            False,
            f"{said}; but {how_many(len(checks.shared), 'content')} in more than one of them, the first of "
            f"sha256 {checks.shared[0]}",
        )
    made = {split.split for split in result.splits if split.used > 0} == set(Split)
    return Box(made, f"{said}; sha256 of {how_many(checks.pictures, 'picture')} compared")


def _reproducible(result: AuditResult) -> Box:
    """Ticked where trials made again came out the same, the counts follow from the stored trials, and the weights are
    known."""
    checks = result.checks or Checks()
    repeat, names = checks.repeat, f"seed {result.seed}, device {result.subject.device}, run {result.run}"
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
    return Box(repeated and agree and not unnamed, f"Reproducible: {again}; {counted}{unnamed}. {names}")


def _tally(result: AuditResult) -> str:
    if not result.findings:
        return "no finding"
    found = [finding.verdict for finding in result.findings if finding.held_to_limit]
    counted = [f"{found.count(verdict)} {verdict.value}" for verdict in Verdict if verdict is not Verdict.NOT_HELD]
    beside = len(result.findings) - len(found)
    return ", ".join(counted + [f"{beside} not held"] * (beside > 0))


def _whole_pictures(result: AuditResult) -> Box:
    findings = result.whole.findings if result.whole is not None else ()
    below = bool(findings) and all(one.verdict is Verdict.PASS for one in findings)
    return Box(
        below, f"Effects over whole pictures below {plain_points(result.limits.uplift)}: {whole_sentence(result)}"
    )


def _knows_its_classes(result: AuditResult) -> Box:
    accuracy = result.accuracy
    if accuracy is None:
        return Box(False, "The model knows its own classes: not measured")
    told = f"The model knows its own classes: {accuracy_sentence(result, accuracy)}"
    if not accuracy.doubts:
        return Box(True, told)
    word = "confirmed in the configuration (limits.unknown_target)" if accuracy.accepted else "not confirmed by anybody"
    return Box(False, f"{told} But {'; '.join(accuracy.doubts)} ({word})")


def _needed(result: AuditResult) -> Box:
    """Ticked where every finding was asked about, whatever the answer."""
    told = needed_summary(result)
    if told is None:
        return Box(False, "Whether the target needs what was confirmed: not asked")
    everyone = all(one.needed is not None and one.needed.fills for one in result.findings)
    return Box(everyone, f"Whether the target needs what was confirmed: {told}")


def _controls(result: AuditResult) -> Box:
    if not result.findings:
        return Box(False, "Controls: none ran")
    missing = [
        f"{finding.candidate.id} ({control.name}: {control.eligible} of {finding.eligible} pictures)"
        for finding in result.findings
        for control in finding.controls
        if control.eligible != finding.eligible
    ]
    bare = [f"{finding.candidate.id} (none)" for finding in result.findings if not finding.controls]
    fewest, most = (pick(len(finding.controls) for finding in result.findings) for pick in (min, max))
    number = how_many(most, "control") if fewest == most else f"{fewest} to {most} controls"
    lacking = (
        f"; incomplete: {', '.join(missing + bare)}"
        if missing or bare
        else ", on the finding's own pictures and placements"
    )
    return Box(not missing and not bare, f"{number} a finding{lacking}")
