"""What simple searches would propose in the audit's place: as many crops, put in order by the same measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from auditor.core.records import Candidate, PixelArray, Role
from auditor.inputs.world.drawing import SIDE_PX
from auditor.inputs.world.kitchen import class_folder
from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.run.worlds.budget import CONFIRMED
from auditor.run.worlds.hits import Box
from auditor.run.worlds.pasting import Pictures
from auditor.run.worlds.train import normalised

SALIENCY = "gradient saliency"
ROLES = {"random crops": Role.RANDOM, "ranked by contrast": Role.STRONGEST_CONTRAST}
"""Baselines whose crops an audit tries for comparison anyway: name to the role of their candidates."""

METHODS = (*ROLES, SALIENCY)
CROP_PX = round(0.3 * SIDE_PX)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A crop that a baseline proposes: of a picture, at a box, (4, h, w) uint8."""

    file: str
    box: Box
    rgba: PixelArray


def of_role(candidates: Sequence[Candidate], role: Role, folder: Path) -> list[Proposal]:
    """The crops of a run that were tried for comparison, in the order of their ids.

    Args:
        folder: that the paths of pictures start from.
    """
    chosen = sorted((one for one in candidates if one.role is role and one.box is not None), key=lambda one: one.id)
    return [_cut(folder, one.image_path, one.box) for one in chosen[:CONFIRMED] if one.box is not None]


def by_saliency(world: World, network: nn.Module, folder: Path, split: str) -> list[Proposal]:
    """Of the target's pictures those with the largest gradient of the margin in one window, at that window.

    A picture's saliency is the sum over channels of |pixel gradient| (Simonyan et al. 2014), summed over windows of
    the smaller size of crops.
    """
    files = [file for name in world.targets for file in sorted((folder / split / class_folder(name)).glob("*.png"))]
    source = CLASS_NAMES.index(world.source)
    targets = [CLASS_NAMES.index(name) for name in world.targets]
    found: list[tuple[float, str, Box]] = []
    for start in range(0, len(files), 64):
        part = files[start : start + 64]
        array = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in part]).transpose(0, 3, 1, 2)
        pixels = torch.from_numpy(np.ascontiguousarray(array)).float().div(255.0).requires_grad_()
        logits = network(normalised(pixels))
        (slope,) = torch.autograd.grad((logits[:, targets].logsumexp(dim=1) - logits[:, source]).sum(), pixels)
        sums = functional.avg_pool2d(slope.abs().sum(dim=1, keepdim=True), CROP_PX, stride=1)[:, 0]
        for file, of_file in zip(part, sums, strict=True):
            top, left = divmod(int(of_file.argmax()), of_file.shape[1])
            box = (left, top, left + CROP_PX, top + CROP_PX)
            found.append((float(of_file.max()), str(file.relative_to(folder)), box))
    found.sort(key=lambda one: -one[0])
    return [_cut(folder, file, box) for _, file, box in found[:CONFIRMED]]


def in_order(proposals: Sequence[Proposal], selection: Pictures) -> list[Proposal]:
    """Those that flip most selection pictures first; of equals, the one that was proposed first."""
    flips = [selection.flips(one.rgba) for one in proposals]
    return [proposals[place] for place in sorted(range(len(proposals)), key=lambda place: (-flips[place], place))]


def _cut(folder: Path, file: str, box: Box) -> Proposal:
    with Image.open(folder / file) as picture:
        rgba = np.asarray(picture.convert("RGB").crop(box).convert("RGBA"), dtype=np.uint8).transpose(2, 0, 1)
    return Proposal(file, box, np.ascontiguousarray(rgba))
