"""The ladder of the library's drawings: all of them by a linear guess, some through the tail, a few into the trials."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auditor.candidates.ladder import Entry, Screen, choose_screened, patches_of
from auditor.candidates.linear import LinearScreen
from auditor.core.config import AuditConfig
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import Rung
from auditor.trials.patch import Patch

DRAWINGS_RUNG = "screening of the library's drawings"

SHORTLISTED = 12
"""As many times more than are tried are screened through the tail, the best by the linear guess."""


def screen_drawn(
    drawn: Sequence[Patch], first: LinearScreen | None, screen: Screen, config: AuditConfig, progress: Progress
) -> tuple[list[Patch], Rung]:
    """Choose those of the library's drawings that push most, as crops are chosen, on a budget of their own.

    Args:
        first: the linear screen of the crops; None: nothing is linear, and chance says which of the drawings are
            screened, since each costs as much as a crop.
    Returns:
        At most `candidates.drawn` of them with their predicted push, best first, and the rung.
    """
    started = time.perf_counter()
    count = config.candidates.drawn
    most = min(len(drawn), SHORTLISTED * count)
    progress.start(DRAWINGS_RUNG, most + (len(drawn) if first else 0))
    if first is None:
        order = keyed_generator(config.seed, "drawings").permutation(len(drawn))
    else:
        order = np.argsort(
            -first.screen([patch.rgba for patch in drawn], [patch.called for patch in drawn]), kind="stable"
        )
    short = [drawn[index] for index in order[:most].tolist()]
    entries = [Entry(patch.rgba, patch.candidate.tier, name=patch.called) for patch in short]
    patches, names = patches_of(entries)
    pushes = [float(push) for push in screen.screen(patches, names)]
    chosen = choose_screened(entries, pushes, count, screen.seen(patches, names), config.candidates)
    kept = [
        replace(short[index], candidate=replace(short[index].candidate, predicted_push=pushes[index]))
        for index in chosen
    ]
    seconds = round(time.perf_counter() - started, 2)
    by = "predicted push, look-alikes out" if first is None else "first-order, then predicted push, look-alikes out"
    return kept, Rung(DRAWINGS_RUNG, len(drawn), len(kept), by, seconds=seconds)
