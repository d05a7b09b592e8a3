"""A candidate beside its controls, each on its own: what it flips more, and how surely more than none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import ControlResult, Step
from auditor.statistics.paired import PairedCounts, mcnemar_exact, paired_counts, tango_interval


def over_control(
    name: str, table: PairedCounts, confidence: float, step: Step | None = None, share: float = 1.0
) -> ControlResult:
    """One control beside its candidate.

    Args:
        table: the candidate (first) with the control (second).
        confidence: of its interval (Tango's), two-sided; the p-value is McNemar's, corrected for looks alone.
        step: of the ladder of effects, where it has one.
        share: of the error, what this look may spend; the p-value is divided by it.

    Raises:
        NoEligibleImagesError: no image was compared.
    """
    return ControlResult(
        name=name,
        flips=table.both + table.second_only,
        eligible=table.n,
        uplift=table.difference,
        uplift_interval=tango_interval(table, confidence),
        p_value=min(1.0, mcnemar_exact(table, "greater") / share),
        step=step,
        alone=table.first_only,
    )


def over_every_control(candidate: NDArray[np.bool_], controls: Mapping[str, NDArray[np.bool_]]) -> tuple[float, float]:
    """The smallest uplift over several controls, in [-1, 1], and the p-value of "some control flips as often".

    "The uplift over every control is above 0" is wrong only if it is wrong for the strongest, whose own test keeps its
    level, so the largest of the exact one-sided McNemar p-values serves (an intersection–union test).

    Args:
        candidate: (B,) boolean, whether each eligible image flipped.
        controls: name to (B,) boolean, on the same images and placements in the same order; at least one.

    Raises:
        NoEligibleImagesError: there are no images.
        ValueError: there are no controls, or outcomes are not (B,) boolean of one length.

    Source: Berger 1982, doi:10.1080/00401706.1982.10487790.
    """
    if not controls:
        raise ValueError("an uplift needs at least one control, got none; a candidate without controls is not measured")
    tables = [paired_counts(candidate, outcomes) for outcomes in controls.values()]
    return min(table.difference for table in tables), max(mcnemar_exact(table, "greater") for table in tables)
