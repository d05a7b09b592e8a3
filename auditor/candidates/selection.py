"""Which candidates are confirmed: trials on selection pictures, by successive halving."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from auditor.candidates.choosing import Contender, choose_diverse, rank_agreement
from auditor.candidates.drawings import DRAWINGS_RUNG
from auditor.candidates.own_places import TAIL_AT_OWN
from auditor.candidates.pixel_screen import PIXELS, PIXELS_OF_MADE
from auditor.candidates.screening import TAIL, TAIL_OF_MADE
from auditor.core.records import Candidate, Origin, Placement, Rung, Split
from auditor.core.records.trials import TrialBlock, TrialName
from auditor.trials.bench import Bench, Trial
from auditor.trials.blocks import join_blocks, odds_gain
from auditor.trials.patch import Patch
from auditor.trials.placements import own_variants

Agreement: TypeAlias = tuple[float | None, int]
"""A rank correlation, None where nothing can be said, and over how many candidates."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The trials on selection pictures: what was measured of each patch, who is confirmed, and how it narrowed.

    Attributes:
        blocks: by candidate id, over the selection pictures that patch was tried on; random crops among them.
        chosen: the patches to confirm, by flips on the selection pictures they were all tried on, then by gain in
            log-odds; never a random crop.
        rungs: one a step of the halving; at_own: the same of crops at their own places, which have a halving of their
            own.
        agreements: by the rung that gave a predicted push, its rank correlation with the first step's score over the
            patches that came by it, and over how many.
    """

    blocks: Mapping[str, TrialBlock]
    chosen: tuple[Patch, ...]
    rungs: tuple[Rung, ...]
    agreements: Mapping[str, Agreement]
    at_own: tuple[Rung, ...] = ()


def select(bench: Bench, patches: Sequence[Patch], placement: Placement) -> Selection:
    """Try patches on selection pictures, few pictures for all and more for the better half (successive halving).

    What is tried for comparison alone, and what was computed with the model's gradients, which is a ceiling and no
    finding, is tried at the first step alone, to tell how well screening orders what nobody chose. At every step the
    tiers take turns, and of a crop and its other shapes only the best goes on. Without eligible selection pictures the
    predicted push decides. Crops at their own places are chosen among themselves, so that none takes another's place.

    Args:
        placement: of all that have no place of their own.
    Source: Karnin, Koren and Somekh 2013 (successive halving); here no step measures a picture again.
    """
    config = bench.config.candidates
    at_own = [patch for patch in patches if patch.candidate.spot is not None]
    others = [patch for patch in patches if patch.candidate.spot is None]
    found = _halve(bench, others, placement, config.confirmed, "selection trials")
    if not at_own:
        return found
    beside = _halve(bench, at_own, Placement.OWN, config.own_places, "selection trials at own places")
    blocks = {**found.blocks, **beside.blocks}
    order = _OrderOfTests(blocks)
    return Selection(
        blocks,
        tuple(sorted((*found.chosen, *beside.chosen), key=order)) if blocks else (*found.chosen, *beside.chosen),
        found.rungs,
        {**found.agreements, **beside.agreements},
        beside.rungs,
    )


@dataclass(frozen=True, slots=True)
class _OrderOfTests:
    """In which they are held to the limit later: a strong one behind a weak one would be tested too strictly."""

    blocks: Mapping[str, TrialBlock]

    def __call__(self, patch: Patch) -> tuple[int, float]:
        """Flips on the selection pictures that they were all tried on, then gain in log-odds, the most first."""
        block = self.blocks[patch.candidate.id]
        return -int(block.outcomes.sum()), -odds_gain(block)


def _halve(bench: Bench, patches: Sequence[Patch], placement: Placement, count: int, called: str) -> Selection:
    """The best `count` of patches under one placement, by successive halving; `called` is what its rungs are."""
    config = bench.config.candidates
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
        trials = [
            Trial(
                TrialName(Split.SELECTION, patch.candidate.id, "", placement),
                patch.rgba,
                part,
                variants=own_variants(patch.candidate, placement),
            )
            for patch in entering
        ]
        measured = bench.measure(trials, f"{called}, pictures {part[0] + 1} to {part[1]}")
        for patch, block in zip(entering, measured, strict=True):
            blocks[patch.candidate.id].append(block)
        steps_scores.append({patch.candidate.id: odds_gain(blocks[patch.candidate.id][-1]) for patch in entering})
        alive = [patch for patch in entering if may_be_found(patch.candidate)]
        last = number == len(steps) - 1
        keep = count if last else max(count, (len(alive) + 1) // 2)
        scores = {patch.candidate.id: odds_gain(*blocks[patch.candidate.id]) for patch in alive}
        entering = _take(alive, scores, keep)
        rungs.append(
            Rung(
                f"{called} on {part[1]} pictures", len(alive), len(entering),
                "gain in the target's log-odds, tiers in turns", seconds=round(time.perf_counter() - started, 2),
            )
        )  # fmt: skip
    for number in range(len(rungs) - 1):
        value, both = _agreement(steps_scores[number], steps_scores[number + 1])
        rungs[number] = replace(rungs[number], correlation=value, compared=both)
    joined = {identity: join_blocks(parts) for identity, parts in blocks.items()}
    chosen = sorted(entering, key=_OrderOfTests(joined))
    return Selection(joined, tuple(chosen), tuple(rungs), _screening_agreements(patches, steps_scores[0]))


def halving_steps(eligible: int, first: int) -> tuple[tuple[int, int], ...]:
    """Which pictures each step adds: `first` of them, as many again, and all the rest; none where there are none."""
    edges = sorted({min(first, eligible), min(2 * first, eligible), eligible} | {0})
    return tuple(itertools.pairwise(edges))


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
    crops = {one.id: one.predicted_push for one in candidates if one.is_plain_crop}
    made = {one.id: one.predicted_push for one in candidates if one.is_made}
    drawn = {one.id: one.predicted_push for one in candidates if one.origin is Origin.LIBRARY}
    own = {one.id: one.predicted_push for one in candidates if one.spot is not None}
    came_by = (
        {TAIL_AT_OWN: own}
        if own
        else {TAIL: crops, PIXELS: crops, TAIL_OF_MADE: made, PIXELS_OF_MADE: made, DRAWINGS_RUNG: drawn}
    )
    return {name: _agreement(pushes, scores) for name, pushes in came_by.items()}


def _agreement(first: Mapping[str, float], second: Mapping[str, float]) -> Agreement:
    both = [name for name, score in first.items() if name in second and np.isfinite(score)]
    return rank_agreement([first[name] for name in both], [second[name] for name in both]), len(both)


def narrowing(
    screening: Sequence[Rung], selection: Selection, confirmation: Mapping[str, TrialBlock]
) -> tuple[Rung, ...]:
    """All rungs, each with its agreement with the next: predicted pushes with pixels, the last trials with flips.

    Args:
        confirmation: by id, of patches at the placement at which they were all chosen.
    """
    rungs = [*screening, *selection.rungs]
    if not selection.rungs:
        return (*rungs, *selection.at_own)
    for number, rung in enumerate(screening):
        if rung.name in selection.agreements:
            value, compared = selection.agreements[rung.name]
            rungs[number] = replace(rung, correlation=value, compared=compared)
    pictures = max(len(block.image_keys) for block in selection.blocks.values())
    scores = {name: odds_gain(block) for name, block in selection.blocks.items() if len(block.image_keys) == pictures}
    flips = {name: float(block.outcomes.sum()) for name, block in confirmation.items()}
    value, compared = _agreement(scores, flips)
    rungs[-1] = replace(rungs[-1], correlation=value, compared=compared)
    return (*rungs, *selection.at_own)
