"""Train a universal patch on discovery pictures: the ceiling for its size, to read other candidates by.

It stands with the trials because it is pasted by them: the same draws, the same pasting, now with gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from auditor.core.config import TrialsConfig
from auditor.core.draws import keyed_generator
from auditor.core.errors import ImageError
from auditor.core.progress import Progress
from auditor.core.records import Candidate, ClassGroup, Origin, PixelArray, Tier
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import Classifier, group_logit
from auditor.trials.pasting import paste_pixels
from auditor.trials.patch import Patch, patch_png, sha256_of
from auditor.trials.placements import Variant, draw, largest_side_px


@dataclass(frozen=True, slots=True)
class TrainingBudget:
    """How long a patch is trained: `steps` of Adam at `learning_rate`, each on `batch_size` pictures."""

    steps: int = 200
    batch_size: int = 16
    learning_rate: float = 0.1


def train_patch(
    classifier: Classifier,
    pixels: PixelArray,
    image_keys: Sequence[str],
    target: ClassGroup,
    variants: Sequence[Variant],
    config: TrialsConfig,
    seed: int,
    progress: Progress,
    budget: TrainingBudget | None = None,
    identity: str = "o-001",
) -> Patch:
    """Train one square, opaque patch to make source pictures read as the target, wherever it is pasted.

    Each step takes the next pictures of a shuffled round, draws a placement for each of them as a trial would, and
    raises the mean log-probability of the target by the patch's pixels alone. Pixels are logistic functions of free
    numbers, so that they stay within [0, 1] and never lose their gradient.

    Args:
        pixels: (N, 3, H, W) uint8 source pictures of discovery; image_keys: their N keys.
        variants: paste rules that take turns, one a step; the largest decides the patch's size.
        identity: id of the candidate; it and the seed decide every draw.
    Returns:
        The patch at the largest size that a draw can have; origin `optimised`, tier `synthetic`.
    Raises:
        ImageError: there is no picture to train on.
    Source: Brown et al. 2017, Adversarial Patch, arXiv:1712.09665.
    """
    budget = budget or TrainingBudget()
    if not len(pixels):
        raise ImageError("a patch is trained on discovery pictures of the source, and there are none; add some")
    input_size = (int(pixels.shape[2]), int(pixels.shape[3]))
    sides = [max(1, round(largest_side_px(variant, config, input_size))) for variant in variants]
    start = keyed_generator(seed, "optimised", identity).normal(0.0, 0.1, size=(3, max(sides), max(sides)))
    # Patch and pasting stay on the CPU, where the gradient of sampling adds up in one fixed order on every run.
    free = torch.from_numpy(start).float().requires_grad_(True)
    optimiser = torch.optim.Adam([free], lr=budget.learning_rate)
    rows = _shuffled_rounds(len(pixels), budget, seed, identity)
    progress.start("training a patch", budget.steps)
    with torch.enable_grad():
        for step in range(budget.steps):
            turn = step % len(variants)
            chosen = rows[step * budget.batch_size : (step + 1) * budget.batch_size]
            keys = [image_keys[row] for row in chosen]
            draws = draw(variants[turn], config, keys, f"{identity}/{step}", (1.0, 1.0), input_size, seed)
            images = to_float(pixels[chosen], torch.device("cpu"))
            pasted = paste_pixels(images, _at_size(torch.sigmoid(free), sides[turn]), draws)
            loss = _target_loss(classifier.logits(pasted.to(classifier.device)), target)
            (free.grad,) = torch.autograd.grad(loss, free)
            optimiser.step()
            progress.advance()
    return _as_candidate(torch.sigmoid(free).detach(), identity, target)


def _shuffled_rounds(pictures: int, budget: TrainingBudget, seed: int, identity: str) -> list[int]:
    """Rows for every step: all pictures in a random order, then all of them in another one, and so on."""
    generator = keyed_generator(seed, "optimised order", identity)
    rounds = -(-budget.steps * budget.batch_size // pictures)
    return [int(row) for _ in range(rounds) for row in generator.permutation(pictures)]


def _at_size(colours: Tensor, side_px: int) -> Tensor:
    """(4, side, side) opaque pixels, resized as a patch is for a trial."""
    if colours.shape[1] != side_px:
        colours = functional.interpolate(colours[None], (side_px, side_px), mode="bilinear", antialias=True)[0]
    return torch.cat([colours, torch.ones_like(colours[:1])])


def _target_loss(logits: Tensor, target: ClassGroup) -> Tensor:
    """Mean negative log-probability of the target, a number above 0."""
    return (torch.logsumexp(logits, dim=1) - group_logit(logits, target.indices)).mean()


def _as_candidate(colours: Tensor, identity: str, target: ClassGroup) -> Patch:
    rounded = (colours * 255.0).round().byte().numpy()
    rgba = np.concatenate([rounded, np.full_like(rounded[:1], 255)])
    return Patch(
        Candidate(
            id=identity,
            name=f"optimised for {target.name}",
            origin=Origin.OPTIMISED,
            tier=Tier.SYNTHETIC,
            sha256=sha256_of(patch_png(rgba)),
        ),
        rgba,
    )
