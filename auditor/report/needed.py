"""Whether a feature suffices and whether it is needed, in sentences that every format repeats; no verdict."""

from __future__ import annotations

from auditor.core.records import AuditResult, Finding, Need
from auditor.report.numbers import counts, how_many, percent, points, points_bounds, points_interval

DECIDES_NOTHING = "It decides no verdict."


def suffices_sentence(result: AuditResult, finding: Finding) -> str:
    """What pasting the patch on the source's pictures does, in one line."""
    word = "Suffices" if finding.suffices else "Not shown to suffice"
    return (
        f"{word}: pasted on {_pictures(finding.eligible, result.source.name)} it flips "
        f"{counts(finding.flips, finding.eligible)}, {points(finding.uplift)} over covering "
        f"({points_bounds(finding.uplift_interval)})."
    )


def _pictures(count: int, name: str) -> str:
    return how_many(count, f"picture of {name}", f"pictures of {name}")


def needed_sentence(result: AuditResult, need: Need) -> str:
    """What removing the feature from the target's own pictures does, in one line."""
    target, one = result.target.name, need.headline
    if one is None:
        return f"Is it needed? Not asked: {_why_not(need, target)}."
    word = "Is needed" if need.is_needed else "Not shown to be needed"
    alone = "" if len(need.fills) == 1 else f", by the fill that costs least ({one.fill})"
    return (
        f"{word}: of {_pictures(need.images, target)} that the model recognises {one.lost:,} "
        f"{'is' if one.lost == 1 else 'are'} lost when the feature is removed, {one.lost_elsewhere:,} when as much is "
        f"removed beside it: {points(one.difference)} ({points_interval(one.interval)}){alone}."
    )


def needed_details(result: AuditResult, need: Need) -> tuple[str, ...]:
    """What stands behind the sentence: how the feature was found, on which pictures, and what each fill did."""
    if not need.fills:
        return ()
    target, asked = result.target.name, need.asked
    left_out = [
        f"{how_many(count, 'picture')} {why}"
        for count, why in (
            (need.own, "that it was cut from"),
            (need.absent, "without it"),
            (need.without_room, "without room for as much beside it"),
        )
        if count
    ]
    seen = "that the search never saw" if asked.held_out else "of discovery, since none of the target is held out"
    found = (
        f"Found by {need.located}, on average {percent(need.share)} of the picture. Asked on {asked.of:,} of the "
        f"pictures of {target} that the model recognises ({counts(asked.recognised, asked.pictures)}), {seen}"
    )
    family = f"Intervals and p are corrected for {how_many(need.findings, 'candidate')}"
    return (
        f"{found}{'; left out: ' + ', '.join(left_out) if left_out else ''}. {family}. {DECIDES_NOTHING}",
        *(
            f"{one.fill}: {one.lost:,} lost, {one.lost_elsewhere:,} beside it, {points(one.difference)} "
            f"({points_bounds(one.interval)})"
            for one in need.fills
        ),
    )


def needed_summary(result: AuditResult) -> str | None:
    """What the target's own pictures need of all that was confirmed, in one line; None where it was not asked."""
    needs = {one.candidate.id: one.needed for one in result.findings if one.needed is not None}
    if not needs:
        return None
    asked = {identity: need for identity, need in needs.items() if need.headline is not None}
    if not asked:
        why = _why_not(next(iter(needs.values())), result.target.name)
        return f"Whether {result.target.name} needs what was confirmed could not be asked: {why}. {DECIDES_NOTHING}"
    needed = {identity: need for identity, need in asked.items() if need.is_needed}
    told = [_told(identity, need) for identity, need in needed.items()]
    head = (
        f"of {how_many(len(asked), 'feature')} removed from the target's own pictures {result.target.name} "
        f"{f'needs {len(told):,}: ' + '; '.join(told) if told else 'is shown to need none'}"
    )
    silent = len(needs) - len(asked)
    return f"{head}{f'; {silent:,} could not be asked about' if silent else ''}. {DECIDES_NOTHING}"


def _told(identity: str, need: Need) -> str:
    one = need.headline
    return "" if one is None else f"{identity} ({one.lost:,} against {one.lost_elsewhere:,} of {need.images:,} lost)"


def _why_not(need: Need, target: str) -> str:
    if need.why_not:
        return need.why_not
    if not need.asked.pictures:
        return f"there is no picture of {target}"
    if not need.asked.of:
        return f"the model recognises none of the {how_many(need.asked.pictures, 'picture')} of {target}"
    if need.without_room:
        return f"no picture of {target} with it has room for as much beside it"
    return f"it is found in no picture of {target} but those that it was cut from"
