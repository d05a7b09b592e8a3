"""The screening ladder: many crops by a linear guess, fewer through the tail, a diverse few into trials in pixels.

It ends before pixels are pasted: the trials on selection pictures are `measuring`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from auditor.candidates.choosing import Contender, choose_diverse, rank_agreement
from auditor.candidates.crops import crop_thumbnails
from auditor.candidates.linear import LinearScreen
from auditor.candidates.screening import TAIL, TailScreen
from auditor.core.config import CandidatesConfig
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, PixelArray, Rung, Tier
from auditor.inputs.images.duplicates import near_duplicate_groups
from auditor.inputs.images.pixels import pixels_on_grey
from auditor.inputs.model.cut import LayerCut
from auditor.trials.patch import Patch

BY_PUSH = "predicted push, tiers in turns, look-alikes out"

PILOTS = 16
PER_IMAGE_ON_SHORTLIST = 4
"""Else a few pictures that push, cut at many places, would fill the shortlist."""


class Screen(Protocol):
    """What tells of patches how far they push, without being asked which of them go on.

    `rung` and `rung_of_made` are what a report calls its rungs; `side_px` is the longer side of a pasted patch.
    """

    rung: str
    rung_of_made: str
    side_px: int

    @property
    def cut(self) -> LayerCut | None:
        """The network at the layer; None where none is mapped."""

    def screen(self, patches: Sequence[PixelArray]) -> FloatArray:
        """(N,) mean gain in the target's log-odds over some source pictures, logits."""

    def seen(self, patches: Sequence[PixelArray]) -> FloatArray | None:
        """(N, D) what the network sees in each patch; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A patch on the ladder: its pixels for screening, (3 or 4, h, w) uint8, and what ranking needs to know of it.

    The tier of a crop is the one its picture's label gives, without its annotations: they are looked up for few.
    """

    pixels: PixelArray
    tier: Tier
    cell: str = ""
    image_row: int = -1

    def of_tier(self, tier: Tier) -> Entry:
        """The same with the tier that its picture's annotations give."""
        return replace(self, tier=tier)


@dataclass(frozen=True, slots=True)
class Climb:
    """How far the entries came.

    Attributes:
        linear: (crops and compared,) first-order predicted push.
        predicted: by entry number, over crops and compared together, of those that reached the tail.
        chosen: numbers of the crops that go into trials in pixels, best first.
        rungs: the linear one and the tail's.
    """

    linear: FloatArray
    predicted: dict[int, float]
    chosen: tuple[int, ...]
    rungs: tuple[Rung, ...]


def climb(
    crops: Sequence[Entry],
    compared: Sequence[Entry],
    annotated_tier: Callable[[int], Tier],
    screen: TailScreen,
    config: CandidatesConfig,
    progress: Progress,
) -> Climb:
    """Screen crops linearly, the best of them through the tail, and choose.

    Args:
        crops: may be chosen; compared: random crops, screened at every rung and never chosen.
        annotated_tier: the tier of a crop, by its number, with the annotations of its picture.
    Entries are numbered through both lists in this order.
    """
    started = time.perf_counter()
    both = [*crops, *compared]
    progress.start("screening crops linearly", len(both))
    linear = np.empty(0, dtype=np.float32)
    if both:
        every = max(1, len(both) // PILOTS)
        pilots = [entry.pixels for entry in both[::every][:PILOTS]]
        linear = LinearScreen(screen, pilots).screen([entry.pixels for entry in both])
    contenders = [
        Contender(float(push), entry.tier, "", entry.image_row, number)
        for number, (entry, push) in enumerate(zip(crops, linear, strict=False))
    ]
    short = choose_diverse(contenders, config.shortlisted, per_image=PER_IMAGE_ON_SHORTLIST)
    after_linear = time.perf_counter()

    seen = [*short, *range(len(crops), len(both))]
    patches = [both[number].pixels for number in seen]
    progress.start("screening crops through the tail", len(patches))
    pushes = screen.screen(patches)
    predicted = {number: float(push) for number, push in zip(seen, pushes, strict=True)}
    entries = [replace(both[number], tier=annotated_tier(number)) for number in short]
    chosen = choose_screened(entries, [predicted[number] for number in short], config.tried, screen, config)
    after_tail = time.perf_counter()
    agreement = rank_agreement([float(linear[number]) for number in seen], [predicted[number] for number in seen])
    rungs = (
        Rung(
            name="linear screening",
            seen=len(crops),
            passed=len(short),
            by="mean gradient · change of features, tiers in turns",
            correlation=agreement,
            compared=len(seen),
            seconds=round(after_linear - started, 2),
        ),
        Rung(TAIL, len(short), len(chosen), BY_PUSH, seconds=round(after_tail - after_linear, 2)),
    )
    return Climb(linear, predicted, tuple(short[index] for index in chosen), rungs)


def screen_made(
    made: Sequence[Patch], screen: Screen, config: CandidatesConfig, progress: Progress
) -> tuple[list[Patch], Rung]:
    """Screen patches that were made from others through the tail, and choose as crops are chosen.

    Returns:
        At most `config.made` of them with their predicted push, best first, and the rung.
    """
    started = time.perf_counter()
    progress.start(screen.rung_of_made, len(made))
    pushes = [float(push) for push in screen.screen([patch.rgba for patch in made])]
    entries = [Entry(patch.rgba, patch.candidate.tier, patch.candidate.cell) for patch in made]
    chosen = choose_screened(entries, pushes, config.made, screen, config)
    kept = [
        replace(made[index], candidate=replace(made[index].candidate, predicted_push=pushes[index])) for index in chosen
    ]
    seconds = round(time.perf_counter() - started, 2)
    return kept, Rung(screen.rung_of_made, len(made), len(kept), BY_PUSH, seconds=seconds)


def choose_screened(
    entries: Sequence[Entry], pushes: Sequence[float], count: int, screen: Screen, config: CandidatesConfig
) -> list[int]:
    """The diverse few: look-alikes by picture and by features merged, few of one cell or picture."""
    if not entries:
        return []
    patches = [entry.pixels for entry in entries]
    looks = near_duplicate_groups(crop_thumbnails([pixels_on_grey(patch) for patch in patches]))
    contenders = [
        Contender(push, entry.tier, entry.cell, entry.image_row, int(look))
        for push, entry, look in zip(pushes, entries, looks, strict=True)
    ]
    return choose_diverse(contenders, count, config.per_cell, config.per_image, screen.seen(patches))
