"""How fast the sweep pastes, normalises, forwards and tallies, as a multiple of the bare network in the same run.

    python -m benchmarks.trials.sweep [--real ../shared/real] [--device cpu] [--images 256] [--rounds 7] [--no-compile]

Baseline: the network alone, eager and as it was loaded, on a ready, normalised batch of the same size. The sweep runs
the network as it is, as an audit's trials do (its batch norms folded where that proves equal), and as trials do on
request: compiled, and with a copy in bfloat16 going first. These two are timed whether they would be used or not; what
was decided on the clean pictures, which are random numbers here, is printed. Bare and sweeps take turns, so that a
drifting machine slows all of them; a ratio is the median of the rounds' ratios, of processor time on a processor, of
the clock's on a card. The demonstration network is always measured; the two real networks where `--real` holds them.
Memory: the process' peak after one patch and after twenty.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from auditor.core.config import ComputeConfig, TrialsConfig
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Placement
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.folding import Comparison
from auditor.inputs.model.loading import load_classifier
from auditor.inputs.model.quick import QuickComparison, quickened
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep, predict_clean
from benchmarks.networks import subjects


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """By the processor's clock where it does the work, on which other work tells less; else by the wall's."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    started = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - started


@dataclass(frozen=True)
class Speed:
    """Pictures per second of the bare network; sweeps by what they ran, as multiples of it; and what was decided."""

    bare: float
    sweeps: dict[str, float]
    decided: tuple[str, ...]


def measure(
    classifier: Classifier, images: int, rounds: int, batch_size: int, on_request: bool, compile: bool
) -> Speed:
    """The bare network, and the sweep with each network that it may run, in turns."""
    height, width = classifier.preprocessing.output_size
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, size=(images, 3, height, width), dtype=np.uint8)
    patch = generator.integers(0, 256, size=(4, 96, 96), dtype=np.uint8)
    config = TrialsConfig(batch_size=batch_size)
    criterion = TargetCalled(ClassGroup("source", (0,)), ClassGroup("target", (1,)))
    folded = Comparison(classifier)
    asked = {"bfloat16": ComputeConfig(precision="bfloat16", batch_size=batch_size)} if on_request else {}
    if on_request and compile:
        asked["compiled"] = ComputeConfig(compile=True, batch_size=batch_size)
    quick = {name: QuickComparison(folded.network, compute, (1,)) for name, compute in asked.items()}

    def see(pictures: Tensor, logits: Tensor) -> None:
        folded.see(pictures, logits)
        for one in quick.values():
            one.see(pictures, logits)

    clean = predict_clean(classifier, pixels, criterion, batch_size, Silence(), see=see)
    folding = folded.folding(images)
    found = {name: one.quick(images) for name, one in quick.items()}
    network = folded.network if folding.norms else classifier
    networks = {"as it is": classifier, "in an audit": network} | {
        name: quickened(network, asked[name], (1,), one.within) for name, one in found.items()
    }
    keys = [str(number) for number in range(images)]
    sweeps = [Sweep(one, criterion, pixels, keys, clean, config, seed=0) for one in networks.values()]
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
    taken = np.array([[seconds(work, classifier.device) for work in works] for _ in range(rounds)])
    ratios = np.median(taken[:, :1] / taken[:, 1:], axis=0)
    decided = (folding.words, *(one.words for one in found.values()))
    return Speed(images / float(np.median(taken[:, 0])), dict(zip(networks, map(float, ratios), strict=True)), decided)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("../shared/real"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--only", default="", help="networks whose names begin so")
    options = parser.parse_args()
    device = choose_device(options.device)
    print(f"device: {describe_device(device)}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        every = [one for one in subjects(options.real.resolve(), Path(scratch)) if one[0].startswith(options.only)]
        loaded = [(name, load_classifier(config, device).classifier) for name, config in every]
    for name, classifier in loaded:
        of = options.images, options.rounds, options.batch_size
        speed = measure(classifier, *of, True, not options.no_compile)
        sweeps = ", ".join(f"{each} {ratio:.2f} ×" for each, ratio in speed.sweeps.items())
        print(f"{name}: bare {speed.bare:.0f} images/s; sweep {sweeps}", flush=True)
        for line in speed.decided:
            print(f"    trials run {line}")
        first = peak_mib()
        for _ in range(20):
            measure(classifier, options.batch_size, 1, options.batch_size, False, False)
        print(f"    peak memory {first:.0f} MiB, after twenty more patches {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
