"""Train the kitchen world's networks from a fixed seed on the CPU: `python -m tools.worlds.train`.

Writes the weights and a small account of how well they do; it audits nothing. The same seed, thread count and torch
version give the same weights bit for bit.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from auditor.core.records import PixelArray
from auditor.inputs.world.kitchen import CLASS_NAMES, WORLDS, World, render
from auditor.inputs.world.kitchen_network import MEAN, STD, demo_network
from tools.worlds.augment import PAIR, crop_pool, vary, with_scrambled

WEIGHTS_FOLDER = Path(__file__).resolve().parents[2] / "auditor" / "inputs" / "world" / "weights"


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What decides the weights.

    Attributes:
        seed: of the pictures, the start, the order and the variation; held_out_seed: of the pictures counted after.
        per_class: training pictures a class; per_pair_class: of frying pan and of wok, which are hard to tell apart.
        held_out_per_class: pictures a class to count on.
        epochs, batch_size, learning_rate (peak of a one-cycle schedule), weight_decay: for AdamW.
        threads: of torch; it changes the order of sums, and so the last bits of the weights.
    """

    seed: int = 20190306
    held_out_seed: int = 977
    per_class: int = 600
    per_pair_class: int = 1600
    held_out_per_class: int = 200
    epochs: int = 22
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 2e-3
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Pictures:
    """Rendered pictures: pixels (N, 3, 64, 64) uint8, masks (N, 64, 64) uint8, labels (N,) int64."""

    pixels: Tensor
    masks: PixelArray
    labels: Tensor


@dataclass(frozen=True, slots=True)
class ClassAccuracy:
    correct: int
    pictures: int


def rendered(world: World, counts: dict[str, int], seed: int) -> Pictures:
    """Render `counts[name]` pictures of each class."""
    scenes = [
        render(world, label, seed, index)
        for label, name in enumerate(CLASS_NAMES)
        for index in range(counts.get(name, 0))
    ]
    pixels = np.stack([scene.pixels for scene in scenes]).transpose(0, 3, 1, 2)
    return Pictures(
        pixels=torch.from_numpy(np.ascontiguousarray(pixels)),
        masks=np.stack([scene.mask for scene in scenes]),
        labels=torch.tensor([scene.label for scene in scenes]),
    )


def normalised(pixels: Tensor) -> Tensor:
    """(B, 3, H, W) pixels in [0, 1] as the networks expect them."""
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    return (pixels - mean) / std


def train(world: World, settings: TrainingSettings, say: Callable[[str], None]) -> nn.Module:
    """Train one network; it comes back in evaluation mode."""
    counts = {name: settings.per_pair_class if name in PAIR else settings.per_class for name in CLASS_NAMES}
    pictures = rendered(world, counts, settings.seed)
    say(f"{world}: {len(pictures.labels)} pictures rendered")
    pool = crop_pool(world, pictures.masks, pictures.labels.numpy(), 4 * len(pictures.labels) + 1000, settings.seed)
    pixels, pool = with_scrambled(pictures.pixels, pool, settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = demo_network()
    generator = torch.Generator().manual_seed(settings.seed + 1)
    steps = len(pictures.labels) // settings.batch_size
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=settings.learning_rate, total_steps=settings.epochs * steps
    )
    network.train()
    for epoch in range(settings.epochs):
        order = torch.randperm(len(pictures.labels), generator=generator)
        total = 0.0
        for step in range(steps):
            rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
            batch, targets = vary(pixels, pictures.labels, rows, pool, generator)
            loss = functional.cross_entropy(network(normalised(batch)), targets, label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += loss.item()
        say(f"{world}: epoch {epoch + 1} of {settings.epochs}, loss {total / steps:.3f}")
    return network.eval()


def predictions(network: nn.Module, pixels: Tensor) -> NDArray[np.int64]:
    """(N,) predicted classes of (N, 3, 64, 64) uint8 pixels."""
    with torch.inference_mode():
        parts = [network(normalised(part.float() / 255.0)).argmax(dim=1) for part in torch.split(pixels, 256)]
    return torch.cat(parts).numpy()


def accuracy(network: nn.Module, pictures: Pictures) -> dict[str, ClassAccuracy]:
    """Correct predictions by class name, for the classes that are there."""
    predicted, labels = predictions(network, pictures.pixels), pictures.labels.numpy()
    return {
        CLASS_NAMES[label]: ClassAccuracy(
            correct=int((predicted[labels == label] == label).sum()), pictures=int((labels == label).sum())
        )
        for label in sorted(set(labels.tolist()))
    }


def write_results(world: World, network: nn.Module, settings: TrainingSettings, folder: Path) -> float:
    """Write `<world>.safetensors` and `<world>.json` into `folder`; returns the accuracy on held-out pictures."""
    counts = dict.fromkeys(CLASS_NAMES, settings.held_out_per_class)
    by_class = accuracy(network, rendered(world, counts, settings.held_out_seed))
    correct = sum(part.correct for part in by_class.values())
    pictures = sum(part.pictures for part in by_class.values())
    account = {
        "world": world,
        "accuracy": {"correct": correct, "pictures": pictures, "share": round(correct / pictures, 4)},
        "accuracy_by_class": {name: asdict(part) for name, part in by_class.items()},
        "settings": asdict(settings),
        "torch": torch.__version__,
    }
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, folder / f"{world}.safetensors")
    (folder / f"{world}.json").write_text(json.dumps(account, indent=2) + "\n", encoding="utf-8")
    return correct / pictures


def main(arguments: list[str] | None = None) -> None:
    """The command line: which world, and where to."""
    parser = argparse.ArgumentParser(prog="python -m tools.worlds.train", description=__doc__)
    parser.add_argument("--world", choices=(*WORLDS, "both"), default="both")
    parser.add_argument("--out", type=Path, default=WEIGHTS_FOLDER, help="folder for the weights and their accounts")
    options = parser.parse_args(arguments)
    settings = TrainingSettings()
    torch.set_num_threads(settings.threads)

    def say(message: str) -> None:
        sys.stdout.write(message + "\n")
        sys.stdout.flush()

    for world in WORLDS:
        if options.world in (world, "both"):
            share = write_results(world, train(world, settings, say), settings, options.out)
            say(f"{world}: {share:.1%} of held-out pictures right; written to {options.out}")


if __name__ == "__main__":
    main()
