"""Crops of a survey pasted on pictures of one class, for all targets at once: what workers of the later steps open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from auditor.candidates.controls import OWN_CONTROLS
from auditor.core.records import FloatArray, ImagePool, IntArray, Placement, Split, Spot
from auditor.core.records.images import NO_LABEL
from auditor.core.records.trials import Predictions
from auditor.inputs.model.classifier import Classifier
from auditor.run.stage import Run
from auditor.run.stages.clean import folded_network
from auditor.run.stages.images import IMAGES
from auditor.run.survey.crops import CROPS, Crops, cut
from auditor.run.survey.pictures import Pictures, pictures_of
from auditor.trials.patch import side_in_pixels
from auditor.trials.placements import Variant, at_spot, variants_of
from auditor.trials.stand_ins import Control, CutFromPictures
from auditor.trials.sweep import Sweep

CORNER = "fixed"
"""What tables call the corner."""

SOURCE_CROP = "source crop"
"""What tables call a covering that is cut from the source's own photographs."""

DRAWS = 4
"""Draws of each covering on every confirmation picture: crops take turns with them, so that no one draw's luck is in
all of a class's pairs."""


@dataclass(frozen=True, slots=True)
class Some:
    """Some crops on the pictures of one source and split; no crops: what covering does there.

    Attributes:
        covered: at which places coverings are pasted (None: the corner), with the draws of each at most.
        cut_from: in how many parts of the classes coverings are cut, each drawn as often.
    """

    split: Split
    source: int
    crops: tuple[int, ...]
    pictures: int
    covered: tuple[tuple[Spot | None, int], ...] = ()
    cut_from: int = 1

    @property
    def pastes(self) -> int:
        """Pictures through the network."""
        return self.pictures * (len(self.crops) + sum((1 + self.cut_from) * draws + 1 for _, draws in self.covered))


@dataclass(slots=True)
class Pasting:
    """The network of the trials with the pictures of a survey; the sweep over the last source asked for is kept."""

    run: Run
    network: Classifier
    pool: ImagePool
    crops: Crops
    pictures: Pictures
    _sweeps: dict[tuple[Split, int], Sweep] = field(default_factory=dict)

    def variant(self, spot: Spot | None) -> Variant:
        """At a spot, or in the fixed corner."""
        return variants_of(Placement.FIXED, self.run.config.trials)[0] if spot is None else at_spot(spot)

    def rows(self, split: Split, source: int) -> IntArray:
        """Rows of the pool."""
        return self.pictures.rows[split][source]

    def sweep(self, split: Split, source: int) -> Sweep:
        """The sweep over the pictures of a source."""
        if (split, source) not in self._sweeps:
            rows, config = self.rows(split, source), self.run.config
            self._sweeps = {
                (split, source): Sweep(
                    self.network,
                    self.run.inputs.criterion,
                    self.pool.pixels[rows],
                    [self.pool.images[row].key for row in rows],
                    Predictions.of_none(len(rows)),
                    config.trials,
                    config.seed,
                    self.pool.pixels,
                    self.pool.paths(rows),
                )
            }
        return self._sweeps[split, source]

    def logits(self, some: Some) -> FloatArray:
        """(N, S, K) with each of some crops on each picture."""
        sweep = self.sweep(some.split, some.source)
        patches = cut(self.run, self.crops, some.crops)
        return np.stack(
            [
                sweep.logits(rgba, self.variant(self.crops.spot(number)), crop_name(number), self.run.progress)
                for number, rgba in zip(some.crops, patches, strict=True)
            ]
        )

    def covering(self, some: Some, control: Control, draw: int, spot: Spot | None = None) -> FloatArray:
        """(S, K) with a covering in a patch's place, drawn for each picture."""
        height, width = self.pool.pixels.shape[2:]
        variant = self.variant(spot)
        side = side_in_pixels(variant.size, int(height), int(width))
        square = np.full((4, side, side), 255, dtype=np.uint8)
        sweep = self.sweep(some.split, some.source)
        return sweep.logits(square, variant, f"survey, draw {draw}", self.run.progress, control)

    def coverings(self, source: int, draws: int = DRAWS) -> list[tuple[Control, range]]:
        """The coverings of a source with their draws: of an audit's those that need no atlas.

        Of all classes together a crop of the target's own pictures is no control for it, so there are as many draws
        from either half of the classes.
        """
        noise, grey = (Control(name, OWN_CONTROLS[name]) for name in ("noise", "grey"))
        found = [(noise, range(draws)), (grey, range(1))]
        cut_from = halves(self.pool) if self.run.config.survey.together else [np.array([source])]
        for half, labels in enumerate(cut_from):
            rows = self.pool.rows(Split.DISCOVERY, tuple(labels.tolist()))
            found.append((Control(SOURCE_CROP, CutFromPictures(rows)), range(half * draws, (half + 1) * draws)))
        return found


def halves(pool: ImagePool) -> list[IntArray]:
    """The classes of discovery pictures in two halves, by turns."""
    labels = np.unique([pool.images[row].label for row in pool.rows(Split.DISCOVERY).tolist()])
    labels = labels[labels != NO_LABEL]
    return [labels[0::2], labels[1::2]]


def open_pasting(run: Run) -> Pasting:
    """The pasting of this process, or of one that shares the work."""
    return Pasting(run, run.open(folded_network), run.get(IMAGES), run.get(CROPS), pictures_of(run))


def place_of(spot: Spot | None) -> str:
    """What tables call a place: the name of its paste rule."""
    return CORNER if spot is None else at_spot(spot).name


def crop_name(number: int) -> str:
    """What a survey calls a crop: `w-00012`."""
    return f"w-{number:05d}"


def crop_number(name: str) -> int:
    """The number of a crop by its name."""
    return int(name.removeprefix("w-"))


def in_parts(split: Split, source: int, crops: Sequence[int], pictures: int, most: int) -> list[Some]:
    """Crops on a class's pictures in parts of at most `most`."""
    return [Some(split, source, tuple(crops[start : start + most]), pictures) for start in range(0, len(crops), most)]
