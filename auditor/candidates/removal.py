"""A feature removed from pictures of the target, and as much of them elsewhere: what the network then says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.candidates.locating import Finder
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import Candidate, ImageRecord, PixelArray, Removed
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.trials.areas import AreaArray, Shift, donor_shift, matched_shift, moved
from auditor.trials.fills import FILLS, Hole, filled
from auditor.trials.sweep import predict_clean

SHOWN = 2
"""Pictures of a candidate that are drawn, the first by their keys."""

DRAWN = "inpainted"
"""The fill that they are drawn with."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A candidate whose feature is to be removed.

    Attributes:
        rgba: (4, h, w) uint8; cut_from: keys of the pictures that it was cut from, which are left out.
        steps: what it counts for where somebody watches.
    """

    candidate: Candidate
    rgba: PixelArray
    cut_from: frozenset[str]
    steps: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as it is, with the feature removed, and with as much elsewhere; (3, H, W) uint8 each.

    Attributes:
        area, elsewhere: (H, W), what was removed.
    """

    key: str
    before: PixelArray
    removed: PixelArray
    removed_elsewhere: PixelArray
    area: AreaArray
    elsewhere: AreaArray


@dataclass(frozen=True, slots=True)
class _Cut:
    """What is removed of one picture: the area, where as much lies elsewhere, and where pixels to copy lie."""

    row: int
    area: AreaArray
    shift: Shift
    donor: Shift

    def hole(self, picture: PixelArray, elsewhere: bool) -> Hole:
        if not elsewhere:
            return Hole(picture, self.area, self.donor)
        # the same pixels are copied to both
        back = (self.donor[0] - self.shift[0], self.donor[1] - self.shift[1])
        return Hole(picture, moved(self.area, self.shift), back)


@dataclass(frozen=True, slots=True)
class Remover:
    """Where features are removed: pictures of the target that the network recognises.

    Attributes:
        pixels: (N, 3, H, W) uint8 prepared pictures; images: their records.
    """

    classifier: Classifier
    criterion: TargetCalled
    pixels: PixelArray
    images: Sequence[ImageRecord]
    finder: Finder
    seed: int
    batch_size: int
    progress: Progress

    def remove(self, feature: Feature) -> tuple[Removed, tuple[Shown, ...]]:
        """Remove one candidate's feature under every fill.

        Raises:
            ModelError: the network fails; names the picture that it fails on, where it is one.
        """
        located = self.finder.find(feature.candidate, feature.rgba)
        own = np.array([image.key in feature.cut_from for image in self.images], dtype=np.bool_)
        there = np.asarray(located.areas.any(axis=(1, 2)), dtype=np.bool_)
        cuts = self._cuts(feature.candidate.id, located.areas, np.flatnonzero(there & ~own))
        lost, lost_elsewhere = {}, {}
        for name in FILLS if cuts else ():
            lost[name] = self._lost(cuts, name, elsewhere=False)
            lost_elsewhere[name] = self._lost(cuts, name, elsewhere=True)
        self.progress.advance(feature.steps - 2 * len(FILLS) * len(cuts))
        found = Removed(
            candidate=feature.candidate.id,
            located=located.by,
            why_not=located.why_not,
            own=int(own.sum()) if located.by else 0,
            absent=int((~there & ~own).sum()) if located.by else 0,
            without_room=int((there & ~own).sum()) - len(cuts),
            keys=tuple(self.images[cut.row].key for cut in cuts),
            shares=tuple(float(cut.area.mean()) for cut in cuts),
            lost=lost,
            lost_elsewhere=lost_elsewhere,
        )
        return found, tuple(self._shown(cut) for cut in cuts[:SHOWN])

    def _cuts(self, identity: str, areas: NDArray[np.bool_], rows: NDArray[np.intp]) -> list[_Cut]:
        cuts = []
        for row in rows.tolist():
            generator = keyed_generator(self.seed, "needed", identity, self.images[row].key)
            shift = None if areas[row].all() else matched_shift(areas[row], generator)
            if shift is not None:
                cuts.append(_Cut(row, areas[row], shift, donor_shift(areas[row], shift, generator)))
        return cuts

    def _lost(self, cuts: Sequence[_Cut], name: str, elsewhere: bool) -> tuple[bool, ...]:
        """Whether each picture loses the target."""
        pixels = np.stack([filled(name, cut.hole(self.pixels[cut.row], elsewhere)) for cut in cuts])
        paths = [self.images[cut.row].path for cut in cuts]
        said = predict_clean(self.classifier, pixels, self.criterion, self.batch_size, self.progress, paths)
        return tuple((~self.criterion.flipped(said.predicted)).tolist())

    def _shown(self, cut: _Cut) -> Shown:
        picture = np.asarray(self.pixels[cut.row])
        removed, elsewhere = (filled(DRAWN, cut.hole(picture, at)) for at in (False, True))
        area = moved(cut.area, cut.shift)
        return Shown(self.images[cut.row].key, picture, removed, elsewhere, cut.area, area)
