"""From the atlas to patches worth trying: screened crops, what is made of them, and crops to compare them with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from auditor.atlas.grid import clustered_mean
from auditor.atlas.kinds import Atlas
from auditor.candidates.choosing import Contender, choose_diverse
from auditor.candidates.crops import (
    CropPlan,
    cell_names,
    plan_exemplar_crops,
    plan_further_crops,
    plan_random_crops,
    prepared_crops,
)
from auditor.candidates.drawings import screen_drawn
from auditor.candidates.ladder import Climb, Draw, Entry, Screen, choose_climbed, climb, screen_made
from auditor.candidates.makers import drawn_candidates, make_candidates
from auditor.candidates.makers.maker import Found
from auditor.candidates.own_places import screen_own_places
from auditor.candidates.pasted import covering_push, crops_to_measure, finest_cells, place_crops, with_held
from auditor.candidates.pool_crops import plan_pool_crops
from auditor.candidates.scene import Scene, cut_patch, planned_tier
from auditor.candidates.screening import TailScreen
from auditor.candidates.tiers import crop_tier
from auditor.core.config import AuditConfig, CandidatesConfig
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import Candidate, Cell, ClassGroup, FloatArray, Role, Rung, Split, Tier
from auditor.core.records.candidates import PLAIN_CROPS
from auditor.core.shelf import Shelf
from auditor.inputs.images.pixels import on_grey, to_float
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.naming import naming
from auditor.trials.patch import Patch, resize_patch


@dataclass(frozen=True, slots=True)
class Proposals:
    """What goes into the trials, the atlas' cells with their predicted push, and how the search narrowed.

    `pasted` is the atlas of crops as pasted; None where no crop was screened through a mapped layer.
    """

    patches: tuple[Patch, ...]
    cells: tuple[Cell, ...]
    rungs: tuple[Rung, ...]
    pasted: Atlas | None = None


def propose(
    scene: Scene,
    atlas: Atlas,
    screen: TailScreen,
    config: AuditConfig,
    progress: Progress,
    shelf: Shelf | None = None,
) -> Proposals:
    """Screen the exemplars of the atlas' finest level and further crops, keep a diverse few, and make patches of them.

    Beside them stand, for comparison, random crops and those that contrast alone would choose; and what is tried
    without being screened: patches that were brought along, and the trained one.

    Args:
        shelf: where the shards go of what the network sees in the crops; None: memory.
    Raises:
        LayerError, PatchError: as `make_candidates`.
    """
    wanted = config.candidates
    plans, random_plans = _plan(scene, atlas, wanted)
    strongest = _plan_strongest(scene, atlas, wanted)
    every = [*plans, *random_plans, *strongest]
    climbed = climb(
        crop_entries(scene, plans),
        crop_entries(scene, every[len(plans) :]),
        screen,
        wanted,
        Draw(scene.seed, scene.pool.keys),
        progress,
        shelf,
    )
    pasted = _place(scene, every, climbed, screen, config, progress)
    of_pasted = finest_cells(pasted)
    chosen, tail = choose_climbed(climbed, lambda number: planned_tier(scene, plans[number]), of_pasted, wanted)
    cells = _with_predicted_push(atlas, plans, climbed.foretold)
    random_from, strongest_from = len(plans), len(plans) + len(random_plans)
    numbers = {
        Role.SUGGESTED: chosen,
        Role.RANDOM: range(random_from, strongest_from),
        Role.STRONGEST_CONTRAST: range(strongest_from, len(every)),
    }
    progress.start("cutting candidates", sum(map(len, numbers.values())))
    crops = {
        role: cut_crops(scene, every, of_role, role, climbed.tail.pushes, progress, of_pasted)
        for role, of_role in numbers.items()
    }
    suggested = crops.pop(Role.SUGGESTED)
    found = found_from(scene, screen, cells, [plans[number] for number in chosen], suggested, config, progress)
    made, rung = screen_made(make_candidates(found, screened=True), screen, wanted, progress)
    drawn, of_drawn = screen_drawn(drawn_candidates(found), climbed.first, screen, config, progress)
    rungs = [Rung("atlas", atlas.collected, len(atlas.samples.contrast), "class filter"), *climbed.rungs, tail]
    at_own = screen_own_places(scene, plans, climbed, screen, wanted, progress)
    beside = [patch for of_role in crops.values() for patch in of_role] + make_candidates(found, screened=False)
    rungs += [one for one in (rung, of_drawn, *at_own.rungs) if one.seen]
    return Proposals((*suggested, *made, *drawn, *beside, *at_own.patches), cells, tuple(rungs), pasted)


def _place(
    scene: Scene,
    plans: Sequence[CropPlan],
    climbed: Climb,
    screen: TailScreen,
    config: AuditConfig,
    progress: Progress,
) -> Atlas:
    """The atlas of all crops as pasted, with more of them sent through the tail to tell which cells hold."""
    covering = covering_push(scene, screen)
    placed = place_crops(plans, climbed, covering, config.atlas, scene.seed, progress)
    asked = crops_to_measure(placed, tuple(climbed.tail.pushes), config.candidates.held, scene.seed)
    progress.start("asking crops whether their cells hold", len(asked))
    climbed.tail.measure(asked)
    return with_held(placed, *climbed.tail.measured(), covering)


def cut_crops(
    scene: Scene,
    plans: Sequence[CropPlan],
    numbers: Sequence[int],
    role: Role,
    predicted: Mapping[int, float],
    progress: Progress,
    pasted_cells: Sequence[str] | None = None,
) -> list[Patch]:
    """Cut those of the plans that have one role, with the predicted push that screening gave them.

    Args:
        pasted_cells: of each plan, in the atlas of patches as pasted; None where there is no such atlas.
    """
    patches = []
    for place, number in enumerate(numbers, start=1):
        identity = f"{PLAIN_CROPS[role]}-{place:03d}"
        patch = cut_patch(scene, plans[number], identity, role, predicted[number])
        cell = pasted_cells[number] if pasted_cells is not None else ""
        patches.append(replace(patch, candidate=replace(patch.candidate, pasted_cell=cell)))
        progress.advance()
    return patches


def found_from(
    scene: Scene,
    screen: Screen,
    cells: Sequence[Cell],
    plans: Sequence[CropPlan],
    crops: Sequence[Patch],
    config: AuditConfig,
    progress: Progress,
) -> Found:
    """What patches are made from: crops that may be news, in the order of their predicted push.

    What shows the target, or may, is left out, as are crops of unlabelled pictures that the model calls the target:
    nobody wonders that two woks make a wok.
    """
    news = [index for index, crop in enumerate(crops) if _may_be_news(crop.candidate)]
    order = sorted(news, key=lambda index: (-crops[index].candidate.predicted_push, index))
    finest = max((cell.level for cell in cells), default=0)
    return Found(
        scene=scene,
        cut=screen.cut,
        side_px=screen.side_px,
        cells=[cell for cell in cells if cell.level == finest],
        plans=[plans[index] for index in order],
        crops=[crops[index] for index in order],
        config=config,
        progress=progress,
    )


def _may_be_news(crop: Candidate) -> bool:
    return crop.tier in (Tier.THIRD_CLASS, Tier.TARGET_CONTEXT) or (
        crop.tier is Tier.UNLABELLED and not crop.called_target
    )


def _plan(scene: Scene, atlas: Atlas, config: CandidatesConfig) -> tuple[list[CropPlan], list[CropPlan]]:
    """Crops to screen, exemplars first, and random crops to compare them with."""
    level = max(cell.level for cell in atlas.cells)
    cells, named = atlas.at_level(level), cell_names(atlas.xy, level)
    rules = scene.crop_rules(config.sizes)
    of_pool, random_of_pool = plan_pool_crops(scene, config)
    exemplars = plan_exemplar_crops(cells, rules, config.screened - len(of_pool))
    rows = np.array([row for row in scene.pool.rows(Split.DISCOVERY) if scene.may_give_crops(int(row))], dtype=np.int64)
    generator = keyed_generator(scene.seed, "further crops")
    further = plan_further_crops(atlas.samples, named, rows, rules, config.screened, generator)
    planned = {(plan.image_row, plan.box) for plan in exemplars}
    others = [plan for plan in further if (plan.image_row, plan.box) not in planned]
    generator = keyed_generator(scene.seed, "random crops")
    count = config.random - len(random_of_pool)
    random = plan_random_crops(cells, atlas.samples, named, rules, count, generator)
    return [*[*exemplars, *others][: config.screened - len(of_pool)], *of_pool], [*random, *random_of_pool]


def _plan_strongest(scene: Scene, atlas: Atlas, config: CandidatesConfig) -> list[CropPlan]:
    """The crops around the strongest contrasts, the paper's own ranking, under the suggestions' caps and turns."""
    named = cell_names(atlas.xy, max(cell.level for cell in atlas.cells))
    rules = scene.crop_rules(config.sizes)
    plans = []
    for number, (cell, contrast) in enumerate(zip(named, atlas.samples.contrast.tolist(), strict=True)):
        row, y, x = atlas.samples.place(number)
        if rules.allowed(row):
            plans.append(rules.plan(row, y, x, config.sizes[number % len(config.sizes)], cell, contrast))
    contenders = [
        Contender(plan.contrast, entry.tier, plan.cell, plan.image_row, number)
        for number, (plan, entry) in enumerate(zip(plans, crop_entries(scene, plans), strict=True))
    ]
    return [plans[index] for index in choose_diverse(contenders, config.strongest, config.per_cell, config.per_image)]


def crop_entries(scene: Scene, plans: Sequence[CropPlan]) -> list[Entry]:
    images = [scene.pool.image(plan.image_row) for plan in plans]
    names = scene.classifier.class_names.names
    return [
        Entry(
            pixels,
            crop_tier(image.label, scene.target, names, None),
            plan.cell,
            plan.image_row,
            f"a crop of {image.path}",
        )
        for plan, image, pixels in zip(plans, images, prepared_crops(scene.pool, plans), strict=True)
    ]


def _with_predicted_push(atlas: Atlas, plans: Sequence[CropPlan], pushes: FloatArray) -> tuple[Cell, ...]:
    """Cells with the mean push foretold of all their crops: the tail's, of the best alone, would flatter them."""
    samples = atlas.samples
    places = zip(samples.image_row.tolist(), samples.y.tolist(), samples.x.tolist(), strict=True)
    sample_at = {place: sample for sample, place in enumerate(places)}
    by_cell: dict[str, list[tuple[float, int]]] = {}
    for level in {cell.level for cell in atlas.cells}:
        named = cell_names(atlas.xy, level)
        for plan, push in zip(plans, pushes.tolist(), strict=False):
            sample = sample_at.get((plan.image_row, plan.y, plan.x))
            if sample is not None:
                by_cell.setdefault(named[sample], []).append((push, plan.image_row))
    screened = []
    for cell in atlas.cells:
        seen = by_cell.get(cell.name)
        if seen is None:
            screened.append(replace(cell, predicted_push=float("nan"), predicted_push_error=float("nan")))
            continue
        values, rows = (np.array(column) for column in zip(*seen, strict=True))
        mean, error = clustered_mean(values, np.ones(len(values)), rows)  # one picture's crops are not independent
        screened.append(replace(cell, predicted_push=float(mean), predicted_push_error=float(error)))
    return tuple(screened)


@torch.inference_mode()
def mark_read_as_target(patches: Sequence[Patch], classifier: Classifier, target: ClassGroup) -> list[Patch]:
    """Mark the patches that the model calls the target when they fill the whole picture, on mid grey.

    A mark to read beside the numbers, never a reason to drop a patch: a strong shortcut reads as target too.

    Raises:
        ModelError: the network fails; names the patch that it fails on.
    """
    height, width = classifier.preprocessing.output_size

    def called(one: slice) -> int:
        alone = on_grey(to_float(resize_patch(patches[one.start].rgba, height, width), classifier.device))
        return int(classifier.logits(alone.unsqueeze(0)).argmax())

    one_by_one = naming(called, [patch.called for patch in patches])
    marked = []
    for place, patch in enumerate(patches):
        reads = one_by_one(slice(place, place + 1)) in target.indices
        marked.append(replace(patch, candidate=replace(patch.candidate, read_as_target=reads)))
    return marked
