"""The trials of a run folder: each block is measured once and kept, so an interrupted run loses at most one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from auditor.atlas.pair import Atlas
from auditor.candidates.patch import Patch, side_in_pixels
from auditor.candidates.propose import Scene, matched_controls
from auditor.candidates.ranking import Contender, choose_diverse
from auditor.records import ImagePool, PixelArray, Placement, Split
from auditor.setup import Setup
from auditor.stages import Clean, eligible_rows
from auditor.store import RunFolder, slug
from auditor.tables import TrialName, trials_from_table, trials_table
from auditor.trials.findings import ConfirmedTrials
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep, TrialBlock

SHARDS = "cache/trials"
SURVEY = "survey"
"""Stands in the place of a candidate's id for the controls that all of the survey shares."""


@dataclass(slots=True)
class Bench:
    """Where patches are measured: the eligible pictures of each split and the shards of what is measured already.

    Attributes:
        measured: the shards of this run in the order in which they were first asked for, each once.
    """

    run: RunFolder
    setup: Setup
    pool: ImagePool
    clean: Clean
    _sweeps: dict[Split, Sweep] = field(default_factory=dict)
    measured: dict[str, None] = field(default_factory=dict)

    def eligible(self, split: Split) -> int:
        return len(eligible_rows(self.pool, self.clean, split))

    def sweep(self, split: Split) -> Sweep:
        """The eligible source pictures of a split, put on the device when first asked for."""
        if split not in self._sweeps:
            rows = eligible_rows(self.pool, self.clean, split)
            predicted, probability = self.clean.of(rows)
            self._sweeps[split] = Sweep(
                self.setup.classifier,
                self.setup.criterion,
                self.pool.pixels[rows],
                [self.pool.images[row].key for row in rows],
                predicted,
                probability,
                self.setup.config.trials,
                self.setup.config.seed,
            )
        return self._sweeps[split]

    def measure(self, name: TrialName, rgba: PixelArray) -> TrialBlock:
        """Paste one patch on the eligible pictures of a split, or read back what was measured before."""
        pixels = hashlib.sha256(rgba.tobytes()).hexdigest()[:12]
        named = "--".join((name.split, slug(name.candidate), slug(name.control), name.placement, pixels))
        file = f"{SHARDS}/{named}.parquet"
        variants = variants_of(name.placement, self.setup.config.trials)
        if not self.run.has(file):
            block = self.sweep(name.split).run(rgba, variants, name.candidate, self.setup.progress)
            self.run.write_table(file, trials_table(name, block, self.setup.class_names))
        else:
            self.setup.progress.advance(len(variants) * self.eligible(name.split))
        self.measured[file] = None
        return trials_from_table(self.run.read_table(file))

    def pastes(self, split: Split, placements: Sequence[Placement], patches: int) -> int:
        """How many pastes it takes to measure that many patches."""
        variants = sum(len(variants_of(placement, self.setup.config.trials)) for placement in placements)
        return patches * variants * self.eligible(split)

    def keep_trials(self) -> None:
        """Write every block that was measured as one trials.parquet; none where nothing could be measured."""
        if self.measured:
            self.run.join_tables("trials.parquet", list(self.measured))


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


def choose_confirmed(patches: Sequence[Patch], selection: Mapping[str, TrialBlock], count: int) -> list[Patch]:
    """The candidates to confirm: most flips on the selection pictures, the tiers taking turns; no random crop.

    Where flips tie, the larger mean gain in the target's probability goes first. Without selection trials the
    predicted push decides.
    """
    eligible = [patch for patch in patches if patch.candidate.suggested]
    contenders = [
        Contender(_selection_score(patch, selection), patch.candidate.tier, "", -1, number)
        for number, patch in enumerate(eligible)
    ]
    return [eligible[index] for index in choose_diverse(contenders, count)]


def _selection_score(patch: Patch, selection: Mapping[str, TrialBlock]) -> float:
    block = selection.get(patch.candidate.id)
    if block is None:
        push = patch.candidate.predicted_push
        return push if np.isfinite(push) else -np.inf
    gain = float((block.best_after - block.before).mean())  # in (−1, 1): half of it never outweighs a flip
    return int(block.outcomes.sum()) + gain / 2


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
