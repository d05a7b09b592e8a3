"""Small samples of an audit's work, timed: what a call takes, what a paste takes, what memory was taken so far."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from auditor.candidates.controls import own_controls
from auditor.core.progress import Silence
from auditor.core.records import PixelArray, Placement, Split
from auditor.core.records.trials import TrialName
from auditor.trials.bench import Table, Trial
from auditor.trials.patch import side_in_pixels
from auditor.trials.placements import Variant, variants_of
from auditor.trials.stand_ins import Control

PICTURES = 32
"""Of a batch that is pasted on to time a placement, at most."""


def timed(do: Callable[[], object]) -> float:
    """Seconds of a call, the shorter of two, after one that pays for what is set up once."""
    do()
    return min(_seconds(do) for _ in range(2))


def _seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def noise_patch(side_px: int, number: int) -> PixelArray:
    """An opaque (4, side, side) patch of noise."""
    rgba = np.random.default_rng(number).integers(0, 256, size=(4, side_px, side_px), dtype=np.uint8)
    rgba[3] = 255
    return rgba


def seconds_at(table: Table, placement: Placement) -> float:
    """Seconds of a paste under a placement, on a few eligible pictures of confirmation or selection; 0.0 without any.

    What a placement makes of a whole picture, such as a photograph's light, blur and compression, may take longer than
    a small network.
    """
    return seconds_under(table, _rules(table, placement))


def seconds_under(table: Table, variants: Sequence[Variant]) -> float:
    """Seconds of a paste under some paste rules that differ in place and size alone: under the middle one of them."""
    table, split, pictures = _few(table)
    return timed(partial(table.measure, _trial(table, split, variants))) / pictures if pictures else 0.0


def control_seconds_at(table: Table, placement: Placement) -> float:
    """Seconds of a paste of a control, drawn anew for each picture, the mean over those made of the patch itself."""
    table, split, pictures = _few(table)
    if not pictures:
        return 0.0
    variants, controls = _rules(table, placement), own_controls()
    taken = sum(_seconds(partial(table.measure, _trial(table, split, variants, control))) for control in controls)
    return taken / (len(controls) * pictures)


def _rules(table: Table, placement: Placement) -> Sequence[Variant]:
    """At its own place a crop lies upright, as at a fixed one."""
    known = Placement.FIXED if placement is Placement.OWN else placement
    return variants_of(known, table.inputs.config.trials)


def _few(table: Table) -> tuple[Table, Split, int]:
    """The same table, silent, the split whose pictures are pasted on, and how many of them are."""
    split = next((one for one in (Split.CONFIRMATION, Split.SELECTION) if len(table.rows(one))), Split.CONFIRMATION)
    return replace(table, progress=Silence()), split, len(table.rows(split, _part(table)))


def _part(table: Table) -> tuple[int, int]:
    return (0, min(PICTURES, table.inputs.config.compute.batch_size))


def _trial(table: Table, split: Split, variants: Sequence[Variant], control: Control | None = None) -> Trial:
    variant = variants[len(variants) // 2]
    rgba = noise_patch(side_in_pixels(variant.size, *table.inputs.classifier.preprocessing.output_size), 0)
    name = TrialName(split, "estimate", "", variant.placement)
    return Trial(name, rgba, _part(table), control, (variant,))


def peak_memory() -> int:
    """Bytes that this process took at most so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
