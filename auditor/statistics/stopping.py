"""When a candidate's confirmation may end: the looks at its pictures, and what each may spend. Runs no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditor.core.records import Limits, Stopping, Verdict
from auditor.core.records.trials import ConfirmedTrials
from auditor.statistics.findings import settled_findings
from auditor.statistics.fragility import fragility_by_placement

FEWEST = 16
"""Pictures of the first look, at least: fewer settle nothing at what a first look may spend."""


def look_sizes(eligible: int) -> tuple[int, ...]:
    """How many pictures each look has seen: all at the last, half as many (rounded up) at the one before, and so on.

    Args:
        eligible: pictures there are.

    Returns:
        Rising, the last `eligible`; one look where half of them would be fewer than `FEWEST`.
    """
    sizes = [eligible]
    while -(-sizes[0] // 2) >= FEWEST:
        sizes.insert(0, -(-sizes[0] // 2))
    return tuple(sizes)


def level_shares(looks: int) -> tuple[float, ...]:
    """What each look may spend of an error: the last three quarters, each before it a quarter of the one after it, and
    the first what is left, so that they add up to 1.

    So the error that is spent grows with the square of the pictures, if each look doubles them. Whatever makes a
    candidate stop, a p-value divided by the share of the look at which it stopped is small by chance no more often than
    one that was looked at once (Bonferroni's inequality over the looks), and every rule that takes p-values takes it.

    Args:
        looks: at least 1.

    Raises:
        ValueError: there is none.

    Source: Kim and DeMets 1987, doi:10.1093/biomet/74.1.149 (an error spent as a power of the pictures).
    """
    if looks < 1:
        raise ValueError(f"pictures are looked at once at least, got {looks} looks")
    return tuple((0.25 ** (looks - look)) * (1.0 if look == 1 else 0.75) for look in range(1, looks + 1))


def stopping_at(eligible: int, look: int) -> Stopping:
    """The look that so many eligible pictures have at that place, from 1."""
    sizes = look_sizes(eligible)
    return Stopping(look, len(sizes), sizes[look - 1], eligible, level_shares(len(sizes))[look - 1])


def stopping_after(eligible: int, pictures: int) -> Stopping:
    """The look that has seen so many pictures.

    Raises:
        ValueError: there is no such look.
    """
    sizes = look_sizes(eligible)
    if pictures not in sizes:
        raise ValueError(f"of {eligible} pictures a look sees {', '.join(map(str, sizes))}, got {pictures}")
    return stopping_at(eligible, sizes.index(pictures) + 1)


def last_share(eligible: int) -> float:
    """What is left of an error for the look at all pictures."""
    return level_shares(len(look_sizes(eligible)))[-1]


def settled(trials: Sequence[ConfirmedTrials], limits: Limits, chosen_from: Mapping[str, int]) -> list[bool]:
    """Of each candidate and placement, whether its confirmation may end.

    It is settled once its uplift lies on one side of the limit, at the level that the procedure over everything that is
    confirmed gives it at this look. People's marks play no part: they come when everything is measured. Fragility is an
    average over everything confirmed at a placement, so nothing leaves a placement before that is settled too.

    Args:
        trials: of everything confirmed, in the order of selection, those that ended as they ended.
        chosen_from: as for `make_findings`.
    """
    by_numbers = settled_findings(trials, limits, chosen_from)
    fragile = fragility_by_placement(trials, limits)
    open_at = {one.placement for one in fragile if one.verdict is Verdict.INCONCLUSIVE}
    return [
        ends and (one.candidate.spot is not None or str(one.placement) not in open_at)
        for one, ends in zip(trials, by_numbers, strict=True)
    ]
