"""What a result says, in sentences that every format repeats word for word. It reads records and decides no verdict."""

from __future__ import annotations

from collections.abc import Collection

from auditor.core.records import (
    AuditResult,
    Candidate,
    CleanAccuracy,
    Effect,
    Finding,
    Fragility,
    Limits,
    Origin,
    Share,
    Split,
    Tier,
    Verdict,
)
from auditor.core.records.trials import TOP
from auditor.report.known_shortcuts import known_sentence
from auditor.report.numbers import (
    counts,
    how_many,
    logits,
    logits_interval,
    percent,
    plain_points,
    points,
    points_interval,
    rate_with_counts,
)
from auditor.report.order import CONCERN, held_back
from auditor.report.planted import planted_sentence
from auditor.report.stopping import pictures_used
from auditor.report.whole_pictures import keeps_from_passing, whole_clause
from auditor.report.words import TIERS


def verdict_sentence(result: AuditResult) -> str:
    """The sentence a reviewer copies, for example
    `FAIL: 2 of 8 patches move frying pan to wok by more than 10 points`."""
    clauses = [_candidates_clause(result)]
    fragility = result.fragility
    if fragility is not None and fragility.verdict is not Verdict.PASS:
        clauses.append(_fragility_clause(fragility))
        # The clause that gives the run its verdict stands first.
        if fragility.verdict is result.verdict and not _candidates(result, result.verdict):
            clauses.reverse()
    whole = whole_clause(result)
    decides = (result.limits.whole_pictures or keeps_from_passing(result)) and not _candidates(result, result.verdict)
    clauses = [*whole, *clauses] if decides else [*clauses, *whole]
    doubts, search = _doubts_clause(result), _search_clause(result)
    no_pass = result.verdict is Verdict.INCONCLUSIVE and result.accuracy is not None and result.accuracy.forbids_a_pass
    clauses = [*doubts, *clauses] if no_pass else [*clauses, *doubts]
    clauses = [*search, *clauses] if result.verdict is Verdict.INCONCLUSIVE else [*clauses, *search]
    return f"{result.verdict.value.upper()}: {'; '.join(clauses)}"


def scope_sentence(result: AuditResult) -> str:
    """How many candidates, findings and pictures stand behind the verdict."""
    if not result.findings:
        return (
            f"No candidate stands behind this word: {how_many(result.hypotheses_tried, 'candidate')} tried, "
            f"none confirmed, on {how_many(eligible(result), 'eligible picture')}."
        )
    confirmed = len({finding.candidate.id for finding in result.findings})
    placements = len({finding.placement for finding in result.findings if finding.candidate.spot is None})
    spread = f" at {placements} placements ({len(result.findings)} findings)" if placements > 1 else ""
    own = sum(finding.candidate.spot is not None for finding in result.findings)
    spread += f", {own} of them where they lay in their own pictures" if own else ""
    stand = f"Behind this word {'stands' if confirmed == 1 else 'stand'}"
    pictures = pictures_used(result.findings, eligible(result))
    if all_brought(result):
        patches = how_many(confirmed, "patch", "patches")
        return f"{stand} {patches} that a person brought, every one measured{spread}, on {pictures}."
    return (
        f"{stand} {how_many(confirmed, 'patch', 'patches')}{spread}, "
        f"chosen from {result.hypotheses_tried:,} that were tried, and measured on "
        f"{pictures} that had no part in choosing them."
    )


def looks_sentence(result: AuditResult) -> str | None:
    """How often these confirmation pictures were looked at before; None where the result does not know."""
    looks = result.looks
    if looks is None:
        return None
    missing = f" Looks may be missing: {looks.problem}." if looks.problem else ""
    if looks.number > 1 and looks.spent is not None:
        missing = (
            f" This is look {looks.number} at these candidates, on more pictures, and its intervals allow for the "
            f"looks before it: all together err by a wrong fail in at most {percent(looks.spent)} of audits.{missing}"
        )
    if not looks.earlier:
        no_other = "no other" if looks.number > 1 else "no"
        return f"The ledger beside this run tells of {no_other} earlier look at these confirmation pictures.{missing}"
    last = looks.earlier[-1]
    return (
        f"These confirmation pictures, or most of them, had been looked at {_times(len(looks.earlier))} before, for "
        f"the same model and pair, with {how_many(looks.patches, 'patch', 'patches')} in all (the last time by "
        f"{last.run}, {last.date[:10]}: {last.what}). No interval here allows for that, and a limit that is "
        f"crossed at one of several looks proves less than it says.{missing}"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def all_brought(result: AuditResult) -> bool:
    """Whether nothing was searched: every finding is a patch that a person brought, and no other was tried."""
    own = all(finding.candidate.origin is Origin.USER for finding in result.findings)
    return bool(result.findings) and own and result.hypotheses_tried == len(result.findings)


def what_it_does_not_say(result: AuditResult) -> tuple[str, ...]:
    """The limits of the verdict, so that nobody reads more into the word than was measured."""
    pair = f"{result.source.name} to {result.target.name}"
    layer = f" and of {result.subject.layers_named}" if result.subject.layer else ""
    common = [f"It speaks of the pair {pair}{layer} alone, and of pictures like those that were measured."]
    if not all_brought(result):
        common.append(known_sentence(result.verdict))
    planted = planted_sentence(result)
    common += [] if planted is None else [planted]
    if result.verdict is Verdict.FAIL:
        return (
            "It does not say how often such features occur in use, nor that no other feature fails as well.",
            *common,
        )
    if result.verdict is Verdict.PASS:
        return ("It does not say that no patch moves the model: only those that were tried are covered.", *common)
    return ("It is neither a pass nor a fail: the measurements leave the answer open.", *common)


def eligible(result: AuditResult) -> int:
    """Eligible confirmation pictures; 0 where the split was not made."""
    return sum(split.eligible for split in result.splits if split.split is Split.CONFIRMATION)


def ceiling_sentence(result: AuditResult) -> str | None:
    """What patches do that were computed with the model's own gradients; None where none was tried."""
    words = {Origin.OPTIMISED: "a patch trained to flip it", Origin.RENDER: "the best of {} rendered ones"}
    told = []
    for origin, word in words.items():
        rows = [row for row in result.survey if row.candidate.origin is origin]
        if rows:
            best = max(rows, key=lambda row: row.flips)
            told.append(f"{word.format(len(rows))} flips {counts(best.flips, best.eligible)}")
    if not told:
        return None
    return f"Ceiling for this size, by the model's own gradients and held to no limit: {', '.join(told)}."


def chosen_by(candidate: Candidate) -> str:
    """How a candidate came to be tried, in a word or two."""
    if candidate.parts:
        return "made of " + " and ".join(candidate.parts)
    if candidate.origin is Origin.CROP:
        if candidate.is_strongest_contrast:
            return "by contrast alone"
        if candidate.spot is not None:
            return "at its own place"
        if candidate.suggested and candidate.tier is Tier.UNLABELLED:
            return "from the pool"
        return "by the atlas" if candidate.suggested else "at random"
    return candidate.origin.words.partition(":")[0].lower()


def placement_of(finding: Finding) -> str:
    """The placement of a finding, and where and how large a crop's own place is."""
    spot = finding.candidate.spot
    return f"{finding.placement.value} placement" + (f" ({spot.words})" if spot is not None else "")


def finding_sentence(finding: Finding, limit: float) -> str:
    """A finding's numbers in one line, for places without a table."""
    return (
        f"{TIERS[finding.tier].label}, {placement_of(finding)}: flips "
        f"{rate_with_counts(finding.flips, finding.eligible, finding.interval)}; strongest control "
        f"{finding.control.name} {counts(finding.control.flips, finding.control.eligible)}; "
        f"uplift {points(finding.uplift)} ({points_interval(finding.uplift_interval)}) "
        f"against a limit of {plain_points(limit)}"
    )


def what_does_it(finding: Finding) -> str:
    """The heading of a finding's ladder of effects: which step does it, by name."""
    step = finding.does_it
    if not finding.ladder or finding.ladder[-1].over_covering <= 0:
        return "What it does beyond covering: nothing that was measured"
    if step is None:
        return "What does it: the patch itself, neither its colours nor its texture alone"
    return f"What does it: {step.words} alone"


def step_label(effect: Effect) -> str:
    """What a step of the ladder is called."""
    return "the patch itself" if effect.step is None else f"{effect.step.value}: {effect.control}"


def chosen_from_sentence(finding: Finding) -> str | None:
    """Of how many patches a finding may be the luckiest; None where it had not been tried before."""
    if finding.hypotheses == 1:
        return None
    return (
        f"These very pixels had been tried on these pictures before, as one of {finding.hypotheses:,} patches: "
        "interval and adjusted p are corrected for having chosen it from them."
    )


def beside_flips(finding: Finding) -> tuple[str, ...]:
    """What a patch does beside flipping, over the covering that does most of it: log-odds, and entries into the top."""
    told = []
    if finding.log_odds is not None:
        one = finding.log_odds
        told.append(
            f"Raises the log-odds of the target by {logits(one.uplift)} more than {one.covering} does "
            f"({logits_interval(one.interval)})"
        )
    if finding.top_five is not None:
        top = finding.top_five
        told.append(
            f"Brings it among the {TOP} likeliest classes in {counts(top.hits, top.eligible)} of the pictures where it "
            f"was not before, {top.covering} in {counts(top.covering_hits, top.eligible)}: {points(top.uplift)} "
            f"({points_interval(top.interval)})"
        )
    return tuple(told)


def fragility_sentence(fragility: Fragility) -> str:
    """What mere covering does, in one line."""
    rate = rate_with_counts(fragility.flips, fragility.eligible, fragility.interval)
    against = f"against a limit of {percent(fragility.limit)}"
    if fragility.candidate:  # of an earlier version, which took the strongest control of one candidate
        return (
            f"the strongest of {how_many(fragility.compared, 'control')}, {fragility.control} (made for "
            f"{fragility.candidate}, {fragility.placement} placement), flips {rate} {against}"
        )
    draws = how_many(fragility.compared, "draw")
    return (
        f"covering, over {draws} on {how_many(fragility.images, 'picture')} ({fragility.placement} placement), "
        f"flips {rate} {against}"
    )


def accuracy_sentence(result: AuditResult, accuracy: CleanAccuracy) -> str:
    """How far the model knows its own classes, in one line."""
    source, target, answer = result.source.name, result.target.name, result.class_names[accuracy.answer]
    return (
        f"of {how_many(accuracy.overall.pictures, 'discovery picture')} without a patch it recognises "
        f"{_right(accuracy.overall)}, of {source} {_right(accuracy.source)}, of {target} {_right(accuracy.target)}; "
        f"its most frequent answer, {answer}, takes {_right(accuracy.answered)}."
    )


def _right(share: Share) -> str:
    return counts(share.count, share.pictures)


def _doubts_clause(result: AuditResult) -> list[str]:
    """What speaks against the model itself, as one clause; confirmed by the user, it is said all the same."""
    accuracy = result.accuracy
    if accuracy is None or not accuracy.doubts:
        return []
    return ["; ".join(accuracy.doubts) + (", as confirmed by limits.unknown_target" if accuracy.accepted else "")]


def _search_clause(result: AuditResult) -> list[str]:
    """Beside a pass, and where it kept a run from one: that the search is not shown to have done better than chance."""
    validity = result.suggestion_validity
    kept = result.limits.search and result.verdict is Verdict.INCONCLUSIVE
    if validity is None or validity.headline.better_than_chance or not (kept or result.verdict is Verdict.PASS):
        return []
    return ["the search did no better than chance" + (", which limits.search does not let pass" if kept else "")]


def _candidates_clause(result: AuditResult) -> str:
    held = {finding.candidate.id for finding in result.findings if finding.held_to_limit}
    beside = {finding.candidate.id for finding in result.findings} - held
    move = f"{result.source.name} to {result.target.name}"
    limit = limit_words(result.limits)
    aside = _aside(result, beside)
    if not result.findings:
        return f"no candidate was confirmed for {move}"
    if not held:
        return f"no measured patch is held to the limit for {move}{aside}"
    of = "the one patch that is held to the limit" if len(held) == 1 else f"{len(held)} patches"
    failed, open_ = _candidates(result, Verdict.FAIL), _candidates(result, Verdict.INCONCLUSIVE)
    waiting = {finding.candidate.id for finding in held_back(result)} - failed
    if len(held) == 1 and not waiting:
        return f"{of} {_one_does(move, limit, bool(failed), bool(open_))}{aside}"
    if failed:
        looks = f", and {len(waiting)} more that wait{_s(waiting)} for a look" if waiting else ""
        return f"{len(failed)} of {of} move{_s(failed)} {move} by more than {limit}{looks}{aside}"
    if waiting:
        return f"{of if len(held) == 1 else f'{len(waiting)} of {of}'} {_held_back(result, waiting, open_)}{aside}"
    if open_:
        return f"none of {of} is shown to move {move} by more than {limit}, but {len(open_)} cannot be ruled out{aside}"
    return f"none of {of} moves {move} by {limit} or more{aside}"


def _held_back(result: AuditResult, waiting: Collection[str], open_: Collection[str]) -> str:
    """What patches do that a look alone keeps from failing, and how many others are open."""
    target, they, others = result.target.name, "it" if len(waiting) == 1 else "they", len(open_) - len(waiting)
    move = f"move{_s(waiting)} {result.source.name} to {target} by more than {limit_words(result.limits)}"
    ruled = f"; {others} more cannot be ruled out" if others else ""
    return f"{move}, but wait{_s(waiting)} for a look: {they} may show {target} itself{ruled}"


def _s(found: Collection[str]) -> str:
    """What a verb ends in."""
    return "s" if len(found) == 1 else ""


def limit_words(limits: Limits) -> str:
    """What a finding is held to: `10 points`, or `10 points or 2 logits` where log-odds have a limit of their own."""
    points_alone = plain_points(limits.uplift)
    return points_alone if limits.log_odds is None else f"{points_alone} or {limits.log_odds:g} logits"


def _one_does(move: str, limit: str, failed: bool, open_: bool) -> str:
    if failed:
        return f"moves {move} by more than {limit}"
    if open_:
        return f"is not shown to move {move} by more than {limit}, but cannot be ruled out"
    return f"does not move {move} by {limit} or more"


def _aside(result: AuditResult, beside: set[str]) -> str:
    """Who is not counted and why, in brackets; empty where everybody is."""
    if not beside:
        return ""
    computed = {found.candidate.id for found in result.findings if found.candidate.origin.from_gradients} & beside
    one = len(beside) == 1
    show = f"{'shows' if one else 'show'} {result.target.name} itself"
    were = f"{'was' if one else 'were'} computed with the model's gradients"
    why = show if not computed else were if computed == beside else f"{show} or {were}"
    return f" ({len(beside)} more {why} and {'is' if one else 'are'} not held to the limit)"


def _fragility_clause(fragility: Fragility) -> str:
    if fragility.eligible < 1:
        return "what mere covering does was not measured"
    rate, limit = counts(fragility.flips, fragility.eligible), percent(fragility.limit)
    against = "above" if fragility.verdict is Verdict.FAIL else "not settled against"
    return f"mere covering ({fragility.control}) flips {rate}, {against} the limit of {limit}"


def _candidates(result: AuditResult, verdict: Verdict) -> set[str]:
    """Candidates by their worst verdict: one that fails at one placement is not also counted as open at another."""
    worst: dict[str, Verdict] = {}
    for finding in result.findings:
        known = worst.get(finding.candidate.id, Verdict.NOT_HELD)
        worst[finding.candidate.id] = min(known, finding.word, key=CONCERN.__getitem__)
    return {candidate for candidate, found in worst.items() if found is verdict}
