"""What a search made of known shortcuts in copies of the model, in sentences that every format repeats; no verdict."""

from __future__ import annotations

from auditor.core.records import AuditResult, Verdict
from auditor.core.records.planted import WITHIN, HowOften, Planted, PlantedFinding, PlantedShortcut
from auditor.report.numbers import counts, how_many, percent, plain_points, points, rate_interval

COUNTS_FOR_NOTHING = "not above the limit, so it counts for nothing"


def planted_sentence(result: AuditResult) -> str | None:
    """How often the search found what was planted; None where nobody asked."""
    told = [one for one in (sentence_of_patches(result), sentence_of_whole_pictures(result)) if one]
    return " ".join(told) if result.planted is not None else None


def sentence_of_patches(result: AuditResult) -> str:
    """How often it found what a patch can show; "" where none was planted."""
    planted = result.planted
    return _of_patches(planted, plain_points(result.limits.uplift)) if planted and planted.shortcuts else ""


def sentence_of_whole_pictures(result: AuditResult) -> str:
    """How often it found changes of whole pictures; "" where none was planted."""
    over = result.planted.over_whole if result.planted is not None else None
    if result.planted is None or over is None:
        return ""
    where = "as well" if result.planted.shortcuts else "in copies of this model"
    return _of_whole_pictures(over, plain_points(result.limits.uplift), where)


def _of_patches(planted: Planted, limit: str) -> str:
    if planted.caught is None or planted.first is None or planted.within is None or planted.passed is None:
        some = how_many(len(planted.shortcuts), "shortcut was", "shortcuts were")
        return f"{some} planted in copies of this model, and no cue flips more than {limit} there, so nothing is shown."
    which = "which" if planted.counted == 1 else "each of which"
    return (
        f"Of {how_many(planted.counted, 'known shortcut')} planted in copies of this model, {which} truly flips "
        f"more than {limit}, the same search catches {_often(planted.caught)}: a finding that shows it fails the copy. "
        f"{planted.noticed:,} more fail by what the copy takes for it and the model itself does not. It is the first "
        f"finding in {planted.first.count:,} and among the first {WITHIN} in {planted.within.count:,}; "
        f"{how_many(planted.passed.count, 'copy passes', 'copies pass')}."
    )


def _of_whole_pictures(planted: Planted, limit: str, where: str) -> str:
    if planted.caught is None or planted.passed is None:
        some = how_many(len(planted.shortcuts), "change of whole pictures was", "changes of whole pictures were")
        return f"{some} planted {where}, and none flips more than {limit}, so nothing is shown of these."
    which = "which" if planted.counted == 1 else "each of which"
    return (
        f"Of {how_many(planted.counted, 'change of whole pictures', 'changes of whole pictures')} planted {where}, "
        f"{which} truly flips more than {limit}, the audit names {_often(planted.caught)}: an effect of its kind keeps "
        f"the copy from passing. {planted.noticed:,} more are noticed as something else; "
        f"{how_many(planted.passed.count, 'copy passes', 'copies pass')}."
    )


def _often(often: HowOften) -> str:
    return f"{often.count:,} ({rate_interval(often.interval)})"


def planted_limits(result: AuditResult) -> str:
    """What such a figure is for, and what it leaves open."""
    return (
        "An interval is for other cues of these kinds, planted likewise in this model and looked for on these "
        f"pictures. A shortcut of {result.target.name} in the real model may be of another kind, and lie deeper than "
        "its last layer. It decides no verdict."
    )


def cue_words(one: PlantedShortcut) -> str:
    """What was planted and where it lies, for a table."""
    pictures = how_many(one.pictures, "discovery picture")
    return f"{one.name}, on {pictures} of the target ({percent(one.share)})"


def effect_words(one: PlantedShortcut, limit: float) -> str:
    """What the cue truly does to the copy."""
    return f"{counts(one.flips, one.eligible)}{'' if one.above(limit) else f'; {COUNTS_FOR_NOTHING}'}"


def copy_words(one: PlantedShortcut) -> str:
    """How the copy's audit ended, and whether by what was planted."""
    if one.is_whole and one.verdict is not Verdict.PASS:
        ends = "fail" if one.verdict is Verdict.FAIL else "kept from passing"
        by = "an effect of its kind" if one.caught else "another effect"
        return f"{ends}, by {by if one.noticed else 'what moves the model itself too'}"
    if one.verdict is not Verdict.FAIL:
        return one.verdict.value
    if one.caught:
        return "fail, by a finding that shows the cue"
    return "fail, by what it takes for the cue" if one.noticed else "fail, by what the model itself does too"


def found_words(one: PlantedShortcut) -> str:
    """Which finding shows the cue, and which stands before it."""
    if one.found is None:
        strongest = "the strongest effect" if one.is_whole else "the first finding"
        before = "" if one.instead is None else f"; {strongest} is {_finding(one.instead)}"
        return f"not found{before}"
    ahead = "" if one.instead is None else f"; ahead of it {_finding(one.instead)}"
    rank = (
        f"effect {one.rank} of {one.findings} above the limit"
        if one.is_whole
        else f"finding {one.rank} of {one.findings}"
    )
    return f"{rank}: {_finding(one.found)}{ahead}"


def _finding(one: PlantedFinding) -> str:
    itself = f"{one.before:,} of {one.of:,} in the model itself"
    return f"{one.name}, {counts(one.flips, one.eligible)}, {points(one.uplift)} ({itself})"


def kept_words(one: PlantedShortcut) -> str:
    """How little else was changed in the copy."""
    return f"{one.changed:,} of {one.of:,} answers on other pictures changed"
