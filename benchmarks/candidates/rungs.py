"""What each rung of the search costs a crop, and how well it orders crops, beside trials in pixels. One pair at a time.

All rungs and the trials see the same random crops. Costs: rungs and trials take turns, so that a drifting machine slows
all of them; a ratio is the median of the rounds' ratios. The pixel trial that is the baseline pastes the crop on the
very source pictures that the tail's rung is computed on, and runs the whole network on each.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from pydantic import TypeAdapter

from auditor.candidates.choosing import rank_agreement
from auditor.core.progress import Progress, Silence
from auditor.core.records import FloatArray, IntArray, PixelArray, Placement, Split
from auditor.core.records.trials import TrialBlock, eligible_rows
from auditor.run.folder import Json
from auditor.trials.blocks import odds_gain
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep
from benchmarks.candidates.pages import table
from benchmarks.candidates.pair_numbers import mean_over_pairs
from benchmarks.candidates.pairs import Opened

RUNGS = ("linear", "tail", "pixels, same pictures", "pixels, selection pictures")
BASELINE = RUNGS[2]
AT_ONCE = {RUNGS[0]: 256, RUNGS[1]: 64, RUNGS[2]: 16, RUNGS[3]: 16}
"""Crops a timed round: enough that a round of each rung takes a second or so."""


@dataclass(frozen=True, slots=True)
class RungNumbers:
    """One rung on one pair: seconds a crop, its share of the baseline's, and rank correlations with confirmation.

    `with_flips` and `with_odds`: with the flips and with the mean gain in log-odds of the same crops there.
    """

    seconds: float
    share: float
    with_flips: float
    with_odds: float


@dataclass(frozen=True, slots=True)
class SpeedNumbers:
    """All rungs on one pair; `setup_seconds` is what the screens cost before the first crop, once a run."""

    pair: tuple[str, str]
    crops: int
    pictures: dict[str, int]
    rungs: dict[str, RungNumbers]
    setup_seconds: dict[str, float]


def speed_numbers(one: Opened, pair: tuple[str, str], count: int, rounds: int, progress: Progress) -> SpeedNumbers:
    """Measure every rung on `count` random crops of a pair."""
    crops = one.random_crops(count, "crops")
    started = time.perf_counter()
    tail = one.tail_screen()
    after_tail = time.perf_counter()
    linear = one.linear_screen(tail)
    after_linear = time.perf_counter()
    rows = {
        RUNGS[2]: one.screening_rows,
        RUNGS[3]: eligible_rows(one.pool, one.clean, Split.SELECTION),
        "confirmation": eligible_rows(one.pool, one.clean, Split.CONFIRMATION),
    }
    sweeps = {name: _sweep(one, each) for name, each in rows.items()}

    def pixels(name: str, some: Sequence[PixelArray]) -> list[TrialBlock]:
        return [_trial(one, sweeps[name], crop) for crop in some]

    def by_pixels(name: str) -> Callable[[Sequence[PixelArray]], FloatArray]:
        return lambda some: np.array([odds_gain(block) for block in pixels(name, some)], dtype=np.float32)

    score: dict[str, Callable[[Sequence[PixelArray]], FloatArray]] = {
        RUNGS[0]: lambda some: linear.screen(some),
        RUNGS[1]: lambda some: tail.screen(some),
        RUNGS[2]: by_pixels(RUNGS[2]),
        RUNGS[3]: by_pixels(RUNGS[3]),
    }
    costs = _costs(score, crops, rounds, one.inputs.classifier.device, progress)
    progress.start("the same crops on confirmation pictures", count)
    truth = []
    for crop in crops:
        truth += pixels("confirmation", [crop])
        progress.advance()
    flips = [float(block.outcomes.sum()) for block in truth]
    odds = [odds_gain(block) for block in truth]
    rungs = {}
    for name in RUNGS:
        progress.start(f"scores: {name}", count)
        scores = score[name](crops)
        agreements = [rank_agreement(scores, np.array(outcome)) for outcome in (flips, odds)]
        with_flips, with_odds = (float("nan") if value is None else value for value in agreements)
        rungs[name] = RungNumbers(*costs[name], with_flips, with_odds)
    return SpeedNumbers(
        pair, count, {name: len(each) for name, each in rows.items()}, rungs,
        {"tail": after_tail - started, "linear": after_linear - after_tail},
    )  # fmt: skip


def _sweep(one: Opened, rows: IntArray) -> Sweep:
    keys = [one.pool.images[row].key for row in rows.tolist()]
    config = one.inputs.config
    return Sweep(one.inputs.classifier, one.inputs.criterion, one.pool.pixels[rows], keys, one.clean.of(rows),
                 config.trials, config.seed)  # fmt: skip


def _trial(one: Opened, sweep: Sweep, crop: PixelArray) -> TrialBlock:
    opaque = np.full((1, *crop.shape[1:]), 255, dtype=np.uint8)
    variants = variants_of(Placement.FIXED, one.inputs.config.trials)
    return sweep.run(np.concatenate([crop, opaque]), variants, "benchmark", Silence())


def _costs(
    score: dict[str, Callable[[Sequence[PixelArray]], FloatArray]],
    crops: Sequence[PixelArray],
    rounds: int,
    device: torch.device,
    progress: Progress,
) -> dict[str, tuple[float, float]]:
    """Seconds a crop and the share of the baseline's by rung: medians of rounds, after a round that is not counted."""
    measured: dict[str, list[float]] = {name: [] for name in RUNGS}
    progress.start("costs in turns", rounds + 1)
    for _ in range(rounds + 1):
        for name in RUNGS:
            some = [crops[number % len(crops)] for number in range(AT_ONCE[name])]
            started = time.perf_counter()
            score[name](some)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            measured[name].append((time.perf_counter() - started) / len(some))
        progress.advance()
    base = measured[BASELINE][1:]
    return {
        name: (
            statistics.median(taken[1:]),
            statistics.median(mine / theirs for mine, theirs in zip(taken[1:], base, strict=True)),
        )
        for name, taken in measured.items()
    }


def speed_tables(numbers: Sequence[SpeedNumbers], passed_on: float) -> str:
    """Costs and agreement by rung, the mean over pairs, and each pair's own numbers below.

    Args:
        passed_on: the share of crops that the linear rung lets through to the tail's, for what both cost together.
    """
    rows = []
    for name in RUNGS:
        mine = [one.rungs[name] for one in numbers]
        seconds = statistics.median(rung.seconds for rung in mine)
        share = statistics.median(rung.share for rung in mine)
        rows.append([
            name, f"{1 / seconds:.0f}", f"{1000 * seconds:.2f}", f"{share:.3f}", f"{1 / share:.1f}",
            *(_mean([getattr(rung, which) for rung in mine]) for which in ("with_flips", "with_odds")),
        ])  # fmt: skip
    both = [
        tuple(getattr(one.rungs[RUNGS[0]], which) + passed_on * getattr(one.rungs[RUNGS[1]], which)
              for which in ("seconds", "share"))
        for one in numbers
    ]  # fmt: skip
    seconds, share = (statistics.median(each) for each in zip(*both, strict=True))
    ladder = f"linear, then tail for {100 * passed_on:g}%"
    rows.append([ladder, f"{1 / seconds:.0f}", f"{1000 * seconds:.2f}", f"{share:.3f}", f"{1 / share:.1f}", "—", "—"])
    overall = table(
        ["rung", "crops a second", "ms a crop", "share of the baseline's cost", "times as many crops",
         "rank correlation with flips (95% t)", "with gain in log-odds (95% t)"],
        rows,
    )  # fmt: skip
    each = [
        [
            f"{one.pair[0]} → {one.pair[1]}", str(one.crops),
            " / ".join(str(one.pictures[name]) for name in (*RUNGS[2:], "confirmation")),
            *(f"{one.rungs[name].with_flips:+.2f}" for name in RUNGS),
            *(f"{one.rungs[name].share:.3f}" for name in RUNGS[:2]),
            f"{one.setup_seconds['tail']:.1f} + {one.setup_seconds['linear']:.1f}",
        ]
        for one in numbers
    ]  # fmt: skip
    by_pair = table(
        ["pair", "crops", "pictures: screening / selection / confirmation", *(f"{name}: with flips" for name in RUNGS),
         "linear, share", "tail, share", "tail + linear before the first crop, s"],
        each,
    )  # fmt: skip
    return overall + "\n" + by_pair


def goal_sentences(numbers: Sequence[SpeedNumbers], share: float = 0.2, correlation: float = 0.8) -> str:
    """What the best rung reaches that costs at most a share of a trial, for trials on as many pictures and on all."""
    said = [f"Wanted: a rank correlation with flips of {correlation:g} at no more than {share:g} of a trial's cost."]
    for baseline in RUNGS[2:]:
        reached = {
            name: (
                mean_over_pairs([one.rungs[name].with_flips for one in numbers])[0],
                statistics.median(one.rungs[name].share / one.rungs[baseline].share for one in numbers),
            )
            for name in RUNGS[:2]
        }
        good = any(value >= correlation and cost <= share for value, cost in reached.values())
        words = ", ".join(f"{name} {value:+.3f} at {cost:.3f}" for name, (value, cost) in reached.items())
        said.append(f"Of a trial in {baseline}: {words}; {'reached' if good else 'not reached'}.")
    return " ".join(said) + "\n"


def _mean(values: Sequence[float]) -> str:
    mean, low, high, _ = mean_over_pairs(values)
    return f"{mean:+.2f}" if math.isnan(low) else f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def as_json(one: SpeedNumbers) -> Json:
    written: Json = asdict(one)
    return written


def from_json(text: str) -> SpeedNumbers:
    return TypeAdapter(SpeedNumbers).validate_json(text)
