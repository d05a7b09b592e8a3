"""From p-values to verdicts: who fails, who passes, and at which level each was tested. Knows no tiers, no reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.core.records import Interval, Verdict
from auditor.statistics.covering import UPLIFT_METHOD, uplift_lower_bound, uplift_upper_bound
from auditor.statistics.looks import ErrorBudget
from auditor.statistics.multiplicity import fallback, fallback_levels, falling_shares, hochberg
from auditor.statistics.paired import PairedCounts


@dataclass(frozen=True, slots=True)
class Decision:
    """What the numbers say of one candidate, and how strictly they were read.

    Attributes:
        p_above, p_below: of "at most the limit" and "at least the limit", not corrected.
        adjusted_above, adjusted_below: corrected for all candidates, below 1 − confidence where it fails, passes.
        level_above, level_below: what p_above and p_below had to be below, and the levels of the two bounds.
    """

    verdict: Verdict
    p_above: float
    p_below: float
    adjusted_above: float
    adjusted_below: float
    level_above: float
    level_below: float


def decide(above: Sequence[float], below: Sequence[float], budget: ErrorBudget) -> tuple[Decision, ...]:
    """Verdicts on all candidates that are held to the limit, in the order in which selection put them.

    "Some candidate is above the limit" is tested in that order by the fallback procedure: the first has four
    fifths of the error, and who fails hands its level on. The order was settled on other pictures. "All candidates
    are below" errs only if it errs for one that is not below, so it needs no correction (an intersection–union claim);
    where some candidate stays open, the others' passes are corrected for the number of open ones (Hochberg).

    Args:
        above: in the order of selection, p-value of "the uplift is at most the limit".
        below: likewise, p-value of "the uplift is at least the limit".
        budget: what this look may spend.

    Returns:
        One decision a candidate, in the same order.

    Raises:
        ValueError: not as many of one as of the other, or a p-value out of range.

    Source: as `fallback_levels`, `hochberg`; Berger 1982, doi:10.1080/00401706.1982.10487790 ("all are below").
    """
    if not above:
        return ()
    shares = falling_shares(len(above))
    levels = fallback_levels(above, shares, budget.fail)
    adjusted_above = [min(1.0, p * budget.alpha / budget.fail) for p in fallback(above, shares)]
    stepped = hochberg(below)
    adjusted_below = [min(1.0, p * budget.alpha / budget.passing) for p in stepped]
    passed = [p < budget.passing for p in stepped]
    still_open = passed.count(False)
    decisions = []
    for place, (p_above, p_below) in enumerate(zip(above, below, strict=True)):
        fails = p_above < levels[place]
        decisions.append(
            Decision(
                verdict=Verdict.FAIL if fails else Verdict.PASS if passed[place] else Verdict.INCONCLUSIVE,
                p_above=p_above,
                p_below=p_below,
                adjusted_above=adjusted_above[place],
                adjusted_below=adjusted_below[place],
                level_above=levels[place],
                level_below=budget.passing / (still_open + 1 if passed[place] else still_open),
            )
        )
    return tuple(decisions)


def uplift_interval(tables: Sequence[PairedCounts], level_above: float, level_below: float, limit: float) -> Interval:
    """The uplift's two bounds, each at the level at which a decision read it.

    The lower bound lies above the limit exactly where the candidate fails, the upper below it exactly where it passes.
    Read against anything but the limit, each bound holds for this candidate by itself.

    Args:
        tables: the candidate (first) with each covering (second).
        level_above, level_below: of a `Decision`, or α and α for a candidate that is held to nothing.
    """
    low = uplift_lower_bound(tables, level_above, limit)
    high = uplift_upper_bound(tables, level_below, limit)
    return Interval(low, high, 1 - level_above - level_below, UPLIFT_METHOD)
