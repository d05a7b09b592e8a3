"""How often a search finds what was planted, with an interval: counts of copies in, shares of shortcuts out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from auditor.core.records import Verdict
from auditor.core.records.planted import WITHIN, HowOften, Planted, PlantedShortcut
from auditor.statistics.intervals import clopper_pearson_interval


def how_often_found(shortcuts: Sequence[PlantedShortcut], limit: float) -> Planted:
    """Count the shortcuts that were found, of those whose cue truly flips more than the limit.

    Those that a patch can show and changes of whole pictures are counted apart.

    The intervals are exact (Clopper and Pearson 1934), since there are few; they are for other cues planted likewise in
    the same model, and for no other kind of shortcut.

    Args:
        limit: of the uplift, a fraction.
    """
    whole = [one for one in shortcuts if one.is_whole]
    patches = [one for one in shortcuts if not one.is_whole]
    return replace(_counted(patches, limit), over_whole=_counted(whole, limit) if whole else None)


def _counted(shortcuts: Sequence[PlantedShortcut], limit: float) -> Planted:
    ordered = tuple(sorted(shortcuts, key=lambda one: one.number))
    counted = [one for one in ordered if one.above(limit)]

    def often(holds: Callable[[PlantedShortcut], bool]) -> HowOften | None:
        count = sum(map(holds, counted))
        return HowOften(count, clopper_pearson_interval(count, len(counted))) if counted else None

    return Planted(
        ordered,
        len(counted),
        caught=often(lambda one: one.caught),
        noticed=sum(one.noticed and not one.caught for one in counted),
        first=often(lambda one: one.rank == 1),
        within=often(lambda one: one.rank is not None and one.rank <= WITHIN),
        passed=often(lambda one: one.verdict is Verdict.PASS),
    )
