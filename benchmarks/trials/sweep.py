"""How fast the sweep pastes, normalises, forwards and tallies, as a multiple of the bare network in the same run.

    python -m benchmarks.trials.sweep [--real ../shared/real] [--device cpu] [--images 256] [--rounds 7] [--no-compile]

Baseline: the network alone, eager and as it was loaded, on a ready, normalised batch of the same size. The sweep runs
the network as it is, as an audit's trials do (its batch norms folded where that proves equal), and as trials do on
request: compiled, with a copy in bfloat16 (on a card in TF32 too) going first, and with a compiled copy in bfloat16
going first. On a card this last one stands beside the bare network compiled, in bfloat16 and channels last, too. What
was asked for is timed whether it would be used or not; what was decided on the clean pictures is printed. Bare and
sweeps take turns, so that a drifting machine slows all of them; a ratio is the median of the rounds' ratios, of
processor time on a processor, of the clock's on a card. One patch is pasted in a corner; at random places; and as each
of the controls made of its own pixels, on the patch's spots. The demonstration network is always measured; the two real
networks where `--real` holds them and their photographs.
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

from auditor.candidates.controls import OWN_CONTROLS
from auditor.core.config import ComputeConfig, TrialsConfig
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, PixelArray, Placement
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.folding import Comparison
from auditor.inputs.model.loading import load_classifier
from auditor.inputs.model.quick import QuickComparison, quick_copy, quickened
from auditor.trials.placements import variants_of
from auditor.trials.stand_ins import Control
from auditor.trials.sweep import Sweep, predict_clean
from benchmarks.networks import PAN, WOK, pans, subjects

IN_BFLOAT16_AND_COMPILED = "bfloat16 first, compiled"


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """By the processor's clock where it does the work, on which other work tells less; else by the wall's."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    started = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - started


def on_request(batch_size: int, compile: bool, card: bool) -> dict[str, ComputeConfig]:
    """What trials may be asked to run, by name."""
    asked = {"bfloat16 first": ComputeConfig(precision="bfloat16", batch_size=batch_size)}
    if card:
        asked["TF32 first"] = ComputeConfig(precision="tf32", batch_size=batch_size)
    if card and compile:
        asked["TF32 first, compiled"] = ComputeConfig(precision="tf32", compile=True, batch_size=batch_size)
    if compile:
        asked["compiled"] = ComputeConfig(compile=True, batch_size=batch_size)
        asked[IN_BFLOAT16_AND_COMPILED] = ComputeConfig(precision="bfloat16", compile=True, batch_size=batch_size)
    return asked


@dataclass(frozen=True)
class Speed:
    """Pictures a second of bare networks; of sweeps by what they ran; and what was decided."""

    bare: dict[str, float]
    sweeps: dict[str, float]
    decided: tuple[str, ...]


class Bench:
    """One network with everything that trials may run of it, on the same pictures."""

    def __init__(self, classifier: Classifier, pixels: PixelArray, batch_size: int, asked: dict[str, ComputeConfig]):
        self.classifier, self._batch_size = classifier, batch_size
        self._config = TrialsConfig(batch_size=batch_size)
        source, target = (classifier.class_names.names.index(name) for name in (PAN, WOK))
        self._criterion = TargetCalled(ClassGroup(PAN, (source,)), ClassGroup(WOK, (target,)))
        woks = predict_clean(classifier, pixels, self._criterion, batch_size, Silence()).predicted == target
        self._pixels = pixels = np.resize(pixels[~woks], pixels.shape)  # as an audit pastes on none of these
        folded = Comparison(classifier)
        quick = {name: QuickComparison(folded.network, compute, (target,)) for name, compute in asked.items()}

        def see(pictures: Tensor, logits: Tensor) -> None:
            folded.see(pictures, logits)
            for one in quick.values():
                one.see(pictures, logits)

        clean = predict_clean(classifier, pixels, self._criterion, batch_size, Silence(), see=see)
        folding = folded.folding(len(pixels))
        found = {name: one.quick(len(pixels)) for name, one in quick.items()}
        self.decided = (folding.words, *(one.words for one in found.values()))
        network = folded.network if folding.norms else classifier
        networks = {"as it is": classifier, "in an audit": network} | {
            name: quickened(network, asked[name], one.within) for name, one in found.items()
        }
        keys = [str(number) for number in range(len(pixels))]
        self._sweeps = {
            name: Sweep(one, self._criterion, pixels, keys, clean, self._config, 0) for name, one in networks.items()
        }
        shape = (batch_size, 3, *pixels.shape[2:])
        ready = torch.rand(shape, device=classifier.device)
        self.bare = {"bare": self._over(classifier.module, ready)}
        if IN_BFLOAT16_AND_COMPILED in asked and classifier.device.type == "cuda":
            copied = quick_copy(network, ComputeConfig(precision="bfloat16")).module
            rounded = ready.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
            self.bare["bare, compiled, bfloat16"] = self._over(torch.compile(copied, dynamic=False), rounded)

    def _over(self, module: Callable[..., object], ready: Tensor) -> Callable[[], object]:
        @torch.inference_mode()
        def work() -> None:
            for _ in range(len(self._pixels) // self._batch_size):
                module(ready)

        return work

    def sweeps(self, placement: Placement, patch: PixelArray, controls: bool) -> dict[str, Callable[[], object]]:
        """The sweeps, each over all pictures with one patch, or with each of its controls."""
        pasted = [Control(name, each) for name, each in OWN_CONTROLS.items()] if controls else [None]
        variants, draws = variants_of(placement, self._config), iter(range(10**9))

        def work(sweep: Sweep) -> None:
            drawn = "benchmark" if controls else f"benchmark {next(draws)}"  # nobody's draws are kept from before
            for control in pasted:
                sweep.run(patch, variants, drawn, Silence(), control)

        return {name: partial(work, sweep) for name, sweep in self._sweeps.items()}

    def measure(self, placement: Placement, controls: bool, rounds: int) -> Speed:
        """Bare networks and sweeps in turns."""
        bare, sweeps = self.bare, self.sweeps(placement, noise(), controls)
        works = [*bare.values(), *sweeps.values()]
        for work in works:
            work()
        taken = np.array([[seconds(work, self.classifier.device) for work in works] for _ in range(rounds)])
        pastes = len(self._pixels) * np.array([1] * len(bare) + [len(OWN_CONTROLS) if controls else 1] * len(sweeps))
        speed = pastes / taken
        ratios = np.median(speed / speed[:, :1], axis=0)[len(bare) :]
        named = dict(zip(sweeps, map(float, ratios), strict=True))
        if len(bare) > 1:
            last = speed[:, len(bare) + list(sweeps).index(IN_BFLOAT16_AND_COMPILED)]
            named["this of the bare compiled one"] = float(np.median(last / speed[:, 1]))
        medians = map(float, np.median(speed, axis=0))
        return Speed(dict(zip(bare, medians, strict=False)), named, self.decided)

    def differing(self) -> dict[str, tuple[int, int]]:
        """Of each sweep at random places: answers, and flips, that are not those of float32."""
        patch, variants = noise(), variants_of(Placement.RANDOM, self._config)
        blocks = {name: sweep.run(patch, variants, "differing", Silence()) for name, sweep in self._sweeps.items()}
        float32 = blocks["in an audit"]
        return {
            name: (int((one.patched != float32.patched).sum()), int((one.flips != float32.flips).sum()))
            for name, one in blocks.items()
        }


def noise() -> PixelArray:
    """A patch of it, (4, 96, 96)."""
    return np.random.default_rng(0).integers(0, 256, size=(4, 96, 96), dtype=np.uint8)


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
    device, real = choose_device(options.device), options.real.resolve()
    print(f"device: {describe_device(device)}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        every = [one for one in subjects(real, Path(scratch)) if one[0].startswith(options.only)]
        loaded = [(name, load_classifier(config, device).classifier) for name, config in every]
    for name, classifier in loaded:
        pixels = pans(name, real, classifier.preprocessing, options.images)
        asked = on_request(options.batch_size, not options.no_compile, device.type == "cuda")
        bench = Bench(classifier, pixels, options.batch_size, asked)
        for kind, placement, controls in (
            ("in a corner", Placement.FIXED, False),
            ("at random", Placement.RANDOM, False),
            ("controls at random", Placement.RANDOM, True),
        ):
            speed = bench.measure(placement, controls, options.rounds)
            bare = ", ".join(f"{each} {speed.bare[each]:,.0f} images/s" for each in speed.bare)
            sweeps = ", ".join(f"{each} {ratio:.2f} ×" for each, ratio in speed.sweeps.items())
            print(f"{name}, {kind}: {bare}; sweep {sweeps}", flush=True)
        for one, (answers, flips) in bench.differing().items():
            print(f"    {one}: of {len(pixels):,} pastes {answers:,} answered otherwise than in float32, {flips} flips")
        for line in bench.decided:
            print(f"    trials run {line}")
        first = peak_mib()
        small = Bench(classifier, pixels[: options.batch_size], options.batch_size, {})
        for _ in range(20):
            small.measure(Placement.FIXED, False, 1)
        print(f"    peak memory {first:.0f} MiB, after twenty more patches {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
