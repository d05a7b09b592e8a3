"""What is measured on confirmation pictures: all that was tried, and the chosen with their controls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.atlas.kinds import Atlas
from auditor.candidates.controls import matched_controls
from auditor.candidates.scene import Scene
from auditor.core.records import PixelArray, Placement, Split
from auditor.core.records.trials import ConfirmedTrials, TrialBlock, TrialName
from auditor.trials.bench import SURVEY, Bench, Trial
from auditor.trials.patch import Patch, side_in_pixels
from auditor.trials.placements import variants_of


def try_all(bench: Bench, patches: Sequence[Patch], split: Split, placement: Placement) -> dict[str, TrialBlock]:
    """Measure every patch once on a split, without controls; by candidate id."""
    trials = [Trial(TrialName(split, patch.candidate.id, "", placement), patch.rgba) for patch in patches]
    blocks = bench.measure(trials, f"trials on {split}")
    return {patch.candidate.id: block for patch, block in zip(patches, blocks, strict=True)}


def shared_controls(bench: Bench, placement: Placement) -> dict[str, TrialBlock]:
    """The survey's controls on the confirmation pictures: uniform noise and mid grey at the fixed size."""
    height, width = bench.table.pool.pixels.shape[2:]
    side = side_in_pixels(bench.config.trials.size, int(height), int(width))
    generator = np.random.default_rng(bench.config.seed)
    opaque = np.full((1, side, side), 255, dtype=np.uint8)
    colours = {
        "noise": generator.integers(0, 256, size=(3, side, side), dtype=np.uint8),
        "grey": np.full((3, side, side), 128, dtype=np.uint8),
    }
    trials = [
        Trial(TrialName(Split.CONFIRMATION, SURVEY, name, placement), np.concatenate([colour, opaque]))
        for name, colour in colours.items()
    ]
    return dict(zip(colours, bench.measure(trials, "shared controls"), strict=True))


def confirm(
    bench: Bench,
    scene: Scene,
    atlas: Atlas | None,
    chosen: Sequence[Patch],
    placements: Sequence[Placement],
) -> list[ConfirmedTrials]:
    """Measure the chosen patches and all their controls on the confirmation pictures, on the same placements.

    Without an atlas there is no crop of a random cell among the controls.
    """
    asked: list[tuple[Patch, Placement, list[str]]] = []
    trials: list[Trial] = []
    for patch in chosen:
        for placement in placements:
            pasted = {"": patch.rgba, **_controls(bench, scene, atlas, patch, placement)}
            names = [TrialName(Split.CONFIRMATION, patch.candidate.id, control, placement) for control in pasted]
            trials += [Trial(name, rgba) for name, rgba in zip(names, pasted.values(), strict=True)]
            asked.append((patch, placement, list(pasted)))
    blocks = iter(bench.measure(trials, f"confirming {len(chosen)} candidates with controls"))
    confirmed = []
    for patch, placement, controls in asked:
        measured = {control: next(blocks) for control in controls}
        confirmed.append(ConfirmedTrials(patch.candidate, placement, measured.pop(""), measured))
    return confirmed


def _controls(
    bench: Bench, scene: Scene, atlas: Atlas | None, patch: Patch, placement: Placement
) -> dict[str, PixelArray]:
    largest = max(variant.size for variant in variants_of(placement, bench.config.trials))
    return dict(matched_controls(scene, atlas, patch, side_in_pixels(largest, *scene.input_size)))
