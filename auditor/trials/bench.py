"""Where patches are measured: each block of trials once, kept on a shelf, so an interrupted run loses at most one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from auditor.core.config import AuditConfig, TrialsConfig
from auditor.core.errors import DamagedFileError
from auditor.core.progress import Progress
from auditor.core.records import ImagePool, IntArray, PixelArray, Split
from auditor.core.records.trials import Clean, TrialBlock, TrialName, eligible_rows
from auditor.core.shelf import Shelf, slug
from auditor.core.work import Hands, Work
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.opening import Inputs
from auditor.trials.blocks import block_from_bytes, block_to_bytes
from auditor.trials.grounds import ANYWHERE, Grounds
from auditor.trials.placements import Variant, variants_of
from auditor.trials.stand_ins import Control, CutFromPictures
from auditor.trials.sweep import Sweep

SHARDS = "cache/trials"
SURVEY = "survey"
"""Stands in the place of a candidate's id for the controls that all of the survey shares."""

_FORMAT = "2"
"""Of a block's file. Earlier versions drew a control once for all pictures and kept no ranks: not read any more."""

Part: TypeAlias = tuple[int, int] | frozenset[str]
"""From the first to before the last of a split's eligible pictures, in the order of their keys; or some by their keys.
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is measured in one go: a patch, (4, h, w) uint8, on a split's eligible pictures or a part of them.

    `control` is what is pasted in its place; None: the patch itself. `variants` are the paste rules; None: those of the
    placement in its name.
    """

    name: TrialName
    rgba: PixelArray
    part: Part | None = None
    control: Control | None = None
    variants: tuple[Variant, ...] | None = None

    def rules(self, config: TrialsConfig) -> tuple[Variant, ...]:
        """The paste rules."""
        return variants_of(self.name.placement, config) if self.variants is None else self.variants


@dataclass(slots=True)
class Table:
    """What a worker measures on: the classifier and the eligible pictures, put on the device when first asked for.

    `classifier` is the network that trials run: that of the inputs, or its folded copy. `grounds` tell where
    patches may lie in these pictures.
    """

    inputs: Inputs
    classifier: Classifier
    pool: ImagePool
    clean: Clean
    progress: Progress
    grounds: Grounds = ANYWHERE
    _sweeps: dict[tuple[Split, Part | None], Sweep] = field(default_factory=dict)

    def rows(self, split: Split, part: Part | None = None) -> IntArray:
        """Rows of the pool: a split's eligible source pictures, or a part of them."""
        rows = eligible_rows(self.pool, self.clean, split)
        if part is None:
            return rows
        # keys are hashes of the pictures, so any part is a fair sample of all of them
        ordered = sorted(rows.tolist(), key=lambda row: self.pool.images[row].key)
        if isinstance(part, frozenset):
            return np.array([row for row in ordered if self.pool.images[row].key in part], dtype=np.int64)
        return np.array(ordered[slice(*part)], dtype=np.int64)

    def sweep(self, split: Split, part: Part | None = None) -> Sweep:
        """The sweep over these pictures. Of parts the last is kept: each holds a batch of float32 pictures."""
        if (split, part) not in self._sweeps:
            if part is not None:
                self._sweeps = {key: sweep for key, sweep in self._sweeps.items() if key[1] is None}
            rows = self.rows(split, part)
            self._sweeps[split, part] = Sweep(
                self.classifier,
                self.inputs.criterion,
                self.pool.pixels[rows],
                [self.pool.images[row].key for row in rows],
                self.clean.of(rows),
                self.inputs.config.trials,
                self.inputs.config.seed,
                self.pool.pixels,
                self.pool.paths(rows),
                self.grounds,
            )
        return self._sweeps[split, part]

    def measure(self, trial: Trial) -> TrialBlock:
        """Paste a patch on every picture of its sweep.

        Raises:
            ModelError: the network fails; names the picture that it fails on, where it is one.
        """
        variants = trial.rules(self.inputs.config.trials)
        sweep = self.sweep(trial.name.split, trial.part)
        return sweep.run(trial.rgba, variants, trial.name.candidate, self.progress, trial.control)


@dataclass(slots=True)
class Bench:
    """Where the trials of a run are asked for, in lists; what is on the shelf already is read back.

    Attributes:
        table: what is measured on, in this process; hands: who measures, each on a table of their own.
        measured: the files of this run's blocks in the order in which they were first asked for, each once.
        blocks: the folder of the shelf that they lie in.
    """

    shelf: Shelf
    table: Table
    hands: Hands[Table]
    measured: dict[str, None] = field(default_factory=dict)
    blocks: str = SHARDS

    @property
    def config(self) -> AuditConfig:
        return self.table.inputs.config

    @property
    def progress(self) -> Progress:
        return self.table.progress

    def eligible(self, split: Split) -> int:
        """How many eligible pictures a split has."""
        return len(self.table.rows(split))

    def pastes(self, trial: Trial) -> int:
        """How many pastes it takes."""
        return len(trial.rules(self.config.trials)) * len(self.table.rows(trial.name.split, trial.part))

    def measure(self, trials: Sequence[Trial], stage: str) -> list[TrialBlock]:
        """The blocks of these trials, in their order.

        Args:
            stage: what the work is called where somebody watches its progress, counted in pastes.
        """
        files = [block_file(trial, self.blocks) for trial in trials]
        self.progress.start(stage, sum(self.pastes(trial) for trial in trials))
        stored = [self._stored(file) for file in files]
        self.progress.advance(
            sum(self.pastes(trial) for trial, there in zip(trials, stored, strict=True) if there is not None)
        )
        missing = [trial for trial, there in zip(trials, stored, strict=True) if there is None]
        made = self.hands.engine.each(Work(self.hands.open, Table.measure, self.pastes), missing)
        blocks: list[TrialBlock] = []
        for trial, file, block in zip(trials, files, stored, strict=True):
            if block is None:
                block = next(made)
                self.shelf.write(file, block_to_bytes(trial.name, block, self.table.inputs.class_names))
            self.measured[file] = None
            blocks.append(block)
        return blocks

    def _stored(self, file: str) -> TrialBlock | None:
        """A block that was measured before; None where it was not, or its file is damaged."""
        if not self.shelf.has(file):
            return None
        try:
            return block_from_bytes(self.shelf.read(file))
        except DamagedFileError:
            return None


def block_file(trial: Trial, folder: str = SHARDS) -> str:
    """The file of a block, by all that tells it from others: its name, the patch's pixels, the part, paste rules.

    Of a control that is cut from other pictures, also by where it may be cut.
    """
    name = trial.name
    pixels = hashlib.sha256(trial.rgba.tobytes()).hexdigest()[:12]
    where = (*_cut(trial.control), *((_told(trial.part),) if trial.part else ()))
    rules = () if trial.variants is None else (hashlib.sha256(repr(trial.variants).encode()).hexdigest()[:12],)
    words = (name.split, slug(name.candidate), slug(name.control), name.placement, pixels, *where, *rules, _FORMAT)
    return f"{folder}/{'--'.join(words)}.parquet"


def _cut(control: Control | None) -> tuple[str, ...]:
    stand_in = None if control is None else control.stand_in
    return (stand_in.digest,) if isinstance(stand_in, CutFromPictures) else ()


def _told(part: Part) -> str:
    if isinstance(part, frozenset):
        return hashlib.sha256("\n".join(sorted(part)).encode()).hexdigest()[:12]
    return f"{part[0]}-{part[1]}"
