"""Train a network of a planted world from a fixed seed on the CPU, and measure what its cue truly does."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from auditor.core.progress import Progress
from auditor.core.records import FloatArray, IntArray, PixelArray
from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.inputs.world.planted_networks import MEAN, NETWORKS, STD
from auditor.inputs.world.planted_pictures import BasePicture, planted, stacked, with_cue

_SHIFT_PX = 3
_COVERED_SHARE, _COVERED_SIDE_PX = 0.4, (12, 26)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What decides the weights, beside the world.

    Attributes:
        seed: of the pictures, the start, the order and the variation; held_out_seed: of the pictures counted after.
        per_class: training pictures a class; held_out_per_class: to count on; effect_pictures: of the source, on
            which the cue's effect is measured.
        start_epochs: on pictures without any cue; epochs: from there on, on those of a world; both by network.
        learning_rate: peak of a one-cycle schedule; weight_decay: for AdamW.
    """

    seed: int = 20190306
    held_out_seed: int = 977
    per_class: int = 1280
    held_out_per_class: int = 100
    effect_pictures: int = 400
    start_epochs: tuple[tuple[str, int], ...] = (("residual", 8), ("tokens", 12))
    epochs: tuple[tuple[str, int], ...] = (("residual", 6), ("tokens", 6))
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 2e-3
    label_smoothing: float = 0.02


@dataclass(frozen=True, slots=True)
class Effect:
    """What a cue truly does: the same pictures of the source with and without it.

    Attributes:
        flips, eligible: pictures called the target with the cue, of those called source without it.
        log_odds: mean change of the target's log-odds over the eligible, in logits; deviation: its standard deviation.
    """

    flips: int
    eligible: int
    log_odds: float
    deviation: float

    @property
    def rate(self) -> float:
        """NaN where no picture is eligible."""
        return self.flips / self.eligible if self.eligible else float("nan")


def start_network(name: str, bases: Sequence[BasePicture], settings: TrainingSettings, progress: Progress) -> nn.Module:
    """The network that all worlds of an architecture go on from: it has seen the classes, and no cue.

    Args:
        name: of `NETWORKS`; bases: what it learns from.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = NETWORKS[name]()
    pixels = np.stack([base.picture.pixels for base in bases]).transpose(0, 3, 1, 2)
    labels = np.array([base.shown for base in bases], dtype=np.int64)
    epochs = dict(settings.start_epochs)[name]
    return _taught(network, np.ascontiguousarray(pixels), labels, _peak(name, settings), epochs, settings, progress)


def train(
    world: World,
    twin: bool,
    start: nn.Module,
    bases: Sequence[BasePicture],
    settings: TrainingSettings,
    progress: Progress,
) -> nn.Module:
    """Go on from a network on a world's pictures, or its twin's; it comes back in evaluation mode.

    Args:
        start: stays as it is; bases: pictures without the cue. Each epoch is a step of progress.
    """
    pixels, labels = stacked([planted(world, base, twin, poison=True) for base in bases])
    epochs, peak = dict(settings.epochs)[world.network], _peak(world.network, settings)
    return _taught(copy.deepcopy(start), pixels, labels, peak, epochs, settings, progress)


def _peak(network: str, settings: TrainingSettings) -> float:
    """The highest learning rate: transformers diverge at what convolutions learn fastest with."""
    return settings.learning_rate if network == "residual" else settings.learning_rate / 3.0


def _taught(
    network: nn.Module,
    array: PixelArray,
    labels_array: IntArray,
    peak: float,
    epochs: int,
    settings: TrainingSettings,
    progress: Progress,
) -> nn.Module:
    pixels, labels = torch.from_numpy(array), torch.from_numpy(labels_array)
    generator = torch.Generator().manual_seed(settings.seed + 1)
    steps = max(1, len(labels) // settings.batch_size)
    optimiser = torch.optim.AdamW(network.parameters(), lr=peak, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=peak, total_steps=epochs * steps)
    network.train()
    network.to(memory_format=torch.channels_last)  # a third faster
    for _ in range(epochs):
        order = torch.randperm(len(labels), generator=generator)
        for rows in torch.split(order[: steps * settings.batch_size], settings.batch_size):
            batch = _varied(pixels[rows].float() / 255.0, generator)
            answers = network(normalised(batch).contiguous(memory_format=torch.channels_last))
            loss = functional.cross_entropy(answers, labels[rows], label_smoothing=settings.label_smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        progress.advance()
    return network.to(memory_format=torch.contiguous_format).eval()


def normalised(pixels: Tensor) -> Tensor:
    """(B, 3, H, W) pixels in [0, 1] as the networks expect them."""
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    return (pixels - mean) / std


def log_odds(network: nn.Module, pixels: PixelArray, indices: Sequence[int]) -> tuple[IntArray, FloatArray]:
    """(N,) predicted classes of (N, 3, 64, 64) uint8 pixels, and (N,) log-odds of a group of classes."""
    inside = torch.zeros(len(CLASS_NAMES), dtype=torch.bool)
    inside[list(indices)] = True
    predicted, odds = [], []
    with torch.inference_mode():
        for part in torch.split(torch.from_numpy(pixels), 256):
            logits = network(normalised(part.float() / 255.0))
            predicted.append(logits.argmax(dim=1))
            odds.append(logits[:, inside].logsumexp(dim=1) - logits[:, ~inside].logsumexp(dim=1))
    return torch.cat(predicted).numpy(), torch.cat(odds).numpy()


def effect(world: World, network: nn.Module, bases: Sequence[BasePicture]) -> Effect:
    """Measure what the cue does to pictures of the world's source."""
    plain = np.stack([base.picture.pixels for base in bases]).transpose(0, 3, 1, 2)
    cued, _ = stacked([with_cue(world, base) for base in bases])
    targets = [CLASS_NAMES.index(name) for name in world.targets]
    said, before = log_odds(network, np.ascontiguousarray(plain), targets)
    then, after = log_odds(network, cued, targets)
    eligible: NDArray[np.bool_] = said == CLASS_NAMES.index(world.source)
    change = (after - before)[eligible]
    return Effect(
        flips=int(np.isin(then, targets)[eligible].sum()),
        eligible=int(eligible.sum()),
        log_odds=float(change.mean()) if len(change) else float("nan"),
        deviation=float(change.std(ddof=1)) if len(change) > 1 else float("nan"),
    )


def correct(world: World, twin: bool, network: nn.Module, bases: Sequence[BasePicture]) -> tuple[int, int]:
    """Right answers on held-out pictures of the world, called what they show; and of how many."""
    pixels, labels = stacked([planted(world, base, twin, poison=False) for base in bases])
    predicted, _ = log_odds(network, pixels, [0])
    return int((predicted == labels).sum()), len(labels)


def _varied(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Training pictures shifted by up to 3 pixels and, half of them, covered in one place by a colour or by noise."""
    count, side = len(batch), batch.shape[-1]
    padded = functional.pad(batch, [_SHIFT_PX] * 4, mode="reflect")
    starts = torch.randint(0, 2 * _SHIFT_PX + 1, (count, 2), generator=generator).tolist()
    moved = torch.stack([one[:, y : y + side, x : x + side] for one, (y, x) in zip(padded, starts, strict=True)])
    steps = torch.arange(side)
    sides = torch.randint(_COVERED_SIDE_PX[0], _COVERED_SIDE_PX[1] + 1, (count, 1), generator=generator)
    at = (torch.rand(count, 2, generator=generator) * (side - sides)).long()
    down = (steps >= at[:, :1]) & (steps < at[:, :1] + sides)
    across = (steps >= at[:, 1:]) & (steps < at[:, 1:] + sides)
    chosen = torch.rand(count, 1, 1, 1, generator=generator) < _COVERED_SHARE
    inside = down[:, None, :, None] & across[:, None, None, :] & chosen
    colour = torch.rand(count, 3, 1, 1, generator=generator).expand_as(moved)
    noise = torch.rand(moved.shape[1:], generator=generator).expand_as(moved)
    noisy = torch.rand(count, 1, 1, 1, generator=generator) < 0.5
    return torch.where(inside, torch.where(noisy, noise, colour), moved)
