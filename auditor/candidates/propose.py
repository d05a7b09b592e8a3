"""From the atlas to patches worth trying: screened crops, what is made of them, and crops to compare them with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from auditor.atlas.activations import ActivationSet
from auditor.atlas.grid import clustered_mean
from auditor.atlas.kinds import Atlas, AtlasKind
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
from auditor.candidates.further_layers import FurtherLayer, all_plans, repeated_features, seen_at, share_of
from auditor.candidates.ladder import Climb, Draw, Entry, Screen, choose_climbed, climb, patches_of, screen_made
from auditor.candidates.makers import drawn_candidates, make_candidates
from auditor.candidates.makers.maker import Found
from auditor.candidates.own_places import screen_own_places
from auditor.candidates.pasted import (
    covering_push,
    crops_to_measure,
    finest_cells,
    in_refuted_cells,
    place_crops,
    with_held,
)
from auditor.candidates.pasted_shards import PastedShards
from auditor.candidates.pool_crops import plan_pool_crops
from auditor.candidates.scene import Scene, cut_patch, planned_tier, screened_crop
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

    `cells` are those of all layers, the first's first. `pasted` is the atlas of crops as pasted; None where no crop was
    screened through a mapped layer. `further_pasted` are those of further layers, each of the crops of its own cells.
    """

    patches: tuple[Patch, ...]
    cells: tuple[Cell, ...]
    rungs: tuple[Rung, ...]
    pasted: Atlas | None = None
    further_pasted: tuple[Atlas, ...] = ()

    @property
    def all_pasted(self) -> tuple[Atlas, ...]:
        """The atlases of crops as pasted, one a mapped layer, the first's first; none where no crop was screened so."""
        return () if self.pasted is None else (self.pasted, *self.further_pasted)

    def pasted_of(self, candidate: Candidate) -> Atlas | None:
        """The atlas of crops as pasted that a candidate lies in, by its layer."""
        own = (one for one in self.further_pasted if one.layer == candidate.layer)
        return next(own, self.pasted)


def propose(
    scene: Scene,
    atlas: Atlas,
    screen: TailScreen,
    config: AuditConfig,
    progress: Progress,
    shelf: Shelf | None = None,
    further: Sequence[FurtherLayer] = (),
) -> Proposals:
    """Screen the exemplars of the atlas' finest level and further crops, keep a diverse few, and make patches of them.

    Beside them stand, for comparison, random crops and those that contrast alone would choose; and what is tried
    without being screened: patches that were brought along, and the trained one.

    Args:
        atlas: of the layer at which the screen cuts the network; comparisons and rendered patches are made from it.
        shelf: where the shards go of what the network sees in the crops; None: memory.
        further: layers whose cells give crops as well, out of the same budget.
    Raises:
        LayerError, PatchError: as `make_candidates`.
    """
    wanted = config.candidates
    layers = {scene.layer: atlas, **{one.name: one.atlas for one in further}}
    plans, random_plans = _plan(scene, layers, wanted)
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
    pasted, of_pasted, refuted = _place(scene, every, climbed, screen, config, progress, further)
    repeated, merged = _repeated(plans, climbed) if further else (frozenset(), ())
    chosen, tail = choose_climbed(
        climbed,
        lambda number: planned_tier(scene, plans[number]),
        _told_apart(every, of_pasted),
        wanted,
        repeated,
        refuted,
    )
    of_layers = [_with_predicted_push(one, name, plans, climbed.foretold) for name, one in layers.items()]
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
    found = found_from(scene, screen, of_layers[0], [plans[number] for number in chosen], suggested, config, progress)
    made, rung = screen_made(make_candidates(found, screened=True), screen, wanted, progress)
    drawn, of_drawn = screen_drawn(drawn_candidates(found), climbed.first, screen, config, progress)
    rungs = [Rung("atlas", atlas.collected, len(atlas.samples.contrast), "class filter"), *climbed.rungs, *merged, tail]
    at_own = screen_own_places(scene, plans, climbed, screen, wanted, progress)
    beside = [patch for of_role in crops.values() for patch in of_role] + make_candidates(found, screened=False)
    rungs += [one for one in (rung, of_drawn, *at_own.rungs) if one.seen]
    cells = tuple(cell for of_layer in of_layers for cell in of_layer)
    patches = (*suggested, *made, *drawn, *beside, *at_own.patches)
    return Proposals(patches, cells, tuple(rungs), pasted[0], pasted[1:])


def _place(
    scene: Scene,
    plans: Sequence[CropPlan],
    climbed: Climb,
    screen: TailScreen,
    config: AuditConfig,
    progress: Progress,
    further: Sequence[FurtherLayer],
) -> tuple[tuple[Atlas, ...], list[str], set[int]]:
    """The atlas of all crops as pasted, with more of them sent through the tail to tell which cells hold.

    Returns:
        The atlas of each layer, of the crops of its own cells; each crop's cell, as `finest_cells`; and the numbers of
        the crops whose cell does not hold, or pushes less than covering.
    """
    covering = covering_push(scene, screen)
    atlases: list[Atlas] = []
    named, refuted = [""] * len(plans), set[int]()
    held = share_of(config.candidates.held, 1 + len(further))
    for layer, most in zip((None, *further), held, strict=True):
        name = scene.layer if layer is None else layer.name
        own = np.array([number for number, plan in enumerate(plans) if plan.layer == name], dtype=np.int64)
        if not len(own):  # another layer's cells gave every one of its crops
            nothing = np.empty((0, 2), dtype=np.float32)
            atlases.append(Atlas(ActivationSet.empty(), nothing, (), 0, AtlasKind.PASTED))
            continue
        part = climbed
        if further:  # what each layer sees of its own crops is kept with its atlas
            shown = climbed.pasted.at(own)
            if layer is not None:
                progress.start(f"crops as layer {name} sees them", len(own))
                entries = crop_entries(scene, [plans[number] for number in own])
                shown = replace(shown, seen=seen_at(layer.cut, screen, *patches_of(entries)))
            part = replace(climbed, pasted=PastedShards.holding(shown), foretold=climbed.foretold[own])
        own_plans, device = [plans[number] for number in own], scene.classifier.device
        placed = place_crops(own_plans, part, covering, config.atlas, scene.seed, progress, device)
        if further:
            placed = replace(placed, samples=replace(placed.samples, vectors=part.pasted.whole().seen))
        placed = replace(placed, cells=tuple(replace(cell, layer=name) for cell in placed.cells))
        place_of = {number: place for place, number in enumerate(own.tolist())}
        asked = crops_to_measure(
            placed, [place_of[one] for one in climbed.tail.pushes if one in place_of], most, scene.seed
        )
        progress.start("asking crops whether their cells hold", len(asked))
        climbed.tail.measure(own[asked].tolist())
        measured = {place_of[one]: push for one, push in climbed.tail.pushes.items() if one in place_of}
        numbers, pushes = np.array(list(measured), dtype=np.int64), np.array(list(measured.values()), dtype=np.float32)
        atlases.append(with_held(placed, numbers, pushes, covering))
        for number, cell in zip(own.tolist(), finest_cells(atlases[-1]), strict=True):
            named[number] = cell
        refuted.update(own[in_refuted_cells(atlases[-1])].tolist())
    return tuple(atlases), named, refuted


def _told_apart(plans: Sequence[CropPlan], cells: Sequence[str]) -> list[str]:
    """Each crop's cell with its layer: cells of two layers go by the same names."""
    return [f"{plan.layer} {cell}" if cell else "" for plan, cell in zip(plans, cells, strict=True)]


def _repeated(plans: Sequence[CropPlan], climbed: Climb) -> tuple[frozenset[int], tuple[Rung, ...]]:
    """Crops whose feature another layer's crop shows that pushes more, and the rung that leaves them out."""
    pushes = {number: climbed.tail.pushes[number] for number in climbed.shortlist}
    repeated = repeated_features(plans, climbed.crops, pushes, climbed.pasted.seen)
    return repeated, (Rung("one feature of several layers", len(pushes), len(pushes) - len(repeated), "greater push"),)


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


def _plan(scene: Scene, layers: Mapping[str, Atlas], config: CandidatesConfig) -> tuple[list[CropPlan], list[CropPlan]]:
    """Crops to screen, exemplars of all layers first, and random crops of the first layer to compare them with."""
    of_pool, random_of_pool = plan_pool_crops(scene, config)
    most = config.screened - len(of_pool)
    planned = [_plan_layer(scene, name, atlas, config, most) for name, atlas in layers.items()]
    plans = all_plans([exemplars for exemplars, _ in planned], [others for _, others in planned])
    atlas = layers[scene.layer]
    level = max(cell.level for cell in atlas.cells)
    generator = keyed_generator(scene.seed, "random crops")
    random = plan_random_crops(
        atlas.at_level(level),
        atlas.samples,
        cell_names(atlas.xy, level),
        scene.crop_rules(config.sizes),
        config.random - len(random_of_pool),
        generator,
    )
    return [*plans[:most], *of_pool], [*random, *random_of_pool]


def _plan_layer(
    scene: Scene, layer: str, atlas: Atlas, config: CandidatesConfig, most: int
) -> tuple[list[CropPlan], list[CropPlan]]:
    """The exemplars of a layer's cells, at most so many, and further crops of its grid."""
    level = max(cell.level for cell in atlas.cells)
    cells, named = atlas.at_level(level), cell_names(atlas.xy, level)
    rules = scene.crop_rules(config.sizes, layer)
    exemplars = plan_exemplar_crops(cells, rules, most)
    rows = np.array([row for row in scene.pool.rows(Split.DISCOVERY) if scene.may_give_crops(int(row))], dtype=np.int64)
    generator = keyed_generator(scene.seed, "further crops", *([] if layer == scene.layer else [layer]))
    further = plan_further_crops(atlas.samples, named, rows, rules, config.screened, generator)
    planned = {(plan.image_row, plan.box) for plan in exemplars}
    return exemplars, [plan for plan in further if (plan.image_row, plan.box) not in planned]


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
            screened_crop(scene, plan, pixels),
            crop_tier(image.label, scene.target, names, None),
            plan.cell,
            plan.image_row,
            f"a crop of {image.path}",
        )
        for plan, image, pixels in zip(plans, images, prepared_crops(scene.pool, plans), strict=True)
    ]


def _with_predicted_push(atlas: Atlas, layer: str, plans: Sequence[CropPlan], pushes: FloatArray) -> tuple[Cell, ...]:
    """Cells with the mean push foretold of all their crops: the tail's, of the best alone, would flatter them."""
    samples = atlas.samples
    places = zip(samples.image_row.tolist(), samples.y.tolist(), samples.x.tolist(), strict=True)
    sample_at = {place: sample for sample, place in enumerate(places)}
    by_cell: dict[str, list[tuple[float, int]]] = {}
    for level in {cell.level for cell in atlas.cells}:
        named = cell_names(atlas.xy, level)
        for plan, push in zip(plans, pushes.tolist(), strict=False):
            sample = sample_at.get((plan.image_row, plan.y, plan.x))
            if sample is not None and plan.layer == layer:
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
