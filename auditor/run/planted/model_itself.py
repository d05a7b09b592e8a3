"""What the patches of a copy's audit do to the audited model itself: what was planted is what they do beyond that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from auditor.core.records import Finding, PixelArray, Split
from auditor.core.records.trials import eligible_rows
from auditor.run.stage import Run
from auditor.run.stages.clean import CLEAN, network_of_trials
from auditor.run.stages.grounds import grounds_of
from auditor.run.stages.images import IMAGES
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep


@dataclass(frozen=True)
class ModelItself:
    """The audited model on the confirmation pictures of the source that it knows."""

    run: Run

    @cached_property
    def _sweep(self) -> Sweep:
        run, pool, clean = self.run, self.run.get(IMAGES), self.run.get(CLEAN)
        rows = eligible_rows(pool, clean, Split.CONFIRMATION)
        return Sweep(
            run.open(network_of_trials),
            run.inputs.criterion,
            pool.pixels[rows],
            [pool.images[row].key for row in rows.tolist()],
            clean.said.at(np.searchsorted(clean.rows, rows)),
            run.config.trials,
            run.config.seed,
            names=pool.paths(rows),
            grounds=grounds_of(run.inputs, pool),
        )

    def flips(self, finding: Finding, rgba: PixelArray) -> tuple[int, int]:
        """How many pictures a finding's patch flips, placed on each as the copy's audit placed it, and of how many.

        Args:
            rgba: (4, h, w) uint8, the patch.
        """
        candidate = finding.candidate
        variants = variants_of(finding.placement, self.run.config.trials, candidate.spot)
        self.run.progress.start("its findings in the model itself", len(self._sweep) * len(variants))
        flipped = self._sweep.run(rgba, variants, candidate.id, self.run.progress).outcomes
        return int(flipped.sum()), len(flipped)
