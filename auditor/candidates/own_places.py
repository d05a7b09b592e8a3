"""Crops tried where they lay in their own pictures, as large as there: what works at one place or size alone.

A mark in one corner, or a cue at one size, means something where the target's pictures have it, and nothing in the
corner where all are tried. So crops of the target's pictures are screened once more, each in its own box, on a ladder
and a budget of their own: first linearly, then the best through the tail. Boxes that cover what makes a picture the
source are left out: whatever lies there takes the source's place, and that it flips is no shortcut.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from auditor.candidates.crops import CropPlan
from auditor.candidates.ladder import BY_PUSH, PER_IMAGE_ON_SHORTLIST, Climb, Entry, choose_screened, patches_of
from auditor.candidates.linear import LinearScreen
from auditor.candidates.scene import Scene, cut_patch, planned_tier
from auditor.candidates.screening import Box, TailScreen, write
from auditor.core.config import CandidatesConfig
from auditor.core.progress import Progress
from auditor.core.records import ClassGroup, PixelArray, Role, Rung, Spot, Tier
from auditor.core.records.candidates import OWN_PLACE
from auditor.trials.patch import Patch

LINEAR_AT_OWN, TAIL_AT_OWN = "linear screening at own places", "tail screening at own places"

OF_CROPS = 4
"""One in so many of all crops is screened at its own place, at most: the first that are of the target's pictures."""

SHORTLISTED, TRIED = 32, 4
"""As many for each that is confirmed go through the tail, and into the trials on selection pictures."""

LEFT_ALONE = 0.9
"""A box counts where grey in it leaves at least this share of the source pictures that grey in the corner leaves."""

ASKED = 16
"""Source pictures, at most, that each box is asked on."""


@dataclass(frozen=True, slots=True)
class AtOwnPlaces:
    """Crops with their spots and predicted pushes, best first, and the rungs that they came by."""

    patches: tuple[Patch, ...]
    rungs: tuple[Rung, ...]


def screen_own_places(
    scene: Scene,
    plans: Sequence[CropPlan],
    climbed: Climb,
    screen: TailScreen,
    config: CandidatesConfig,
    progress: Progress,
) -> AtOwnPlaces:
    """Screen crops of the target's pictures where they lay there, and cut those that push most.

    Args:
        plans: of the crops, in the order of `climbed.crops`.
    """
    plans, entries = of_target(scene, plans, climbed.crops, screened_of(config))
    if not entries or climbed.first is None:
        return AtOwnPlaces((), ())
    started = time.perf_counter()
    progress.start(LINEAR_AT_OWN, len(entries))
    short = _short_list(scene, plans, entries, climbed.first, screen, config)
    after_linear = time.perf_counter()
    progress.start(TAIL_AT_OWN, len(short))
    boxes = [plans[number].box for number in short]
    asked = [entries[number].of_tier(planned_tier(scene, plans[number])) for number in short]
    pixels, names = patches_of(asked)
    pushes = [float(push) for push in screen.screen(pixels, names, boxes)]
    seen = screen.seen(pixels, names, boxes)
    chosen = choose_screened(asked, pushes, TRIED * config.own_places, seen, config)
    patches = []
    for place, index in enumerate(chosen, start=1):
        plan, identity = plans[short[index]], f"{OWN_PLACE}-{place:03d}"
        patch = cut_patch(scene, plan, identity, Role.SUGGESTED, pushes[index])
        spot = spot_of(plan.box, scene.input_size)
        patches.append(replace(patch, candidate=replace(patch.candidate, spot=spot)))
    linear, tail = after_linear - started, time.perf_counter() - after_linear
    by = "mean gradient · change of features, where grey leaves the source alone"
    return AtOwnPlaces(
        tuple(patches),
        (
            Rung(LINEAR_AT_OWN, len(entries), len(short), by, seconds=round(linear, 2)),
            Rung(TAIL_AT_OWN, len(short), len(patches), BY_PUSH, seconds=round(tail, 2)),
        ),
    )


def of_target(
    scene: Scene, plans: Sequence[CropPlan], entries: Sequence[Entry], most: int
) -> tuple[list[CropPlan], list[Entry]]:
    """The first of the crops that are of pictures labelled target."""
    both = [
        (plan, entry)
        for plan, entry in zip(plans, entries, strict=True)
        if scene.pool.image(plan.image_row).label in scene.target.indices
    ][:most]
    return [plan for plan, _ in both], [entry for _, entry in both]


def screened_of(config: CandidatesConfig) -> int:
    """How many crops are screened at their own places, at most."""
    return -(-config.screened // OF_CROPS) if config.own_places else 0


def spot_of(box: Box, input_size: tuple[int, int]) -> Spot:
    """The spot at which a patch fills a box of a prepared picture, (H, W)."""
    left, top, right, bottom = box
    (height, width), (tall, wide) = input_size, (bottom - top, right - left)
    down, across = (
        start / (whole - side) if whole > side else 0.0
        for start, whole, side in ((top, height, tall), (left, width, wide))
    )
    return Spot(down, across, max(tall, wide) / min(height, width))


def _short_list(
    scene: Scene,
    plans: Sequence[CropPlan],
    entries: Sequence[Entry],
    first: LinearScreen,
    screen: TailScreen,
    config: CandidatesConfig,
) -> list[int]:
    """Numbers of the crops that go through the tail: none that covers the source or shows the target object."""
    boxes = [plan.box for plan in plans]
    alone = left_alone(screen, sorted(set(boxes)), scene.source)
    pushes = first.screen(*patches_of(entries), boxes)
    of_picture: Counter[int] = Counter()
    short: list[int] = []
    for number in np.argsort(-pushes, kind="stable").tolist():
        row = plans[number].image_row
        if boxes[number] not in alone or of_picture[row] == PER_IMAGE_ON_SHORTLIST:
            continue
        if planned_tier(scene, plans[number]) is Tier.TARGET_OBJECT:  # it pushes most, and would fill the list
            continue
        of_picture[row] += 1
        short.append(number)
        if len(short) == SHORTLISTED * config.own_places:
            break
    return short


@torch.no_grad()
def left_alone(screen: TailScreen, boxes: Sequence[Box], source: ClassGroup) -> set[Box]:
    """Of some boxes those where grey leaves source pictures what they are, by the tail on a few of them.

    The measure is what grey does in the corner where all patches are screened: some networks lose pictures to any
    cover.
    """
    grey: PixelArray = np.full((3, 1, 1), 128, dtype=np.uint8)
    of_each = max(1, ASKED // len(screen.groups))
    inside = torch.tensor(sorted(source.indices), device=screen.common.picture.device)
    together = max(1, screen.batch_size // of_each)
    corner = (0, 0, screen.side_px, screen.side_px)
    asked = [*dict.fromkeys([corner, *boxes])]
    kept: dict[Box, int] = dict.fromkeys(asked, 0)
    for background, clean, _ in screen.groups:
        few = clean[slice(0, of_each)]
        for start in range(0, len(asked), together):
            part = asked[start : start + together]
            written = write(few, background, *background.changes([grey] * len(part), part))
            is_source = torch.isin(screen.cut.logits(written).argmax(dim=1), inside).view(len(part), len(few))
            for box, count in zip(part, is_source.sum(dim=1).tolist(), strict=True):
                kept[box] += count
    return {box for box in boxes if kept[box] and kept[box] >= LEFT_ALONE * kept[corner]}
