"""Train a universal patch on discovery pictures: the ceiling for its size, to read other candidates by.

It is pasted as in trials: the same draws, the same pasting, now with gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from auditor.candidates.makers.maker import Found, Maker
from auditor.core.config import TrialsConfig
from auditor.core.draws import keyed_generator
from auditor.core.errors import ImageError, TrainingError
from auditor.core.progress import Progress
from auditor.core.records import Candidate, ClassGroup, Origin, PixelArray, Split, Tier
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import Classifier, group_logit
from auditor.inputs.model.foreign import DIFFERENTIATING
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.trials.grounds import ANYWHERE, Grounds
from auditor.trials.pasting import paste_pixels
from auditor.trials.patch import Patch
from auditor.trials.placements import Variant, draw, largest_side_px, variants_of

# Steps in which no pixel had a gradient, after which none is expected.
_PATIENCE = 8


@dataclass(frozen=True, slots=True)
class TrainingBudget:
    """How long a patch is trained: `steps` of Adam at `learning_rate`, each on `batch_size` pictures."""

    steps: int = 200
    batch_size: int = 16
    learning_rate: float = 0.1


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a patch is trained for, on which pictures, and how it is pasted there.

    Attributes:
        pixels: (N, 3, H, W) uint8 source pictures of discovery; image_keys: their N keys.
        target: what they are to be called.
        variants: paste rules that take turns, one a step; the largest decides the patch's size.
        config, seed: of the trials, whose draws these are.
        names: of the pictures, for the message where the network fails on one.
        grounds: what is known of them that tells where patches may lie.
    """

    pixels: PixelArray
    image_keys: Sequence[str]
    target: ClassGroup
    variants: Sequence[Variant]
    config: TrialsConfig
    seed: int
    names: Sequence[str] = ()
    grounds: Grounds = ANYWHERE


def train_patch(
    classifier: Classifier,
    lesson: Lesson,
    progress: Progress,
    budget: TrainingBudget | None = None,
    identity: str = "o-001",
) -> Patch:
    """Train one square, opaque patch to make source pictures read as the target, wherever it is pasted.

    Each step takes the next pictures of a shuffled round, draws a placement for each of them as a trial would, and
    raises the mean log-probability of the target by the patch's pixels alone. Pixels are logistic functions of free
    numbers, so that they stay within [0, 1] and never lose their gradient.

    Args:
        identity: id of the candidate; it and the seed decide every draw.
    Returns:
        The patch at the largest size that a draw can have; origin `optimised`, tier `synthetic`.
    Raises:
        ImageError: there is no picture to train on.
        TrainingError: the gradient is 0 everywhere, so that the patch stayed the noise that it began as.
    Source: Brown et al. 2017, Adversarial Patch, arXiv:1712.09665.
    """
    budget, variants, config, seed = budget or TrainingBudget(), lesson.variants, lesson.config, lesson.seed
    if not len(lesson.pixels):
        raise ImageError("a patch is trained on discovery pictures of the source, and there are none; add some")
    input_size = (int(lesson.pixels.shape[2]), int(lesson.pixels.shape[3]))
    sides = [max(1, round(largest_side_px(variant, config, input_size))) for variant in variants]
    start = keyed_generator(seed, "optimised", identity).normal(0.0, 0.1, size=(3, max(sides), max(sides)))
    # Patch and pasting stay on the CPU, where the gradient of sampling adds up in one fixed order on every run.
    free = torch.from_numpy(start).float().requires_grad_(True)
    optimiser = torch.optim.Adam([free], lr=budget.learning_rate)
    rows = _shuffled_rounds(len(lesson.pixels), budget, seed, identity)
    progress.start("training a patch", budget.steps)
    led, together = False, Batches(budget.batch_size)
    with torch.enable_grad():
        for step in range(budget.steps):
            turn = step % len(variants)
            chosen = rows[step * budget.batch_size : (step + 1) * budget.batch_size]
            keys = [lesson.image_keys[row] for row in chosen]
            draws = draw(
                variants[turn], config, keys, f"{identity}/{step}", (1.0, 1.0), input_size, seed, lesson.grounds
            )
            images = to_float(lesson.pixels[chosen], torch.device("cpu"))
            pasted = paste_pixels(images, _at_size(torch.sigmoid(free), sides[turn]), draws)
            names = [f"{lesson.names[row]} with {identity} on it" for row in chosen] if lesson.names else ()
            slopes = _slopes(classifier, pasted.detach(), lesson.target, together, names)
            (free.grad,) = torch.autograd.grad(pasted, free, slopes)
            led = led or bool(free.grad.any())
            if not led and step + 1 == min(budget.steps, _PATIENCE):
                raise TrainingError(
                    "a patch could not be trained: the gradient of its pixels is 0 everywhere, as where logits are "
                    "rounded, so the ceiling for its size is not known"
                )
            optimiser.step()
            progress.advance()
    return _as_candidate(torch.sigmoid(free).detach(), identity, lesson.target)


def _slopes(
    classifier: Classifier, images: Tensor, target: ClassGroup, together: Batches, names: Sequence[str]
) -> Tensor:
    """The derivative of the mean loss by the pixels of (B, 3, H, W) pictures; 0 where none of them leads to it."""

    def of_part(rows: slice) -> Tensor:
        leaf = images[rows].to(classifier.device).requires_grad_(True)
        loss = _target_loss(classifier.logits(leaf), target) / len(images)
        if not loss.requires_grad:
            return torch.zeros_like(images[rows])
        with DIFFERENTIATING:
            (slope,) = torch.autograd.grad(loss, leaf, allow_unused=True, materialize_grads=True)
        return slope.to(images.device)

    parts = [part for _, part in together.each(len(images), naming(of_part, names))]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


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
    """Summed negative log-probability of the target, a number above 0."""
    return (torch.logsumexp(logits, dim=1) - group_logit(logits, target.indices)).sum()


def _as_candidate(colours: Tensor, identity: str, target: ClassGroup) -> Patch:
    rounded = (colours * 255.0).round().byte().numpy()
    rgba = np.concatenate([rounded, np.full_like(rounded[:1], 255)])
    return Patch(
        Candidate(
            id=identity,
            name=f"optimised for {target.name}",
            origin=Origin.OPTIMISED,
            tier=Tier.SYNTHETIC,
        ),
        rgba,
    )


def _make(found: Found) -> list[Patch]:
    """One, at the placement that is tried first, on discovery pictures of the source; none without any."""
    scene, config = found.scene, found.config
    rows = scene.pool.rows(Split.DISCOVERY, scene.source.indices)
    if not config.candidates.trained:
        return []
    if not len(rows):
        found.progress.say("no patch was trained: discovery has no picture of the source")
        return []
    lesson = Lesson(
        pixels=scene.pool.pixels[rows],
        image_keys=[scene.pool.images[row].key for row in rows],
        target=scene.target,
        variants=variants_of(config.trials.placements[0], config.trials),
        config=config.trials,
        seed=scene.seed,
        names=scene.pool.paths(rows),
        grounds=scene.grounds,
    )
    budget = TrainingBudget(config.candidates.trained)
    (identity,) = TRAINED.identities(1)
    try:
        return [train_patch(scene.classifier, lesson, found.progress, budget, identity)]
    except TrainingError as error:
        found.progress.say(str(error))
        return []


TRAINED = Maker("o", Origin.OPTIMISED, "trained against this very model", _make, screened=False)
