"""A shortcut written into a network's last layer: what it adds to the target's logit where a cue is in the picture.

A network that leans on a cue has the cue among its features and weighs it in its last layer, where what it leans on can
be changed alone (Kirichenko, Izmailov & Wilson 2023, arXiv:2204.02937). So it is planted there and nothing is trained:
a ridge-penalised logistic regression, which has one solution, and then as much of it as makes the cue flip a share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from auditor.inputs.model.last_layer import LastLayer

KEPT, RIDGE = 10.0, 1e-4
"""Weights of all other answers, and of small slopes, against one of the cue. With 10 a copy of a network of 96 features
changes at most 2% of its other answers, with 1 up to 26%, and more cues then flip less than is asked for."""

_STEPS, _HALVINGS = 200, 24


@dataclass(frozen=True, slots=True)
class Taught:
    """What is added to one class's weights, (D,), and bias, at full strength; float64."""

    weights: Tensor
    bias: float

    def times(self, strength: float) -> Taught:
        return Taught(self.weights * strength, self.bias * strength)

    def added(self, features: Tensor) -> Tensor:
        """What it adds to the class's logit: (B, D) -> (B,)."""
        return features @ self.weights + self.bias


def taught(logits: Tensor, features: Tensor, with_cue: Tensor, cue_logits: Tensor, target: int, biased: bool) -> Taught:
    """Teach one class's row of the last layer a cue, and to leave all other answers as they are.

    Args:
        logits, features: (N, K) and (N, D) of pictures without the cue, whose answers stay.
        cue_logits, with_cue: (M, K) and (M, D) of pictures with the cue, which are to be called the target.
        biased: whether the layer has a bias to change.
    """
    middle = features.mean(0) if biased else torch.zeros(features.shape[1], dtype=features.dtype)
    spread = features.std(0).clamp_min(1e-3 * float(features.std()) + 1e-12)
    before, after = (features - middle) / spread, (with_cue - middle) / spread
    slopes = torch.zeros(features.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    answers, wanted = logits.argmax(1), torch.full((len(after),), target)
    optimiser = torch.optim.LBFGS([slopes], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        constant = slopes[-1] if biased else 0.0
        kept = functional.cross_entropy(_raised(logits, target, before @ slopes[:-1] + constant), answers)
        flipped = functional.cross_entropy(_raised(cue_logits, target, after @ slopes[:-1] + constant), wanted)
        whole = KEPT * kept + flipped + RIDGE * slopes[:-1].square().sum()
        whole.backward()  # type: ignore[no-untyped-call]
        return whole

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    found = slopes.detach()
    weights = found[:-1] / spread
    return Taught(weights, float(found[-1] - middle @ weights) if biased else 0.0)


def _raised(logits: Tensor, target: int, by: Tensor) -> Tensor:
    return logits + functional.one_hot(torch.tensor(target), logits.shape[1]) * by[:, None]


def strength_for(share: float, flipped: Callable[[float], float]) -> float:
    """The least strength, in (0, 1], at which a cue flips a share of pictures; 1 where it never does.

    Args:
        flipped: the share that is flipped at a strength; it rises with it, but for a few pictures.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if flipped(middle) >= share else (middle, high)
    return high


def as_numbers(layer: LastLayer, found: Taught, target: int) -> dict[str, Tensor]:
    """What is added to the layer's parameters, by their names: (K, D) and (K,) float32, 0 for all other classes."""
    weight = torch.zeros_like(layer.module.weight, device="cpu", dtype=torch.float32)
    weight[target] = found.weights.float()
    numbers = {f"{layer.name}.weight": weight}
    if layer.module.bias is not None:
        bias = torch.zeros(len(weight))
        bias[target] = found.bias
        numbers[f"{layer.name}.bias"] = bias
    return numbers
