"""Did it get worse? A patch's flips in two runs on the same pictures, held against a margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.core.records import Interval, Verdict
from auditor.statistics.covering import uplift_lower_bound, uplift_upper_bound
from auditor.statistics.exact import p_at_least, p_at_most
from auditor.statistics.multiplicity import hochberg
from auditor.statistics.paired import PairedCounts


@dataclass(frozen=True, slots=True)
class MeasuredChange:
    """What `changes_of` says of one patch; the fields are those of `records.Change`."""

    change: float
    interval: Interval
    p_worse: float
    p_not_worse: float
    word: Verdict


def changes_of(
    tables: Sequence[PairedCounts], margin: float, confidence: float, shares: Sequence[float] = ()
) -> list[MeasuredChange]:
    """Hold the changes of several patches against a margin.

    That one of them is worse is said of each at a level corrected for all (Hochberg 1988), since the worst of many
    would be found so by luck. That none is worse needs no correction: all have to show it (intersection–union).

    Args:
        tables: of each patch, pictures by whether it flips them in the second run (`first` of the counts) and in the
            first run; at least one picture.
        margin: a change up to this is not worse, in [0, 1). confidence: two-sided, in (0, 1).
        shares: of each patch, what may be spent of an error where a look at its flips ended the pictures, in (0, 1]:
            its p-values are divided by it (Bonferroni over all looks that could have ended them). None: all of it.
    Raises:
        NoEligibleImagesError: a table is of no picture.
        ValueError: confidence is not in (0, 1).
    """
    level = (1.0 - confidence) / 2
    spent = tuple(shares) or (1.0,) * len(tables)
    worse = hochberg([min(1.0, p_at_most(table, margin) / share) for table, share in zip(tables, spent, strict=True)])
    found = []
    for table, share, p_worse in zip(tables, spent, worse, strict=True):
        p_not_worse, each = min(1.0, p_at_least(table, margin) / share), level * share
        low, high = uplift_lower_bound([table], each, margin), uplift_upper_bound([table], each, margin)
        word = Verdict.FAIL if p_worse < level else Verdict.PASS if p_not_worse < level else Verdict.INCONCLUSIVE
        interval = Interval(low, high, confidence, "exact paired")
        found.append(MeasuredChange(table.difference, interval, p_worse, p_not_worse, word))
    return found


def worst_word(words: Sequence[Verdict]) -> Verdict:
    """FAIL where one fails, PASS where all pass, else INCONCLUSIVE."""
    if Verdict.FAIL in words:
        return Verdict.FAIL
    return Verdict.PASS if words and set(words) == {Verdict.PASS} else Verdict.INCONCLUSIVE
