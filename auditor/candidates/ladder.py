"""The screening ladder: many crops by a linear guess, fewer through the tail, a diverse few into trials in pixels.

It ends before pixels are pasted: the trials on selection pictures are `measuring`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.candidates.crops import crop_thumbnails
from auditor.candidates.linear import LinearScreen
from auditor.candidates.ranking import Contender, choose_diverse, rank_agreement
from auditor.candidates.screening import TailScreen
from auditor.config import CandidatesConfig
from auditor.images.duplicates import near_duplicate_groups
from auditor.progress import Progress
from auditor.records import FloatArray, PixelArray, Rung, Tier

PILOTS = 16
PER_IMAGE_ON_SHORTLIST = 4
"""Else a few pictures that push, cut at many places, would fill the shortlist."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A patch on the ladder: its pixels for screening, (3 or 4, h, w) uint8, and what ranking needs to know of it.

    The tier of a crop is the one its picture's label gives, without its annotations: they are looked up for few.
    """

    pixels: PixelArray
    tier: Tier
    cell: str = ""
    image_row: int = -1


@dataclass(frozen=True, slots=True)
class Climb:
    """How far the entries came.

    Attributes:
        linear: (crops and compared,) first-order predicted push.
        predicted: by entry number, over crops, compared and further together, of those that reached the tail.
        chosen: entry numbers that go into trials in pixels, best first.
        rungs: the linear one and the tail's.
    """

    linear: FloatArray
    predicted: dict[int, float]
    chosen: tuple[int, ...]
    rungs: tuple[Rung, ...]


def climb(
    crops: Sequence[Entry],
    compared: Sequence[Entry],
    further: Sequence[Entry],
    annotated_tier: Callable[[int], Tier],
    screen: TailScreen,
    config: CandidatesConfig,
    progress: Progress,
) -> Climb:
    """Screen crops linearly, the best of them and patches of other origins through the tail, and choose.

    Args:
        crops: may be chosen; compared: random crops, screened at every rung and never chosen.
        further: patches of other origins, few and costly to make: they join at the tail and may be chosen.
        annotated_tier: the tier of a crop, by its number, with the annotations of its picture.
    Entries are numbered through the three lists in this order.
    """
    started = time.perf_counter()
    both = [*crops, *compared]
    progress.start("screening crops linearly", len(both))
    linear = np.empty(0, dtype=np.float32)
    if both:
        every = max(1, len(both) // PILOTS)
        pilots = [entry.pixels for entry in both[::every][:PILOTS]]
        linear = LinearScreen(screen, pilots).screen([entry.pixels for entry in both], progress)
    contenders = [
        Contender(float(push), entry.tier, "", entry.image_row, number)
        for number, (entry, push) in enumerate(zip(crops, linear, strict=False))
    ]
    short = choose_diverse(contenders, config.shortlisted, per_image=PER_IMAGE_ON_SHORTLIST)
    after_linear = time.perf_counter()

    entries = [*both, *further]
    seen = [*short, *range(len(crops), len(entries))]
    patches = [entries[number].pixels for number in seen]
    progress.start("screening crops through the tail", len(patches))
    pushes = screen.screen(patches, progress)
    predicted = {number: float(push) for number, push in zip(seen, pushes, strict=True)}
    open_to_choice = [number for number in seen if not len(crops) <= number < len(both)]
    tiers = [annotated_tier(number) if number < len(crops) else entries[number].tier for number in open_to_choice]
    chosen = _choose(open_to_choice, tiers, entries, predicted, screen, config)
    after_tail = time.perf_counter()
    cropped = [number for number in seen if number < len(both)]
    agreement = rank_agreement([float(linear[number]) for number in cropped], [predicted[number] for number in cropped])
    rungs = (
        Rung(
            "linear screening", len(crops), len(short), "mean gradient · change of features, tiers in turns",
            agreement, len(cropped), round(after_linear - started, 2),
        ),
        Rung(
            "tail screening", len(short) + len(further), len(chosen), "predicted push, tiers in turns, look-alikes out",
            seconds=round(after_tail - after_linear, 2),
        ),
    )  # fmt: skip
    return Climb(linear, predicted, tuple(chosen), rungs)


def _choose(
    numbers: Sequence[int],
    tiers: Sequence[Tier],
    entries: Sequence[Entry],
    predicted: dict[int, float],
    screen: TailScreen,
    config: CandidatesConfig,
) -> list[int]:
    """The diverse few: look-alikes by picture and by features merged, few of one cell or picture."""
    if not numbers:
        return []
    patches = [entries[number].pixels for number in numbers]
    looks = near_duplicate_groups(crop_thumbnails([_on_grey(patch) for patch in patches]))
    contenders = [
        Contender(predicted[number], tier, entries[number].cell, entries[number].image_row, int(look))
        for number, tier, look in zip(numbers, tiers, looks, strict=True)
    ]
    picked = choose_diverse(contenders, config.tried, config.per_cell, config.per_image, screen.seen(patches))
    return [numbers[index] for index in picked]


def _on_grey(pixels: PixelArray) -> PixelArray:
    if len(pixels) == 3:
        return pixels
    opacity = pixels[3:].astype(np.float32) / 255.0
    shown: PixelArray = np.rint(pixels[:3] * opacity + 128.0 * (1.0 - opacity)).astype(np.uint8)
    return shown
