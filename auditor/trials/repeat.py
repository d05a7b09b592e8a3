"""Trials made a second time, to see that draws and classes hang on nothing but their keys. It keeps nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import Repeat
from auditor.core.records.trials import Draws, TrialBlock
from auditor.trials.bench import Table, Trial

PICTURES = 16
"""Few enough that nobody waits for them; of pictures in the order of their keys, so any sixteen are a fair sample."""


def repeat(table: Table, trial: Trial, before: TrialBlock) -> Repeat:
    """Make the first trials of a block again, in a batch of their own, and compare.

    Args:
        trial: what was measured on all of a split; before: what came of it.
    """
    again = table.measure(replace(trial, part=(0, min(PICTURES, len(before.image_keys)))))
    columns = [before.image_keys.index(key) for key in again.image_keys]
    same = np.all(again.patched == before.patched[:, columns], axis=0)
    for drawn, earlier in zip(again.draws, before.draws, strict=True):
        same &= _equal(drawn, earlier, columns)
    apart = float(np.max(np.abs(again.after - before.after[:, columns]), initial=0.0))
    return Repeat(trial.name.candidate, len(columns), int(same.sum()), apart)


def _equal(drawn: Draws, earlier: Draws, columns: list[int]) -> NDArray[np.bool_]:
    """Of each picture, whether every number of its draw is the same."""
    pairs = [(now, earlier.columns[name][columns]) for name, now in drawn.columns.items()]
    return np.asarray(np.all([now == then for now, then in pairs], axis=0), dtype=np.bool_)
