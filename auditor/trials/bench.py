"""Where patches are measured: each block of trials once, kept on a shelf, so an interrupted run loses at most one."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import ImagePool, PixelArray, Placement, Split
from auditor.core.records.trials import Clean, Draws, TrialBlock, TrialName, eligible_rows
from auditor.inputs.opening import Setup
from auditor.run.folder import RunFolder, slug
from auditor.trials.blocks import trials_from_table, trials_table
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep

SHARDS = "cache/trials"


Part: TypeAlias = tuple[int, int]
"""From the first to before the last of a split's eligible pictures, in the order of their keys."""


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
    _sweeps: dict[tuple[Split, Part | None], Sweep] = field(default_factory=dict)
    measured: dict[str, None] = field(default_factory=dict)

    def eligible(self, split: Split) -> int:
        return len(eligible_rows(self.pool, self.clean, split))

    def sweep(self, split: Split, part: Part | None = None) -> Sweep:
        """The eligible source pictures of a split, or a part of them, put on the device when first asked for."""
        if (split, part) not in self._sweeps:
            rows = eligible_rows(self.pool, self.clean, split)
            if part is not None:  # keys are hashes of the pictures, so any part is a fair sample of all of them
                rows = np.array(sorted(rows, key=lambda row: self.pool.images[row].key)[slice(*part)], dtype=np.int64)
            predicted, probability = self.clean.of(rows)
            self._sweeps[split, part] = Sweep(
                self.setup.classifier,
                self.setup.criterion,
                self.pool.pixels[rows],
                [self.pool.images[row].key for row in rows],
                predicted,
                probability,
                self.setup.config.trials,
                self.setup.config.seed,
            )
        return self._sweeps[split, part]

    def measure(self, name: TrialName, rgba: PixelArray, part: Part | None = None) -> TrialBlock:
        """Paste one patch on the eligible pictures of a split, or read back what was measured before."""
        pixels = hashlib.sha256(rgba.tobytes()).hexdigest()[:12]
        pictures = (f"{part[0]}-{part[1]}",) if part else ()
        named = "--".join((name.split, slug(name.candidate), slug(name.control), name.placement, pixels, *pictures))
        file = f"{SHARDS}/{named}.parquet"
        variants = variants_of(name.placement, self.setup.config.trials)
        if not self.run.has(file):
            block = self.sweep(name.split, part).run(rgba, variants, name.candidate, self.setup.progress)
            self.run.write_table(file, trials_table(name, block, self.setup.class_names))
        else:
            pictures_measured = part[1] - part[0] if part else self.eligible(name.split)
            self.setup.progress.advance(len(variants) * pictures_measured)
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


def odds_gain(*blocks: TrialBlock) -> float:
    """Mean gain in the target's log-odds over all pictures of some blocks, logits.

    It predicts flips on other pictures better than flips do, which are few: every picture says something.
    """
    before = np.concatenate([block.before for block in blocks]).astype(np.float64)
    after = np.concatenate([block.best_after for block in blocks]).astype(np.float64)
    return float((_log_odds(after) - _log_odds(before)).mean())


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    # 1e-6: float32 probabilities close to 1 hold no more, and one certain picture must not outweigh all others
    clipped = np.clip(probability, 1e-6, 1.0 - 1e-6)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), dtype=np.float64)


def join_blocks(blocks: Sequence[TrialBlock]) -> TrialBlock:
    """Blocks of one patch on different pictures as one block; at least one, with the same variants."""
    first = blocks[0]
    draws = tuple(
        Draws(*(np.concatenate([getattr(block.draws[row], one.name) for block in blocks]) for one in fields(Draws)))
        for row in range(len(first.variants))
    )
    return TrialBlock(
        image_keys=tuple(itertools.chain.from_iterable(block.image_keys for block in blocks)),
        variants=first.variants,
        draws=draws,
        clean=np.concatenate([block.clean for block in blocks]),
        patched=np.concatenate([block.patched for block in blocks], axis=1),
        before=np.concatenate([block.before for block in blocks]),
        after=np.concatenate([block.after for block in blocks], axis=1),
        flips=np.concatenate([block.flips for block in blocks], axis=1),
    )
