"""Small samples of an audit's work, timed: what a call takes, what a paste takes, what memory was taken so far."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
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

_PICTURES = 32
"""Of a batch that is pasted on to time a placement, at most."""


@dataclass(frozen=True, slots=True)
class PasteSeconds:
    """Seconds of one paste under a placement: of a patch, and of a control drawn in its place, on average."""

    patch: float
    control: float


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


def paste_seconds(table: Table, variants: tuple[Variant, ...]) -> PasteSeconds:
    """Paste noise and its controls on a few eligible pictures under one of some paste rules.

    The rule is the middle one: of a placement that takes the best of several sizes, a medium one. Controls are those
    that are made of the patch itself. What a placement makes of a whole picture, such as a photograph's light, blur and
    compression, may take longer than a small network.

    Args:
        variants: paste rules, which differ in place and size alone.
    Returns:
        Zeros where no picture of confirmation or selection is eligible.
    """
    table = replace(table, progress=Silence())
    split = next((one for one in (Split.CONFIRMATION, Split.SELECTION) if len(table.rows(one))), None)
    if split is None:
        return PasteSeconds(0.0, 0.0)
    part = (0, min(_PICTURES, table.inputs.config.compute.batch_size))
    variant = variants[len(variants) // 2]
    rgba = noise_patch(side_in_pixels(variant.size, *table.inputs.classifier.preprocessing.output_size), 0)

    def trial(control: Control | None) -> Trial:
        name = TrialName(split, "estimate", "", variant.placement)
        return Trial(name, rgba, part, control, (variant,))

    controls, pictures = own_controls(), len(table.rows(split, part))
    own = timed(partial(table.measure, trial(None)))
    theirs = sum(_seconds(partial(table.measure, trial(control))) for control in controls)
    return PasteSeconds(own / pictures, theirs / (len(controls) * pictures))


def seconds_at(table: Table, placement: Placement) -> PasteSeconds:
    """`paste_seconds` of a placement that has paste rules for every patch; at its own place a crop lies upright."""
    known = Placement.FIXED if placement is Placement.OWN else placement
    return paste_seconds(table, variants_of(known, table.inputs.config.trials))


def peak_memory() -> int:
    """Bytes that this process took at most so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
