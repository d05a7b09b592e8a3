"""The reduced settings of a scored audit: the ordinary audit, small enough for dozens of them on one core."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from auditor.core.config import AuditConfig, build_config
from auditor.core.records import Placement

CONFIRMED = 8
"""Candidates confirmed, and crops that each baseline may propose."""

REDUCED: dict[str, dict[str, Any]] = {
    "images": {"max_per_class": 120},
    "atlas": {"levels": (8,), "layout": "tsne", "icons": 0, "repeats": 0, "looks": 0},
    "candidates": {
        "shortlisted": 100,
        "held": 0,
        "screening_images": 16,
        "tried": 24,
        "icons": 0,
        "dreams": 0,
        "shapes": 4,
        "pairs": 6,
        "made": 6,
        "trained": 0,
        "random": CONFIRMED,
        "strongest": CONFIRMED,
        "drawn": 0,
        "confirmed": CONFIRMED,
    },
    "trials": {"placements": (Placement.FIXED,)},
    "needed": {"pictures": 0},
    "places": {"findings": 0},
    "survival": {"findings": 0},
}
"""By section: no icons, no patch trained, one grid, a shorter short list, 120 pictures for confirmation, and one
placement: the one at which the true effect of what was found is measured on fresh pictures. As many crops are screened
as by default: linearly screened, they take no pass of their own, and a tenth of them missed cues."""


Sections = Mapping[str, Mapping[str, Any]]
"""Settings by section and name."""


def reduced(config: AuditConfig, seed: int, otherwise: Sections = MappingProxyType({})) -> AuditConfig:
    """A configuration with the reduced settings and a seed.

    Args:
        otherwise: what differs from the reduced settings.
    """
    values = config.model_dump(exclude={"base"})
    for sections in (REDUCED, otherwise):
        values |= {section: {**values[section], **given} for section, given in sections.items()}
    return build_config({**values, "seed": seed, "device": "cpu"}, config.base, "a scored audit")
