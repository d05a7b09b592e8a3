"""Seconds that an audit's pastes will take, each placement timed by itself: a photograph takes longer than a corner."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.candidates.survival import saved_variants
from auditor.core.progress import Silence
from auditor.core.records import Placement
from auditor.run.stage import Run
from auditor.run.stages.clean import CLEAN, predict_pictures
from auditor.run.stages.images import IMAGES
from auditor.run.stages.trials import open_table
from auditor.run.timing import PICTURES, control_seconds_at, seconds_at, seconds_under, timed
from auditor.run.workload import Workload
from auditor.trials.placements import variants_of


@dataclass(frozen=True, slots=True)
class PasteSeconds:
    """Seconds of the pastes of the trials, of the places of a few confirmed patches, and of flips looked at again."""

    trials: float
    places: float
    survival: float


def pastes_ahead(run: Run, work: Workload) -> PasteSeconds:
    """Time a few pastes of every kind and multiply.

    All flips that are looked at again count as saved as JPEG, which takes longer than the shifts, the other half.
    """
    table, trials = run.open(open_table), run.config.trials
    at = {placement: seconds_at(table, placement) for placement in {Placement.FIXED, *trials.placements}}
    at[Placement.OWN] = at[Placement.FIXED]  # a crop's own place is upright too
    first = at[trials.placements[0]]
    confirmed = sum(patches + controls for _, patches, controls in work.confirmed)
    of_controls = sum(
        controls * control_seconds_at(table, placement) for placement, _, controls in work.confirmed if controls
    )
    saved = [
        seconds_under(table, saved_variants(variants_of(placement, trials), run.config))
        for placement in (trials.placements if work.survival else ())
    ]
    return PasteSeconds(
        trials=(work.screened + work.selection + work.confirmation - confirmed) * first
        + sum(patches * at[placement] for placement, patches, _ in work.confirmed)
        + of_controls,
        places=(work.places - work.doses) * at[Placement.FIXED] + work.doses * first,
        survival=work.survival * sum(saved) / max(1, len(saved)),
    )


def unpatched_seconds(run: Run) -> float:
    """Seconds of a picture without a patch in the network as it is, which removals and whole-picture effects run."""
    pool, rows = run.get(IMAGES), run.get(CLEAN).rows[:PICTURES]
    if not len(rows):
        return 0.0
    return timed(lambda: predict_pictures(run.inputs, pool, rows, Silence())) / len(rows)
