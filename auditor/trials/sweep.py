"""The sweep: one patch over many pictures and variants, pasted, normalised, forwarded and tallied in batches."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.config import TrialsConfig
from auditor.core.errors import PatchError
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, IntArray, PixelArray
from auditor.core.records.trials import Draws, Predictions, TrialBlock
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import Classifier, group_probability, group_rank, lead_over, refuse_not_finite
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.inputs.model.quick import InTwoSteps
from auditor.trials.grounds import ANYWHERE, Grounds
from auditor.trials.pasting import Sticker, paste_at, photographed
from auditor.trials.placements import Variant, draw, largest_side_px, window_of
from auditor.trials.spots import Some, Spots, on_device
from auditor.trials.stand_ins import Changed, Control, CutFromPictures
from auditor.trials.stand_ins import Draw as StandInDraw

FloatMatrix = NDArray[np.float64]
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Pasted:
    """What is pasted on all pictures under one variant: the patch or what stands in its place, each on its spot."""

    sticker: Sticker
    variant: Variant
    spots: Spots
    draw_key: str
    control: Control | None


class Sweep:
    """The eligible pictures of one split, kept as uint8 on the device, with their clean predictions."""

    def __init__(
        self,
        classifier: Classifier,
        criterion: TargetCalled,
        pixels: PixelArray,
        image_keys: Sequence[str],
        clean: Predictions,
        config: TrialsConfig,
        seed: int,
        pictures: PixelArray | None = None,
        names: Sequence[str] = (),
        grounds: Grounds = ANYWHERE,
    ) -> None:
        """
        Args:
            pixels: (N, 3, H, W) uint8 prepared pictures, all eligible.
            image_keys: their N keys; clean: what the unpatched model says of them.
            pictures: (M, 3, H, W) uint8, from which stand-ins are cut; None: none will be.
            names: of the N pictures, for the message where the network fails on one.
            grounds: what is known of these pictures that tells where patches may lie.
        """
        self._pictures, self._names, self._grounds = pictures, tuple(names), grounds
        self.image_keys = tuple(image_keys)
        self._classifier, self._criterion, self._config, self._seed = classifier, criterion, config, seed
        self._pixels = torch.from_numpy(np.ascontiguousarray(pixels)).to(classifier.device)
        self._clean = clean
        self._drawn_for, self._drawn = "", dict[tuple[Variant, tuple[float, float]], Draws]()
        height, width = pixels.shape[2:]
        self._input_size = (int(height), int(width))
        # one buffer for every batch: on a CPU fresh large blocks cost more than the arithmetic done in them
        self._batches = Batches(min(config.batch_size, len(pixels)))
        self._buffer = torch.empty(
            (self._batches.size, 3, height, width), dtype=torch.float32, device=classifier.device
        )

    def __len__(self) -> int:
        return len(self.image_keys)

    def run(
        self,
        rgba: PixelArray,
        variants: Sequence[Variant],
        draw_key: str,
        progress: Progress,
        control: Control | None = None,
        called: str = "",
    ) -> TrialBlock:
        """Paste a (4, h, w) uint8 patch onto every picture under every variant and record what the model says.

        Args:
            draw_key: names the draws; a control passes its candidate's id to land on the same spots.
            progress: told after each batch how many pastes it held.
            control: what is pasted in the patch's place, anew for each picture; None: the patch itself.
            called: what messages call the patch; '': by the name of its draws.
        Raises:
            ModelError: the network fails; names the picture that it fails on, where it is one.
        """
        sticker = Sticker(rgba, self._classifier.device)
        every_draw = tuple(self._draws_of_all(variant, draw_key, sticker.aspect) for variant in variants)
        names = [f"{name} with {called or draw_key} on it" for name in self._names]
        said = []
        for variant, draws in zip(variants, every_draw, strict=True):
            spots = self._spots(sticker, variant, draws, control)
            said.append(self._said(Pasted(sticker, variant, spots, draw_key, control), names, progress))
        patched = np.stack([one.predicted for one in said])
        return TrialBlock(
            image_keys=self.image_keys,
            variants=tuple(variant.name for variant in variants),
            draws=every_draw,
            clean=self._clean.predicted,
            patched=patched,
            before=self._clean.probability,
            after=np.stack([one.probability for one in said]),
            flips=self._criterion.flipped(patched),
            rank_before=self._clean.rank,
            rank_after=np.stack([one.rank for one in said]),
        )

    @torch.inference_mode()
    def _said(self, pasted: Pasted, names: Sequence[str], progress: Progress) -> Predictions:
        """What the model says of every picture under one variant; where a copy goes first, the network of what counts.

        Raises:
            ModelError: the network fails, or what it says is not finite; names the picture.
        """
        network = self._classifier
        if not isinstance(network, InTwoSteps):
            table = self._table(network, pasted, None, names, progress)
        else:
            table = self._table(network.first, pasted, None, names, progress)
            again = self._filled_up(network.asked(table[LEAD]))
            table[:, again] = self._table(network, pasted, again, names, None)
        if np.isfinite(table[TOTAL]).all():
            return predictions_of(table)

        def checked(rows: slice) -> Predictions:
            return what_is_said(self._logits(network, pasted, rows), self._criterion)

        return functools.reduce(Predictions.with_more, self._parts(len(self), checked, names, None))

    def _filled_up(self, rows: IntArray) -> IntArray:
        """For a card some rows twice, so that their number is one of few: it plans anew for each size of a batch, which
        takes seconds."""
        if self._pixels.device.type == "cpu" or not len(rows):
            return rows
        eighth = max(1, self._batches.size // 8)
        return np.resize(rows, -(-len(rows) // eighth) * eighth)

    def _table(
        self, network: Classifier, pasted: Pasted, chosen: IntArray | None, names: Sequence[str], told: Progress | None
    ) -> FloatMatrix:
        """(5, N) numbers of what a network says of chosen pictures, of all for None, batch by batch.

        They come off the device once, after the last batch: a card is not waited for between batches.
        """
        if chosen is not None:
            names = [names[row] for row in chosen] if names else ()

        def numbers(rows: slice) -> Tensor:
            return numbers_of(self._logits(network, pasted, rows if chosen is None else chosen[rows]), self._criterion)

        parts = self._parts(len(self) if chosen is None else len(chosen), numbers, names, told)
        nothing = torch.empty((5, 0), dtype=torch.float64, device=network.device)
        table: FloatMatrix = torch.cat([nothing, *parts], dim=1).cpu().numpy()
        return table

    def _parts(
        self, count: int, do: Callable[[slice], Part], names: Sequence[str], told: Progress | None
    ) -> list[Part]:
        """What is done with the pictures, batch by batch; where the network fails on one, it is named."""
        parts = []
        for rows, part in self._batches.each(count, naming(do, names), told):
            parts.append(part)
            if told is not None:
                told.advance(rows.stop - rows.start)
        return parts

    def _draws_of_all(self, variant: Variant, draw_key: str, aspect: tuple[float, float]) -> Draws:
        """The draws of all pictures. Those of the last candidate are kept: its controls lie on the same spots."""
        if self._drawn_for != draw_key:
            self._drawn_for, self._drawn = draw_key, {}
        if (variant, aspect) not in self._drawn:
            self._drawn[variant, aspect] = self._draw(variant, self.image_keys, draw_key, aspect)
        return self._drawn[variant, aspect]

    def _draw(self, variant: Variant, keys: Sequence[str], draw_key: str, aspect: tuple[float, float]) -> Draws:
        config, size = self._config, self._input_size
        return draw(variant, config, keys, draw_key, aspect, size, self._seed, self._grounds)

    @torch.inference_mode()
    def logits(
        self, rgba: PixelArray, variant: Variant, draw_key: str, progress: Progress, control: Control | None = None
    ) -> FloatArray:
        """What the model says of every class, (N, K) float32 logits, with a patch on every picture under one variant.

        Args:
            rgba, draw_key, progress, control: as for `run`.
        Raises:
            ModelError: the network fails; names the picture that it fails on, where it is one.
        """
        sticker = Sticker(rgba, self._classifier.device)
        aspect, size = sticker.aspect, self._input_size
        draws = draw(variant, self._config, self.image_keys, draw_key, aspect, size, self._seed)
        spots = self._spots(sticker, variant, draws, control)
        pasted = Pasted(sticker, variant, spots, draw_key, control)

        def paste(rows: slice) -> FloatArray:
            found: FloatArray = self._logits(self._classifier, pasted, rows).cpu().numpy()
            return found

        names = [f"{name} with {draw_key} on it" for name in self._names]
        said = np.concatenate(self._parts(len(self), paste, names, progress))
        if not np.isfinite(said).all():
            refuse_not_finite(torch.from_numpy(said))
        return said

    def _logits(self, network: Classifier, pasted: Pasted, rows: Some) -> Tensor:
        """(B, K) logits of some pictures with the patch on them."""
        pixels, spots = self._pixels[on_device(rows, self._pixels.device)], pasted.spots[rows]
        images = _unit(pixels, self._buffer[: len(pixels)])
        images = photographed(self._paste(images, pasted, spots, rows), spots)
        return network.logits_(images, finite=False)

    def _spots(self, sticker: Sticker, variant: Variant, draws: Draws, control: Control | None) -> Spots:
        """Where all these draws paste, on the device: sent there for all of them together, not for each batch."""
        source = sticker.at(largest_side_px(variant, self._config, self._input_size))
        anew = control is not None and isinstance(control.stand_in, Changed)
        window = window_of(variant, self._config, self._input_size) if anew else None
        return Spots.of(draws, (source.shape[1], source.shape[2]), self._input_size, source.device, window)

    def _paste(self, images: Tensor, pasted: Pasted, spots: Spots, rows: Some) -> Tensor:
        """Paste the patch, or what stands in its place, on (B, 3, H, W) pictures of these rows, in place."""
        source_px = largest_side_px(pasted.variant, self._config, self._input_size)
        source, control = pasted.sticker.at(source_px), pasted.control
        if control is None:
            return paste_at(images, source, spots)
        keys = [self.image_keys[row] for row in np.arange(len(self))[rows]]
        draw_of = StandInDraw(self._seed, pasted.draw_key, control.name)
        stand_in = control.stand_in
        if isinstance(stand_in, CutFromPictures):
            if self._pictures is None:
                raise PatchError(f"the control {control.name!r} is cut from other pictures, and there are none here")
            cut = stand_in.cut(draw_of, keys, self._pictures, source[3], images.device)
            return paste_at(images, cut, spots)

        def change(colour: Tensor, alpha: Tensor) -> Tensor:
            size = (alpha.shape[2], alpha.shape[3])
            return stand_in.change(colour, alpha, stand_in.numbers(draw_of, keys, size, alpha.device))

        return paste_at(images, source, spots, change)

    def picture(
        self, image_key: str, rgba: PixelArray, variant: Variant, draw_key: str, control: Control | None = None
    ) -> tuple[PixelArray, PixelArray]:
        """One picture before and after its paste, (3, H, W) uint8 each, for a person to look at."""
        row = self.image_keys.index(image_key)
        sticker = Sticker(rgba, self._classifier.device)
        draws, rows = self._draw(variant, [image_key], draw_key, sticker.aspect), slice(row, row + 1)
        before, spots = self._pixels[rows], self._spots(sticker, variant, draws, control)
        pasted = Pasted(sticker, variant, spots, draw_key, control)
        after = photographed(self._paste(before.float().mul_(1.0 / 255.0), pasted, spots, rows), spots)
        return before[0].cpu().numpy(), after[0].mul(255.0).round_().clamp_(0, 255).byte().cpu().numpy()


def _unit(pixels: Tensor, images: Tensor) -> Tensor:
    """(B, 3, H, W) uint8 as float32 in [0, 1], written to `images`."""
    # not `to_float`: a division differs from this in the last bit, and the counts of finished runs with it
    if pixels.device.type == "cpu":
        return images.copy_(pixels).mul_(1.0 / 255.0)
    return torch.mul(pixels, 1.0 / 255.0, out=images)  # the same numbers in one pass, which a processor is slow at


TOTAL, LEAD = 3, 4
"""Rows of the numbers of what is said: the sum of a picture's logits, and the largest one's lead over the target's."""


def numbers_of(logits: Tensor, criterion: TargetCalled) -> Tensor:
    """(5, B) numbers of what (B, K) logits say, left on the device: class, the target's probability and rank; then
    `TOTAL` and `LEAD`. Doubles hold each of them exactly."""
    target = criterion.target
    said = logits.argmax(dim=1), group_probability(logits, target), group_rank(logits, target)
    return torch.stack([each.double() for each in (*said, logits.sum(dim=1), lead_over(logits, target.indices))])


def predictions_of(table: FloatMatrix) -> Predictions:
    """What (5, N) numbers of it say."""
    predicted, probability, rank = table[:TOTAL]
    return Predictions(predicted.astype(np.int64), probability.astype(np.float32), rank.astype(np.int64))


def what_is_said(logits: Tensor, criterion: TargetCalled) -> Predictions:
    """What (B, K) logits say, off the device in one copy, for which alone a GPU is waited.

    Raises:
        ModelError: they are not finite.
    """
    table: FloatMatrix = numbers_of(logits, criterion).cpu().numpy()
    if not np.isfinite(table[TOTAL]).all():
        refuse_not_finite(logits)
    return predictions_of(table)


@torch.inference_mode()
def predict_clean(
    classifier: Classifier,
    pixels: PixelArray,
    criterion: TargetCalled,
    batch_size: int,
    progress: Progress,
    names: Sequence[str] = (),
    see: Callable[[Tensor, Tensor], None] | None = None,
) -> Predictions:
    """Predict (N, 3, H, W) uint8 pictures without any patch.

    Args:
        names: of the pictures, for the message where the network fails on one.
        see: shown every batch, (B, 3, H, W) RGB in [0, 1], with its (B, K) logits; some twice, where memory ran out.
    Raises:
        ModelError: the network fails; names the picture that it fails on, where it is one.
    """
    said = Predictions.of_none(len(pixels))

    def predict(rows: slice) -> Predictions:
        images = to_float(pixels[rows], classifier.device)
        logits = classifier.logits(images, finite=False)
        said = what_is_said(logits, criterion)
        if see is not None:
            see(images, logits)
        return said

    for rows, batch in Batches(batch_size).each(len(pixels), naming(predict, names), progress):
        said.put(rows.start, batch)
        progress.advance(rows.stop - rows.start)
    return said
