"""How single values stand in findings.json: numbers rounded, intervals as objects, null for what was not measured."""

from __future__ import annotations

import math
from typing import TypeAlias

from auditor.core.records import Interval
from auditor.report.text import plain

SIGNIFICANT_DIGITS = 10

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def interval_json(interval: Interval | None) -> Json:
    """Bounds with confidence and method."""
    if interval is None:
        return None
    return {
        "low": number_json(interval.low),
        "high": number_json(interval.high),
        "confidence": number_json(interval.confidence),
        "method": plain(interval.method),
    }


def number_json(value: float) -> float | None:
    """A float whose bytes do not hang on the last bits of a sum; null where nothing was measured."""
    if not math.isfinite(value):
        return None
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0  # + 0.0 turns -0.0 into 0.0


def optional_json(value: float | None) -> float | None:
    """A number where there is one."""
    return None if value is None else number_json(value)


def count_json(value: int | None) -> int | None:
    """A count where there is one."""
    return None if value is None else int(value)
