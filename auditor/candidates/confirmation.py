"""What is measured on confirmation pictures: all that was tried, and the chosen with their controls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.atlas.kinds import Atlas
from auditor.candidates.controls import matched_controls
from auditor.candidates.scene import Scene
from auditor.core.records import Placement, Split
from auditor.core.records.trials import ConfirmedTrials, TrialBlock, TrialName
from auditor.trials.bench import SURVEY, Bench
from auditor.trials.patch import Patch, side_in_pixels
from auditor.trials.placements import variants_of


def try_all(bench: Bench, patches: Sequence[Patch], split: Split, placement: Placement) -> dict[str, TrialBlock]:
    """Measure every patch once on a split, without controls; by candidate id."""
    bench.setup.progress.start(f"trials on {split}", bench.pastes(split, [placement], len(patches)))
    return {
        patch.candidate.id: bench.measure(TrialName(split, patch.candidate.id, "", placement), patch.rgba)
        for patch in patches
    }


def shared_controls(bench: Bench, placement: Placement) -> dict[str, TrialBlock]:
    """The survey's controls on the confirmation pictures: uniform noise and mid grey at the fixed size."""
    height, width = bench.pool.pixels.shape[2:]
    side = side_in_pixels(bench.setup.config.trials.size, int(height), int(width))
    generator = np.random.default_rng(bench.setup.config.seed)
    opaque = np.full((1, side, side), 255, dtype=np.uint8)
    colours = {
        "noise": generator.integers(0, 256, size=(3, side, side), dtype=np.uint8),
        "grey": np.full((3, side, side), 128, dtype=np.uint8),
    }
    bench.setup.progress.start("shared controls", bench.pastes(Split.CONFIRMATION, [placement], len(colours)))
    return {
        name: bench.measure(TrialName(Split.CONFIRMATION, SURVEY, name, placement), np.concatenate([colour, opaque]))
        for name, colour in colours.items()
    }


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
    config = bench.setup.config.trials
    bench.setup.progress.start(
        f"confirming {len(chosen)} candidates with controls",
        bench.pastes(Split.CONFIRMATION, placements, len(chosen) * (6 + (atlas is not None))),
    )
    confirmed = []
    for patch in chosen:
        identity = patch.candidate.id
        for placement in placements:
            largest = max(variant.size for variant in variants_of(placement, config))
            controls = matched_controls(scene, atlas, patch, side_in_pixels(largest, *scene.input_size))
            block = bench.measure(TrialName(Split.CONFIRMATION, identity, "", placement), patch.rgba)
            measured = {
                name: bench.measure(TrialName(Split.CONFIRMATION, identity, name, placement), rgba)
                for name, rgba in controls.items()
            }
            confirmed.append(ConfirmedTrials(patch.candidate, placement, block, measured))
    return confirmed
