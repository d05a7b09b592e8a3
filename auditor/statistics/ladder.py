"""The ladder of effects: what covering, colour, texture and the patch itself do, and which of them does it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import Effect, Step
from auditor.statistics.paired import paired_counts, tango_interval

MOST_OF_IT = 0.5
"""A step that has this share of the patch's uplift over covering does it alone."""


def ladder_of_effects(
    candidate: NDArray[np.bool_],
    controls: Mapping[str, NDArray[np.bool_]],
    steps: Mapping[str, Step],
    confidence: float,
) -> tuple[Effect, ...]:
    """Each step by its control that flips most, against the strongest covering on the same pictures.

    It explains a finding and decides nothing, so its intervals are not corrected for how many there are.

    Args:
        candidate: (B,) whether each eligible picture flipped; controls: the same of each, by name.
        steps: the step of each control.
        confidence: of each interval, two-sided.

    Returns:
        Covering, colour, texture, as far as they were measured, and the patch itself (step None), in this order; none
        where no covering was measured. Covering's own difference is 0.

    Source: Tango 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B (the intervals).
    """
    strongest = {step: _strongest(controls, steps, step) for step in Step}
    covering = strongest[Step.COVERING]
    if covering is None:
        return ()
    named = [(step, name, controls[name]) for step, name in strongest.items() if name is not None]
    rungs: list[tuple[Step | None, str, NDArray[np.bool_]]] = [*named, (None, "", candidate)]
    effects = []
    for step, name, outcomes in rungs:
        table = paired_counts(outcomes, controls[covering])
        effects.append(
            Effect(
                step=step,
                control=name,
                flips=int(outcomes.sum()),
                eligible=len(outcomes),
                over_covering=table.difference,
                interval=tango_interval(table, confidence),
            )
        )
    return tuple(effects)


def _strongest(controls: Mapping[str, NDArray[np.bool_]], steps: Mapping[str, Step], step: Step) -> str | None:
    """The control of a step that flips most, by name where several do; None where the step was not measured."""
    of_step = [name for name in controls if steps[name] is step]
    return min(of_step, key=lambda name: (-int(controls[name].sum()), name), default=None)


def what_does_it(ladder: tuple[Effect, ...]) -> Step | None:
    """The lowest step above covering that has most of the patch's uplift, and surely some; None: the patch itself.

    Colour is lower than texture: where the colours do it, so do they when their texture is kept.
    """
    whole = ladder[-1].over_covering if ladder else 0.0
    for effect in ladder[:-1]:
        enough = effect.over_covering >= MOST_OF_IT * whole and effect.interval.low > 0.0
        if effect.step is not Step.COVERING and whole > 0.0 and enough:
            return effect.step
    return None
