"""How fast icons are rendered, against torch-lucent on the same layer, directions and objective, in one run.

    python -m benchmarks.atlas.icons [--real ../shared/real] [--icons 100] [--steps 128] [--lucent-icons 3]
    python -m benchmarks.atlas.icons --device cuda --icons 400 --side 128 --steps 512 --batch-size 400 --lucent-icons 0
    python -m benchmarks.atlas.icons --precisions

SqueezeNet from the real pack, cut after features.10; the directions are centres of a k-means of activations.
torch-lucent (install it beside the project, with kornia) renders one direction at a time, enlarged to 224 px, through
the whole network, with its own transforms less the rotation, which today's kornia breaks, and its own 512 steps.

One judge for both: the objective (h·v)⁵/(‖h‖‖v‖)⁴, v at length 1, and the cosine, at the centre of the finished
8-bit icon, the mean over the same 16 movements (up to 4 px, 5%, 5 degrees), at the input size the icon was made at
(lucent 224, here the icon's own) and, so that neither is at home, at both sizes for both.
The ladder says what each step bought, in milliseconds an icon and step. `--precisions` compares icons rendered in
bfloat16 with those in float32 instead; baseline: how far another seed's are from them.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import numpy as np
import torch
from PIL import Image
from scipy.cluster.vq import kmeans2
from torch import Tensor

from auditor.atlas.icons.objective import centre, cosine, objective
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.atlas.icons.transforms import Movement, draw_movements, move
from auditor.atlas.network import CutNetwork
from auditor.core.config import build_config
from auditor.core.errors import LayerError, ModelError
from auditor.core.progress import Silence
from auditor.core.records import FloatArray, PixelArray
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.features import Features
from auditor.inputs.model.loading import load_classifier

LAYER, POWER = "features.10", 4.0
T = TypeVar("T")


class OwnSizeOnly:
    """The same head, which takes the network's own input size alone."""

    def __init__(self, cut: LayerCut, whole: bool) -> None:
        self.cut, self.whole = cut, whole
        self.feature_shape, self.input_size, self.classifier = cut.feature_shape, cut.input_size, cut.classifier
        self.logits = cut.logits

    def features(self, images: Tensor) -> Features:
        if tuple(images.shape[-2:]) != self.input_size:
            raise LayerError("another size")
        return self.cut.features_and_logits(images)[0] if self.whole else self.cut.features(images)

    def apart(self) -> NoReturn:
        raise ModelError("another size")


def squeezenet(real: Path, device: torch.device, scratch: Path) -> Classifier:
    values: dict[str, object] = {
        "source": "0",
        "target": "1",
        "images": {"all": "."},
        "model": {"name": "squeezenet1_0", "weights": str(real / "imagenet" / "squeezenet1_0.safetensors")},
        "classes": {"names": str(real / "imagenet" / "classes.csv")},
    }
    return load_classifier(build_config(values, scratch), device).classifier


def cell_means(cut: LayerCut, real: Path, cells: int) -> FloatArray:
    """(cells, D): means of k-means clusters of the activations' directions, eight positions a photograph."""
    generator, vectors = np.random.default_rng(0), []
    for path in sorted((real / "imagenet" / "images").glob("*.jpg")):
        with Image.open(path) as photo:
            pixels = cut.classifier.preprocessing.prepare(photo.convert("RGB"))
        with torch.no_grad():
            images = torch.from_numpy(pixels[None]).to(cut.classifier.device).float() / 255
            features = cut.features(images).grid[0]
        y, x = generator.integers(1, features.shape[-1] - 1, (2, 8))
        vectors.append(features[:, torch.from_numpy(y), torch.from_numpy(x)].T.cpu().numpy())
    every = np.concatenate(vectors)
    directions = every / np.linalg.norm(every, axis=1, keepdims=True)
    _, labels = kmeans2(directions.astype(np.float64), cells, minit="++", seed=0, iter=20)
    used = [cell for cell in range(cells) if (labels == cell).any()]
    return np.stack([every[labels == cell].mean(axis=0) for cell in used]).astype(np.float32)


@torch.no_grad()
def judge(cut: LayerCut, pixels: PixelArray, directions: FloatArray, side: int) -> tuple[float, float]:
    """Mean objective and mean cosine of finished icons at an input size."""
    device = cut.classifier.device
    images = torch.from_numpy(pixels).to(device).float() / 255
    wanted = torch.from_numpy(directions).to(device)
    values, cosines = [], []
    for movement in draw_movements(Movement(4, 0.05, 5), 16, 1, [str(index) for index in range(len(images))]):
        reached = centre(cut.features(move(images, movement, (side, side))).grid)
        values.append(float(objective(reached, wanted, POWER).mean()))
        cosines.append(float(cosine(reached, wanted).mean()))
    return float(np.mean(values)), float(np.mean(cosines))


def lucent_icons(
    classifier: Classifier, directions: FloatArray, side: int, steps: int, name: str = LAYER
) -> PixelArray:
    """(N, 3, side, side) uint8 by torch-lucent, one after the other."""
    from lucent.optvis import param, render, transform  # type: ignore[import-not-found, unused-ignore]

    transforms = [
        transform.pad(12, mode="constant", constant_value=0.5),
        transform.jitter(8),
        transform.random_scale([1 + (index - 5) / 50.0 for index in range(11)]),
        transform.jitter(4),
    ]
    rendered = []
    for direction in torch.from_numpy(directions).to(classifier.device):

        def loss(layer: Callable[[str], Tensor], wanted: Tensor = direction[None]) -> Tensor:
            return -objective(centre(layer(name.replace(".", "_"))), wanted, POWER).sum()

        torch.manual_seed(0)
        (image,) = render.render_vis(
            copy.deepcopy(classifier.module),  # its hooks stay behind
            loss,
            lambda: param.image(side, fft=True, decorrelate=True),
            transforms=transforms,
            thresholds=(steps,),
            progress=False,
            show_image=False,
        )
        rendered.append((image[0].transpose(2, 0, 1) * 255).round().astype(np.uint8))
    return np.stack(rendered)


def timed(work: Callable[[], T], device: torch.device) -> tuple[T, float]:
    started = time.perf_counter()
    made = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return made, time.perf_counter() - started


def ladder(cut: LayerCut, directions: FloatArray, settings: IconSettings, batch_size: int) -> None:
    """Time a few steps of each rung; the first step of a shape, in which kernels are chosen, is left out."""
    rungs: list[tuple[str, CutNetwork, int]] = [
        ("whole network at its own size, one by one", OwnSizeOnly(cut, whole=True), 1),
        ("cut after the layer, one by one", OwnSizeOnly(cut, whole=False), 1),
        ("at the icon's own size, one by one", cut, 1),
        (f"at the icon's own size, {batch_size} at once", cut, batch_size),
    ]
    for name, head, size in rungs:
        icons = min(size, len(directions))
        keys = [str(index) for index in range(icons)]
        seconds = []
        for steps in (2, 10):
            few = replace(settings, steps=steps)
            work = partial(render_icons, head, directions[:icons], keys, few, 0, Silence(), batch_size=size)
            _, taken = timed(work, cut.classifier.device)
            seconds.append(taken)
        print(f"  {name:<46}{(seconds[1] - seconds[0]) / 8 / icons * 1000:>8.1f} ms an icon and step", flush=True)


def precisions(cut: LayerCut, directions: FloatArray, settings: IconSettings, batch_size: int) -> None:
    """Print how far icons rendered in bfloat16 are from those in float32, beside those of another seed."""
    keys = [str(index) for index in range(len(directions))]
    kinds = {"float32": (False, 0), "bfloat16": (True, 0), "float32, other seed": (False, 1)}
    first: PixelArray | None = None
    for name, (bfloat16, seed) in kinds.items():
        chosen = replace(settings, bfloat16=bfloat16)
        work = partial(render_icons, cut, directions, keys, chosen, seed, Silence(), batch_size=batch_size)
        icons, seconds = timed(work, cut.classifier.device)
        pixels = icons.pixels
        first = pixels if first is None else first
        value, reached = judge(cut, pixels, directions, settings.side_px)
        print(
            f"  {name:<20}{len(directions) / seconds:6.2f} icons/s, objective {value:7.2f}, cosine {reached:.3f}, mean "
            f"difference from the first {np.abs(pixels.astype(int) - first.astype(int)).mean():5.2f} of 255", flush=True
        )  # fmt: skip


def against_lucent(cut: LayerCut, directions: FloatArray, settings: IconSettings, options: argparse.Namespace) -> None:
    """Print what each step of speed bought, then icons a second and the judge's numbers, here and by torch-lucent."""
    device = cut.classifier.device
    ladder(cut, directions, settings, options.batch_size)
    own = cut.input_size[0]
    keys = [str(index) for index in range(len(directions))]
    pixels, seconds = timed(
        lambda: render_icons(cut, directions, keys, settings, 0, Silence(), batch_size=options.batch_size).pixels,
        device,
    )
    rate = len(directions) / seconds
    print(
        f"here: {len(directions)} icons of {options.side} px, {options.steps} steps, "
        f"{seconds:.1f} s, {rate:.3g} a second"
    )
    few = directions[: options.lucent_icons]
    rows = [pixels[: max(len(few), 12)]]
    if len(few):
        theirs, taken = timed(lambda: lucent_icons(cut.classifier, few, options.side, options.lucent_steps), device)
        rows.append(theirs)
        print(f"lucent: {len(few)} icons, {options.lucent_steps} steps, {taken:.1f} s, {len(few) / taken:.3g} a second")
        print(f"icons a second, here against lucent: {rate / (len(few) / taken):.0f}")
        for name, judged in (("here", pixels[: len(few)]), ("lucent", theirs)):
            for side in (options.side, own):
                value, reached = judge(cut, judged, few, side)
                home = side == (options.side if name == "here" else own)
                print(f"  {name:<7} at {side:>3} px: objective {value:7.2f}, cosine {reached:.3f}{' (home)' * home}")
    value, reached = judge(cut, pixels, directions, options.side)
    print(f"all {len(directions)} icons here at {options.side} px: objective {value:.2f}, cosine {reached:.3f}")
    if options.sheet:
        lines = [np.concatenate(list(row), axis=2) for row in rows]
        wide = max(line.shape[2] for line in lines)
        padded = [np.pad(line, ((0, 0), (0, 0), (0, wide - line.shape[2])), constant_values=255) for line in lines]
        Image.fromarray(np.concatenate(padded, axis=1).transpose(1, 2, 0)).save(options.sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("../shared/real"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--icons", type=int, default=100)
    parser.add_argument("--side", type=int, default=80)
    parser.add_argument("--steps", type=int, default=IconSettings().steps)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--bfloat16", action="store_true", help="run the network in bfloat16")
    parser.add_argument("--precisions", action="store_true", help="only compare bfloat16 with float32")
    parser.add_argument("--lucent-icons", type=int, default=3)
    parser.add_argument("--lucent-steps", type=int, default=512)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--sheet", type=Path, help="write the first icons as a PNG: ours, then lucent's")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    print(f"device: {describe_device(device)}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        cut = LayerCut(squeezenet(options.real.resolve(), device, Path(scratch)), LAYER)
    directions = cell_means(cut, options.real, options.icons)
    settings = IconSettings(side_px=options.side, steps=options.steps, power=POWER, bfloat16=options.bfloat16)
    if options.precisions:
        precisions(cut, directions, settings, options.batch_size)
    else:
        against_lucent(cut, directions, settings, options)


if __name__ == "__main__":
    main()
