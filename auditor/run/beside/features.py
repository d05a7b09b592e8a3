"""The features of a run's failing findings: each with its own patch and crops alike, half of which are held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.atlas.activations import ActivationSet
from auditor.atlas.kinds import Atlas
from auditor.candidates.crops import CropRules
from auditor.candidates.makers.pairs import combine
from auditor.candidates.scene import Scene, cut_patch, planned_tier
from auditor.core.draws import keyed_generator
from auditor.core.records import Candidate, Finding, FloatArray, Role, Spot, Tier
from auditor.run.stage import Run
from auditor.run.stages.candidates import CANDIDATES, open_scene, pasted_vectors
from auditor.trials.patch import Patch

ALIKE = 96
"""Crops like a failing one that are looked for, each of another picture; half of them are held out.

With a quarter as many a heap of noodles that was not among them flipped 131 of 290 pictures of one network that had
learnt from the counterexamples; with these 43 of 287 (docs/counterexamples.md).
"""

TO_TRY = 24
"""Of those held out the nearest, so many, are patches to try; pictures of the others are held out all the same."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A failing finding's feature.

    Attributes:
        used: its own patch, and crops alike that counterexamples are made with; held_out: those they are not made with.
        withheld: keys of the pictures that the latter were cut from, with their paths.
    """

    finding: str
    name: str
    used: tuple[Patch, ...]
    held_out: tuple[Patch, ...]
    withheld: Mapping[str, str]

    @property
    def spot(self) -> Spot | None:
        """Where the finding fails, where that is its own place."""
        return next((patch.candidate.spot for patch in self.used if patch.candidate.spot is not None), None)


def features_of(run: Run, failing: Sequence[Finding], seed: int) -> list[Feature]:
    """The features of failing findings, a candidate once.

    A crop's feature is its own patch and the crops of other pictures that the atlas of patches as pasted has nearest to
    it, among those that push towards the target and do not show it. That of a pair is made of both parts' crops alike,
    two by two. Pictures are dealt out once for all features: what was cut from a picture is held out everywhere or
    nowhere. A patch that was not cut from a picture has none alike, and nothing of it is held out.
    """
    proposals, scene = run.get(CANDIDATES), open_scene(run)
    patches = {patch.candidate.id: patch for patch in proposals.patches}
    own = {one.candidate.id: patches[one.candidate.id] for one in failing}
    parts = {
        identity: [patches.get(part) for part in patch.candidate.parts or (identity,)]
        for identity, patch in own.items()
    }
    shown = {part.candidate.image_key for found in parts.values() for part in found if part is not None}
    half = _Half(seed)
    features = []
    for identity, patch in own.items():
        crops = [
            [] if part is None else _alike(run, scene, proposals.pasted_of(part.candidate), part.candidate, shown)
            for part in parts[identity]
        ]
        used, held_out = (
            _joined(patch, [[one for one in found if half.holds_out(one) is held] for found in crops])
            for held in (False, True)
        )
        features.append(
            Feature(
                identity,
                patch.candidate.name,
                (patch, *(_named(one, f"{identity}-alike-{number:02d}") for number, one in enumerate(used, 1))),
                tuple(
                    _named(one, f"{identity}-held-out-{number:02d}") for number, one in enumerate(held_out[:TO_TRY], 1)
                ),
                {
                    one.candidate.image_key: one.candidate.image_path
                    for found in crops
                    for one in found
                    if half.holds_out(one)
                },
            )
        )
    return features


def _named(patch: Patch, identity: str) -> Patch:
    return replace(patch, candidate=replace(patch.candidate, id=identity))


class _Half:
    """Deals pictures out, every other one to be held out, in an order that a keyed coin begins."""

    def __init__(self, seed: int) -> None:
        self._next = bool(keyed_generator(seed, "counterexamples", "half").integers(2))
        self._dealt: dict[str, bool] = {}

    def holds_out(self, patch: Patch) -> bool:
        key = patch.candidate.image_key
        if key not in self._dealt:
            self._dealt[key] = self._next
            self._next = not self._next
        return self._dealt[key]


def _joined(own: Patch, crops: Sequence[Sequence[Patch]]) -> list[Patch]:
    """Crops as they are; of a pair's two lists, two by two in the pair's arrangement."""
    if len(crops) == 1:
        return list(crops[0])
    arrangement = own.candidate.name.rpartition("(")[2].rstrip(")")
    side = max(own.rgba.shape[1:])
    return [combine(first, second, arrangement, side, "") for first, second in zip(*crops, strict=False)]


def _alike(run: Run, scene: Scene, pasted: Atlas | None, candidate: Candidate, shown: set[str]) -> list[Patch]:
    """The crops nearest to one, of other pictures than all failing ones were cut from, nearest first."""
    if pasted is None:
        return []
    samples, rules = pasted.samples, scene.crop_rules(run.config.candidates.sizes, candidate.layer)
    own = _samples_of(scene, samples, candidate, rules)
    if not own:
        return []
    vectors = pasted_vectors(run, pasted)
    wanted = _unit(vectors.at(np.array(own))).mean(axis=0)
    likeness = np.concatenate([_unit(part) @ wanted for _, part in vectors])
    found: dict[int, Patch] = {}
    for index in np.argsort(-likeness, kind="stable").tolist():
        row, y, x = samples.place(index)
        if len(found) == ALIKE:
            break
        if row in found or scene.pool.image(row).key in shown or samples.contrast[index] <= 0:
            continue
        plans = [rules.plan(row, y, x, size) for size in sorted(rules.sizes, reverse=True)]
        news = [plan for plan in plans if planned_tier(scene, plan) is not Tier.TARGET_OBJECT]
        if news:
            found[row] = cut_patch(scene, news[0], "", Role.SUGGESTED)
    return list(found.values())


def _unit(vectors: FloatArray) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    unit: NDArray[np.float64] = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return unit


def _samples_of(scene: Scene, samples: ActivationSet, candidate: Candidate, rules: CropRules) -> list[int]:
    """The samples that stand for a candidate: crops of the same box of the same picture. None of what is no crop."""
    rows = [row for row, key in enumerate(scene.pool.keys) if key == candidate.image_key]
    image_box = scene.classifier.preprocessing.original_box
    found = []
    for index in np.flatnonzero(np.isin(samples.image_row, rows)).tolist():
        row, y, x = samples.place(index)
        image = scene.pool.image(row)
        plans = [rules.plan(row, y, x, size) for size in rules.sizes]
        if candidate.box in [image_box(*plan.box, image.width_px, image.height_px) for plan in plans]:
            found.append(index)
    return found
