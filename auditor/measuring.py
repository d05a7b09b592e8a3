"""The trials of a run folder: each block is measured once and kept, so an interrupted run loses at most one."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from auditor.atlas.kinds import Atlas
from auditor.candidates.controls import matched_controls
from auditor.candidates.ladder import TAIL, TAIL_OF_MADE
from auditor.candidates.patch import Patch, side_in_pixels
from auditor.candidates.ranking import Contender, choose_diverse, rank_agreement
from auditor.candidates.scene import Scene
from auditor.records import Candidate, ImagePool, Origin, PixelArray, Placement, Rung, Split
from auditor.setup import Setup
from auditor.stages import Clean, eligible_rows
from auditor.store import RunFolder, slug
from auditor.tables import TrialName, trials_from_table, trials_table
from auditor.trials.findings import ConfirmedTrials
from auditor.trials.placements import Draws, variants_of
from auditor.trials.sweep import Sweep, TrialBlock

SHARDS = "cache/trials"
Part: TypeAlias = tuple[int, int]
"""From the first to before the last of a split's eligible pictures, in the order of their keys."""
Agreement: TypeAlias = tuple[float | None, int]
"""A rank correlation, None where nothing can be said, and over how many candidates."""
SURVEY = "survey"
"""Stands in the place of a candidate's id for the controls that all of the survey shares."""


@dataclass(slots=True)
class Bench:
    """Where patches are measured: the eligible pictures of each split and the shards of what is measured already.

    Attributes:
        measured: the shards of this run in the order in which they were first asked for, each once.
    """

    run: RunFolder
    setup: Setup
    pool: ImagePool
    clean: Clean
    _sweeps: dict[tuple[Split, Part | None], Sweep] = field(default_factory=dict)
    measured: dict[str, None] = field(default_factory=dict)

    def eligible(self, split: Split) -> int:
        return len(eligible_rows(self.pool, self.clean, split))

    def sweep(self, split: Split, part: Part | None = None) -> Sweep:
        """The eligible source pictures of a split, or a part of them, put on the device when first asked for."""
        if (split, part) not in self._sweeps:
            rows = eligible_rows(self.pool, self.clean, split)
            if part is not None:  # keys are hashes of the pictures, so any part is a fair sample of all of them
                rows = np.array(sorted(rows, key=lambda row: self.pool.images[row].key)[slice(*part)], dtype=np.int64)
            predicted, probability = self.clean.of(rows)
            self._sweeps[split, part] = Sweep(
                self.setup.classifier,
                self.setup.criterion,
                self.pool.pixels[rows],
                [self.pool.images[row].key for row in rows],
                predicted,
                probability,
                self.setup.config.trials,
                self.setup.config.seed,
            )
        return self._sweeps[split, part]

    def measure(self, name: TrialName, rgba: PixelArray, part: Part | None = None) -> TrialBlock:
        """Paste one patch on the eligible pictures of a split, or read back what was measured before."""
        pixels = hashlib.sha256(rgba.tobytes()).hexdigest()[:12]
        pictures = (f"{part[0]}-{part[1]}",) if part else ()
        named = "--".join((name.split, slug(name.candidate), slug(name.control), name.placement, pixels, *pictures))
        file = f"{SHARDS}/{named}.parquet"
        variants = variants_of(name.placement, self.setup.config.trials)
        if not self.run.has(file):
            block = self.sweep(name.split, part).run(rgba, variants, name.candidate, self.setup.progress)
            self.run.write_table(file, trials_table(name, block, self.setup.class_names))
        else:
            pictures_measured = part[1] - part[0] if part else self.eligible(name.split)
            self.setup.progress.advance(len(variants) * pictures_measured)
        self.measured[file] = None
        return trials_from_table(self.run.read_table(file))

    def pastes(self, split: Split, placements: Sequence[Placement], patches: int) -> int:
        """How many pastes it takes to measure that many patches."""
        variants = sum(len(variants_of(placement, self.setup.config.trials)) for placement in placements)
        return patches * variants * self.eligible(split)

    def keep_trials(self) -> None:
        """Write every block that was measured as one trials.parquet; none where nothing could be measured."""
        if self.measured:
            self.run.join_tables("trials.parquet", list(self.measured))


def try_all(bench: Bench, patches: Sequence[Patch], split: Split, placement: Placement) -> dict[str, TrialBlock]:
    """Measure every patch once on a split, without controls; by candidate id."""
    bench.setup.progress.start(f"trials on {split}", bench.pastes(split, [placement], len(patches)))
    return {
        patch.candidate.id: bench.measure(TrialName(split, patch.candidate.id, "", placement), patch.rgba)
        for patch in patches
    }


def shared_controls(bench: Bench, placement: Placement) -> dict[str, TrialBlock]:
    """The survey's controls on the confirmation pictures: uniform noise and mid grey at the fixed size."""
    height, width = bench.pool.pixels.shape[2:]
    side = side_in_pixels(bench.setup.config.trials.size, int(height), int(width))
    generator = np.random.default_rng(bench.setup.config.seed)
    opaque = np.full((1, side, side), 255, dtype=np.uint8)
    colours = {
        "noise": generator.integers(0, 256, size=(3, side, side), dtype=np.uint8),
        "grey": np.full((3, side, side), 128, dtype=np.uint8),
    }
    bench.setup.progress.start("shared controls", bench.pastes(Split.CONFIRMATION, [placement], len(colours)))
    return {
        name: bench.measure(TrialName(Split.CONFIRMATION, SURVEY, name, placement), np.concatenate([colour, opaque]))
        for name, colour in colours.items()
    }


@dataclass(frozen=True, slots=True)
class Selection:
    """The trials on selection pictures: what was measured of each patch, who is confirmed, and how it narrowed.

    Attributes:
        blocks: by candidate id, over the selection pictures that patch was tried on; random crops among them.
        chosen: the patches to confirm, best first; never a random crop.
        rungs: one a step of the halving.
        agreements: by the rung that gave a predicted push, its rank correlation with the first step's score over the
            patches that came by it, and over how many.
    """

    blocks: Mapping[str, TrialBlock]
    chosen: tuple[Patch, ...]
    rungs: tuple[Rung, ...]
    agreements: Mapping[str, Agreement]


def select(bench: Bench, patches: Sequence[Patch], placement: Placement) -> Selection:
    """Try patches on selection pictures, few pictures for all and more for the better half (successive halving).

    What is tried for comparison alone, and what was computed with the model's gradients, which is a ceiling and no
    finding, is tried at the first step alone, to tell how well screening orders what nobody chose. At every step the
    tiers take turns, and of a crop and its other shapes only the best goes on. Without eligible selection pictures the
    predicted push decides.

    Source: Karnin, Koren and Somekh 2013 (successive halving); here no step measures a picture again.
    """
    config = bench.setup.config.candidates
    count = config.confirmed
    suggested = [patch for patch in patches if may_be_found(patch.candidate)]
    steps = halving_steps(bench.eligible(Split.SELECTION), config.halving_images)
    if not steps:
        pushes = {patch.candidate.id: patch.candidate.predicted_push for patch in suggested}
        return Selection({}, tuple(_take(suggested, pushes, count)), (), {})
    blocks: dict[str, list[TrialBlock]] = {patch.candidate.id: [] for patch in patches}
    steps_scores: list[dict[str, float]] = []
    rungs: list[Rung] = []
    entering: list[Patch] = list(patches)
    for number, part in enumerate(steps):
        started = time.perf_counter()
        bench.setup.progress.start(f"selection trials, pictures {part[0] + 1} to {part[1]}", len(entering))
        for patch in entering:
            name = TrialName(Split.SELECTION, patch.candidate.id, "", placement)
            blocks[patch.candidate.id].append(bench.measure(name, patch.rgba, part))
        steps_scores.append({patch.candidate.id: odds_gain(blocks[patch.candidate.id][-1]) for patch in entering})
        alive = [patch for patch in entering if may_be_found(patch.candidate)]
        last = number == len(steps) - 1
        keep = count if last else max(count, (len(alive) + 1) // 2)
        scores = {patch.candidate.id: odds_gain(*blocks[patch.candidate.id]) for patch in alive}
        entering = _take(alive, scores, keep)
        rungs.append(
            Rung(
                f"selection trials on {part[1]} pictures", len(alive), len(entering),
                "gain in the target's log-odds, tiers in turns", seconds=round(time.perf_counter() - started, 2),
            )
        )  # fmt: skip
    for number in range(len(rungs) - 1):
        value, both = _agreement(steps_scores[number], steps_scores[number + 1])
        rungs[number] = replace(rungs[number], correlation=value, compared=both)
    joined = {identity: join_blocks(parts) for identity, parts in blocks.items()}
    return Selection(joined, tuple(entering), tuple(rungs), _screening_agreements(patches, steps_scores[0]))


def halving_steps(eligible: int, first: int) -> tuple[Part, ...]:
    """Which pictures each step adds: `first` of them, as many again, and all the rest; none where there are none."""
    edges = sorted({min(first, eligible), min(2 * first, eligible), eligible} | {0})
    return tuple(itertools.pairwise(edges))


def odds_gain(*blocks: TrialBlock) -> float:
    """Mean gain in the target's log-odds over all pictures of some blocks, logits.

    It predicts flips on other pictures better than flips do, which are few: every picture says something.
    """
    before = np.concatenate([block.before for block in blocks]).astype(np.float64)
    after = np.concatenate([block.best_after for block in blocks]).astype(np.float64)
    return float((_log_odds(after) - _log_odds(before)).mean())


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    # 1e-6: float32 probabilities close to 1 hold no more, and one certain picture must not outweigh all others
    clipped = np.clip(probability, 1e-6, 1.0 - 1e-6)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), dtype=np.float64)


def join_blocks(blocks: Sequence[TrialBlock]) -> TrialBlock:
    """Blocks of one patch on different pictures as one block; at least one, with the same variants."""
    first = blocks[0]
    draws = tuple(
        Draws(*(np.concatenate([getattr(block.draws[row], one.name) for block in blocks]) for one in fields(Draws)))
        for row in range(len(first.variants))
    )
    return TrialBlock(
        image_keys=tuple(itertools.chain.from_iterable(block.image_keys for block in blocks)),
        variants=first.variants,
        draws=draws,
        clean=np.concatenate([block.clean for block in blocks]),
        patched=np.concatenate([block.patched for block in blocks], axis=1),
        before=np.concatenate([block.before for block in blocks]),
        after=np.concatenate([block.after for block in blocks], axis=1),
        flips=np.concatenate([block.flips for block in blocks], axis=1),
    )


def may_be_found(candidate: Candidate) -> bool:
    """Whether a candidate may become a finding: proposed, and not computed with gradients of this very model."""
    return candidate.suggested and not candidate.origin.from_gradients


def _take(patches: Sequence[Patch], scores: Mapping[str, float], count: int) -> list[Patch]:
    """The best `count`, the tiers taking turns, and of a crop and its other shapes only the best.

    A score that is not known comes last.
    """
    known = {identity: score if np.isfinite(score) else -np.inf for identity, score in scores.items()}
    families: dict[str, int] = {}
    contenders = []
    for patch in patches:
        one = patch.candidate
        reshaped = one.origin is Origin.CROP and len(one.parts) == 1
        family = families.setdefault(one.parts[0] if reshaped else one.id, len(families))
        contenders.append(Contender(known[one.id], one.tier, "", -1, family))
    return [patches[index] for index in choose_diverse(contenders, count)]


def _screening_agreements(patches: Sequence[Patch], scores: Mapping[str, float]) -> Mapping[str, Agreement]:
    """How far the predicted pushes of crops, and of what was made, agree with the first trials in pixels, by rung."""
    candidates = [patch.candidate for patch in patches]
    came_by = {
        TAIL: {one.id: one.predicted_push for one in candidates if one.is_plain_crop},
        TAIL_OF_MADE: {one.id: one.predicted_push for one in candidates if one.is_made},
    }
    return {name: _agreement(pushes, scores) for name, pushes in came_by.items()}


def _agreement(first: Mapping[str, float], second: Mapping[str, float]) -> Agreement:
    both = [name for name, score in first.items() if name in second and np.isfinite(score)]
    return rank_agreement([first[name] for name in both], [second[name] for name in both]), len(both)


def narrowing(
    screening: Sequence[Rung], selection: Selection, confirmation: Mapping[str, TrialBlock]
) -> tuple[Rung, ...]:
    """All rungs, each with its agreement with the next: predicted pushes with pixels, the last trials with flips."""
    rungs = [*screening, *selection.rungs]
    if not selection.rungs:
        return tuple(rungs)
    for number, rung in enumerate(screening):
        if rung.name in selection.agreements:
            value, compared = selection.agreements[rung.name]
            rungs[number] = replace(rung, correlation=value, compared=compared)
    pictures = max(len(block.image_keys) for block in selection.blocks.values())
    scores = {name: odds_gain(block) for name, block in selection.blocks.items() if len(block.image_keys) == pictures}
    flips = {name: float(block.outcomes.sum()) for name, block in confirmation.items()}
    value, compared = _agreement(scores, flips)
    rungs[-1] = replace(rungs[-1], correlation=value, compared=compared)
    return tuple(rungs)


def confirm(
    bench: Bench,
    scene: Scene,
    atlas: Atlas | None,
    chosen: Sequence[Patch],
    placements: Sequence[Placement],
) -> list[ConfirmedTrials]:
    """Measure the chosen patches and all their controls on the confirmation pictures, on the same placements.

    Without an atlas there is no crop of a random cell among the controls.
    """
    config = bench.setup.config.trials
    bench.setup.progress.start(
        f"confirming {len(chosen)} candidates with controls",
        bench.pastes(Split.CONFIRMATION, placements, len(chosen) * (6 + (atlas is not None))),
    )
    confirmed = []
    for patch in chosen:
        identity = patch.candidate.id
        for placement in placements:
            largest = max(variant.size for variant in variants_of(placement, config))
            controls = matched_controls(scene, atlas, patch, side_in_pixels(largest, *scene.input_size))
            block = bench.measure(TrialName(Split.CONFIRMATION, identity, "", placement), patch.rgba)
            measured = {
                name: bench.measure(TrialName(Split.CONFIRMATION, identity, name, placement), rgba)
                for name, rgba in controls.items()
            }
            confirmed.append(ConfirmedTrials(patch.candidate, placement, block, measured))
    return confirmed
