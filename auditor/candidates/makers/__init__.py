"""Patches made from what the search has found already: icons, dreamed crops, other shapes, pairs. It ranks nothing.

A new way of making patches is one function here and one entry in `MAKERS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.candidates.crops import CropPlan
from auditor.candidates.makers.pairs import ARRANGEMENTS, combine, plan_pairs
from auditor.candidates.makers.renders import dream_crops, patch_settings, render_cells
from auditor.candidates.makers.shapes import faded_patches, rectangular_plan, reshaped, soft_edges
from auditor.candidates.scene import Scene, cut_patch
from auditor.core.config import CandidatesConfig
from auditor.core.progress import Progress
from auditor.core.records import Cell
from auditor.inputs.model.cut import LayerCut
from auditor.trials.patch import Patch

LEAST_SIDE_PX = 16
"""An icon smaller than that is a blur to every network; a patch of it is enlarged to it and shrunk when pasted."""

ASPECTS = (("wide", 1.6), ("tall", 1 / 1.6))


@dataclass(frozen=True, slots=True)
class Found:
    """What patches are made from.

    Attributes:
        scene, cut: where crops are cut, and the network that renders.
        side_px: the longer side at which a patch is pasted.
        cells: of the atlas' finest level, with their predicted push.
        plans, crops: of the crops that are going to be tried, those that push most first.
    """

    scene: Scene
    cut: LayerCut
    side_px: int
    cells: Sequence[Cell]
    plans: Sequence[CropPlan]
    crops: Sequence[Patch]


Maker = Callable[[Found, CandidatesConfig, Progress], list[Patch]]


def make_patches(found: Found, config: CandidatesConfig, progress: Progress) -> list[Patch]:
    """Patches of every origin that starts from the atlas or from crops, each with its parents named.

    Raises:
        LayerError: the network renders at no size that an icon can have.
    """
    return [patch for make in MAKERS.values() for patch in make(found, config, progress)]


def _icons(found: Found, config: CandidatesConfig, progress: Progress) -> list[Patch]:
    """Icons of the cells that push most, predicted."""
    known = [cell for cell in found.cells if math.isfinite(cell.predicted_push)]
    cells = sorted(known, key=lambda cell: (-cell.predicted_push, cell.name))[: config.icons]
    settings = patch_settings(max(LEAST_SIDE_PX, found.side_px))
    return render_cells(found.cut, cells, _identities("i", len(cells)), settings, found.scene.seed, progress)


def _dreams(found: Found, config: CandidatesConfig, progress: Progress) -> list[Patch]:
    """The crops that push most, rendered onwards."""
    parents = found.crops[: config.dreams]
    settings = patch_settings(max(LEAST_SIDE_PX, found.side_px))
    return dream_crops(found.cut, parents, _identities("d", len(parents)), settings, found.scene.seed, progress)


def _shapes(found: Found, config: CandidatesConfig, progress: Progress) -> list[Patch]:
    """The crops that push most, wide, tall, with soft edges, and with their background faded out."""
    parents, scene = found.crops[: config.shapes], found.scene
    progress.start("other shapes of crops", len(parents))
    identities = iter(_identities("s", (len(ASPECTS) + 2) * len(parents)))
    made: list[Patch] = []
    for plan, parent in zip(found.plans, parents, strict=False):
        for word, aspect in ASPECTS:
            box_plan = rectangular_plan(plan, aspect, scene.grid, scene.input_size)
            cut = cut_patch(scene, box_plan, parent.candidate.id, parent.candidate.role)
            made.append(reshaped(cut, next(identities), word, cut.rgba))
        made.append(reshaped(parent, next(identities), "soft-edged", soft_edges(parent.rgba)))
        progress.advance()
    named = [next(identities) for _ in parents]
    return made + faded_patches(found.cut, parents, named, scene.source, scene.target)


def _pairs(found: Found, config: CandidatesConfig, progress: Progress) -> list[Patch]:
    """The crops that push most, two in one patch, in every arrangement."""
    pushes = np.array([crop.candidate.predicted_push for crop in found.crops], dtype=np.float32)
    planned = plan_pairs([crop.candidate for crop in found.crops], pushes, config.pairs)
    progress.start("pairs of crops", len(planned))
    identities = iter(_identities("p", len(planned) * len(ARRANGEMENTS)))
    made = []
    for first, second in planned:
        one, other = found.crops[first], found.crops[second]
        side = max(*one.rgba.shape[1:], *other.rgba.shape[1:], found.side_px)
        made += [combine(one, other, arrangement, side, next(identities)) for arrangement in ARRANGEMENTS]
        progress.advance()
    return made


MAKERS: Mapping[str, Maker] = {"icons": _icons, "dreams": _dreams, "shapes": _shapes, "pairs": _pairs}


def _identities(letter: str, count: int) -> list[str]:
    return [f"{letter}-{number:03d}" for number in range(1, count + 1)]
