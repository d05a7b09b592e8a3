"""A candidate against every covering of the same pictures: p-values and bounds of its uplift. Stops before a verdict.

A covering is what any patch of that size does: noise, grey, another photograph of the source, a quiet crop, each drawn
anew for each picture. The uplift is the candidate's flip rate minus that of the strongest covering.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scipy import optimize, special

from auditor.core.records import CoveringUplift, Interval
from auditor.statistics.exact import p_at_least, p_at_most, root_of
from auditor.statistics.multiplicity import simes
from auditor.statistics.paired import PairedCounts

UPLIFT_METHOD = "exact paired, over every covering"

_PRECISION = 1e-6
# Of a bound, in flip rate: a ten-thousandth of a point.


def covering_uplift(tables: Mapping[str, PairedCounts], level_below: float, level_above: float) -> CoveringUplift:
    """The uplift of any yes-or-no outcome, held to no limit, such as entry into the five likeliest classes.

    Args:
        tables: by covering, the candidate (first) with it (second), of the same images and placements.
        level_below, level_above: chances to err of the two bounds, each in (0, 0.5).

    Raises:
        NoEligibleImagesError, ValueError: as `uplift_lower_bound`.
    """
    pairs = list(tables.values())
    uplift = smallest_difference(pairs)
    low, high = uplift_lower_bound(pairs, level_below, 0.0), uplift_upper_bound(pairs, level_above, 0.0)
    name = min(tables, key=lambda one: (tables[one].difference, one))
    strongest = tables[name]
    return CoveringUplift(
        covering=name,
        hits=strongest.both + strongest.first_only,
        covering_hits=strongest.both + strongest.second_only,
        eligible=strongest.n,
        uplift=uplift,
        interval=Interval(low, high, 1 - level_below - level_above, UPLIFT_METHOD),
    )


def p_uplift_at_most(tables: Sequence[PairedCounts], limit: float) -> float:
    """p-value of "the uplift is at most `limit`": a small one says that it lies above, over every covering.

    It errs only where it errs for the strongest covering, whose own test keeps its level, so the largest of the
    coverings' p-values serves and none is corrected (an intersection–union test).

    Args:
        tables: the candidate (first) with each covering (second); at least one, of the same images.
        limit: in (-1, 1).

    Raises:
        NoEligibleImagesError, ValueError: as `p_at_most`; ValueError too where there is no covering.

    Source: Berger 1982, doi:10.1080/00401706.1982.10487790.
    """
    _require_coverings(tables)
    return p_at_most(min(tables, key=lambda table: root_of(table, limit)), limit)


def p_uplift_at_least(tables: Sequence[PairedCounts], limit: float) -> float:
    """p-value of "the uplift is at least `limit`": a small one says that it lies below, over some covering.

    The hypothesis says that the candidate flips so much more than *each* covering, so several coverings are several
    chances to reject it wrongly. Simes' test pays for them where one covering alone speaks, and nothing where all do.

    Args:
        tables, limit: as for `p_uplift_at_most`.
    """
    _require_coverings(tables)
    return simes([p_at_least(table, limit) for table in tables])


def uplift_lower_bound(tables: Sequence[PairedCounts], level: float, limit: float) -> float:
    """The uplift is above this, at most `level` of the time wrongly.

    Args:
        tables: as for `p_uplift_at_most`.
        level: one-sided, in (0, 0.5).
        limit: that the bound is held against: it lies above exactly where `p_uplift_at_most` is below the level.

    Returns:
        In [-1, 1], not above the observed uplift.
    """
    return _bound(lambda uplift: p_uplift_at_most(tables, uplift), level, smallest_difference(tables), -1, limit)


def uplift_upper_bound(tables: Sequence[PairedCounts], level: float, limit: float) -> float:
    """The uplift is below this, at most `level` of the time wrongly; arguments as for `uplift_lower_bound`.

    Returns:
        In [-1, 1], not below the observed uplift; below `limit` exactly where `p_uplift_at_least` is below the level.
    """
    return _bound(lambda uplift: p_uplift_at_least(tables, uplift), level, smallest_difference(tables), 1, limit)


def smallest_difference(tables: Sequence[PairedCounts]) -> float:
    """The observed uplift: the candidate's flip rate minus that of the covering that flips most."""
    _require_coverings(tables)
    return min(table.difference for table in tables)


def _bound(p_value: Callable[[float], float], level: float, estimate: float, direction: int, limit: float) -> float:
    """Where, going from the estimate in a direction, the p-value falls below the level; at the estimate it is large.

    Against the limit the p-value itself decides, so that no rounding of the bound contradicts it.
    """
    if not 0 < level < 0.5:
        raise ValueError(f"the level of one bound lies between 0 and 0.5, both excluded, got {level:g}")
    estimate = min(max(estimate, -1 + _PRECISION), 1 - _PRECISION)  # at ±1 itself there is nothing to test
    kept, rejected = estimate, None
    if (limit - estimate) * direction > 0:
        if p_value(limit) < level:
            rejected = limit
        else:
            kept = limit
    settled_by_limit, step = rejected is not None, 0.02
    while rejected is None:
        further = kept + direction * step
        if abs(further) >= 1:
            return float(direction)
        if p_value(further) < level:
            rejected = further
        else:
            kept, step = further, 2 * step
    root = float(
        optimize.brentq(lambda uplift: _quantile(p_value(uplift)) - _quantile(level), kept, rejected, xtol=_PRECISION)
    )
    if settled_by_limit and abs(root - limit) < _PRECISION:
        return limit - direction * _PRECISION
    return root


def _quantile(p_value: float) -> float:
    """Normal quantile of a p-value, which is nearly straight in the uplift; finite at 0 and 1."""
    return float(special.ndtri(min(max(p_value, 1e-300), 1 - 1e-15)))


def _require_coverings(tables: Sequence[PairedCounts]) -> None:
    if not tables:
        raise ValueError(
            "an uplift needs at least one covering, got none; a candidate without coverings is not measured"
        )
