"""How fast the sweep pastes, normalises, forwards and tallies, as a share of the bare network in the same run.

    python -m benchmarks.trials.sweep [--real ../shared/real] [--device cpu] [--images 256] [--rounds 7]

Baseline: the network alone on a ready, normalised batch of the same size. Bare and sweep take turns, so that a
drifting machine slows both; the ratio is the median of the rounds' ratios. The demonstration network is always
measured; the two real networks where `--real` holds them. Memory: the process' peak after one patch and after
twenty.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from auditor.core.config import TrialsConfig
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Placement
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.loading import load_classifier
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep
from benchmarks.networks import subjects


def seconds(work: Callable[[], None], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def measure(classifier: Classifier, images: int, rounds: int, batch_size: int) -> tuple[float, float, float]:
    """Images per second of the bare network and of the sweep, and the median of the ratios sweep / bare."""
    height, width = classifier.preprocessing.output_size
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, size=(images, 3, height, width), dtype=np.uint8)
    patch = generator.integers(0, 256, size=(4, 96, 96), dtype=np.uint8)
    config = TrialsConfig(batch_size=batch_size)
    criterion = TargetCalled(ClassGroup("source", (0,)), ClassGroup("target", (1,)))
    clean, before = np.zeros(images, dtype=np.int64), np.zeros(images, dtype=np.float32)
    keys = [str(number) for number in range(images)]
    sweep = Sweep(classifier, criterion, pixels, keys, clean, before, config, seed=0)
    ready = torch.rand(batch_size, 3, height, width, device=classifier.device)
    variants = variants_of(Placement.FIXED, config)

    @torch.inference_mode()
    def bare() -> None:
        for _ in range(images // batch_size):
            classifier.module(ready)

    def swept() -> None:
        sweep.run(patch, variants, "benchmark", Silence())

    bare(), swept()
    pairs = [(seconds(bare, classifier.device), seconds(swept, classifier.device)) for _ in range(rounds)]
    return (
        images / statistics.median(pair[0] for pair in pairs),
        images / statistics.median(pair[1] for pair in pairs),
        statistics.median(pair[0] / pair[1] for pair in pairs),
    )


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("../shared/real"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args()
    device = choose_device(options.device)
    print(f"device: {describe_device(device)}, torch {torch.__version__}")
    print(f"{'network':<40}{'bare, images/s':>16}{'sweep, images/s':>17}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        every = list(subjects(options.real.resolve(), Path(scratch)))
        loaded = [(name, load_classifier(config, device).classifier) for name, config in every]
    for name, classifier in loaded:
        bare, sweep, ratio = measure(classifier, options.images, options.rounds, options.batch_size)
        print(f"{name:<40}{bare:>16.0f}{sweep:>17.0f}{ratio:>8.2f}")
        first = peak_mib()
        for _ in range(20):
            measure(classifier, options.batch_size, 1, options.batch_size)
        print(f"{'':<40}peak memory {first:.0f} MiB, after twenty more patches {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
