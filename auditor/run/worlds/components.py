"""A baseline by class-wise principal components of what goes into the head: what spurious features would span.

Neuhaus et al. 2023, "Spurious Features Everywhere", arXiv:2212.04871: features of a class's pictures, times the head's
weights for the class, are centred and decomposed; a component's part of the logit ranks the pictures.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.run.worlds.baselines import CROP_PX, Proposal, taken
from auditor.run.worlds.budget import CONFIRMED
from auditor.run.worlds.features import files_of, penultimate, pixels_of, steepest_windows

_PICTURES = 10


def by_components(world: World, network: nn.Module, folder: Path, split: str) -> list[Proposal]:
    """Of each of the first components of the target's features the picture with the largest part, at one window.

    The window is the one whose pixels the part depends on most; where it shows the target itself, the next picture's
    counts. Components share the crops evenly among the target's classes, the largest variances first.
    """
    head = network.get_submodule("head")
    each = max(1, CONFIRMED // len(world.targets))
    found: list[Proposal] = []
    for name in world.targets:
        files = files_of(folder, split, [name])
        with torch.inference_mode():
            seen, _ = penultimate(network, torch.from_numpy(pixels_of(files)).float() / 255.0)
        weights = next(iter(head.parameters()))[CLASS_NAMES.index(name)].detach()
        parts = Components(weights, seen)
        for place in range(min(each, len(parts.directions))):
            order = torch.argsort(-parts.of(seen, place), stable=True).tolist()[:_PICTURES]
            best = [files[number] for number in order]
            windows = steepest_windows(network, best, partial(parts.objective, place), CROP_PX)
            plans = [(str(file.relative_to(folder)), box) for file, (_, box) in zip(best, windows, strict=True)]
            found += taken(world, folder, plans, most=1)
    return found[:CONFIRMED]


class Components:
    """Principal components of a class's features times its weights.

    Attributes:
        directions: (C, D) of length 1, the largest variance first.
    """

    def __init__(self, weights: Tensor, seen: Tensor) -> None:
        """
        Args:
            weights: (D,) of the class in the head; seen: (N, D) what its pictures put into it.
        """
        self._weights = weights
        told = seen.clone() * weights
        self._middle = told.mean(dim=0)
        self.directions = torch.linalg.svd(told - self._middle, full_matrices=False).Vh

    def of(self, seen: Tensor, place: int) -> Tensor:
        """(B,) what a component adds to the class's logit; the parts of all add up to it, less its mean."""
        direction = self.directions[place]
        part: Tensor = (seen * self._weights - self._middle) @ direction * direction.sum()
        return part

    def objective(self, place: int, seen: Tensor, _logits: Tensor) -> Tensor:
        """`of` as `steepest_windows` asks for it."""
        return self.of(seen, place)
