"""What a result says of effects over whole pictures, in sentences that every format repeats. It decides nothing."""

from __future__ import annotations

from auditor.core.records import BACKGROUND, AuditResult, Verdict, WholeFinding, WholePictures
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
    strongest = max(whole.findings, key=lambda one: one.uplift)
    others = len(whole.findings) - 1
    rest = "" if not others else f"; {_rest([one for one in whole.findings if one is not strongest])}"
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
        f"{finding.effect.words} flips {counts(finding.trial.flips, finding.trial.eligible)}, its strongest control "
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
    """Whether they can fail the model."""
    if not whole.held:
        kept = "; a background above it keeps a run from passing" if whole.backgrounds_above else ""
        return f"They are held to no limit (limits.whole_pictures){kept}."
    spared = len(whole.findings) - len(whole.held_findings)
    return "They are held to the limit" + (f", but {spared} that may show the target." if spared else ".")


def whole_clause(result: AuditResult) -> list[str]:
    """What belongs beside the run's word: a fail of their own, or that a pass speaks of patches alone."""
    whole = result.whole
    if result.limits.whole_pictures:
        return _held_clause(whole, result.limits.uplift)
    if keeps_from_passing(result):
        return _background_clause(result)
    if whole is None or not whole.above or result.verdict is not Verdict.PASS:
        return []
    worst = max(whole.above, key=lambda one: one.uplift)
    others = len(whole.above) - 1
    more = f"; {how_many(others, 'other effect')} {'is' if others == 1 else 'are'} above it as well" if others else ""
    return [
        f"but the limits speak of patches: over whole pictures {worst.effect.words} flips "
        f"{counts(worst.trial.flips, worst.trial.eligible)}, its strongest control "
        f"{counts(worst.control.flips, worst.control.eligible)}, held to no limit (limits.whole_pictures){more}"
    ]


def keeps_from_passing(result: AuditResult) -> bool:
    """Whether an exchanged background, held to no limit, keeps the run from passing."""
    unheld = result.whole is not None and not result.limits.whole_pictures and bool(result.whole.backgrounds_above)
    return unheld and result.verdict is Verdict.INCONCLUSIVE


def _background_clause(result: AuditResult) -> list[str]:
    found = result.whole.backgrounds_above if result.whole is not None else ()
    return [
        f"exchanging the background behind {result.source.name} flips {counts(one.trial.flips, one.trial.eligible)}, "
        f"its strongest control {counts(one.control.flips, one.control.eligible)}, which does not let it pass "
        "(limits.whole_pictures makes it a fail)"
        for one in found
    ]


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
