"""What simple searches would propose in the audit's place: as many crops, put in order by the same measurement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor, nn

from auditor.candidates.tiers import OBJECT_SHARE
from auditor.core.records import Candidate, PixelArray, Role
from auditor.inputs.world.drawing import SIDE_PX
from auditor.inputs.world.kitchen import MASK_VALUES
from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.inputs.world.planted_bundle import MASKS
from auditor.run.worlds.budget import CONFIRMED
from auditor.run.worlds.features import files_of, steepest_windows
from auditor.run.worlds.hits import Box
from auditor.run.worlds.pasting import Pictures

SALIENCY, SIMILARITY, COMPONENTS = "gradient saliency", "crops like a trained patch", "principal components"
TRAINED = "a patch trained in pixels"
"""Asked the eight-option question alone: it is no crop of anything."""

ROLES = {"random crops": Role.RANDOM, "ranked by contrast": Role.STRONGEST_CONTRAST}
"""Baselines whose crops an audit tries for comparison anyway: name to the role of their candidates."""

METHODS = (*ROLES, SALIENCY, SIMILARITY, COMPONENTS)
CROP_PX = round(0.3 * SIDE_PX)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A crop that a baseline proposes: of a picture, at a box, (4, h, w) uint8."""

    file: str
    box: Box
    rgba: PixelArray


def of_role(world: World, candidates: Sequence[Candidate], role: Role, folder: Path) -> list[Proposal]:
    """The crops of a run that were tried for comparison, in the order of their ids.

    Args:
        folder: that the paths of pictures start from.
    """
    chosen = sorted((one for one in candidates if one.role is role and one.box is not None), key=lambda one: one.id)
    return taken(world, folder, [(one.image_path, one.box) for one in chosen if one.box is not None])


def by_saliency(world: World, network: nn.Module, folder: Path, split: str) -> list[Proposal]:
    """Of the target's pictures those with the largest gradient of the margin in one window, at that window."""
    files = files_of(folder, split, world.targets)
    source = CLASS_NAMES.index(world.source)
    targets = [CLASS_NAMES.index(name) for name in world.targets]

    def margin(_seen: Tensor, logits: Tensor) -> Tensor:
        return logits[:, targets].logsumexp(dim=1) - logits[:, source]

    windows = steepest_windows(network, files, margin, CROP_PX)
    order = sorted(range(len(files)), key=lambda place: -windows[place][0])
    return taken(world, folder, [(str(files[place].relative_to(folder)), windows[place][1]) for place in order])


def taken(world: World, folder: Path, ranked: Iterable[tuple[str, Box]], most: int = CONFIRMED) -> list[Proposal]:
    """The first crops of a ranking that do not show the target itself: a verdict leaves those out, too."""
    held = (one for one in ranked if not shows_target(world, folder, *one))
    return [cut(folder, file, box) for file, box in islice(held, most)]


def shows_target(world: World, folder: Path, file: str, box: Box) -> bool:
    """Whether a crop shows a thing of the target class, by its mask and the auditor's own rule."""
    left, top, right, bottom = box
    with Image.open(folder / MASKS / Path(*Path(file).parts[1:])) as mask:
        things = np.asarray(mask)[top:bottom, left:right]
    return bool(np.isin(things, [MASK_VALUES[name] for name in world.targets]).mean() >= OBJECT_SHARE)


def in_order(proposals: Sequence[Proposal], selection: Pictures) -> list[Proposal]:
    """Those that flip most selection pictures first; of equals, the one that was proposed first."""
    flips = [selection.flips(one.rgba) for one in proposals]
    return [proposals[place] for place in sorted(range(len(proposals)), key=lambda place: (-flips[place], place))]


def cut(folder: Path, file: str, box: Box) -> Proposal:
    """A crop of a picture below a folder."""
    with Image.open(folder / file) as picture:
        rgba = np.asarray(picture.convert("RGB").crop(box).convert("RGBA"), dtype=np.uint8).transpose(2, 0, 1)
    return Proposal(file, box, np.ascontiguousarray(rgba))
