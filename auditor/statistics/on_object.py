"""What a patch does on the object and off it, over its covering at the same places."""

from __future__ import annotations

from auditor.core.records.places import AtAttribution, Bounded, DoseOutcomes
from auditor.statistics.paired import paired_counts, tango_interval


def at_attribution(outcomes: DoseOutcomes, confidence: float) -> AtAttribution:
    """Counts of one placement, and the paired uplift over covering with its bounds (Tango's score interval).

    Args:
        outcomes: of one dose, with the covering's flips. confidence: two-sided, in (0, 1).
    Raises:
        ValueError: no covering was pasted.
    """
    if outcomes.covering_flips is None:
        raise ValueError("expected the covering's flips beside the patch's, got None")
    counts = paired_counts(outcomes.flips[0], outcomes.covering_flips[0])
    bounds = tango_interval(counts, confidence)
    return AtAttribution(
        placement=outcomes.placement,
        flips=counts.both + counts.first_only,
        covering_flips=counts.both + counts.second_only,
        images=outcomes.flips.shape[1],
        uplift=Bounded(counts.difference, bounds.low, bounds.high),
    )
