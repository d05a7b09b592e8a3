"""Whether the target needs a feature: paired losses of its own pictures, corrected for all that was asked about."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from auditor.core.records import Asked, FillEffect, Interval, Need, Removals, Removed
from auditor.statistics.paired import mcnemar_exact, paired_counts, tango_interval

METHOD = "Tango score, Bonferroni"


def measure_needs(removals: Removals, confidence: float) -> Mapping[str, Need]:
    """What removing each candidate's feature does, by candidate id; empty where it was not asked.

    Intervals and p-values are corrected for the candidates of which something was removed (Bonferroni): all intervals
    of one fill hold together with the confidence given.

    Args:
        confidence: of all intervals together, two-sided, in (0, 1).
    """
    if removals.asked is None:
        return {}
    findings = sum(bool(one.keys) for one in removals.of)
    return {one.candidate: _need(one, removals.asked, findings, confidence) for one in removals.of}


def _need(removed: Removed, asked: Asked, findings: int, confidence: float) -> Need:
    return Need(
        asked=asked,
        located=removed.located,
        why_not=removed.why_not,
        own=removed.own,
        absent=removed.absent,
        without_room=removed.without_room,
        images=len(removed.keys),
        share=float(np.mean(removed.shares)) if removed.shares else float("nan"),
        fills=tuple(
            fill_effect(fill, np.array(lost), np.array(removed.lost_elsewhere[fill]), findings, confidence)
            for fill, lost in removed.lost.items()
            if lost
        ),
        findings=findings,
        pictures=removed.pictures,
    )


def fill_effect(
    fill: str, lost: np.ndarray, lost_elsewhere: np.ndarray, findings: int, confidence: float
) -> FillEffect:
    """One fill's paired numbers.

    Args:
        lost, lost_elsewhere: (N,) bool, whether the target is lost, on the same N ≥ 1 pictures.
        findings: how many candidates are asked about, at least 1.
        confidence: of the intervals of all of them together.
    """
    counts = paired_counts(lost, lost_elsewhere)
    corrected = tango_interval(counts, 1 - (1 - confidence) / findings)
    interval = Interval(corrected.low, corrected.high, corrected.confidence, METHOD if findings > 1 else "Tango score")
    p_value = mcnemar_exact(counts)
    p_adjusted = min(1.0, findings * p_value)
    return FillEffect(
        fill=fill,
        lost=counts.both + counts.first_only,
        lost_elsewhere=counts.both + counts.second_only,
        alone=counts.first_only,
        difference=counts.difference,
        interval=interval,
        p_value=p_value,
        p_adjusted=p_adjusted,
        needed=interval.low > 0 and p_adjusted < 1 - confidence,
    )
