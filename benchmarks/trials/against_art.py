"""Pasting with turn, size and perspective, beside the Adversarial Robustness Toolbox's, on the same pictures and patch.

    python -m benchmarks.trials.against_art [--images 64] [--side 224] [--rounds 5] [--device cpu]

Needs `pip install adversarial-robustness-toolbox`. Its `AdversarialPatchPyTorch.apply_patch` and the paste of trials
each take pictures and a square patch from memory and give pasted pictures back there, with everything they draw for it:
place, turn up to 22.5°, perspective, one size. ART is given float32 pictures. Trials are timed twice: from bytes, which
is what they keep, so that making floats of them counts; and from the same float32 pictures as ART, which they copy and
leave as they were. They write into the same memory each time, as in audits. Memory is kept by the allocator for all
three, as in audits. They take turns; told is each one's median of processor time, with the system's share of it, and of
time on the clock, since a busy machine slows the clock alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from auditor.core.config import TrialsConfig
from auditor.core.records import Placement
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.device import choose_device
from auditor.trials.pasting import Sticker, paste
from auditor.trials.placements import draw, largest_side_px, variants_of

SCALE = 0.35
TURN_DEGREES = 22.5


def ours(pictures: np.ndarray, rgba: np.ndarray, device: torch.device) -> Callable[[], np.ndarray]:
    """Pictures (N, 3, H, W), uint8 or float32 in [0, 1], and a patch (4, h, w) uint8, to float32 pictures."""
    config = TrialsConfig(
        size=SCALE, rotation_degrees=TURN_DEGREES, perspective=0.1, scale_jitter=0.0, colour_jitter=0.0
    )
    (variant,) = variants_of(Placement.RANDOM, config)
    size = (int(pictures.shape[2]), int(pictures.shape[3]))
    keys = [f"picture-{number}" for number in range(len(pictures))]
    images = torch.empty(pictures.shape, dtype=torch.float32, device=device)

    def pasted() -> np.ndarray:
        sticker = Sticker(rgba, device)
        draws = draw(variant, config, keys, "patch", sticker.aspect, size, 0)
        if pictures.dtype == np.uint8:
            to_float(pictures, device, images)
        else:
            images.copy_(torch.from_numpy(pictures))
        made: np.ndarray = paste(images, sticker, draws, largest_side_px(variant, config, size)).cpu().numpy()
        return made

    return pasted


def theirs(pictures: np.ndarray, rgba: np.ndarray, device: torch.device) -> Callable[[], np.ndarray]:
    """The same pictures, float32 in [0, 1], and patch to ART."""
    from art.attacks.evasion import AdversarialPatchPyTorch  # type: ignore[import-not-found, unused-ignore]
    from art.estimators.classification import PyTorchClassifier  # type: ignore[import-not-found, unused-ignore]

    shape = tuple(int(side) for side in pictures.shape[1:])
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    classifier = PyTorchClassifier(
        network,
        nn.CrossEntropyLoss(),
        shape,
        2,
        clip_values=(0.0, 1.0),
        device_type="cpu" if device.type == "cpu" else "gpu",
    )
    attack = AdversarialPatchPyTorch(
        classifier,
        rotation_max=TURN_DEGREES,
        scale_min=SCALE,
        scale_max=SCALE + 1e-6,
        distortion_scale_max=0.1,
        patch_shape=(3, *rgba.shape[1:]),
        patch_type="square",
        verbose=False,
    )
    patch = rgba[:3].astype(np.float32) / 255.0

    def pasted() -> np.ndarray:
        made: np.ndarray = attack.apply_patch(pictures, scale=SCALE, patch_external=patch)
        return made

    return pasted


def seconds(work: Callable[[], object]) -> tuple[float, float, float]:
    """Of the processor, of the system among them, and on the clock."""
    clock, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return user + system, system, time.perf_counter() - clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    if importlib.util.find_spec("art") is None:
        sys.exit("the toolbox is not here; pip install adversarial-robustness-toolbox")
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, size=(given.images, 3, given.side, given.side), dtype=np.uint8)
    rgba = generator.integers(0, 256, size=(4, given.side, given.side), dtype=np.uint8)
    rgba[3] = 255
    device = choose_device(given.device)
    floats = pictures.astype(np.float32) / 255.0
    pasting = {
        "trials from bytes": ours(pictures, rgba, device),
        "trials from floats": ours(floats, rgba, device),
        "ART from floats": theirs(floats, rgba, device),
    }
    times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in pasting}
    for turn in range(given.rounds + 1):
        for name, work in pasting.items():
            measured = seconds(work)
            if turn:  # the first warms up
                times[name].append(measured)
    print(f"{given.images} pictures of {given.side} px, {torch.get_num_threads()} threads, {device}")
    medians = {name: np.median(of_one, axis=0) for name, of_one in times.items()}
    for kind, told in ((0, "processor"), (2, "clock")):
        for name, taken in medians.items():
            ratio = medians["ART from floats"][kind] / taken[kind]
            system = f", {1000 * taken[1] / given.images:.2f} of them the system's" if kind == 0 else ""
            print(
                f"by the {told}: {name} {given.images / taken[kind]:,.0f} pictures a second, {ratio:.1f} times ART; "
                f"{1000 * taken[kind] / given.images:.2f} ms a picture{system}"
            )


if __name__ == "__main__":
    main()
