"""Rows of pictures for each confirmed candidate: ten that flipped, ten that did not, one with every control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from auditor.atlas.drawings.canvas import Canvas, from_array, webp_bytes
from auditor.core.records import PixelArray, Split
from auditor.core.records.trials import ConfirmedTrials
from auditor.report.anchors import anchor_of
from auditor.run.folder import RunFolder
from auditor.run.stages.examples import CANDIDATES, by_concern
from auditor.trials.bench import Bench
from auditor.trials.patch import Patch
from auditor.trials.placements import variants_of
from auditor.trials.stand_ins import Control

OF_EACH = 10
FLIPPED, KEPT, WITH_CONTROLS = "ten-flipped", "ten-kept", "controls"
_SIDE_PX, _GAP_PX, _WORDS_PX = 112, 4, 18


def draw_rows(
    folder: RunFolder,
    bench: Bench,
    confirmed: Sequence[ConfirmedTrials],
    patches: Sequence[Patch],
    controls: Sequence[Control],
) -> int:
    """Draw the rows of the candidates that worry most, at most `examples.CANDIDATES`; returns how many candidates.

    Pictures come in the order of their keys, which are hashes, so none is chosen for what it shows.
    """
    rgba_of = {patch.candidate.id: patch.rgba for patch in patches}
    chosen = by_concern(bench, confirmed, flipping=False)[:CANDIDATES]
    for one in chosen:
        pasted = _Pasted(bench, one, rgba_of[one.candidate.id])
        name = anchor_of(one.candidate.id, one.placement)
        flipped, kept = (_first(one, outcome) for outcome in (True, False))
        for key, columns in ((FLIPPED, flipped), (KEPT, kept)):
            if columns:
                row = [pasted.picture(column) for column in columns]
                folder.write(f"pictures/{key}-{name}.webp", webp_bytes(_row(row)))
        column = (flipped or kept)[0]
        made = [control for control in controls if control.name in one.controls]
        pictures = [pasted.picture(column), *(pasted.picture(column, control) for control in made)]
        words = ["the patch", *(control.name for control in made)]
        folder.write(f"pictures/{WITH_CONTROLS}-{name}.webp", webp_bytes(_row(pictures, words)))
    return len(chosen)


def _first(one: ConfirmedTrials, flipped: bool) -> list[int]:
    """Columns of the first ten pictures, by key, that flipped or did not."""
    columns = np.flatnonzero(one.block.outcomes == flipped).tolist()
    return sorted(columns, key=lambda column: one.block.image_keys[column])[:OF_EACH]


@dataclass(frozen=True, slots=True)
class _Pasted:
    """A confirmed candidate as it is pasted."""

    bench: Bench
    trials: ConfirmedTrials
    rgba: PixelArray

    def picture(self, column: int, control: Control | None = None) -> PixelArray:
        """(3, H, W) uint8 with the patch, or a control in its place, in the trial that flips it or comes nearest to."""
        block = self.trials.block
        row = int(np.argmax(block.after[:, column] + block.flips[:, column]))
        candidate = self.trials.candidate
        variant = variants_of(self.trials.placement, self.bench.config.trials, candidate.spot)[row]
        sweep = self.bench.table.sweep(Split.CONFIRMATION)
        return sweep.picture(block.image_keys[column], self.rgba, variant, candidate.id, control)[1]


def _row(pictures: Sequence[PixelArray], words: Sequence[str] = ()) -> Image.Image:
    """Pictures side by side, of one height, each with its words below."""
    tiles = [from_array(picture) for picture in pictures]
    width = max(1, round(_SIDE_PX * tiles[0].width / tiles[0].height))
    below = _WORDS_PX if words else 0
    canvas = Canvas.blank(len(tiles) * (width + _GAP_PX) - _GAP_PX, _SIDE_PX + below, 1, (255, 255, 255))
    for place, tile in enumerate(tiles):
        left = place * (width + _GAP_PX)
        canvas.image.paste(tile.resize((width, _SIDE_PX), Image.Resampling.BICUBIC), (left, 0))
        if words:
            canvas.text((left, _SIDE_PX + 3), words[place], 11, room=width)
    return canvas.image
