"""Screening through the whole network, where no layer of it is mapped: patches pasted on a few source pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.core.config import TrialsConfig
from auditor.core.progress import Progress, Within
from auditor.core.records import FloatArray, PixelArray, Placement
from auditor.trials.blocks import odds_gain
from auditor.trials.patch import side_in_pixels
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep

PIXELS, PIXELS_OF_MADE = "screening in pixels", "screening of made patches in pixels"


class PixelScreen:
    """What pasting a patch at the fixed placement does on a few source pictures; it costs a pass for each."""

    rung, rung_of_made = PIXELS, PIXELS_OF_MADE
    cut = None

    def __init__(self, sweep: Sweep, config: TrialsConfig, input_size: tuple[int, int], progress: Progress) -> None:
        """
        Args:
            sweep: over the source pictures that patches are screened on, none of confirmation.
            input_size: (H, W) of prepared pictures.
        """
        self._sweep, self._config, self._progress = sweep, config, progress
        self.side_px = side_in_pixels(config.size, *input_size)

    def screen(self, patches: Sequence[PixelArray], names: Sequence[str] = ()) -> FloatArray:
        """(N,) mean gain in the target's log-odds, logits, of (3 or 4, h, w) uint8 patches.

        Args:
            names: of the patches, for the message where the network fails on a picture with one on it.
        """
        variants = variants_of(Placement.FIXED, self._config)
        gains = np.empty(len(patches), dtype=np.float32)
        for number, patch in enumerate(patches):
            opaque = patch if len(patch) == 4 else np.concatenate([patch, np.full_like(patch[:1], 255)])
            called = names[number] if names else f"patch {number + 1}"
            gains[number] = odds_gain(
                self._sweep.run(opaque, variants, "screening", Within(self._progress), called=called)
            )
            self._progress.advance()
        return gains

    def seen(self, patches: Sequence[PixelArray], names: Sequence[str] = ()) -> None:
        """Nothing: what the network sees in a patch is not known without a layer."""
        del patches, names
