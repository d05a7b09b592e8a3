"""The uplift over the strongest of several controls, none of them picked. Stops before the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import ControlResult, Interval, Step
from auditor.statistics.multiplicity import bonferroni_confidence
from auditor.statistics.paired import PairedCounts, mcnemar_exact, paired_counts, tango_bounds, tango_interval

UPLIFT_METHOD = "Tango score, intersection–union"


@dataclass(frozen=True, slots=True)
class Uplift:
    """How much more a candidate flips than the strongest of its controls.

    Attributes:
        strongest: the control with the smallest uplift.
        uplift: flip rate of the candidate minus that of `strongest`, in [-1, 1].
        interval: bounds of the smallest uplift over all controls; its confidence is the corrected one.
        p_value: of the hypothesis that some control flips at least as often as the candidate.
        controls: every control on its own, in the order given.
    """

    strongest: str
    uplift: float
    interval: Interval
    p_value: float
    controls: tuple[ControlResult, ...]


def smallest_uplift(
    candidate: NDArray[np.bool_], controls: Mapping[str, NDArray[np.bool_]], confidence: float, comparisons: int
) -> Uplift:
    """Compare a candidate with all its controls at once.

    The two bounds make claims of different logical form and are corrected differently:

    - "the smallest uplift is above L" says that the uplift over *every* control is above L. It is wrong only if
      it is wrong for the true strongest control, whose own test is held to its level, so the smallest of the
      uncorrected lower bounds serves (an intersection–union test).
    - "the smallest uplift is below U" says that the uplift over *some* control is below U. With several
      controls there are several chances of saying so wrongly, so each upper bound has its tail divided by the
      number of controls before the smallest is taken (a union–intersection test).

    Both are further corrected for `comparisons`, by Bonferroni. The p-value is the largest of the one-sided exact
    McNemar p-values, by the argument of the lower bound; it is not corrected for `comparisons`.

    Args:
        candidate: (B,) boolean, whether each eligible image flipped.
        controls: name to (B,) boolean, on the same images and placements in the same order.
        confidence: joint over all comparisons, two-sided, in (0, 1).
        comparisons: candidates and placements that get such an interval, at least 1.

    Returns:
        The smallest uplift with its bounds. Equal uplifts mean equal flips; the first name is then the strongest.
        Each control's own interval is two-sided at the confidence corrected for `comparisons`.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: there are no controls, outcomes are not (B,) boolean of one length, confidence is not in
            (0, 1), or comparisons is below 1.

    Source: Berger 1982, doi:10.1080/00401706.1982.10487790 (intersection–union); Tango 1998 (each interval).
    """
    tables = control_tables(candidate, controls)
    level = bonferroni_confidence(confidence, comparisons)
    results = tuple(over_control(name, table, level) for name, table in tables.items())
    strongest = min(results, key=lambda result: (result.uplift, -result.flips, result.name))
    low, high = uplift_bounds(
        [(table.first_only / table.n, table.second_only / table.n) for table in tables.values()],
        candidate.size,
        confidence,
        comparisons,
    )
    return Uplift(
        strongest=strongest.name,
        uplift=strongest.uplift,
        interval=Interval(low, high, level, UPLIFT_METHOD),
        p_value=max(result.p_value for result in results),
        controls=results,
    )


def over_control(name: str, table: PairedCounts, confidence: float, step: Step | None = None) -> ControlResult:
    """One control beside its candidate, on its own.

    Args:
        table: the candidate (first) with the control (second).
        confidence: of its interval (Tango's), two-sided; the p-value is McNemar's, corrected for nothing.
        step: of the ladder of effects, where it has one.

    Raises:
        NoEligibleImagesError: no image was compared.
    """
    return ControlResult(
        name=name,
        flips=table.both + table.second_only,
        eligible=table.n,
        uplift=table.difference,
        uplift_interval=tango_interval(table, confidence),
        p_value=mcnemar_exact(table, "greater"),
        step=step,
        alone=table.first_only,
    )


def control_tables(candidate: NDArray[np.bool_], controls: Mapping[str, NDArray[np.bool_]]) -> dict[str, PairedCounts]:
    """Paired counts of a candidate (first) with each control (second); all (B,) boolean.

    Raises:
        ValueError: there are no controls, or outcomes are not (B,) boolean of one length.
    """
    if not controls:
        raise ValueError("an uplift needs at least one control, got none; a candidate without controls is not measured")
    return {name: paired_counts(candidate, outcomes) for name, outcomes in controls.items()}


def uplift_bounds(
    shares: Sequence[tuple[float, float]], images: float, confidence: float, comparisons: int
) -> tuple[float, float]:
    """Bounds of the smallest uplift, from the shares of images flipped by one of a pair alone.

    The bounds tighten strictly as `images` grows with the shares fixed.

    Args:
        shares: for each control, share flipped by the candidate alone and share flipped by the control alone.
        images: eligible images, above 0; need not be the number the shares were counted on.
        confidence, comparisons: as for `smallest_uplift`.

    Returns:
        Lower and upper bound in [-1, 1]; the upper is never below the smallest uplift, nor that below the lower.
    """
    level = bonferroni_confidence(confidence, comparisons)
    level_above = bonferroni_confidence(confidence, comparisons * len(shares))
    low = min(tango_bounds(first, second, images, level)[0] for first, second in shares)
    high = min(tango_bounds(first, second, images, level_above)[1] for first, second in shares)
    return low, max(low, high)
