"""From the atlas to patches worth trying: screened exemplar crops, and random crops beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from auditor.atlas.pair import Atlas
from auditor.atlas.positions import crop_box
from auditor.candidates.controls import RANDOM_CELL_CROP, SOURCE_CROP, make_controls
from auditor.candidates.crops import (
    CropPlan,
    OpenOriginal,
    cell_names,
    cut_crop,
    plan_exemplar_crops,
    plan_further_crops,
    plan_one_crop,
    plan_random_crops,
    prepared_crops,
)
from auditor.candidates.ladder import Entry, climb
from auditor.candidates.patch import Patch, patch_png, resize_patch, sha256_of
from auditor.candidates.ranking import Contender, choose_diverse
from auditor.candidates.screening import TailScreen
from auditor.candidates.tiers import Shares, crop_tier
from auditor.config import CandidatesConfig
from auditor.draws import keyed_generator
from auditor.progress import Progress
from auditor.records import (
    Candidate,
    Cell,
    ClassGroup,
    FloatArray,
    ImagePool,
    Origin,
    PixelArray,
    Rung,
    Split,
    Tier,
)
from auditor.subject.classifier import Classifier

ShowsOf = Callable[[int, tuple[int, int, int, int]], Shares | None]
"""What a box (original pixels) of a row's photograph shows; None where it has no annotation."""


RANDOM_CROPS, STRONGEST_CONTRAST = "r-", "k-"
"""How the ids begin of crops that are tried for comparison alone."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the candidate stage works on: the subject, the pictures and the pair."""

    classifier: Classifier
    pool: ImagePool
    source: ClassGroup
    target: ClassGroup
    grid: tuple[int, int]
    open_original: OpenOriginal
    shows_of: ShowsOf
    seed: int

    def may_give_crops(self, row: int) -> bool:
        """Discovery pictures outside the source; where the source is all the rest, any discovery picture."""
        image = self.pool.images[row]
        everything = len(self.source.indices) + len(self.target.indices) >= len(self.classifier.class_names.names)
        return image.split is Split.DISCOVERY and (everything or image.label not in self.source.indices)

    @property
    def input_size(self) -> tuple[int, int]:
        return int(self.pool.pixels.shape[2]), int(self.pool.pixels.shape[3])


@dataclass(frozen=True, slots=True)
class Proposals:
    """What goes into the trials, the atlas' cells with their predicted push, and how the search narrowed."""

    patches: tuple[Patch, ...]
    cells: tuple[Cell, ...]
    rungs: tuple[Rung, ...]


def propose(
    scene: Scene,
    atlas: Atlas,
    screen: TailScreen,
    config: CandidatesConfig,
    progress: Progress,
    further: Sequence[Patch] = (),
) -> Proposals:
    """Screen the exemplars of the atlas' finest level and further crops, and keep a diverse few.

    Beside them stand, for comparison, random crops and those that contrast alone would choose.

    Args:
        further: patches of other origins, with ids of their own; they join the ladder at the tail's rung, and those
            that are chosen keep their ids and get their predicted push.
    """
    plans, random_plans = _plan(scene, atlas, config)
    strongest = _plan_strongest(scene, atlas, config)
    compared = [
        *((plan, f"{RANDOM_CROPS}{number:03d}") for number, plan in enumerate(random_plans, start=1)),
        *((plan, f"{STRONGEST_CONTRAST}{number:03d}") for number, plan in enumerate(strongest, start=1)),
    ]
    climbed = climb(
        _entries(scene, plans),
        _entries(scene, [plan for plan, _ in compared]),
        [Entry(patch.rgba, patch.candidate.tier, patch.candidate.cell) for patch in further],
        lambda number: _planned_tier(scene, plans[number]),
        screen,
        config,
        progress,
    )
    progress.start("cutting candidates", len(climbed.chosen) + len(compared))
    suggested: list[Patch] = []
    for number in climbed.chosen:
        push = climbed.predicted[number]
        if number < len(plans):
            identity = f"c-{sum(one.candidate.id.startswith('c-') for one in suggested) + 1:03d}"
            suggested.append(_cut(scene, plans[number], push, identity, True, progress))
        else:
            patch = further[number - len(plans) - len(compared)]
            suggested.append(replace(patch, candidate=replace(patch.candidate, predicted_push=push)))
    beside = [
        _cut(scene, plan, climbed.predicted[len(plans) + number], identity, False, progress)
        for number, (plan, identity) in enumerate(compared)
    ]
    rungs = (Rung("atlas", atlas.collected, len(atlas.samples.contrast), "class filter"), *climbed.rungs)
    return Proposals((*suggested, *beside), _with_predicted_push(atlas.cells, plans, climbed.linear), rungs)


def _plan(scene: Scene, atlas: Atlas, config: CandidatesConfig) -> tuple[list[CropPlan], list[CropPlan]]:
    """Crops to screen, exemplars first, and random crops to compare them with."""
    level = max(cell.level for cell in atlas.cells)
    cells, named = atlas.at_level(level), cell_names(atlas.xy, level)
    exemplars = plan_exemplar_crops(
        cells, scene.may_give_crops, scene.grid, scene.input_size, config.sizes, config.screened
    )
    rows = np.array([row for row in scene.pool.rows(Split.DISCOVERY) if scene.may_give_crops(int(row))], dtype=np.int64)
    further = plan_further_crops(
        atlas.samples, named, rows, scene.may_give_crops, scene.grid, scene.input_size, config.sizes,
        config.screened, keyed_generator(scene.seed, "further crops"),
    )  # fmt: skip
    planned = {(plan.image_row, plan.box) for plan in exemplars}
    others = [plan for plan in further if (plan.image_row, plan.box) not in planned]
    random = plan_random_crops(
        cells, atlas.samples, named, scene.may_give_crops, scene.grid, scene.input_size,
        config.sizes, config.random, keyed_generator(scene.seed, "random crops"),
    )  # fmt: skip
    return [*exemplars, *others][: config.screened], random


def _plan_strongest(scene: Scene, atlas: Atlas, config: CandidatesConfig) -> list[CropPlan]:
    """The crops around the strongest contrasts, the paper's own ranking, under the suggestions' caps and turns."""
    named = cell_names(atlas.xy, max(cell.level for cell in atlas.cells))
    places = zip(atlas.samples.image_row, atlas.samples.y, atlas.samples.x, named, atlas.samples.contrast, strict=True)
    plans = []
    for number, (row, y, x, cell, contrast) in enumerate(places):
        size = config.sizes[number % len(config.sizes)]
        if scene.may_give_crops(int(row)):
            box = crop_box(int(y), int(x), scene.grid, scene.input_size, size)
            plans.append(CropPlan(int(row), int(y), int(x), size, box, cell, float(contrast)))
    contenders = [
        Contender(plan.contrast, entry.tier, plan.cell, plan.image_row, number)
        for number, (plan, entry) in enumerate(zip(plans, _entries(scene, plans), strict=True))
    ]
    return [plans[index] for index in choose_diverse(contenders, config.strongest, config.per_cell, config.per_image)]


def _entries(scene: Scene, plans: Sequence[CropPlan]) -> list[Entry]:
    labels = [scene.pool.images[plan.image_row].label for plan in plans]
    names = scene.classifier.class_names.names
    return [
        Entry(pixels, crop_tier(label, scene.target, names, None), plan.cell, plan.image_row)
        for plan, label, pixels in zip(plans, labels, prepared_crops(scene.pool, plans), strict=True)
    ]


def _planned_tier(scene: Scene, plan: CropPlan) -> Tier:
    image = scene.pool.images[plan.image_row]
    box = scene.classifier.preprocessing.original_box(*plan.box, image.width_px, image.height_px)
    names = scene.classifier.class_names.names
    return crop_tier(image.label, scene.target, names, scene.shows_of(plan.image_row, box))


def _cut(scene: Scene, plan: CropPlan, push: float, identity: str, suggested: bool, progress: Progress) -> Patch:
    image = scene.pool.images[plan.image_row]
    rgba, box = cut_crop(scene.open_original(plan.image_row), plan, scene.classifier.preprocessing)
    shows = scene.shows_of(plan.image_row, box)
    names = scene.classifier.class_names.names
    label = names[image.label]
    candidate = Candidate(
        id=identity,
        name=f"{shows[0][0]} ({label} picture)" if shows else f"{label} crop",
        origin=Origin.CROP,
        tier=crop_tier(image.label, scene.target, names, shows),
        sha256=sha256_of(patch_png(rgba)),
        image_key=image.key,
        image_path=image.path,
        image_label=label,
        box=box,
        cell=plan.cell,
        observed_push=plan.contrast,
        predicted_push=push,
        shows=shows or (),
        suggested=suggested,
    )
    progress.advance()
    return Patch(candidate, rgba)


def _with_predicted_push(cells: Sequence[Cell], plans: Sequence[CropPlan], pushes: FloatArray) -> tuple[Cell, ...]:
    """Cells with the mean linear prediction over all their crops: the tail's, of the best alone, would flatter them."""
    by_cell: dict[str, list[float]] = {}
    for plan, push in zip(plans, pushes, strict=False):
        by_cell.setdefault(plan.cell, []).append(float(push))
    screened = []
    for cell in cells:
        values = np.array(by_cell.get(cell.name, ()), dtype=np.float64)
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
        mean = float(values.mean()) if len(values) else float("nan")
        screened.append(replace(cell, predicted_push=mean, predicted_push_error=error))
    return tuple(screened)


@torch.inference_mode()
def mark_read_as_target(patches: Sequence[Patch], classifier: Classifier, target: ClassGroup) -> list[Patch]:
    """Mark the patches that the model calls the target when they fill the whole picture, on mid grey.

    A mark to read beside the numbers, never a reason to drop a patch: a strong shortcut reads as target too.
    """
    height, width = classifier.preprocessing.output_size
    marked = []
    for patch in patches:
        rgba = torch.from_numpy(resize_patch(patch.rgba, height, width).copy()).to(classifier.device).float() / 255.0
        alone = rgba[:3] * rgba[3:] + 0.5 * (1.0 - rgba[3:])
        called = int(classifier.logits(alone.unsqueeze(0)).argmax())
        marked.append(replace(patch, candidate=replace(patch.candidate, read_as_target=called in target.indices)))
    return marked


def matched_controls(scene: Scene, atlas: Atlas | None, patch: Patch, side_px: int) -> Mapping[str, PixelArray]:
    """All controls of a patch (docs/design.md, section 5, rule 3), (4, h, w) uint8 each, keyed by name.

    The crops are cut at the candidate's own shape: of a random discovery picture of the source, and of a random
    cell of the atlas that does not push (`quiet_cells`). Without an atlas the latter is left out.
    """
    identity = patch.candidate.id
    controls = make_controls(patch.rgba, identity, side_px, scene.seed)
    sources = scene.pool.rows(Split.DISCOVERY, scene.source.indices)
    size = min(0.5, max(0.2, side_px / min(scene.input_size)))
    if len(sources):
        generator = keyed_generator(scene.seed, "control", SOURCE_CROP, identity)
        plan = plan_one_crop([int(row) for row in sources], scene.grid, scene.input_size, size, generator)
        controls[SOURCE_CROP] = _shaped_like(patch.rgba, scene, plan)
    if atlas is not None:
        level = max(cell.level for cell in atlas.cells)
        named = cell_names(atlas.xy, level)
        rows = atlas.samples.image_row
        givers = {name for name, row in zip(named, rows, strict=True) if scene.may_give_crops(int(row))}
        cells = quiet_cells([cell for cell in atlas.at_level(level) if cell.name in givers])
        generator = keyed_generator(scene.seed, "control", RANDOM_CELL_CROP, identity)
        plans = plan_random_crops(
            cells, atlas.samples, named, scene.may_give_crops, scene.grid, scene.input_size,
            (size,), 1, generator,
        )  # fmt: skip
        if plans:
            controls[RANDOM_CELL_CROP] = _shaped_like(patch.rgba, scene, plans[0])
    return controls


def quiet_cells(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells that do not push towards the target; the quarter that pushes least where all of them do.

    A control must be without the candidate's content. A crop from a cell that pushes may show the very feature the
    candidate shows, and would hide it. Push is the predicted one, or the observed where a cell was not screened.
    """
    push = [cell.predicted_push if math.isfinite(cell.predicted_push) else cell.contrast for cell in cells]
    quiet = tuple(cell for cell, value in zip(cells, push, strict=True) if value <= 0.0)
    if quiet:
        return quiet
    order = sorted(range(len(cells)), key=lambda index: push[index])
    return tuple(cells[index] for index in order[: max(1, len(cells) // 4)])


def _shaped_like(rgba: PixelArray, scene: Scene, plan: CropPlan) -> PixelArray:
    """A crop resized to the candidate's height and width, under the candidate's own alpha."""
    crop, _ = cut_crop(scene.open_original(plan.image_row), plan, scene.classifier.preprocessing)
    resized = resize_patch(crop, *rgba.shape[1:])
    return np.concatenate([resized[:3], rgba[3:]])
