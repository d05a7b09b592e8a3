"""A confirmed patch on what makes a picture the source, and beside it, with its covering at the same places."""

from __future__ import annotations

from auditor.candidates.places import Mapped
from auditor.core.config import AuditConfig
from auditor.core.records import Placement, Split
from auditor.core.records.places import DoseOutcomes
from auditor.core.records.trials import TrialName
from auditor.trials.bench import Bench, Trial
from auditor.trials.placements import Variant

BOTH = (Placement.ON_OBJECT, Placement.OFF_OBJECT)


def measure_on_object(bench: Bench, one: Mapped) -> tuple[DoseOutcomes, ...]:
    """Paste a patch and its covering, as large as confirmed, on the object and off it: one outcome a placement.

    Args:
        bench: its table's grounds know the pictures' attribution. The pictures are those of the dose-response.
    """
    config, candidate = bench.config, one.patch.candidate
    size = config.trials.size if candidate.spot is None else candidate.spot.size
    part = (0, min(config.places.dose_pictures, bench.eligible(Split.CONFIRMATION)))
    trials = [
        Trial(
            TrialName(Split.CONFIRMATION, candidate.id, control.name if control else "", placement),
            one.patch.rgba,
            part,
            control,
            (Variant(placement, f"{placement}: {size:g} of the side", size),),
        )
        for placement in BOTH
        for control in (None, one.covering)
    ]
    blocks = bench.measure(trials, f"{candidate.id} on the object and off it")
    flips = [block.outcomes[None] for block in blocks]
    return tuple(
        DoseOutcomes("size", placement, (size,), own, covering)
        for placement, own, covering in zip(BOTH, flips[::2], flips[1::2], strict=True)
    )


def on_object_pastes(config: AuditConfig, eligible: int) -> int:
    """Pastes that one patch takes, on so many eligible confirmation pictures."""
    return 2 * len(BOTH) * min(config.places.dose_pictures, eligible)
