"""How fast activations are collected, as a share of the bare network in the same run, and what memory it takes.

    python -m benchmarks.atlas.collection [--real ../shared/real] [--device cpu] [--images 256] [--rounds 5]

Baseline: the network alone on a ready, normalised batch of the same size. Bare and collection take turns, so that a
drifting machine slows both; the ratio is the median of the rounds' ratios. `reference` is one random position a
picture, `contrast-weighted` adds the strongest contrast either way, `relaxed` is the reference with relaxed
max-pooling. The floor is what the reference would reach if the tangents cost what the tail's own arithmetic costs.
Memory: shards of random numbers worth `--memory-images` pictures, written to disk, filtered for a pair and read back.
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

from auditor.atlas.activations import ActivationSet, Sampling
from auditor.atlas.collection import SHARD_IMAGES, Mapped, collect_activations
from auditor.atlas.filters import filter_shards
from auditor.atlas.shards import Shards
from auditor.core.config import AtlasConfig
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, ImagePool, ImageRecord, Split
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.loading import load_classifier
from benchmarks.networks import subjects

LAYERS = {"mobilenet_v2": "features.13", "squeezenet1_0": "features.10"}
PAIR = ClassGroup("source", (0,)), ClassGroup("target", (1,))
MODES = {
    "reference": Sampling(0, PAIR),
    "relaxed": Sampling(0, PAIR, relaxed_pooling=True),
    "contrast-weighted": Sampling(0, PAIR, strongest_per_image=1),
}


def seconds(work: Callable[[], object], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def ratios(cut: LayerCut, images: int, rounds: int, batch_size: int) -> None:
    """Print pictures per second of the bare network and of each mode, and the modes' share of it."""
    device = cut.classifier.device
    height, width = cut.classifier.preprocessing.output_size
    pixels = np.random.default_rng(0).integers(0, 256, size=(images, 3, height, width), dtype=np.uint8)
    names = [str(number) for number in range(images)]
    records = tuple(ImageRecord(name, name, name, 0, Split.DISCOVERY, width, height) for name in names)
    pool = ImagePool(records, (), pixels)
    mapped = Mapped(cut, pool, PAIR, AtlasConfig(), batch_size, 0, Silence())
    ready = torch.rand(batch_size, 3, height, width, device=device)

    @torch.inference_mode()
    def bare() -> None:
        for _ in range(images // batch_size):
            cut.classifier.module(ready)

    @torch.inference_mode()
    def head() -> None:
        for _ in range(images // batch_size):
            cut.features(ready)

    def mode(sampling: Sampling) -> Callable[[], object]:
        return lambda: collect_activations(mapped, np.arange(images), sampling)

    works = [bare, head, *(mode(sampling) for sampling in MODES.values())]
    for work in works:
        work()
    times = np.array([[seconds(work, device) for work in works] for _ in range(rounds)])
    bare_s, head_s = np.median(times[:, 0]), np.median(times[:, 1])
    print(f"  bare network: {images / bare_s:.0f} images/s, of which up to the layer {head_s / bare_s:.2f}")
    print(f"  floor of two passes of the tail: {bare_s / (2 * bare_s - head_s):.2f}")
    for place, name in enumerate(MODES, start=2):
        ratio = statistics.median((times[:, 0] / times[:, place]).tolist())
        print(f"  {name:<18}{images / np.median(times[:, place]):>6.0f} images/s, ratio {ratio:.2f}")


class FolderShelf:
    """Files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, *files: str) -> bool:
        return all((self._folder / file).exists() for file in files)

    def write(self, file: str, data: bytes) -> None:
        (self._folder / file).write_bytes(data)

    def read(self, file: str) -> bytes:
        return (self._folder / file).read_bytes()


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def random_shard(number: int, samples: int, width: int, classes: int) -> ActivationSet:
    generator = np.random.default_rng(number)
    attribution = generator.standard_normal((samples, classes), dtype=np.float32)
    return ActivationSet(
        vectors=generator.standard_normal((samples, width), dtype=np.float32),
        attribution=attribution,
        contrast=attribution[:, 1] - attribution[:, 0],
        image_row=np.arange(samples) + number * samples,
        y=generator.integers(0, 14, samples),
        x=generator.integers(0, 14, samples),
        weight=np.ones(samples, dtype=np.float32),
        strongest=np.zeros(samples, dtype=np.bool_),
    )


def memory(images: int, folder: Path, width: int = 512, classes: int = 1000) -> None:
    """Print how the peak grows from nothing over a tenth of the pictures to all of them."""
    shelf = FolderShelf(folder)
    print(f"memory, {width} numbers and {classes} classes a sample: {peak_mib():.0f} MiB before")
    for share in (10, 1):
        shards = Shards(shelf, -(-images // share // SHARD_IMAGES))
        for number in range(shards.count):
            if not shards.has(number):
                shards.write(number, random_shard(number, SHARD_IMAGES, width, classes))
        written = peak_mib()
        started = time.perf_counter()
        samples = shards.where(filter_shards(shards, PAIR, "either", 3, 1500))
        on_disk = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
        print(
            f"  {shards.count * SHARD_IMAGES:>7} images: {on_disk:>5.0f} MiB on disk; peak {written:.0f} MiB after "
            f"writing, {peak_mib():.0f} MiB after filtering to {len(samples)} samples in "
            f"{time.perf_counter() - started:.1f} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("../shared/real"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--memory-images", type=int, default=100_000)
    options = parser.parse_args()
    device = choose_device(options.device)
    print(f"device: {describe_device(device)}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        if options.memory_images:
            memory(options.memory_images, Path(scratch))
    with tempfile.TemporaryDirectory() as scratch:
        for name, config in subjects(options.real.resolve(), Path(scratch)):
            layer = LAYERS.get(config.model.name, "")
            if layer:
                print(f"{name}, layer {layer}")
                cut = LayerCut(load_classifier(config, device).classifier, layer)
                ratios(cut, options.images, options.rounds, options.batch_size)


if __name__ == "__main__":
    main()
