"""What further layers add to a search: crops of their cells, and what of them is one feature with another layer's.

Every crop, whichever layer's cell it comes from, is screened at the first layer, so that pushes can be compared. What
another layer adds are other cells, and so other crops; its own features under a crop lay out its own atlas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, zip_longest

import numpy as np

from auditor.atlas.kinds import Atlas
from auditor.atlas.vectors import Vectors
from auditor.candidates.choosing import ALIKE, directions_of
from auditor.candidates.crops import CropPlan
from auditor.candidates.ladder import Entry, looks_of
from auditor.candidates.screening import Background, Part, TailScreen, in_parts, under_patch
from auditor.core.records import FloatArray, PixelArray
from auditor.core.work import Here, Work
from auditor.inputs.model.cut import LayerCut

OVERLAP = 0.5
"""Of two windows in one picture, the share of their union that they have in common, from which on they are one."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class FurtherLayer:
    """A layer that is searched beside the one at which crops are screened: the network cut there, and its atlas."""

    cut: LayerCut
    atlas: Atlas

    @property
    def name(self) -> str:
        return self.cut.layer


def in_turns(plans: Sequence[Sequence[CropPlan]]) -> list[CropPlan]:
    """The layers' crops, each layer giving its next one in turn."""
    return [plan for turn in zip_longest(*plans) for plan in turn if plan is not None]


def each_window_once(plans: Sequence[CropPlan]) -> list[CropPlan]:
    """The crops without those whose very window an earlier one of another layer has: they would push as much."""
    owner: dict[tuple[int, Box], str] = {}
    return [plan for plan in plans if owner.setdefault((plan.image_row, plan.box), plan.layer) == plan.layer]


def repeated_features(
    plans: Sequence[CropPlan], entries: Sequence[Entry], pushes: Mapping[int, float], seen: Vectors
) -> frozenset[int]:
    """Numbers of crops that show what a crop of another layer shows that pushes more.

    Two crops of different layers are one feature if they are cut from one picture by windows that overlap by half, if
    they are near-duplicates as pictures, or if the network sees them alike where they are pasted. Of two tiers none
    takes the other's place: what is news would give way to the target.

    Args:
        plans, entries: of all crops, by number; pushes: of those looked at, by number, logits.
        seen: mean features of all of them under the patch.
    """
    order = sorted(pushes, key=lambda number: (-pushes[number], number))
    if len({plans[number].layer for number in order}) < 2:
        return frozenset()
    directions = directions_of(seen.at(np.array(order)))
    likeness = directions @ directions.T
    looks = looks_of([entries[number] for number in order])
    kept: list[int] = []
    for place, number in enumerate(order):
        beside = [
            other
            for other in kept
            if plans[order[other]].layer != plans[number].layer and entries[order[other]].tier is entries[number].tier
        ]
        alike = (looks[other] == looks[place] or likeness[other, place] >= ALIKE for other in beside)
        if not any(alike) and not any(_same_window(plans[order[other]], plans[number]) for other in beside):
            kept.append(place)
    return frozenset(order) - {order[place] for place in kept}


def _same_window(first: CropPlan, second: CropPlan) -> bool:
    return first.image_row == second.image_row and overlap(first.box, second.box) >= OVERLAP


def overlap(first: Box, second: Box) -> float:
    """What two boxes (left, top, right, bottom) have in common, as a share of what they cover together."""
    left, top = max(first[0], second[0]), max(first[1], second[1])
    right, bottom = min(first[2], second[2]), min(first[3], second[3])
    common = max(0, right - left) * max(0, bottom - top)
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)) - common
    return common / both if both else 0.0


def seen_at(cut: LayerCut, screen: TailScreen, patches: Sequence[PixelArray], names: Sequence[str]) -> FloatArray:
    """(N, D) float32 mean features of another layer under each patch where it lies, on the screen's common background.

    Args:
        patches, names: as for `TailScreen.screen`; N ≥ 1.
    Raises:
        ModelError: the network fails; names the patch that it fails on, where it is one.
    """
    engine = screen.hands.engine
    opened = (
        partial(_OtherLayer, screen, cut)
        if isinstance(engine, Here)
        else partial(_elsewhere, screen.hands.open, cut.layer)
    )
    work = Work(opened, _OtherLayer.seen, len)
    return np.concatenate(list(engine.each(work, in_parts(patches, names, screen.batch_size))))


def _elsewhere(open_screen: Callable[[], TailScreen], layer: str) -> _OtherLayer:
    screen = open_screen()
    return _OtherLayer(screen, LayerCut(screen.cut.classifier, layer))


class _OtherLayer:
    """The screen's common background as another layer sees it."""

    def __init__(self, screen: TailScreen, cut: LayerCut) -> None:
        self._background = Background(cut, screen.common.picture, screen.side_px)
        self._progress = screen.progress

    def seen(self, part: Part) -> FloatArray:
        """Of as many patches as a pass holds."""

        def under(rows: slice) -> FloatArray:
            change, cover = self._background.changes(part.patches[rows])
            found: FloatArray = under_patch(change.grid + self._background.features.grid, cover).cpu().numpy()
            return found

        found = part.each(under)
        self._progress.advance(len(part))
        return found


def share_of(count: int, layers: int) -> list[int]:
    """A budget dealt out to layers, as evenly as it goes."""
    return [count * (number + 1) // layers - count * number // layers for number in range(layers)]


def all_plans(exemplars: Sequence[Sequence[CropPlan]], others: Sequence[Sequence[CropPlan]]) -> list[CropPlan]:
    """The crops of all layers: first the exemplars of their cells, then the others, the layers in turns."""
    return each_window_once(list(chain(in_turns(exemplars), in_turns(others))))
