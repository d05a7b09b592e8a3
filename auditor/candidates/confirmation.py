"""What is measured on confirmation pictures: all that was tried, and the chosen with their controls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.candidates.controls import OWN_CONTROLS, Making, check_visible, make_controls, steps
from auditor.core.records import Candidate, Placement, Split
from auditor.core.records.trials import ConfirmedTrials, TrialBlock, TrialName
from auditor.trials.bench import SURVEY, Bench, Part, Trial
from auditor.trials.patch import Patch, side_in_pixels
from auditor.trials.placements import own_variants, variants_of
from auditor.trials.stand_ins import Control


def try_all(
    bench: Bench, patches: Sequence[Patch], split: Split, placement: Placement, part: Part | None = None
) -> dict[str, TrialBlock]:
    """Measure every patch once on a split, or a part of it, without controls; by candidate id."""
    trials = [Trial(TrialName(split, patch.candidate.id, "", placement), patch.rgba, part) for patch in patches]
    blocks = bench.measure(trials, f"trials on {split}{_of(part)}")
    return {patch.candidate.id: block for patch, block in zip(patches, blocks, strict=True)}


def shared_controls(bench: Bench, placement: Placement, part: Part | None = None) -> dict[str, TrialBlock]:
    """The survey's controls on confirmation pictures at the fixed size: noise, drawn for each, and mid grey."""
    height, width = bench.table.pool.pixels.shape[2:]
    side = side_in_pixels(bench.config.trials.size, int(height), int(width))
    square = np.full((4, side, side), 255, dtype=np.uint8)
    shared = [Control(name, OWN_CONTROLS[name]) for name in ("noise", "grey")]
    trials = [
        Trial(TrialName(Split.CONFIRMATION, SURVEY, control.name, placement), square, part, control)
        for control in shared
    ]
    blocks = bench.measure(trials, f"shared controls{_of(part)}")
    return {control.name: block for control, block in zip(shared, blocks, strict=True)}


def _of(part: Part | None) -> str:
    return f", pictures {part[0] + 1} to {part[1]}" if isinstance(part, tuple) else ""


def confirm(
    bench: Bench, making: Making, chosen: Sequence[Patch], placements: Sequence[Placement]
) -> list[ConfirmedTrials]:
    """Measure the chosen patches and all their controls on the confirmation pictures, on the same placements.

    A crop that was chosen at its own place is measured there, and so are its controls.

    Args:
        placements: of all that have no place of their own.
    Returns:
        In the order in which they are held to the limit (`order_of_test`).

    Raises:
        PatchError: nothing is left of a patch where it is pasted.
    """
    controls = make_controls(making)
    asked = asked_for(bench, making, chosen, placements)
    trials = [trial_of(*one, control) for one in asked for control in (None, *controls)]
    blocks = iter(bench.measure(trials, f"confirming {len(chosen)} candidates with controls"))
    return [
        ConfirmedTrials(patch.candidate, placement, next(blocks), {one.name: next(blocks) for one in controls}, steps())
        for patch, placement in asked
    ]


def order_of_test(
    candidates: Sequence[Candidate], placements: Sequence[Placement]
) -> list[tuple[Candidate, Placement]]:
    """What is confirmed, in the order in which it is held to the limit: who comes early may spend more of the error.

    All candidates come at their first placement before any comes at a further one, since selection saw the first alone
    and its order speaks for nothing else.

    Args:
        candidates: in the order of selection.
        placements: of all that have no place of their own.
    """
    under = [(candidate, candidate.placements(placements)) for candidate in candidates]
    rounds = range(max((len(of_one) for _, of_one in under), default=0))
    return [(candidate, of_one[turn]) for turn in rounds for candidate, of_one in under if turn < len(of_one)]


def asked_for(
    bench: Bench, making: Making, chosen: Sequence[Patch], placements: Sequence[Placement]
) -> list[tuple[Patch, Placement]]:
    """Every patch with each placement at which it is confirmed, in the order of the test; else as `confirm`."""
    by_id = {patch.candidate.id: patch for patch in chosen}
    pairs = order_of_test([patch.candidate for patch in chosen], placements)
    asked = [(by_id[candidate.id], placement) for candidate, placement in pairs]
    for patch, placement in asked:
        own = own_variants(patch.candidate, placement)
        largest = max(variant.size for variant in own or variants_of(placement, bench.config.trials))
        check_visible(patch, side_in_pixels(largest, *making.scene.input_size))
    return asked


def trial_of(patch: Patch, placement: Placement, control: Control | None = None, part: Part | None = None) -> Trial:
    """A patch, or a control in its place, on confirmation pictures or a part of them."""
    name = TrialName(Split.CONFIRMATION, patch.candidate.id, control.name if control else "", placement)
    return Trial(name, patch.rgba, part, control, own_variants(patch.candidate, placement))
