"""Where and how large a patch has to be, in sentences. No markup."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.core.records import AuditResult, Finding, Placement, Verdict
from auditor.core.records.places import NOT_EVERYWHERE, NOWHERE, OPEN, SOMEWHERE, DoseResponse, PlaceMap, SizeWord
from auditor.report.numbers import EN_DASH, counts, how_many
from auditor.report.order import by_concern

SIDE = "the picture's shorter side"


def place_sentence(found: PlaceMap) -> str:
    """Where it works and from what size half of the pictures flip, as one clause without a full stop."""
    of_size = next((one for one in found.responses if one.of == "size"), None)
    half = "" if of_size is None else f"; {half_clause(of_size)}"
    return f"{where_clause(found)}{half}"


def where_clause(found: PlaceMap) -> str:
    """`works anywhere from 35% of the picture's shorter side`, or each size with its word."""
    start = found.anywhere_from
    if start is not None:
        return f"works anywhere from {share(start)} of {SIDE}"
    sizes = f"{share(found.words[0].size)} to {share(found.words[-1].size)}"
    if len(found.words) > 1 and {word.word for word in found.words} == {NOWHERE}:
        return f"works nowhere at sizes of {sizes} of {SIDE}"
    told = ", ".join(_at_size(word) for word in found.words)
    return f"works {told} of {SIDE}"


def _at_size(word: SizeWord) -> str:
    """`open at 50% (above the limit at 10 of 25 places)`, or just `nowhere at 20%`."""
    told = f"{word.word} at {share(word.size)}"
    if word.word not in (NOT_EVERYWHERE, SOMEWHERE, OPEN):
        return told
    return f"{told} (above the limit at {word.above} of {how_many(word.above + word.below + word.open, 'place')})"


def half_clause(response: DoseResponse) -> str:
    """At which size or opacity half of the pictures flip, with its bounds."""
    doses = response.doses
    what, of = ("size", f" of {SIDE}") if response.of == "size" else ("opacity", "")
    if response.falls:
        return f"fewer flip at the largest {what} than at a smaller one"
    first, last = share(doses[0].dose), share(doses[-1].dose)
    if response.half is not None:
        low = f"less than {first}" if response.half_low is None else share(response.half_low)
        high = f"more than {last}" if response.half_high is None else share(response.half_high)
        bounds = f"{low} to {high}" if None in (response.half_low, response.half_high) else f"{low[:-1]}{EN_DASH}{high}"
        return f"half of the pictures flip at {what} {share(response.half)}{of} ({bounds})"
    if doses[0].fitted > 0.5:
        return f"half of the pictures flip below {what} {first}{of} already"
    return f"no {what} up to {last}{of} flips half of the pictures"


def beyond_verdict(found: PlaceMap, findings: Iterable[Finding]) -> str | None:
    """A sentence where a candidate passes wherever it was confirmed, and is certainly above the limit elsewhere."""
    words = {finding.word for finding in findings if finding.candidate.id == found.candidate}
    certain = {word.size: sum(place.certain for place in found.at_size(word.size)) for word in found.words}
    if words != {Verdict.PASS} or not any(certain.values()):
        return None
    told = ", ".join(
        f"{count} of {how_many(len(found.at_size(size)), 'place')} at {share(size)}"
        for size, count in certain.items()
        if count
    )
    return f"It passes as it was confirmed, but is above the limit, all places corrected for, at {told} of {SIDE}"


def on_object_sentence(found: PlaceMap) -> str | None:
    """What it does on what makes a picture the source, and beside it; None where that was not measured."""
    if not found.on_object:
        return None
    where = {Placement.ON_OBJECT: "on what makes a picture the source", Placement.OFF_OBJECT: "beside it"}
    told = " and ".join(
        f"{counts(one.flips, one.images)} {where[one.placement]} ({found.covering} {one.covering_flips:,})"
        for one in found.on_object
    )
    return f"Flips {told}"


def places_lines(result: AuditResult) -> tuple[str, ...]:
    """A line or two a candidate whose places were measured, the most worrying first."""
    maps = {one.candidate: one for one in result.places}
    lines = []
    for identity in dict.fromkeys(finding.candidate.id for finding in by_concern(result)):
        if identity in maps:
            lines.append(f"{identity} {place_sentence(maps[identity])}")
            beyond = beyond_verdict(maps[identity], result.findings)
            lines += [f"{identity}: {beyond}"] if beyond is not None else []
    return tuple(lines)


def measured_on(found: PlaceMap) -> str:
    """How the map was measured, for its caption."""
    places, images = found.at_size(found.words[0].size), found.places[0].images
    doses = max((one.doses[0].images for one in found.responses), default=0)
    return (
        f"{how_many(len(places), 'place')} at {how_many(len(found.words), 'size')}, each on "
        f"{how_many(images, 'confirmation picture')}, pooled over neighbours; sizes and opacities on "
        f"{how_many(doses, 'picture')}, the same for all"
    )


def share(fraction: float) -> str:
    """A size or an opacity in percent, without idle zeros: 0.35 is `35%`, 0.278 is `27.8%`."""
    return f"{round(100 * fraction, 1):g}%"
