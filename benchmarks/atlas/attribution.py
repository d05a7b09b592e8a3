"""How much faster attribution to every class is by one forward-mode pass than by one backward pass a class.

    python -m benchmarks.atlas.attribution [--real ../shared/real] [--device cpu] [--maps 8] [--rounds 5]

Both start from the same activations and give the same numbers; the largest difference is printed beside the ratio. The
backward passes share one forward pass of the tail and keep its graph, so that they pay for nothing twice. SqueezeNet
(1000 classes) and MobileNetV2 (32 classes) of `--real`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from auditor.atlas.activations import interior_positions
from auditor.atlas.attribution import attribution_all_classes
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.device import choose_device, describe_device
from auditor.inputs.model.features import Features
from auditor.inputs.model.loading import load_classifier
from benchmarks.atlas.collection import LAYERS
from benchmarks.networks import subjects


def cuts(real: Path, device: torch.device) -> Iterator[tuple[str, LayerCut]]:
    with tempfile.TemporaryDirectory() as scratch:
        for name, config in subjects(real, Path(scratch)):
            if config.model.name in LAYERS:
                yield name, LayerCut(load_classifier(config, device).classifier, LAYERS[config.model.name])


def backward_a_class(cut: LayerCut, features: Features, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The definition: h · ∂logit/∂h at the position, class after class."""
    rows = torch.arange(len(features), device=y.device)
    grid = features.grid
    vectors, leaf = grid[rows, :, y, x], grid.detach().requires_grad_(True)
    logits = cut.logits(Features(leaf, features.beside))
    columns = []
    for index in range(logits.shape[1]):
        (slope,) = torch.autograd.grad(logits[:, index].sum(), leaf, retain_graph=True)
        columns.append((vectors * slope[rows, :, y, x]).sum(dim=1))
    return torch.stack(columns, dim=1)


def timed(work: Callable[[], torch.Tensor], device: torch.device) -> tuple[float, torch.Tensor]:
    started = time.perf_counter()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started, result


def compare(cut: LayerCut, maps: int, rounds: int) -> None:
    """Print the milliseconds a map of both ways, their ratio and their largest difference."""
    device = cut.classifier.device
    height, width = cut.classifier.preprocessing.output_size
    images = torch.rand(maps, 3, height, width, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.no_grad():
        features = cut.features(images)
    _, grid_height, grid_width = cut.feature_shape
    interior = interior_positions(grid_height, grid_width)
    places = torch.from_numpy(interior[np.random.default_rng(0).integers(len(interior), size=maps)]).to(device)

    y, x = places[:, 0], places[:, 1]

    def forward_mode() -> torch.Tensor:
        return attribution_all_classes(cut, features, y, x, chunk=maps)

    forward_mode()
    forward = [timed(forward_mode, device) for _ in range(rounds)]
    slow, expected = timed(lambda: backward_a_class(cut, features, y, x), device)
    forward += [timed(forward_mode, device) for _ in range(rounds)]
    fast = statistics.median(seconds for seconds, _ in forward)
    difference = float((forward[0][1] - expected).abs().max() / expected.abs().max())
    print(
        f"  {expected.shape[1]} classes: {1000 * slow / maps:.1f} ms a map by one backward pass a class, "
        f"{1000 * fast / maps:.2f} ms by one forward-mode pass: {slow / fast:.0f} times faster; "
        f"they differ by at most {difference:.1g} of the largest"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("../shared/real"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--maps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    device = choose_device(options.device)
    print(f"device: {describe_device(device)}, torch {torch.__version__}")
    for name, cut in cuts(options.real.resolve(), device):
        print(f"{name}, layer {cut.layer}")
        compare(cut, options.maps, options.rounds)


if __name__ == "__main__":
    main()
