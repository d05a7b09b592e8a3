"""How fast the sweep pastes, normalises, forwards and tallies, as a multiple of the bare network in the same run.

    python -m benchmarks.trials.sweep [--real ../shared/real] [--device cpu] [--images 256] [--rounds 7]

Baseline: the network alone, as it was loaded, on a ready, normalised batch of the same size. The sweep runs the
network as an audit's trials do, its batch norms folded where that proves equal, and as it is beside that. Bare and
sweeps take turns, so that a drifting machine slows all of them; a ratio is the median of the rounds' ratios. The
demonstration network is always measured; the two real networks where `--real` holds them. Memory: the process' peak
after one patch and after twenty.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from auditor.core.config import TrialsConfig
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Placement
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.folding import Comparison, fold
from auditor.inputs.model.loading import load_classifier
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep, predict_clean
from benchmarks.networks import subjects


def seconds(work: Callable[[], object], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


@dataclass(frozen=True)
class Speed:
    """Pictures per second of the bare network; the sweeps' as multiples of it; and which network the second ran."""

    bare: float
    as_it_is: float
    folded: float
    ran: str


def measure(classifier: Classifier, images: int, rounds: int, batch_size: int) -> Speed:
    """The bare network, the sweep with the network as it is, and the sweep as an audit runs it, in turns."""
    height, width = classifier.preprocessing.output_size
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, size=(images, 3, height, width), dtype=np.uint8)
    patch = generator.integers(0, 256, size=(4, 96, 96), dtype=np.uint8)
    config = TrialsConfig(batch_size=batch_size)
    criterion = TargetCalled(ClassGroup("source", (0,)), ClassGroup("target", (1,)))
    comparison = Comparison(classifier)
    clean = predict_clean(classifier, pixels, criterion, batch_size, Silence(), see=comparison.see)
    folding = comparison.folding(images)
    keys = [str(number) for number in range(images)]
    sweeps = [
        Sweep(network, criterion, pixels, keys, clean, config, seed=0)
        for network in (classifier, fold(classifier)[0] if folding.norms else classifier)
    ]
    ready = torch.rand(batch_size, 3, height, width, device=classifier.device)
    variants = variants_of(Placement.FIXED, config)

    @torch.inference_mode()
    def bare() -> None:
        for _ in range(images // batch_size):
            classifier.module(ready)

    works: list[Callable[[], object]] = [
        bare,
        *(partial(sweep.run, patch, variants, "benchmark", Silence()) for sweep in sweeps),
    ]
    for work in works:
        work()
    taken = [[seconds(work, classifier.device) for work in works] for _ in range(rounds)]
    return Speed(
        images / statistics.median(alone for alone, _, _ in taken),
        statistics.median(alone / swept for alone, swept, _ in taken),
        statistics.median(alone / swept for alone, _, swept in taken),
        folding.words,
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
    print(f"{'network':<40}{'bare, images/s':>16}{'sweep as it is':>17}{'as in an audit':>17}")
    with tempfile.TemporaryDirectory() as scratch:
        every = list(subjects(options.real.resolve(), Path(scratch)))
        loaded = [(name, load_classifier(config, device).classifier) for name, config in every]
    for name, classifier in loaded:
        speed = measure(classifier, options.images, options.rounds, options.batch_size)
        print(f"{name:<40}{speed.bare:>16.0f}{speed.as_it_is:>16.2f}×{speed.folded:>16.2f}×")
        print(f"{'':<40}trials run {speed.ran}")
        first = peak_mib()
        for _ in range(20):
            measure(classifier, options.batch_size, 1, options.batch_size)
        print(f"{'':<40}peak memory {first:.0f} MiB, after twenty more patches {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
