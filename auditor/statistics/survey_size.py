"""On how many pictures the survey is measured: a few first, more while its answer is open. Runs no model."""

from __future__ import annotations

import itertools

from auditor.core.records import SuggestionValidity

GROWTH = 4
"""Each step of the survey reaches so many times as many pictures as the one before."""


def survey_steps(eligible: int, first: int) -> tuple[tuple[int, int], ...]:
    """Which pictures each step adds: `first` of them, then up to four times as many, and so on to all.

    Args:
        eligible: pictures there are. first: pictures of the first step; 0: all.

    Returns:
        From the first to before the last picture of each step, in their order; none where there are no pictures.
    """
    edges = [0]
    while first and edges[-1] < eligible:
        edges.append(min(max(first, GROWTH * edges[-1]), eligible))
    return tuple(itertools.pairwise(edges if first else sorted({0, eligible})))


def level_of_a_look(confidence: float, looks: int) -> float:
    """The confidence of each of so many looks, of which all hold at once at the confidence asked for.

    Args:
        confidence: two-sided, in (0, 1). looks: at least 1.

    Source: Bonferroni's inequality. The looks share pictures, so it is cautious.
    """
    return 1 - (1 - confidence) / looks


def settled(validity: SuggestionValidity | None) -> bool:
    """Whether the survey has its answer: the interval of suggested minus random crops lies to one side of 0."""
    interval = None if validity is None else validity.headline.interval
    return interval is not None and (interval.low > 0 or interval.high < 0)
