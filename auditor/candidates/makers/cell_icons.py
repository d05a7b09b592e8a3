"""Icons of cells as patches, at patch size. How a direction is rendered is told in `atlas.icons`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.atlas.icons.transforms import Movement
from auditor.candidates.makers.maker import Found, Maker
from auditor.core.progress import Progress
from auditor.core.records import Candidate, Cell, Origin, PixelArray, Tier
from auditor.inputs.model.cut import LayerCut
from auditor.trials.patch import Patch

LEAST_SIDE_PX = 16
"""A smaller icon is a blur to every network; its patch is rendered at this size and shrunk when it is pasted."""


def patch_settings(side_px: int, steps: int) -> IconSettings:
    """How patches of a side are rendered: moved by a tenth of it, as an icon of usual size is."""
    return IconSettings(side_px=side_px, steps=steps, movement=Movement(jitter_px=side_px / 10))


def found_settings(found: Found) -> IconSettings:
    """How the patches of a run are rendered."""
    return patch_settings(max(LEAST_SIDE_PX, found.side_px), found.config.candidates.icon_steps)


def icon_patches(
    cut: LayerCut,
    cells: Sequence[Cell],
    identities: Sequence[str],
    settings: IconSettings,
    seed: int,
    progress: Progress,
) -> list[Patch]:
    """One patch a cell: the icon of its mean activation, at the size at which it will be pasted.

    Args:
        identities: of the candidates, one a cell. Noise and movements are keyed by the cell's name.
        settings: such as `patch_settings`; `side_px` is the patch's side in a trial, so that its features are seen
            at the size at which they were rendered.
    Returns:
        Opaque patches of origin `render` and tier `synthetic` with their cells' pushes.
    Raises:
        LayerError: the network runs at no size that an icon can have.
    """
    if not cells:
        return []
    directions = np.stack([cell.mean_activation for cell in cells])
    keys = [cell.name for cell in cells]
    icons = render_icons(cut, directions, keys, settings, seed, progress)
    return [
        as_patch(
            Candidate(
                id=identity,
                name=f"icon of cell {cell.name}",
                origin=Origin.RENDER,
                tier=Tier.SYNTHETIC,
                cell=cell.name,
                observed_push=cell.contrast,
            ),
            pixels,
        )
        for identity, cell, pixels in zip(identities, cells, icons.pixels, strict=True)
    ]


def as_patch(candidate: Candidate, pixels: PixelArray) -> Patch:
    """A (3 or 4, s, s) icon as a patch; without alpha it is opaque."""
    return Patch(candidate, pixels if len(pixels) == 4 else np.concatenate([pixels, np.full_like(pixels[:1], 255)]))


def _make(found: Found) -> list[Patch]:
    """Icons of the cells that push most, predicted; none where no layer is mapped."""
    if found.cut is None:
        return []
    known = [cell for cell in found.cells if math.isfinite(cell.predicted_push)]
    cells = sorted(known, key=lambda cell: (-cell.predicted_push, cell.name))[: found.config.candidates.icons]
    settings = found_settings(found)
    identities = CELL_ICONS.identities(len(cells))
    return icon_patches(found.cut, cells, identities, settings, found.scene.seed, found.progress)


CELL_ICONS = Maker("i", Origin.RENDER, "the icon of a cell, rendered at patch size", _make)
