"""The screening ladder: many crops by a linear guess, fewer through the tail, a diverse few into trials in pixels.

Which go through the tail is asked in rounds: what the tail has said so far foretells the push of all others, and the
best of these go next (`learned`). It ends before pixels are pasted: the trials on selection pictures are `measuring`'s.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from auditor.candidates.choosing import Contender, choose_diverse, rank_agreement
from auditor.candidates.crops import crop_thumbnails
from auditor.candidates.learned import Columns, cross_fitted, folds_of, foretold
from auditor.candidates.linear import LinearScreen
from auditor.candidates.pasted_shards import PastedShards
from auditor.candidates.screening import TAIL, TailScreen
from auditor.core.config import CandidatesConfig
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, IntArray, PixelArray, Rung, Tier
from auditor.core.shelf import Shelf
from auditor.inputs.images.duplicates import near_duplicate_groups
from auditor.inputs.images.pixels import pixels_on_grey
from auditor.inputs.model.cut import LayerCut
from auditor.trials.patch import Patch

BY_PUSH = "predicted push, tiers in turns, look-alikes out"

PILOTS = 16
ROUNDS = 3
LEARNED = "learned screening"

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

    def screen(self, patches: Sequence[PixelArray], names: Sequence[str] = ()) -> FloatArray:
        """(N,) mean gain in the target's log-odds over some source pictures, logits."""

    def seen(self, patches: Sequence[PixelArray], names: Sequence[str] = ()) -> FloatArray | None:
        """(N, D) what the network sees in each patch; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What the ladder leaves to chance hangs on the run's seed and on the keys of all pictures of the pool."""

    seed: int
    keys: Sequence[str]

    def generator(self, what: str) -> np.random.Generator:
        return keyed_generator(self.seed, what)


@dataclass(frozen=True, slots=True)
class Entry:
    """A patch on the ladder: its pixels for screening, (3 or 4, h, w) uint8, and what ranking needs to know of it.

    The tier of a crop is the one its picture's label gives, without its annotations: they are looked up for few.
    `name` is for messages; `refuted` as of `Contender`.
    """

    pixels: PixelArray
    tier: Tier
    cell: str = ""
    image_row: int = -1
    name: str = ""
    refuted: bool = False

    def of_tier(self, tier: Tier) -> Entry:
        """The same with the tier that its picture's annotations give."""
        return replace(self, tier=tier)


class Tail:
    """What went through the tail so far, in its order."""

    def __init__(self, entries: Sequence[Entry], screen: TailScreen) -> None:
        self._entries, self._screen = entries, screen
        self.pushes: dict[int, float] = {}
        self.seconds = 0.0

    def measure(self, numbers: Sequence[int]) -> None:
        """Send these entries through the tail."""
        started = time.perf_counter()
        pushes = self._screen.screen(*patches_of([self._entries[number] for number in numbers]))
        self.pushes |= {number: float(push) for number, push in zip(numbers, pushes, strict=True)}
        self.seconds += time.perf_counter() - started

    def measured(self) -> tuple[IntArray, FloatArray]:
        """Numbers and pushes of all that were sent."""
        return np.array(list(self.pushes), dtype=np.int64), np.array(list(self.pushes.values()), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Climb:
    """How far the entries came.

    Attributes:
        crops: the entries numbered first, which may be chosen; the others are compared.
        pasted: all N entries, crops and compared together, as the network sees them where they lie.
        foretold: (N,) push of each, learnt from entries cut from other pictures.
        tail: what went through it.
        rungs: the linear one and the learnt one.
        first: what gave the linear push; None where there was nothing to screen.
    """

    crops: Sequence[Entry]
    pasted: PastedShards
    foretold: FloatArray
    tail: Tail
    rungs: tuple[Rung, ...]
    first: LinearScreen | None = None

    @property
    def shortlist(self) -> list[int]:
        """Numbers of the crops that went through the tail and may be chosen, in the order in which they went."""
        return [number for number in self.tail.pushes if number < len(self.crops)]


def climb(
    crops: Sequence[Entry],
    compared: Sequence[Entry],
    screen: TailScreen,
    config: CandidatesConfig,
    draw: Draw,
    progress: Progress,
    shelf: Shelf | None = None,
) -> Climb:
    """Screen crops linearly, and through the tail those from which most is expected.

    Args:
        crops: may be chosen; compared: random crops, screened at every rung and never chosen.
        draw: what is left to chance.
        shelf: where the shards go of what the network sees in the entries; None: memory.
    Entries are numbered through both lists in this order.
    """
    started = time.perf_counter()
    both = [*crops, *compared]
    first, pasted = _pasted(both, screen, progress, shelf)
    after_linear = time.perf_counter()
    columns = Columns(pasted)
    tail = Tail(both, screen)
    progress.start(f"{screen.rung}, learning which", min(config.shortlisted, len(crops)) + len(compared))
    tail.measure(range(len(crops), len(both)))
    _ask_in_rounds(tail, crops, columns, pasted.push, config.shortlisted, draw)
    folds = folds_of([entry.image_row for entry in both], draw.keys, draw.seed)
    rows, pushes = tail.measured()
    foretold = cross_fitted(columns, rows, pushes, folds)
    learning = time.perf_counter() - after_linear - tail.seconds
    rungs = (
        Rung(
            name="linear screening",
            seen=len(crops),
            passed=len(crops),
            by="mean gradient · change of features",
            correlation=rank_agreement(pasted.push[rows], pushes),
            compared=len(rows),
            seconds=round(after_linear - started, 2),
        ),
        Rung(
            name=LEARNED,
            seen=len(crops),
            passed=len(rows) - len(compared),
            by=f"learnt from the tail in {ROUNDS + 1} rounds, tiers in turns",
            correlation=rank_agreement(foretold[rows], pushes),
            compared=len(rows),
            seconds=round(learning, 2),
        ),
    )
    return Climb(crops, pasted, foretold, tail, rungs, first)


def choose_climbed(
    climbed: Climb,
    annotated_tier: Callable[[int], Tier],
    cells: Sequence[str],
    config: CandidatesConfig,
    left_out: Collection[int] = (),
    refuted: Collection[int] = (),
) -> tuple[tuple[int, ...], Rung]:
    """The crops that go into trials in pixels, best first, and the tail's rung.

    Args:
        annotated_tier: the tier of a crop, by its number, with the annotations of its picture.
        cells: (N,) the cell of each entry, "" for none: few are chosen of one.
        left_out: numbers of crops that are not chosen.
        refuted: numbers of crops whose cell was asked and does not push, which come last.
    """
    pushes = climbed.tail.pushes
    short = [number for number in climbed.shortlist if number not in left_out]
    entries = [
        replace(climbed.crops[one], tier=annotated_tier(one), cell=cells[one], refuted=one in refuted) for one in short
    ]
    pushed = [pushes[number] for number in short]
    chosen = choose_screened(entries, pushed, config.tried, climbed.pasted.at(short).seen, config)
    rung = Rung(TAIL, len(short), len(chosen), BY_PUSH, seconds=round(climbed.tail.seconds, 2))
    return tuple(short[index] for index in chosen), rung


def _pasted(
    entries: Sequence[Entry], screen: TailScreen, progress: Progress, shelf: Shelf | None
) -> tuple[LinearScreen | None, PastedShards]:
    """All entries as the network sees them, with their linear push; around a few of them the gradient is taken."""
    progress.start("screening crops linearly", len(entries))
    if not entries:
        return None, PastedShards(0)
    every = max(1, len(entries) // PILOTS)
    first = LinearScreen(screen, *patches_of(entries[::every][:PILOTS]))
    return first, first.pasted(*patches_of(entries), shelf)


def _ask_in_rounds(
    tail: Tail, crops: Sequence[Entry], columns: Columns, linear: FloatArray, count: int, draw: Draw
) -> None:
    """Send at most `count` crops through the tail: an eighth of highest linear push, an eighth at random, then the
    best by what was learnt, in `ROUNDS` equal parts, each of which teaches the next.
    """
    everything = np.arange(len(crops))
    asked = 0

    def ask(order: Callable[[int], list[int]], until: int) -> None:
        nonlocal asked
        some = order(until - asked)
        asked += len(some)
        tail.measure(some)

    def best(scores: FloatArray, most: int) -> list[int]:
        """Numbers of the crops of highest score that were not asked for; those that were come first, and so count
        among the few of their picture."""
        contenders = [
            Contender(math.inf if number in tail.pushes else float(score), entry.tier, "", entry.image_row, number)
            for number, (entry, score) in enumerate(zip(crops, scores, strict=False))
        ]
        ranked = choose_diverse(contenders, asked + most, per_image=PER_IMAGE_ON_SHORTLIST)
        return [number for number in ranked if number not in tail.pushes][:most]

    chance = draw.generator("crops to learn from").random(len(crops), dtype=np.float32)
    ask(lambda most: best(linear, most), count // 8)
    ask(lambda most: best(chance, most), count // 4)
    for number in range(1, ROUNDS + 1):
        until = count // 4 + (count - count // 4) * number // ROUNDS
        ask(lambda most: best(foretold(columns, *tail.measured(), everything), most), until)


def screen_made(
    made: Sequence[Patch], screen: Screen, config: CandidatesConfig, progress: Progress
) -> tuple[list[Patch], Rung]:
    """Screen patches that were made from others through the tail, and choose as crops are chosen.

    Returns:
        At most `config.made` of them with their predicted push, best first, and the rung.
    """
    started = time.perf_counter()
    progress.start(screen.rung_of_made, len(made))
    entries = [Entry(patch.rgba, patch.candidate.tier, patch.candidate.cell, name=patch.called) for patch in made]
    patches, names = patches_of(entries)
    pushes = [float(push) for push in screen.screen(patches, names)]
    chosen = choose_screened(entries, pushes, config.made, screen.seen(patches, names), config)
    kept = [
        replace(made[index], candidate=replace(made[index].candidate, predicted_push=pushes[index])) for index in chosen
    ]
    seconds = round(time.perf_counter() - started, 2)
    return kept, Rung(screen.rung_of_made, len(made), len(kept), BY_PUSH, seconds=seconds)


def choose_screened(
    entries: Sequence[Entry], pushes: Sequence[float], count: int, seen: FloatArray | None, config: CandidatesConfig
) -> list[int]:
    """The diverse few: look-alikes by picture and by features merged, few of one cell or picture.

    Args:
        seen: (N, D) what the network sees in each; None where that is not known.
    """
    if not entries:
        return []
    looks = looks_of(entries)
    contenders = [
        Contender(push, entry.tier, entry.cell, entry.image_row, int(look), entry.refuted)
        for push, entry, look in zip(pushes, entries, looks, strict=True)
    ]
    return choose_diverse(contenders, count, config.per_cell, config.per_image, seen)


def looks_of(entries: Sequence[Entry]) -> IntArray:
    """(N,) the group of near-duplicates, as pictures, that each entry belongs to."""
    return near_duplicate_groups(crop_thumbnails([pixels_on_grey(entry.pixels) for entry in entries]))


def patches_of(entries: Sequence[Entry]) -> tuple[list[PixelArray], list[str]]:
    """Pixels and names of entries."""
    return [entry.pixels for entry in entries], [entry.name for entry in entries]
