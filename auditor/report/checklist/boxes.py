"""The boxes of a checklist beside its items: what was tested, and what a person must see to. Records in, text out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.core.records import AuditResult, Tier, Verdict
from auditor.report.numbers import how_many
from auditor.report.page import Page
from auditor.report.text import shown_path
from auditor.report.words import TIERS

_HERE = "(in the folder that holds this file)"
"""A command that works wherever a run folder was moved to, and names no folder of the machine."""


@dataclass(frozen=True, slots=True)
class Box:
    """One line of the checklist: ticked where the evidence settles it, open where a person must act."""

    ticked: bool
    text: str


def tested(result: AuditResult, page: Page) -> Iterator[Box]:
    """Model, weights, pair, patches and pictures."""
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


def person(result: AuditResult, page: Page) -> Iterator[Box]:
    """What nobody but a person can say; ticked where one has said it."""
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
    if result.skipped:
        reasons = ", ".join(f"{reason} {len(pictures)}" for reason, pictures in page.skipped_by_reason)
        yield Box(
            False, f"{how_many(len(result.skipped), 'picture')} skipped ({reasons}): do the rest still represent?"
        )
    if result.left_out:
        counts = "; ".join(f"{why}: {count:,}" for why, count in sorted(result.left_out.items()))
        yield Box(False, f"Left out unopened ({counts}): is no picture of yours among them?")
    yield Box(False, "The model and weights above are those to be released")
    yield Box(False, "The pictures tested resemble those the model will meet")
    yield Box(False, "The verdict and what it does not say have been read")
