"""Crops of pictures without labels: as many a picture as of the others, at random places. No file is opened."""

from __future__ import annotations

import numpy as np

from auditor.candidates.crops import CropPlan, CropRules
from auditor.candidates.scene import Scene
from auditor.core.config import CandidatesConfig
from auditor.core.draws import keyed_generator
from auditor.core.records import IntArray


def plan_pool_crops(
    scene: Scene, config: CandidatesConfig, screened: int | None = None
) -> tuple[list[CropPlan], list[CropPlan]]:
    """The crops of unlabelled pictures that are screened, and random ones to compare them with; none without a pool.

    The pool takes the share of all crops, and of the random ones, that its pictures have among those that may give
    crops. So each picture is seen about as often as any other, and the budget is the same with a pool and without.

    Args:
        screened: crops that are screened in all; None: `candidates.screened`.
    """
    rows = scene.pool.unlabelled_rows
    if not len(rows):
        return [], []
    others = sum(scene.may_give_crops(row) for row in range(len(scene.pool.images)))
    share = len(rows) / (len(rows) + others)
    rules = scene.crop_rules(config.sizes)
    count = round((config.screened if screened is None else screened) * share)
    plans = plan_in_turns(rows, rules, count, keyed_generator(scene.seed, "crops of the pool"))
    generator = keyed_generator(scene.seed, "random crops of the pool")
    return plans, plan_anywhere(rows, rules, round(config.random * share), generator)


def plan_in_turns(rows: IntArray, rules: CropRules, count: int, generator: np.random.Generator) -> list[CropPlan]:
    """Crops at random places, the pictures taking turns; none is planned twice."""
    most = min(count, len(rows) * len(rules.boxes()))
    plans: dict[tuple[int, tuple[int, int, int, int]], CropPlan] = {}
    # the last of a picture's places may never come, so the number of turns is bounded
    for _ in range(3 * -(-count // max(1, len(rows))) + 1):
        for row in generator.permutation(rows):
            if len(plans) >= most:
                return list(plans.values())
            plan = rules.plan(*rules.anywhere(row[None], generator), rules.any_size(generator))
            plans.setdefault((plan.image_row, plan.box), plan)
    return list(plans.values())


def plan_anywhere(rows: IntArray, rules: CropRules, count: int, generator: np.random.Generator) -> list[CropPlan]:
    """Crops at random places of random pictures, no picture twice: what the suggestions are compared with."""
    chosen = generator.permutation(rows)[:count]
    return [rules.plan(*rules.anywhere(row[None], generator), rules.any_size(generator)) for row in chosen]
