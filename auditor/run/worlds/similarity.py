"""A baseline in the manner of SNAFUE: natural crops whose features, as pasted, lie closest to a trained patch's.

Casper et al. 2023, "Red Teaming Deep Neural Networks with Feature Synthesis Tools", arXiv:2302.10894: synthetic
adversarial patches are trained, and natural patches are put in order by the cosine of their latents with those.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from auditor.core.draws import keyed_generator
from auditor.core.records import PixelArray
from auditor.inputs.world.drawing import SIDE_PX
from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.run.worlds.baselines import CROP_PX, Proposal, taken
from auditor.run.worlds.features import files_of, penultimate
from auditor.run.worlds.hits import Box
from auditor.run.worlds.trained_patch import PATCH_PX, in_corner

CROPS, PICTURES = 500, 8
_AT_ONCE = 16


def by_similarity(
    world: World, network: nn.Module, folder: Path, split: str, pictures: PixelArray, patches: PixelArray, seed: int
) -> list[Proposal]:
    """Of 500 random crops from classes other than the source, those most like any of some trained patches.

    Args:
        pictures: (N, 3, 64, 64) uint8 of the source, of which eight are pasted on.
        patches: (P, 3, s, s) uint8 trained ones, s the side of a paste.
    """
    plans = _planned(world, folder, split, seed)
    squares = np.stack([_square(folder, file, box) for file, box in plans])
    under = torch.from_numpy(pictures[:PICTURES]).float() / 255.0
    wanted, found = (_latents(network, under, one) for one in (patches, squares))
    # what the two kinds have in common, a patch in the corner, says nothing about what the patch shows
    spread = torch.cat([wanted, found]).std(dim=0).clamp_min(1e-6)
    middle = found.mean(dim=0)
    alike = functional.normalize((found - middle) / spread) @ functional.normalize((wanted - middle) / spread).T
    order = torch.argsort(-alike.amax(dim=1), stable=True).tolist()
    return taken(world, folder, [plans[place] for place in order])


def _planned(world: World, folder: Path, split: str, seed: int) -> list[tuple[str, Box]]:
    files = files_of(folder, split, [name for name in CLASS_NAMES if name != world.source])
    generator = keyed_generator(seed, "worlds", "crops", world.name)
    plans = []
    for _ in range(CROPS):
        left, top = (int(one) for one in generator.integers(SIDE_PX - CROP_PX + 1, size=2))
        file = files[int(generator.integers(len(files)))]
        plans.append((str(file.relative_to(folder)), (left, top, left + CROP_PX, top + CROP_PX)))
    return plans


def _square(folder: Path, file: str, box: Box) -> PixelArray:
    with Image.open(folder / file) as picture:
        small = picture.convert("RGB").crop(box).resize((PATCH_PX, PATCH_PX), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)


def _latents(network: nn.Module, under: Tensor, patches: PixelArray) -> Tensor:
    """(P, D): what a patch changes in what goes into the head, mean over pictures."""
    with torch.inference_mode():
        plain, _ = penultimate(network, under)
        found = []
        for part in torch.split(torch.from_numpy(patches).float() / 255.0, _AT_ONCE):
            seen, _ = penultimate(network, in_corner(under, part).flatten(0, 1))
            found.append(seen.reshape(len(part), len(under), -1).sub(plain).mean(dim=1))
    return torch.cat(found)
