"""The cheapest screening: what a patch changes in the features, times one mean gradient. It runs no tail a patch.

The changes themselves are kept beside the number, pooled: what is learnt from them costs no further pass.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from auditor.candidates.pasted_shards import SHARD_PATCHES, Pasted, PastedShards
from auditor.candidates.screening import Box, Part, TailScreen, in_parts, log_odds, under_patch, write
from auditor.core.records import FloatArray, PixelArray
from auditor.core.shelf import MemoryShelf, Shelf
from auditor.core.work import Here, Work
from auditor.inputs.model.features import Features
from auditor.inputs.model.foreign import DIFFERENTIATING
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming

POOLED = 2
"""Changes are averaged over this many parts of the patch along each side: left from right, upper from lower."""

WIDEST = 512
"""Numbers kept of a change; more are projected to as many at random, which keeps distances."""


class LinearScreen:
    """A first-order stand-in for `TailScreen`, taken around patches that are already written.

    The gradient at clean source pictures says little of pictures with a patch: whatever is written
    changes much at once. So it is averaged over source pictures into which a few pilot patches are written.
    """

    def __init__(self, screen: TailScreen, pilots: Sequence[PixelArray], names: Sequence[str] = ()) -> None:
        """
        Args:
            pilots: patches like those to be screened, a dozen or so, any sizes; at least one.
            names: of the pilots, for the message where the network fails on one.
        """
        self._background, self._batch_size, self._progress = screen.common, screen.batch_size, screen.progress
        self._hands, self._pilots, self._names = screen.hands, pilots, names
        self._projection: Tensor | None = None
        clean = Features.joined([features for _, features, _ in screen.groups])
        towards = self._background.features.grid - clean.grid
        slope = screen.common.features.each(lambda tensor: torch.zeros_like(tensor[0]))
        of_cover = torch.zeros_like(slope.grid[0])
        changes, covers = naming(lambda rows: self._background.changes(pilots[rows]), names)(slice(0, len(pilots)))
        pushes = []
        clean_odds = torch.cat([odds for _, _, odds in screen.groups])
        together = Batches(len(clean))
        for row in range(len(pilots)):

            def around(one: slice) -> tuple[Tensor, Features]:
                written = write(clean, self._background, changes[one], covers[one])
                return _odds_and_gradient(screen, written, together)

            odds, gradient = naming(around, names)(slice(row, row + 1))
            pushes.append((odds - clean_odds).mean())
            slope.grid.add_(gradient.grid.mean(dim=0) / len(pilots))
            for total, part in zip(slope.beside, gradient.beside, strict=True):
                total.add_(part.mean(dim=0) / len(pilots))
            of_cover += (gradient.grid * towards).sum(dim=1).mean(dim=0) / len(pilots)
        self._slope, self._of_cover = slope, of_cover
        self._offset = 0.0
        self._offset = float(np.mean(torch.stack(pushes).tolist())) - float(self._linear(changes, covers).mean())

    def screen(self, patches: Sequence[PixelArray], names: Sequence[str] = (), boxes: Sequence[Box] = ()) -> FloatArray:
        """(N,) float32 first-order predicted push of each (3 or 4, h, w) uint8 patch, logits.

        Args:
            names, boxes: as of `pasted`.
        """
        return self.pasted(patches, names, boxes=boxes).push

    def pasted(
        self,
        patches: Sequence[PixelArray],
        names: Sequence[str] = (),
        shelf: Shelf | None = None,
        shard_patches: int = SHARD_PATCHES,
        boxes: Sequence[Box] = (),
    ) -> PastedShards:
        """Each (3 or 4, h, w) uint8 patch as the network sees it on the common background.

        Shards that are on the shelf already are not made again, so an interrupted screening goes on where it stopped.

        Args:
            names: of the patches, for the message where the network fails on one.
            shelf: where the shards go; None: memory.
            boxes: where each of them lies; none: all in the top left corner, where alone `change` is theirs.
        Raises:
            ModelError: the network fails; names the patch that it fails on, where it is one.
        """
        shards = PastedShards(len(patches), MemoryShelf() if shelf is None else shelf, shard_patches)
        missing: list[tuple[int, int]] = []
        parts: list[Part] = []
        for number, rows in enumerate(shards.slices):
            if shards.has(number):
                self._progress.advance(rows.stop - rows.start)
                continue
            of_shard = in_parts(patches[rows], names[rows], self._batch_size, boxes[rows])
            missing.append((number, len(of_shard)))
            parts += of_shard
        looked = self._looked(parts)
        for number, count in missing:
            shards.write(number, Pasted.joined(list(itertools.islice(looked, count))))
        return shards

    def _looked(self, parts: Sequence[Part]) -> Iterator[Pasted]:
        """What is seen of each part, as soon as it is there."""
        engine = self._hands.engine
        # this process has its slope already; another one takes it around the same pilots
        opened = (
            (lambda: self)
            if isinstance(engine, Here)
            else partial(_elsewhere, self._hands.open, self._pilots, self._names)
        )
        return engine.each(Work(opened, LinearScreen.look, len), parts)

    def look(self, part: Part) -> Pasted:
        """As many patches as a pass holds."""
        found = part.each(lambda rows: self._look(part.patches[rows], part.boxes[rows]))
        self._progress.advance(len(part))
        return found

    def _look(self, patches: Sequence[PixelArray], boxes: Sequence[Box]) -> Pasted:
        change, cover = self._background.changes(patches, boxes)
        pooled = self._pooled(change)
        seen = under_patch(change.grid + self._background.features.grid, cover)
        found = torch.cat([self._linear(change, cover).unsqueeze(1), pooled, seen], dim=1).cpu().numpy()  # in one copy
        return Pasted(found[:, 0], found[:, 1 : 1 + pooled.shape[1]], found[:, 1 + pooled.shape[1] :])

    def _pooled(self, change: Features) -> Tensor:
        """(N, F): the grid's change in `POOLED` by `POOLED` parts, then the mean change of each tensor beside it."""
        rows, columns = self._background.reach
        near = functional.adaptive_avg_pool2d(change.grid[:, :, :rows, :columns], (POOLED, POOLED)).flatten(1)
        besides = [other.reshape(*other.shape[:2], -1).mean(dim=2) for other in change.beside]
        whole = torch.cat([near, *besides], dim=1)
        if whole.shape[1] <= WIDEST:
            return whole
        if self._projection is None:
            drawn = torch.randn((whole.shape[1], WIDEST), generator=torch.Generator().manual_seed(0))
            self._projection = (drawn / WIDEST**0.5).to(whole.device)
        return whole @ self._projection

    def _linear(self, changes: Features, covers: Tensor) -> Tensor:
        by_change = (changes.grid * self._slope.grid).sum(dim=(1, 2, 3))
        for change, slope in zip(changes.beside, self._slope.beside, strict=True):
            by_change = by_change + (change * slope).flatten(1).sum(dim=1)
        by_cover: Tensor = (covers[:, 0] * self._of_cover).sum(dim=(1, 2))
        return by_change + by_cover + self._offset


def _elsewhere(
    open_screen: Callable[[], TailScreen], pilots: Sequence[PixelArray], names: Sequence[str]
) -> LinearScreen:
    return LinearScreen(open_screen(), pilots, names)


def _odds_and_gradient(screen: TailScreen, features: Features, together: Batches) -> tuple[Tensor, Features]:
    """(S,) log-odds of the target at the features of S pictures, and their gradient there."""
    parts = [part for _, part in together.each(len(features), lambda rows: _differentiated(screen, features[rows]))]
    return torch.cat([odds for odds, _ in parts]), Features.joined([gradient for _, gradient in parts])


def _differentiated(screen: TailScreen, features: Features) -> tuple[Tensor, Features]:
    with torch.enable_grad():
        leaf = features.each(lambda tensor: tensor.detach().clone().requires_grad_(True))
        # a tail that begins with an in-place operation may not write into a leaf, hence the second copy
        odds = log_odds(screen.cut.logits(leaf.each(Tensor.clone)), screen.target)
        with DIFFERENTIATING:
            # the tail need not read all that lies beside the grid
            grid, *beside = torch.autograd.grad(
                odds.sum(), (leaf.grid, *leaf.beside), allow_unused=True, materialize_grads=True
            )
    return odds.detach(), Features(grid, tuple(beside))
