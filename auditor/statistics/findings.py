"""From trial outcomes to findings: flip rates, uplifts, verdicts, fragility. Runs no model and opens no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.core.records import (
    Finding,
    Fragility,
    Interval,
    Limits,
    Review,
    Step,
    Tier,
    Verdict,
)
from auditor.core.records.trials import ConfirmedTrials
from auditor.statistics.beside_flips import beside_flips, entered, measured_beside_flips
from auditor.statistics.covering import UPLIFT_METHOD, p_uplift_at_least, p_uplift_at_most
from auditor.statistics.intervals import INTERVALS
from auditor.statistics.ladder import ladder_of_effects, what_does_it
from auditor.statistics.looks import ErrorBudget, error_budget
from auditor.statistics.paired import PairedCounts, paired_counts
from auditor.statistics.planning import images_that_settle
from auditor.statistics.procedure import Decision, decide, uplift_interval
from auditor.statistics.uplift import over_control
from auditor.statistics.verdicts import judge


def make_findings(
    trials: Sequence[ConfirmedTrials],
    limits: Limits,
    reviews: Mapping[str, Review],
    chosen_from: Mapping[str, int] | None = None,
) -> tuple[Finding, ...]:
    """Findings of everything confirmed, held to the limit together, the largest uplift first.

    Args:
        trials: in the order in which selection chose them, which is the order in which they are held to the limit.
        chosen_from: of candidates that were tried on these pictures before, how many patches were tried then, by id.
            Such a candidate's p-values are multiplied by that number (Bonferroni): it may be the luckiest. Where a
            candidate was looked at several times, they are divided by the share of its last look.

    Raises:
        NoEligibleImagesError: no confirmation picture is eligible.
    """
    findings = _measured(trials, limits, chosen_from or {})
    ordered = sorted(findings, key=lambda finding: (-finding.uplift, finding.candidate.id, finding.placement))
    return apply_reviews(ordered, limits, reviews)


def settled_findings(trials: Sequence[ConfirmedTrials], limits: Limits, chosen_from: Mapping[str, int]) -> list[bool]:
    """Of each candidate, in the order given, whether its uplift in flips is above the limit or below it by these
    numbers: as the interval of its finding says, whatever people's marks will say of it.

    Args, Raises:
        As `make_findings`.
    """
    findings = _measured(trials, limits, chosen_from)
    decisions = _decisions(findings, _budget(limits))
    alone = (1 - limits.confidence) / 2
    return [
        decisions[one.place].verdict is not Verdict.INCONCLUSIVE
        if one.place in decisions
        else one.p_below is not None and min(one.p_value, one.p_below) < alone
        for one in findings
    ]


def _measured(trials: Sequence[ConfirmedTrials], limits: Limits, chosen_from: Mapping[str, int]) -> list[Finding]:
    return [_measure(one, limits, place, chosen_from.get(one.candidate.id, 1)) for place, one in enumerate(trials)]


def _measure(trials: ConfirmedTrials, limits: Limits, place: int, hypotheses: int) -> Finding:
    """A candidate's numbers, before it is held to anything."""
    block = trials.block
    outcomes = block.outcomes
    flips, eligible = int(outcomes.sum()), len(outcomes)
    of_controls = {name: control.outcomes for name, control in trials.controls.items()}
    paired = {name: paired_counts(outcomes, changed) for name, changed in of_controls.items()}
    confidence = 1 - (1 - limits.confidence) * trials.share if trials.stopping else limits.confidence
    controls = tuple(
        beside_flips(
            over_control(name, table, confidence, trials.steps[name], trials.share), block, trials.controls[name]
        )
        for name, table in paired.items()
    )
    covering = [control for control in controls if control.step is Step.COVERING]
    strongest = min(covering, key=lambda one: (one.uplift, one.name))
    ladder = ladder_of_effects(outcomes, of_controls, trials.steps, confidence)
    tables = [paired[control.name] for control in covering]
    strictness = hypotheses / trials.share  # as Finding.strictness
    p_above = min(1.0, strictness * p_uplift_at_most(tables, limits.uplift))
    p_below = min(1.0, strictness * p_uplift_at_least(tables, limits.uplift))
    return Finding(
        candidate=trials.candidate,
        placement=trials.placement,
        flips=flips,
        eligible=eligible,
        rate=flips / eligible,
        interval=INTERVALS[limits.interval](flips, eligible, confidence),
        controls=controls,
        control=strongest,
        uplift=strongest.uplift,
        uplift_interval=Interval(-1.0, 1.0, limits.confidence, UPLIFT_METHOD),
        p_value=p_above,
        p_adjusted=p_above,
        probability_before=float(block.before.mean(dtype="float64")),
        probability_after=float(block.best_after.mean(dtype="float64")),
        verdict=Verdict.INCONCLUSIVE,
        reason="",
        hypotheses=hypotheses,
        ladder=ladder,
        does_it=what_does_it(ladder),
        place=place,
        p_below=p_below,
        p_below_adjusted=p_below,
        entries=entered(block),
        stopping=trials.stopping,
    )


def apply_reviews(findings: Sequence[Finding], limits: Limits, reviews: Mapping[str, Review]) -> tuple[Finding, ...]:
    """Set tiers by the reviews, and hold everything that can fail to the limit together; counts stay as they are.

    Results of earlier versions do not keep what a test needs: their intervals stay, and give the verdict.
    """
    marked = [replace(one, review=reviews.get(one.candidate.id, one.review)) for one in findings]
    if all(one.p_below is not None for one in marked):
        budget = _budget(limits)
        marked = measured_beside_flips(_held_together(marked, limits, budget), limits, budget)
    return tuple(_with_word(one, limits) for one in marked)


def _budget(limits: Limits) -> ErrorBudget:
    """What the findings of this look may spend."""
    budget = error_budget(limits.confidence)
    if limits.whole_pictures:  # effects over whole pictures have the other half
        budget = replace(budget, fail=budget.fail / 2)
    if limits.log_odds is not None:  # two limits share what may be spent on a wrong fail (Bonferroni)
        budget = replace(budget, fail=budget.fail / 2)
    return budget


def _held_together(findings: Sequence[Finding], limits: Limits, budget: ErrorBudget) -> list[Finding]:
    """Each finding with the bounds and p-values of the procedure over all that can fail."""
    by_place = _decisions(findings, budget)
    return [_decided(one, by_place.get(one.place), limits) for one in findings]


def _decisions(findings: Sequence[Finding], budget: ErrorBudget) -> dict[int, Decision]:
    """What the procedure over all that can fail, in the order of selection, says of each, by its place."""
    held = sorted((one for one in findings if one.held_to_limit), key=lambda one: one.place)
    p_below = [one.p_below if one.p_below is not None else 1.0 for one in held]
    decisions = decide([one.p_value for one in held], p_below, budget)
    return {one.place: decision for one, decision in zip(held, decisions, strict=True)}


def _decided(finding: Finding, decision: Decision | None, limits: Limits) -> Finding:
    """A finding read at the levels of its decision; None: it is held to nothing, and its bounds are its own."""
    alpha = 1 - limits.confidence
    above = (decision.level_above if decision else alpha / 2) / finding.strictness
    below = (decision.level_below if decision else alpha / 2) / finding.strictness
    alone = error_budget(limits.confidence).passing / finding.strictness  # once all others have passed
    tables = covering_tables(finding)
    open_one = decision is not None and decision.verdict is Verdict.INCONCLUSIVE
    return replace(
        finding,
        uplift_interval=uplift_interval(tables, above, below, limits.uplift),
        p_adjusted=decision.adjusted_above if decision else finding.p_value,
        p_below_adjusted=decision.adjusted_below if decision else finding.p_below,
        images_needed=images_that_settle(tables, above, alone, limits.uplift) if open_one else None,
    )


def covering_tables(finding: Finding) -> list[PairedCounts]:
    """A finding's paired counts with each covering, from the counts it keeps.

    Raises:
        ValueError: it is of an earlier version, which did not keep them.
    """
    tables = []
    for control in finding.controls:
        if control.step is not Step.COVERING:
            continue
        if control.alone is None:
            raise ValueError(f"{finding.candidate.id} keeps no paired counts with {control.name!r}; measure it anew")
        both = finding.flips - control.alone
        second = control.flips - both
        tables.append(PairedCounts(both, control.alone, second, finding.eligible - finding.flips - second))
    return tables


def _with_word(finding: Finding, limits: Limits) -> Finding:
    verdict, reason = _verdict(finding, limits)
    return replace(finding, verdict=verdict, reason=reason)


def _verdict(finding: Finding, limits: Limits) -> tuple[Verdict, str]:
    """The finding's word and its reason: it fails where one limit fails, and passes where all pass."""
    if finding.tier is Tier.TARGET_OBJECT:
        return Verdict.NOT_HELD, "it shows the target object itself, so a flip is expected and never fails the model"
    if finding.candidate.origin.from_gradients:
        return Verdict.NOT_HELD, "it was computed with this model's gradients: a ceiling to read the others by"
    readings = _readings(finding, limits)
    failed = " and ".join(f"{one.bound('lower')} is above {one.limit}" for one in readings if one.word is Verdict.FAIL)
    if failed and finding.awaits_look:
        return (
            Verdict.INCONCLUSIVE,
            f"{failed}, but nobody has said yet whether the patch shows the target object or its surroundings "
            "(auditor review)",
        )
    if failed:
        return Verdict.FAIL, failed
    spans = [one for one in readings if one.word is Verdict.INCONCLUSIVE]
    if not spans:
        return Verdict.PASS, " and ".join(f"{one.bound('upper')} is below {one.limit}" for one in readings)
    flips_open = readings[0].word is Verdict.INCONCLUSIVE
    hopeless = (
        "; at these rates no number of images would settle it" if flips_open and not finding.images_needed else ""
    )
    return Verdict.INCONCLUSIVE, " and ".join(
        f"the {one.what}'s interval spans {one.limit}" for one in spans
    ) + hopeless


@dataclass(frozen=True, slots=True)
class _Reading:
    """One uplift against its limit, in words."""

    what: str
    limit: str
    word: Verdict

    def bound(self, side: str) -> str:
        return f"the {side} bound of the {self.what}" if " " in self.what else f"the {self.what}'s {side} bound"


def _readings(finding: Finding, limits: Limits) -> list[_Reading]:
    """Flips first; log-odds where there is a limit of them, open where they were not measured."""
    flips = judge(finding.uplift_interval, limits.uplift)
    readings = [_Reading("uplift", f"{100 * limits.uplift:g} points", flips)]
    if limits.log_odds is not None:
        measured = finding.log_odds.verdict if finding.log_odds is not None else None
        word = measured or Verdict.INCONCLUSIVE
        readings.append(_Reading("uplift in log-odds", f"{limits.log_odds:g} logits", word))
    return readings


def run_verdict(findings: Sequence[Finding], fragility: Fragility | None) -> tuple[Verdict, str]:
    """The run's word and what stands behind it: a run fails where one limit fails, and passes where all pass."""
    news = [finding for finding in findings if finding.held_to_limit]
    failed = [finding for finding in news if finding.verdict is Verdict.FAIL]
    passed = [finding for finding in news if finding.verdict is Verdict.PASS]
    behind = f"{len(news)} findings that do not show the target object: {len(failed)} fail, {len(passed)} pass"
    behind += f", {len(news) - len(failed) - len(passed)} inconclusive"
    if fragility is None:
        return Verdict.INCONCLUSIVE, f"{behind}; no control ran"
    behind += f"; fragility limit: {fragility.verdict}"
    if failed or fragility.verdict is Verdict.FAIL:
        return Verdict.FAIL, behind
    if not news:
        return Verdict.INCONCLUSIVE, f"{behind}; nothing but the target object itself was confirmed"
    if len(passed) == len(news) and fragility.verdict is Verdict.PASS:
        return Verdict.PASS, behind
    return Verdict.INCONCLUSIVE, behind
