"""Which flips survive a shift and a JPEG, as findings.json holds it."""

from __future__ import annotations

from auditor.core.records.survival import Survival, Survived
from auditor.report.json_values import Json, interval_json


def survival_json(found: Survival) -> dict[str, Json]:
    """One finding's, in the order of `schema.json`."""
    return {
        "shift_px": int(found.shift_px),
        "jpeg_quality": int(found.jpeg_quality),
        "flips": int(found.flips),
        "again": int(found.again),
        "shifted": _survived(found.shifted),
        "saved": _survived(found.saved),
        "both": _survived(found.both),
    }


def _survived(one: Survived) -> dict[str, Json]:
    return {"count": int(one.count), "interval": interval_json(one.interval)}
