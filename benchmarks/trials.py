"""How fast the sweep pastes, normalises, forwards and tallies, as a share of the bare network in the same run.

    python benchmarks/trials.py [--real ../shared/real] [--device cpu] [--images 256] [--rounds 7]

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
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from auditor.core.config import AuditConfig, TrialsConfig, build_config
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Placement
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.device import choose_device, describe_device, reuse_large_blocks
from auditor.inputs.model.loading import load_classifier
from auditor.inputs.world.bundle import demo_config
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep


def subjects(real: Path, scratch: Path) -> Iterator[tuple[str, AuditConfig]]:
    """The networks to measure, as configurations; the pictures they are measured on are random numbers."""
    yield "demo network, 64 px", demo_config("shortcut", scratch)
    common: dict[str, object] = {"source": "0", "target": "1", "images": {"all": "."}}
    if not real.is_dir():
        return
    kitchen = {
        "model": {"name": "mobilenet_v2", "weights": str(real / "kitchen32" / "mobilenet_v2.safetensors")},
        "classes": {"names": str(real / "kitchen32" / "classes.csv")},
        "preprocessing": {"resize": [112, 112], "mean": [0.5] * 3, "std": [0.5] * 3},
    }
    yield "mobilenet_v2 (kitchen32), 112 px", build_config({**common, **kitchen}, real)
    squeezenet = {
        "model": {"name": "squeezenet1_0", "weights": str(real / "imagenet" / "squeezenet1_0.safetensors")},
        "classes": {"names": str(real / "imagenet" / "classes.csv")},
    }
    yield "squeezenet1_0 (ImageNet), 224 px", build_config({**common, **squeezenet}, real)


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
    reuse_large_blocks()
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
