"""Whether verdicts said the truth: what failed and what passed, held against pictures that no audit saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from auditor.core.config import LimitsConfig
from auditor.core.records import Verdict
from auditor.run.worlds.cache import PLANTED
from auditor.run.worlds.figures import share_of
from auditor.run.worlds.fresh import ONE_SIDED, FreshUplift
from auditor.run.worlds.score import Row

LIMIT = float(LimitsConfig().uplift)


def is_strong(row: Row) -> bool:
    """Whether its cue truly flips more than the limit: planting a cue does not make a network use it."""
    return bool(row.cue_eligible) and row.cue_flips / row.cue_eligible > LIMIT


def has_shortcut(row: Row, rows: Sequence[Row]) -> bool:
    """Whether its network is known to have a shortcut above the limit, by no word of this audit.

    Either the planted cue truly flips more than that, or fresh pictures bear out what the network failed by in an audit
    with another seed, whoever planted it.
    """
    others = (one for one in rows if (one.world, one.side) == (row.world, row.side) and one.seed != row.seed)
    return (row.side == PLANTED and is_strong(row)) or any(map(true_fail, others))


def true_fail(row: Row) -> bool:
    """Whether it fails, by something that fresh pictures show to be above the limit."""
    return row.verdict == str(Verdict.FAIL) and some_above(row)


def above(one: FreshUplift) -> bool:
    """Whether fresh pictures show its uplift to be above the limit."""
    return one.p_above < ONE_SIDED


def below(one: FreshUplift) -> bool:
    """Whether fresh pictures show its uplift to be below the limit."""
    return one.p_below < ONE_SIDED


def covered(one: FreshUplift) -> bool:
    """Whether the interval reported of its uplift holds that on fresh pictures, which has an error of its own."""
    return one.reported_low <= one.uplift <= one.reported_high


def all_covered(row: Row) -> bool:
    """Whether all of an audit's intervals do at once, as their correction promises."""
    return all(map(covered, row.fresh))


def claimed(row: Row) -> list[FreshUplift]:
    """The findings that the verdict rests on."""
    return [one for one in row.fresh if one.rested_on]


def some_above(row: Row) -> bool:
    """Whether something that the verdict rests on is above the limit, corrected for how much it is (Bonferroni)."""
    return any(one.p_above * len(claimed(row)) < ONE_SIDED for one in claimed(row))


def all_below(row: Row) -> bool:
    """Whether all that the verdict rests on is below the limit; so it is where there is nothing."""
    return all(map(below, claimed(row)))


def false_alarm(row: Row) -> bool:
    """Whether it fails by nothing that fresh pictures show to be above the limit."""
    return row.verdict == str(Verdict.FAIL) and not true_fail(row)


def claim_lines(rows: Sequence[Row]) -> list[str]:
    """Lines of the table of measures; none where no row tells of fresh pictures."""
    if not any(row.fresh for row in rows):
        return []
    failed = [row for row in rows if row.verdict == str(Verdict.FAIL)]
    passed = [row for row in rows if row.verdict == str(Verdict.PASS)]
    planted = [row for row in failed if row.side == PLANTED]
    twins = [row for row in failed if row.side != PLANTED]
    measured = [one for row in rows for one in row.fresh]
    every_twin = [row for row in rows if row.side != PLANTED]
    return [
        f"| the corrected interval of an uplift covers that on fresh pictures, each finding held | "
        f"{sum(map(covered, measured))}/{len(measured)} |",
        f"| audits of which every such interval does | {share_of([row for row in rows if row.fresh], all_covered)} |",
        f"| clean twins that fail by nothing that fresh pictures bear out: false alarms | "
        f"{share_of(every_twin, false_alarm)} |",
        f"| a FAIL is true on fresh pictures | {_audits(failed, some_above, all_below)} |",
        f"| the same, of planted networks | {_audits(planted, some_above, all_below)} |",
        f"| the same, of clean twins | {_audits(twins, some_above, all_below)} |",
        f"| each finding that failed, by itself | {_findings(failed, above, below)} |",
        f"| a PASS's findings stay below the limit on fresh pictures | {_audits(passed, all_below, some_above)} |",
        f"| each finding of a PASS, by itself | {_findings(passed, below, above)} |",
    ]


def _audits(rows: Sequence[Row], true: Callable[[Row], bool], false: Callable[[Row], bool]) -> str:
    return share_of(rows, true) + _beside(sum(map(true, rows)), sum(map(false, rows)), len(rows))


def _findings(rows: Sequence[Row], true: Callable[[FreshUplift], bool], false: Callable[[FreshUplift], bool]) -> str:
    """Counts without an interval: findings of an audit share its network, its pictures and often their pixels."""
    told = [one for row in rows for one in claimed(row)]
    borne_out = sum(map(true, told))
    return f"{borne_out}/{len(told)}" + _beside(borne_out, sum(map(false, told)), len(told))


def _beside(borne_out: int, refuted: int, of: int) -> str:
    return f"; {of - borne_out - refuted} left open, {refuted} refuted" if of else ""
