"""Does the trained patch flip as many held-out pictures as that of the Adversarial Robustness Toolbox (ART)?

    pip install adversarial-robustness-toolbox
    python -m benchmarks.candidates.trained_patch [--real ../shared/real] [--steps 200] [--pairs "frying pan:wok" ...]

Baseline: ART's AdversarialPatchPyTorch on the same discovery pictures, at the same patch size, place, batch size and
number of Adam steps. Its step size is tried at several values and the best is taken on the confirmation pictures
themselves, which favours it; ours keeps its default. Both patches are then pasted by the trials. Noise stands beside
them: what any patch of that size does. `fixed`: trained and tried at the top left corner. `random`: trained on random
places, sizes and angles, and tried there (on draws that neither saw).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from auditor.candidates.makers.trained import Lesson, TrainingBudget, train_patch
from auditor.core.config import AuditConfig, TrialsConfig, build_config
from auditor.core.progress import Silence
from auditor.core.records import ImagePool, PixelArray, Placement, Split
from auditor.inputs.images.pool import build_pool
from auditor.inputs.opening import Inputs, open_inputs
from auditor.statistics.intervals import wilson_interval
from auditor.trials.patch import side_in_pixels
from auditor.trials.placements import largest_side_px, variants_of
from auditor.trials.sweep import Sweep, predict_clean

SIZE = TrialsConfig().size
RATES = (0.02, 0.1, 0.5)


@dataclass(frozen=True)
class Stand:
    """One pair's pictures: those to train on, and the eligible ones to count on."""

    inputs: Inputs
    pool: ImagePool
    rows: list[int]
    held_out: PixelArray
    sweep: Sweep


class Normalised(nn.Module):
    """The classifier with its normalisation in front: ART hands pictures in [0, 1]."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.classifier = inputs.classifier
        self.network = inputs.classifier.module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier.logits(images)


def kitchen(real: Path, source: str, target: str) -> AuditConfig:
    return build_config(
        {
            "source": source,
            "target": target,
            "device": "cpu",
            "model": {
                "name": "mobilenet_v2",
                "weights": str(real / "mobilenet_v2.safetensors"),
                "layer": "features.13",
            },
            "preprocessing": {"resize": [112, 112], "mean": [0.5] * 3, "std": [0.5] * 3},
            "classes": {"names": str(real / "classes.csv")},
            "images": {"discovery": str(real / "train"), "confirmation": str(real / "unseen")},
        },
        real,
    )


def stand(config: AuditConfig, batch_size: int) -> Stand:
    inputs = open_inputs(config, Silence())
    preprocessing, classifier = inputs.classifier.preprocessing, inputs.classifier
    pool = build_pool(
        config,
        classifier.class_names,
        preprocessing.prepare,
        preprocessing.output_size,
        inputs.source.indices,
        inputs.target.indices,
        Silence(),
    )
    rows = pool.rows(Split.DISCOVERY, inputs.source.indices)
    rows = rows[: len(rows) // batch_size * batch_size]  # whole batches, so that both see as many pictures a step
    held_out = pool.rows(Split.CONFIRMATION, inputs.source.indices)
    clean = predict_clean(classifier, pool.pixels[held_out], inputs.criterion, 64, Silence())
    eligible = inputs.criterion.eligible(clean.predicted)
    kept = held_out[eligible]
    sweep = Sweep(
        classifier,
        inputs.criterion,
        pool.pixels[kept],
        [pool.images[row].key for row in kept],
        clean.at(np.flatnonzero(eligible)),
        config.trials,
        config.seed,
    )
    return Stand(inputs, pool, [int(row) for row in rows], pool.pixels[kept], sweep)


def ours(at: Stand, placement: Placement, budget: TrainingBudget) -> PixelArray:
    trials = at.inputs.config.trials
    keys = [at.pool.images[row].key for row in at.rows]
    variants = variants_of(placement, trials)
    pixels = at.pool.pixels[at.rows]
    lesson = Lesson(pixels, keys, at.inputs.target, variants, trials, seed=0)
    return train_patch(at.inputs.classifier, lesson, Silence(), budget).rgba


@dataclass(frozen=True)
class ArtPatch:
    """ART's patch for one step size: flips when the trials paste it, and (fixed placement) when ART itself does."""

    rate: float
    flips: int
    own_flips: int | None


def art(at: Stand, placement: Placement, budget: TrainingBudget, rate: float) -> ArtPatch:
    from art.attacks.evasion import AdversarialPatchPyTorch  # type: ignore[import-not-found, unused-ignore]
    from art.estimators.classification import PyTorchClassifier  # type: ignore[import-not-found, unused-ignore]

    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - ART draws from numpy's global generator
    trials, size = at.inputs.config.trials, at.inputs.classifier.preprocessing.output_size
    classes = len(at.inputs.class_names)
    estimator = PyTorchClassifier(
        Normalised(at.inputs), nn.CrossEntropyLoss(), (3, *size), classes, clip_values=(0.0, 1.0), device_type="cpu"
    )
    fixed = placement is Placement.FIXED
    side = round(largest_side_px(variants_of(placement, trials)[0], trials, size))
    attack = AdversarialPatchPyTorch(
        estimator,
        rotation_max=0.0 if fixed else trials.rotation_degrees,
        scale_min=SIZE * (1 - trials.scale_jitter),
        scale_max=SIZE * (1 + trials.scale_jitter),
        learning_rate=rate,
        max_iter=budget.steps * budget.batch_size // len(at.rows),
        batch_size=budget.batch_size,
        patch_shape=(3, side, side),
        patch_location=(0, 0) if fixed else None,
        patch_type="square",
        targeted=True,
        verbose=False,
    )
    pixels = at.pool.pixels[at.rows].astype(np.float32) / 255.0
    patch, _ = attack.generate(pixels, np.full(len(pixels), at.inputs.target.indices[0]))
    opaque = np.full((1, side, side), 255, dtype=np.uint8)
    rgba = np.concatenate([(patch * 255).round().clip(0, 255).astype(np.uint8), opaque])
    own = None
    if fixed:
        pasted = attack.apply_patch(at.held_out.astype(np.float32) / 255.0, scale=side / min(size))
        own = int(at.inputs.criterion.flipped(estimator.predict(pasted).argmax(axis=1)).sum())
    return ArtPatch(rate, flips(at, rgba, placement), own)


def flips(at: Stand, rgba: PixelArray, placement: Placement) -> int:
    variants = variants_of(placement, at.inputs.config.trials)
    return int(at.sweep.run(rgba, variants, "benchmark", Silence()).outcomes.sum())


def shown(count: int, of: int) -> str:
    interval = wilson_interval(count, of)
    return f"{count}/{of} {count / of:4.0%} ({interval.low:.0%} to {interval.high:.0%})"


def compare(at: Stand, placement: Placement, budget: TrainingBudget) -> None:
    pair = f"{at.inputs.source.name} → {at.inputs.target.name}"
    side = side_in_pixels(SIZE, *at.inputs.classifier.preprocessing.output_size)
    noise = np.random.default_rng(0).integers(0, 256, size=(4, side, side), dtype=np.uint8)
    noise[3] = 255
    started = time.perf_counter()
    found = flips(at, ours(at, placement, budget), placement)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    theirs = [art(at, placement, budget, rate) for rate in RATES]
    their_seconds = (time.perf_counter() - started) / len(RATES)
    best = max(theirs, key=lambda one: max(one.flips, one.own_flips or 0))
    count = len(at.sweep)
    print(f"{pair}, {placement}, {side} px, {budget.steps} steps of {budget.batch_size} on {len(at.rows)} pictures")
    print(f"  noise      {shown(flips(at, noise, placement), count)}")
    print(f"  auditor    {shown(found, count)}   {seconds:.0f} s")
    own = "" if best.own_flips is None else f", pasted by ART itself {shown(best.own_flips, count)}"
    print(f"  ART        {shown(best.flips, count)}{own}   {their_seconds:.0f} s, step size {best.rate:g}")
    print("             " + ", ".join(f"{one.rate:g}: {one.flips} ({one.own_flips})" for one in theirs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("../shared/real"))
    parser.add_argument("--steps", type=int, default=TrainingBudget().steps)
    parser.add_argument("--pairs", nargs="+", default=["frying pan:wok", "wok:frying pan", "teapot:water jug"])
    options = parser.parse_args()
    budget = TrainingBudget(steps=options.steps)
    for pair in options.pairs:
        source, target = pair.split(":")
        at = stand(kitchen((options.real / "kitchen32").resolve(), source, target), budget.batch_size)
        for placement in (Placement.FIXED, Placement.RANDOM):
            compare(at, placement, budget)


if __name__ == "__main__":
    main()
