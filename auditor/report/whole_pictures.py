"""What a result says of effects over whole pictures, in sentences that every format repeats. It decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.records import BACKGROUND, AuditResult, Verdict, WholeFinding, WholePictures, strongest_first
from auditor.report.numbers import counts, how_many, plain_points, points, points_interval

NOT_MEASURED = "not measured: an earlier version made this run, or it is a look at patches alone"
_AGAINST = {Verdict.FAIL: "above", Verdict.PASS: "below", Verdict.INCONCLUSIVE: "not settled against"}


def whole_sentence(result: AuditResult) -> str:
    """What effects over whole pictures do, in one line."""
    whole = result.whole
    if whole is None:
        return NOT_MEASURED
    if not whole.findings:
        return f"not measured: {whole.missing}"
    strongest, *others = strongest_first(whole.findings)
    rest = f"; {_rest(others)}" if others else ""
    return (
        f"of {how_many(len(whole.tried), 'effect')} tried {how_many(len(whole.findings), 'was', 'were')} confirmed; "
        f"{whole_finding_sentence(strongest, result.limits.uplift)}{rest}. {held_words(whole)}"
    )


def _rest(others: list[WholeFinding]) -> str:
    """Where the others lie to the limit, in a clause."""
    verdicts = [one.verdict for one in others]
    words = [word for word in _AGAINST if word in verdicts]
    if len(words) == 1:
        one = len(others) == 1
        return f"the other {'is' if one else f'{len(others)} are'} {_AGAINST[words[0]]} it"
    told = ", ".join(f"{verdicts.count(word)} {_AGAINST[word]} it" for word in words)
    return f"of the other {len(others)}, {told}"


def whole_finding_sentence(finding: WholeFinding, limit: float) -> str:
    """A finding's numbers in one line."""
    return (
        f"{finding.effect.words} flips {counts(finding.flips, finding.eligible)}, its strongest control "
        f"({finding.control.name}) {counts(finding.control.flips, finding.control.eligible)}: uplift "
        f"{points(finding.uplift)} ({points_interval(finding.uplift_interval)}), {_AGAINST[finding.verdict]} "
        f"{plain_points(limit)}"
    )


def whole_words(finding: WholeFinding) -> str:
    """Where it lies to the limit, in a word."""
    return "open" if finding.verdict is Verdict.INCONCLUSIVE else _AGAINST[finding.verdict]


def left_out_words(whole: WholePictures) -> str:
    """What was not tried for want of annotations; "" where nothing was left out."""
    if any(one.kind == BACKGROUND for one in whole.tried):
        return ""
    return (
        "Backgrounds were not exchanged: that takes annotations (images.masks or images.boxes) of where the objects "
        "lie, in half of the pictures at least. A shortcut that covers a whole background may have been overlooked."
    )


def held_words(whole: WholePictures) -> str:
    """What they do to the verdict."""
    target = sum(one.effect.shows_target for one in whole.findings)
    heeded = sum(one.effect.kind in whole.may_heed for one in whole.findings)
    spared = [f"{target} that may show the target"] if target else []
    spared += [f"{heeded} that the model may heed (limits.may_heed)"] if heeded else []
    which = " and ".join(spared)
    if whole.held:
        return f"They are held to the limit, but {which}." if spared else "They are held to the limit."
    does = f"; {which} {'does' if target + heeded == 1 else 'do'} not" if spared else ""
    return f"Above the limit one fails no model, and keeps a run from passing (limits.whole_pictures){does}."


def whole_clause(result: AuditResult) -> list[str]:
    """What belongs beside the run's word: a fail of their own, why it is no pass, or what a pass lets through."""
    whole = result.whole
    if result.limits.whole_pictures:
        return _held_clause(whole, result.limits.uplift)
    if whole is None:
        return []
    if keeps_from_passing(result):
        return [f"{_strongest(result, whole.in_the_way)}, which does not let it pass{_others(whole.in_the_way)}"]
    if not whole.above or result.verdict is not Verdict.PASS:
        return []
    return [f"but {_strongest(result, whole.above)}, held to no limit{_others(whole.above)}"]


def _strongest(result: AuditResult, found: Sequence[WholeFinding]) -> str:
    """The counts of the first of some effects, and what it changes."""
    first = found[0]
    what = f"over whole pictures {first.effect.words}"
    if first.effect.kind == BACKGROUND:
        what = f"exchanging the background behind {result.source.name}"
    return (
        f"{what} flips {counts(first.flips, first.eligible)}, its strongest control "
        f"{counts(first.control.flips, first.control.eligible)}"
    )


def _others(found: Sequence[WholeFinding]) -> str:
    """How many stand beside the first."""
    others = found[1:]
    if not others:
        return ""
    where = "above the limit" if all(one.verdict is Verdict.FAIL for one in others) else "in its way"
    return f"; {how_many(len(others), 'other effect')} {'is' if len(others) == 1 else 'are'} {where} as well"


def keeps_from_passing(result: AuditResult) -> bool:
    """Whether an effect above the limit, which fails nobody, keeps the run from passing."""
    unheld = result.whole is not None and not result.limits.whole_pictures and bool(result.whole.in_the_way)
    return unheld and result.verdict is Verdict.INCONCLUSIVE


def _held_clause(whole: WholePictures | None, limit: float) -> list[str]:
    held = whole.held_findings if whole is not None else ()
    if not held:
        what = "was confirmed that can fail" if whole is not None and whole.findings else "was measured"
        return [f"no effect over whole pictures {what}, which limits.whole_pictures does not let pass"]
    verdicts, effects = [one.verdict for one in held], how_many(len(held), "whole-picture effect")
    if failed := verdicts.count(Verdict.FAIL):
        return [f"{failed} of {effects} {'flips' if failed == 1 else 'flip'} more than {plain_points(limit)}"]
    if still_open := verdicts.count(Verdict.INCONCLUSIVE):
        return [f"{still_open} of {effects} cannot be ruled out"]
    return []
