"""Fine-tune the network of a failed run on counterexamples, and begin the second audit of it.

    auditor counterexamples RUN --out COUNTEREXAMPLES
    python examples/fine_tune.py RUN COUNTEREXAMPLES NEW

NEW/weights.safetensors are the new weights, NEW/run is a run folder that has everything but the measurements. The
network learns from the counterexamples and from the run's own discovery pictures as they are, without those that a
held-out patch was cut from, and of no class more than the median class has: a search likes many of the target, and what
they teach is what shall be unlearnt. With a training set of your own, train on that and the counterexamples instead:
this is what it takes at least.

A rate of 0.001 is right for a network that was trained from scratch; one that goes on from ImageNet's weights needs a
tenth of it (--rate 1e-4): it says how many selection pictures are right before and after.

Where the second audit fails, make counterexamples of its run, too, and name both folders: RUN COUNTEREXAMPLES MORE NEW.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from auditor.core.config import AuditConfig
from auditor.core.errors import AuditorError, StoreError
from auditor.core.progress import Silence
from auditor.core.records import ImagePool, IntArray, PixelArray, Split
from auditor.inputs.images.mapping import map_labels
from auditor.inputs.images.reading import decode_image
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.opening import Inputs
from auditor.run.audit import at_work, new_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.stages.clean import predict_pictures
from auditor.run.stages.images import IMAGES


def manifest_of(folder: Path) -> dict[str, Any]:
    """What a folder of counterexamples says of itself."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"{folder} is no folder that `auditor counterexamples` made: {error}") from error
    return manifest


def counterexamples(inputs: Inputs, folder: Path, withheld: set[str]) -> tuple[PixelArray, list[int]]:
    """Pictures as the network receives them, (N, 3, H, W) uint8, with their classes.

    Those are left out that were made of a withheld picture, or with a patch of one: of two folders, each may have used
    what the other holds out.
    """
    manifest = manifest_of(folder)
    cut_from = {patch["file"]: patch["picture"] for one in manifest["features"] for patch in one["used"]}
    rows = [
        row
        for row in manifest["pictures"]
        if row["picture"] not in withheld and cut_from.get(row.get("patch")) not in withheld
    ]
    names, prepare = inputs.classifier.class_names, inputs.classifier.preprocessing.prepare
    classes = map_labels({row["label"] for row in rows}, names, inputs.config.classes.folders)
    limit = inputs.config.images.max_pixels
    pixels = [prepare(decode_image((folder / row["file"]).read_bytes(), limit)) for row in rows]
    return np.stack(pixels), [classes[row["label"]] for row in rows]


def balanced(rows: list[int], labels: list[int]) -> list[int]:
    """The rows, of no class more than the median class has: the first ones."""
    of_class: dict[int, list[int]] = {}
    for row, label in zip(rows, labels, strict=True):
        of_class.setdefault(label, []).append(row)
    most = int(np.median([len(own) for own in of_class.values()]))
    return sorted(row for own in of_class.values() for row in own[:most])


def train(classifier: Classifier, pixels: Tensor, labels: Tensor, epochs: int, rate: float, seed: int) -> None:
    """Change the network in place. Batch norms keep their statistics: a few pictures would spoil them."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in classifier.module.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    steps = epochs * -(-len(pixels) // 64)
    optimiser = torch.optim.AdamW(classifier.module.parameters(), lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for epoch in range(epochs):
        lost = 0.0
        for rows in torch.randperm(len(pixels), generator=generator).split(64):
            images = pixels[rows].float().div_(255)
            mirrored = torch.rand(len(rows), generator=generator) < 0.5
            images[mirrored] = images[mirrored].flip(3)
            loss = functional.cross_entropy(classifier.logits(images.to(classifier.device)), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            lost += float(loss.detach()) * len(rows)
        sys.stdout.write(f"epoch {epoch + 1} of {epochs}: mean loss {lost / len(pixels):.4f}\n")


def right(inputs: Inputs, pool: ImagePool, rows: IntArray) -> int:
    """How many of a pool's pictures the network calls what they are."""
    said = predict_pictures(inputs, pool, rows, Silence()).predicted
    return int((said == [pool.images[row].label for row in rows]).sum())


def told(before: int, after: int, of: int, rate: float) -> str:
    """What the training cost or gave on pictures that it had no part in; a loss of a tenth is more than chance."""
    said = f"right of {of} selection pictures, from which it did not learn: {before} before, {after} after"
    if before - after <= 0.1 * of:
        return said
    return f"{said}. It has forgotten what it knew: train more gently, for example with --rate {rate / 10:g}"


def second_audit(config: AuditConfig, weights: Path, folder: Path) -> RunFolder:
    """A run folder for the same audit of the new weights."""
    model = config.model.model_copy(update={"weights": os.path.relpath(weights, config.base), "state": None})
    return new_run(config.model_copy(update={"model": model}), folder)


def fine_tune(
    run_folder: Path, examples: Sequence[Path], new: Path, epochs: int = 10, rate: float = 1e-3, seed: int = 0
) -> None:
    """Train, write the new weights, and begin the second audit."""
    torch.manual_seed(seed)
    folder = RunFolder.open(run_folder)
    config = stored_config(folder)
    withheld = {str(path) for one in examples for path in manifest_of(one)["held_out_pictures"]}
    with at_work(folder, config, Silence()) as run:
        pool, inputs = run.get(IMAGES), run.inputs
        known = [row for row in pool.rows(Split.DISCOVERY).tolist() if pool.images[row].path not in withheld]
        kept = balanced(known, [pool.images[row].label for row in known])
        made = [counterexamples(inputs, one, withheld) for one in examples]
        pixels = torch.from_numpy(np.concatenate([pool.pixels[kept], *(pictures for pictures, _ in made)]))
        labels = torch.tensor([*(pool.images[row].label for row in kept), *(one for _, own in made for one in own)])
        sys.stdout.write(f"{len(pixels) - len(kept)} counterexamples and {len(kept)} pictures as they are\n")
        apart = pool.rows(Split.SELECTION)
        before = right(inputs, pool, apart)
        train(inputs.classifier, pixels, labels.to(inputs.classifier.device), epochs, rate, seed)
        sys.stdout.write(f"{told(before, right(inputs, pool, apart), len(apart), rate)}\n")
        state = {
            name: value.detach().cpu().contiguous() for name, value in inputs.classifier.module.state_dict().items()
        }
    new.mkdir(parents=True, exist_ok=True)
    save_file(state, new / "weights.safetensors")
    again = second_audit(config, new / "weights.safetensors", new / "run")
    for held_out in (one / "held-out" for one in examples):
        if held_out.is_dir():
            sys.stdout.write(f"measure what was held out: auditor trial {again.path} --patches {held_out}\n")
    sys.stdout.write(f"the whole second audit:    auditor run --resume {again.path}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("counterexamples", type=Path, nargs="+")
    parser.add_argument("new", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        fine_tune(options.run, options.counterexamples, options.new, options.epochs, options.rate, options.seed)
    except AuditorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
