"""The numbers of an audit as named metrics with their bounds, as model cards want them. No format is written here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.core.records import AuditResult, Interval
from auditor.report.exports.common import finding_name


@dataclass(frozen=True, slots=True)
class Metric:
    """One number: its kind, of what, its value as a fraction, and its bounds; counts where it is a rate."""

    kind: str
    of: str
    value: float
    interval: Interval
    flips: int = 0
    eligible: int = 0


def metrics_of(result: AuditResult) -> Iterator[Metric]:
    """Flip rate and uplift of each finding, and fragility; what was not measured is left out."""
    for finding in result.findings:
        name = f"{finding_name(finding)}, {finding.tier.value}, {finding.word.value}"
        counts = (finding.flips, finding.eligible)
        for kind, value, interval in (
            ("flip rate", finding.rate, finding.interval),
            ("uplift over covering", finding.uplift, finding.uplift_interval),
        ):
            if all(map(math.isfinite, (value, interval.low, interval.high))):
                yield Metric(kind, name, value, interval, *counts)
    fragility = result.fragility
    if fragility is not None and math.isfinite(fragility.rate):
        of = f"covering ({fragility.placement}), {fragility.verdict.value}"
        yield Metric("fragility", of, fragility.rate, fragility.interval, fragility.flips, fragility.eligible)
