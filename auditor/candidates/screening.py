"""Screening: what a patch's own features would do in the source pictures, without pasting it there.

The patch is pasted on a few backgrounds, means of source pictures that are alike under it, and runs through the network
up to the layer. What it changes there is written into the cached activations of each source picture; only the tail is
run on them (docs/design.md, section 4, screening).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from auditor.core.progress import Progress, Silence
from auditor.core.records import ClassGroup, FloatArray, PixelArray
from auditor.core.work import Hands, Work
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import members, others
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.features import Features
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.trials.patch import pasted_size, side_in_pixels

TAIL, TAIL_OF_MADE = "tail screening", "tail screening of made patches"
"""The rungs whose number is the predicted push, by the name they go by in a report."""

Result = TypeVar("Result")

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in the prepared picture's pixels, inside it."""

BACKGROUNDS = 4
"""More follow the source pictures more closely, and each costs one more pass up to the layer."""

_ALL = 2**31
"""Rows that go through the network together: all there are, as long as memory holds them."""

_PIXELS_TOGETHER = 2**18
"""Of patches that are resized at once; a crop of a photograph at its full resolution may hold more than that."""


def log_odds(logits: Tensor, target: ClassGroup) -> Tensor:
    """Log-odds (B,) of the target against every other class, log p / (1 − p), from (B, K) logits.

    It follows flips more closely than the target − source margin, since a third class may stand between the two.
    """
    inside = tuple(sorted(target.indices))
    return members(logits, inside).logsumexp(dim=1) - others(logits, inside).logsumexp(dim=1)


class Background:
    """A picture on which patches are shown to the network at the fixed placement, and its own features.

    Attributes:
        picture: (3, H, W) float32 in [0, 1]; features: its own, without a patch; of one picture.
        side_px: the longer side at which patches are pasted, top left.
    """

    def __init__(self, cut: LayerCut, picture: Tensor, side_px: int) -> None:
        self._cut, self.side_px = cut, side_px
        self._heads = Batches(_ALL)
        self.picture = picture
        with torch.no_grad():
            self.features = cut.features(picture.unsqueeze(0)).each(Tensor.clone)

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns of the grid that a patch covers, in part or whole, and the ones next to them."""
        tall, wide = self.features.grid.shape[2:]
        height, width = self.picture.shape[1:]
        covered = (math.ceil(self.side_px * tall / height), math.ceil(self.side_px * wide / width))
        return min(tall, covered[0] + 1), min(wide, covered[1] + 1)

    def changes(self, patches: Sequence[PixelArray], boxes: Sequence[Box] = ()) -> tuple[Features, Tensor]:
        """What patches change in the features of the background, and how much of each position they cover.

        Args:
            patches: N pictures, (3, h, w) opaque or (4, h, w) with opacity, uint8, of any size.
            boxes: where each of them lies; none: all in the top left corner.
        Returns:
            The change of N, and (N, 1, H', W') cover of the grid in [0, 1].
        """
        return self.changes_of(self.laid(patches, boxes))

    def laid(self, patches: Sequence[PixelArray], boxes: Sequence[Box] = ()) -> Tensor:
        """Patches on the device as they lie on the background, for `changes_of`; arguments as of `changes`."""
        height, width = self.picture.shape[1:]
        return laid(patches, boxes, self.side_px, (int(height), int(width)), self.picture.device)

    @torch.no_grad()
    def changes_of(self, laid: Tensor) -> tuple[Features, Tensor]:
        """`changes` of patches that are on the device already: (N, 4, s, s) or (N, 4, H, W), as `laid` puts them."""
        shown = self.picture.repeat(len(laid), 1, 1, 1)
        opacity = shown.new_zeros((len(laid), 1, *shown.shape[2:]))
        colour, alpha = laid[:, :3], laid[:, 3:]
        height, width = laid.shape[2:]
        shown[:, :, :height, :width].mul_(1.0 - alpha).add_(colour)
        opacity[:, :, :height, :width] = alpha
        parts = self._heads.each(len(shown), lambda rows: self._cut.features(shown[rows]))
        seen = Features.joined([part for _, part in parts])
        beside = tuple(one - own for one, own in zip(seen.beside, self.features.beside, strict=True))
        change = Features(seen.grid - self.features.grid, beside)
        rows, columns = seen.grid.shape[2:]
        return change, functional.adaptive_avg_pool2d(opacity, (rows, columns))


def write(clean: Features, background: Background, change: Features, cover: Tensor) -> Features:
    """Features of source pictures with patches written into them.

    Where the patch covers a position its features on the background are taken; where it does not, its reach into its
    surroundings is added; between, in proportion: h + Δ + cover · (h_background − h). What lies beside the
    grid is covered nowhere.

    Args:
        clean: features of S source pictures; change, cover: of N patches, from `Background.changes`.
    Returns:
        Of N · S pictures, patch by patch.
    """
    towards = (background.features.grid - clean.grid).unsqueeze(0)
    grid = torch.addcmul(clean.grid.unsqueeze(0) + change.grid.unsqueeze(1), cover.unsqueeze(1), towards)
    besides = zip(clean.beside, change.beside, strict=True)
    beside = tuple((own.unsqueeze(0) + moved.unsqueeze(1)).flatten(0, 1) for own, moved in besides)
    return Features(grid.flatten(0, 1), beside)


class TailScreen:
    """Cached activations of a few source pictures, into which patches are written at the fixed placement."""

    rung, rung_of_made = TAIL, TAIL_OF_MADE

    def __init__(
        self,
        cut: LayerCut,
        pixels: PixelArray,
        target: ClassGroup,
        patch_share: float,
        batch_size: int,
        backgrounds: int = BACKGROUNDS,
        progress: Progress | None = None,
        names: Sequence[str] = (),
        passes: LayerCut | None = None,
    ) -> None:
        """
        Args:
            pixels: (S, 3, H, W) uint8 source pictures of discovery or selection, never of confirmation.
            patch_share: patch width as a share of the shorter side; the top left corner is screened.
            backgrounds: groups of source pictures, by brightness under the patch, that share one background.
            progress: told of each patch that was screened.
            names: of the S pictures, for the message where the network fails on one.
            passes: the same cut of the same network made faster, which passes go through; None: `cut` itself.
        """
        self.progress = progress or Silence()
        self.hands: Hands[TailScreen] = Hands(lambda: self)
        """Who screens, each with a screen of their own; this process with this one unless it is said otherwise."""
        self.cut, self.target, self.batch_size = cut, target, batch_size
        self._passes = passes or cut
        self._tails = Batches(_ALL)
        height, width = pixels.shape[2:]
        self.side_px = side = side_in_pixels(patch_share, int(height), int(width))
        # in whole numbers, so that the order hangs on no device's rounding
        brightness = pixels[:, :, :side, :side].sum(axis=(1, 2, 3), dtype=np.int64)
        groups = np.array_split(np.argsort(brightness, kind="stable"), min(backgrounds, len(pixels)))
        self.groups: list[tuple[Background, Features, Tensor]] = []
        """A background, with the features and clean log-odds (S_g,) of the S_g pictures it stands for."""
        with torch.no_grad():
            for rows in groups:
                pictures = to_float(pixels[rows], cut.classifier.device)
                features, odds = self._clean(pictures, [names[row] for row in rows] if names else ())
                background = Background(self._passes, pictures.mean(dim=0), side)
                self.groups.append((background, features, odds))
            everything = to_float(pixels, cut.classifier.device).mean(dim=0)
        self.common = Background(self._passes, everything, side)
        """One background for all source pictures together."""

    def _clean(self, pictures: Tensor, names: Sequence[str]) -> tuple[Features, Tensor]:
        """Features and log-odds (S_g,) of pictures without a patch."""

        def seen(rows: slice) -> tuple[Features, Tensor]:
            features, logits = self._passes.features_and_logits(pictures[rows])
            return features.each(Tensor.clone), log_odds(logits, self.target)

        parts = [part for _, part in Batches(_ALL).each(len(pictures), naming(seen, names))]
        return Features.joined([features for features, _ in parts]), torch.cat([odds for _, odds in parts])

    def odds_of(self, features: Features) -> Tensor:
        """Log-odds (B,) of the target at features of B pictures."""
        parts = self._tails.each(len(features), lambda rows: log_odds(self._passes.logits(features[rows]), self.target))
        return torch.cat([odds for _, odds in parts])

    def screen(self, patches: Sequence[PixelArray], names: Sequence[str] = (), boxes: Sequence[Box] = ()) -> FloatArray:
        """Predicted push of each patch: the mean change of the target's log-odds, logits.

        Args:
            patches: N pictures, (3, h, w) opaque or (4, h, w) with opacity, uint8, of any size.
            names: of the patches, for the message where the network fails on one.
            boxes: where each of them lies; none: all in the top left corner.
        Returns:
            (N,) float32, in their order. The same patch gives the same number in any company.
        Raises:
            ModelError: the network fails; names the patch that it fails on, where it is one.
        """
        largest = max(len(features) for _, features, _ in self.groups)
        together = max(1, self.batch_size * 2 // largest)
        work = Work(self.hands.open, TailScreen.pushes, len)
        return joined(self.hands.engine.each(work, in_parts(patches, names, together, boxes)))

    def pushes(self, part: Part) -> FloatArray:
        """The predicted pushes of as many patches as go through the tail together."""

        def pushes(rows: slice) -> FloatArray:
            changes = self.changes_of_odds(part.patches[rows], part.boxes[rows])
            found: FloatArray = changes.mean(dim=1).cpu().numpy()
            return found

        found = part.each(pushes)
        self.progress.advance(len(part))
        return found

    @torch.no_grad()
    def changes_of_odds(self, patches: Sequence[PixelArray], boxes: Sequence[Box] = ()) -> Tensor:
        """(N, S) change of the target's log-odds on each source picture, the pictures group by group."""
        found, laid = [], self.common.laid(patches, boxes)
        for background, clean, clean_odds in self.groups:
            written = write(clean, background, *background.changes_of(laid))
            odds = self.odds_of(written)
            found.append(odds.view(len(patches), len(clean)) - clean_odds)
        return torch.cat(found, dim=1)

    def seen(self, patches: Sequence[PixelArray], names: Sequence[str] = (), boxes: Sequence[Box] = ()) -> FloatArray:
        """(N, D) float32 mean features of each patch where it lies: near-duplicates look alike to the network.

        Args:
            patches, names, boxes: as for `screen`.
        """
        background = self.common.features.grid

        def under(rows: slice) -> FloatArray:
            change, cover = self.common.changes(patches[rows], boxes[rows])
            found: FloatArray = under_patch(change.grid + background, cover).cpu().numpy()
            return found

        parts = [part for _, part in Batches(self.batch_size).each(len(patches), naming(under, names))]
        return np.concatenate([np.empty((0, background.shape[1]), dtype=np.float32), *parts])


def under_patch(grid: Tensor, cover: Tensor) -> Tensor:
    """(N, D) mean features (N, D, H', W') under patches that cover the grid so much, (N, 1, H', W')."""
    return (grid * cover).sum(dim=(2, 3)) / cover.sum(dim=(2, 3)).clamp(min=1e-6)


@dataclass(frozen=True, slots=True)
class Part:
    """Patches that go through the network together, and their names and where they lie, or none."""

    patches: Sequence[PixelArray]
    names: Sequence[str]
    boxes: Sequence[Box] = ()

    def __len__(self) -> int:
        return len(self.patches)

    def each(self, do: Callable[[slice], Result]) -> Result:
        """What is done with rows of the patches; names the patch that the network fails on."""
        return naming(do, self.names)(slice(0, len(self)))


def in_parts(
    patches: Sequence[PixelArray], names: Sequence[str], together: int, boxes: Sequence[Box] = ()
) -> list[Part]:
    """Patches in parts of as many as go together, in their order."""
    parts = [slice(start, start + together) for start in range(0, len(patches), together)]
    return [Part(patches[part], names[part], boxes[part]) for part in parts]


def joined(parts: Iterable[FloatArray]) -> FloatArray:
    """The numbers of all parts, (N,) float32."""
    return np.concatenate([np.empty(0, dtype=np.float32), *parts])


def _alike(patches: Sequence[PixelArray]) -> list[list[int]]:
    """Places of patches of one shape, as many as may be resized together: that costs a fraction of each for itself."""
    rows: dict[tuple[int, ...], list[int]] = {}
    for row, patch in enumerate(patches):
        rows.setdefault(patch.shape, []).append(row)
    found = []
    for (_, height, width), alike in rows.items():
        most = max(1, _PIXELS_TOGETHER // (height * width))
        found += [alike[start : start + most] for start in range(0, len(alike), most)]
    return found


def laid(
    patches: Sequence[PixelArray], boxes: Sequence[Box], side_px: int, size: tuple[int, int], device: torch.device
) -> Tensor:
    """Patches in their boxes of pictures of a size (H, W), as `laid_in`; without boxes in the corner, as `laid_out`."""
    return laid_in(patches, boxes, size, device) if boxes else laid_out(patches, side_px, device)


@torch.no_grad()
def laid_out(patches: Sequence[PixelArray], side_px: int, device: torch.device) -> Tensor:
    """Patches at the size at which they are pasted, each in the top left corner of a square with nothing else in it.

    All of them go to the device in one copy, however many sizes they have.

    Args:
        patches: N ≥ 1 pictures, (3, h, w) opaque or (4, h, w) with opacity, uint8, of any size.
        side_px: the longer side at which they are pasted.
    Returns:
        (N, 4, side_px, side_px) float32 in [0, 1]: colours times opacity, and opacity.
    """
    together = _alike(patches)
    sent = torch.from_numpy(np.concatenate([patches[row].ravel() for rows in together for row in rows])).to(device)
    laid = torch.zeros((len(patches), 4, side_px, side_px), device=device)
    start = 0
    for rows in together:
        shape = (len(rows), *patches[rows[0]].shape)
        stop = start + math.prod(shape)
        pasted = _at_paste_size(sent[start:stop].view(shape), pasted_size(patches[rows[0]], side_px))
        for row, one in zip(rows, pasted, strict=True):
            laid[row, :, : one.shape[1], : one.shape[2]] = one
        start = stop
    return laid


@torch.no_grad()
def laid_in(patches: Sequence[PixelArray], boxes: Sequence[Box], size: tuple[int, int], device: torch.device) -> Tensor:
    """Patches in their boxes of pictures with nothing else in them.

    Args:
        patches: N pictures, (3, h, w) opaque or (4, h, w) with opacity, uint8, of any size.
        size: (H, W) of the pictures.
    Returns:
        (N, 4, H, W) float32 in [0, 1]: colours times opacity, and opacity.
    """
    laid = torch.zeros((len(patches), 4, *size))
    for one, patch, (left, top, right, bottom) in zip(laid, patches, boxes, strict=True):
        pixels = torch.from_numpy(np.ascontiguousarray(patch)).unsqueeze(0)
        one[:, top:bottom, left:right] = _at_paste_size(pixels, (bottom - top, right - left))[0]
    return laid.to(device)


def _at_paste_size(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, 3 or 4, h, w) uint8 patches at the size at which they are pasted, with opacity: (N, 4, *size)."""
    floats = pixels.float().div_(255.0)
    alpha = floats[:, 3:] if floats.shape[1] == 4 else torch.ones_like(floats[:, :1])
    both = torch.cat([floats[:, :3] * alpha, alpha], dim=1)
    return functional.interpolate(both, size=size, mode="bilinear", antialias=True)
