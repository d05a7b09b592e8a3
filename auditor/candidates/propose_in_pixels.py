"""Candidates without an atlas: crops drawn at random from every class in turns, screened in pixels."""

from __future__ import annotations

import time

import numpy as np

from auditor.candidates.crops import CropPlan, CropRules
from auditor.candidates.drawings import screen_drawn
from auditor.candidates.ladder import BY_PUSH, choose_screened, patches_of, screen_made
from auditor.candidates.makers import drawn_candidates, make_candidates
from auditor.candidates.pixel_screen import PixelScreen
from auditor.candidates.pool_crops import plan_anywhere, plan_pool_crops
from auditor.candidates.propose import Proposals, crop_entries, cut_crops, found_from
from auditor.candidates.scene import Scene, planned_tier
from auditor.core.config import AuditConfig
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import IntArray, Role, Rung, Split

GRID = (14, 14)
"""Places along the sides of a picture at which crops may be centred, where no layer has a grid of its own."""


def propose_in_pixels(scene: Scene, screen: PixelScreen, config: AuditConfig, progress: Progress) -> Proposals:
    """Screen crops of every class, keep a diverse few, make patches of them, and set random crops beside them.

    Without a layer nothing is linear and nothing is rendered: as many crops are screened as would otherwise reach the
    network's tail, each through the whole network.

    Raises:
        PatchError: a patch of the library or of the user's cannot be used.
    """
    wanted, rules = config.candidates, scene.crop_rules(config.candidates.sizes)
    rows = np.array([row for row in scene.pool.rows(Split.DISCOVERY) if scene.may_give_crops(int(row))], dtype=np.int64)
    labels = np.array([scene.pool.images[row].label for row in rows], dtype=np.int64)
    count = min(wanted.shortlisted, wanted.screened)
    of_pool, random_of_pool = plan_pool_crops(scene, wanted, count)
    plans = plan_by_class(rows, labels, rules, count - len(of_pool), keyed_generator(scene.seed, "crops by class"))
    plans += of_pool
    random_count = wanted.random - len(random_of_pool)
    random = plan_anywhere(rows, rules, random_count, keyed_generator(scene.seed, "random crops"))
    random += random_of_pool
    every = [*plans, *random]
    started = time.perf_counter()
    entries = crop_entries(scene, every)
    progress.start(screen.rung, len(entries))
    pushes = screen.screen(*patches_of(entries))
    predicted = {number: float(push) for number, push in enumerate(pushes)}
    tiered = [entry.of_tier(planned_tier(scene, plan)) for entry, plan in zip(entries, plans, strict=False)]
    chosen = choose_screened(tiered, [predicted[number] for number in range(len(plans))], wanted.tried, None, wanted)
    rung = Rung(screen.rung, len(plans), len(chosen), BY_PUSH, seconds=round(time.perf_counter() - started, 2))
    progress.start("cutting candidates", len(chosen) + len(random))
    suggested = cut_crops(scene, every, chosen, Role.SUGGESTED, predicted, progress)
    beside = cut_crops(scene, every, range(len(plans), len(every)), Role.RANDOM, predicted, progress)
    found = found_from(scene, screen, (), [plans[number] for number in chosen], suggested, config, progress)
    made, of_made = screen_made(make_candidates(found, screened=True), screen, wanted, progress)
    drawn, of_drawn = screen_drawn(drawn_candidates(found), None, screen, config, progress)
    rungs = (rung, *(one for one in (of_made, of_drawn) if one.seen))
    return Proposals((*suggested, *made, *drawn, *beside, *make_candidates(found, screened=False)), (), rungs)


def plan_by_class(
    rows: IntArray, labels: IntArray, rules: CropRules, count: int, generator: np.random.Generator
) -> list[CropPlan]:
    """Crops at random places, the classes taking turns and in each class its pictures, so that none is left out.

    Args:
        rows: (N,) pictures of the pool that may give crops; labels: (N,) their classes.
    """
    by_class = [generator.permutation(rows[labels == label]) for label in np.unique(labels)]
    plans: list[CropPlan] = []
    for turn in range(count):
        for pictures in by_class:
            if len(plans) == count:
                return plans
            row, y, x = rules.anywhere(pictures[turn % len(pictures)][None], generator)
            plans.append(rules.plan(row, y, x, rules.any_size(generator)))
    return plans
