"""Icons as patches, at patch size: from cells' means, or from a crop onwards. Rendering itself is inversion's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from auditor.atlas.icons.objective import Whitening
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.atlas.icons.transforms import Movement
from auditor.core.progress import Progress
from auditor.core.records import Candidate, Cell, FloatArray, Origin, PixelArray, Tier
from auditor.inputs.images.pixels import pixels_on_grey, to_float
from auditor.inputs.model.cut import LayerCut
from auditor.trials.patch import Patch, patch_png, resize_patch, sha256_of

_START_GREY = 127.5
"""Of 255: what lies behind a transparent patch that is dreamed on."""


def patch_settings(side_px: int, steps: int = 128) -> IconSettings:
    """How patches of a side are rendered: moved by a tenth of it, as an icon of usual size is."""
    return IconSettings(side_px=side_px, steps=steps, movement=Movement(jitter_px=side_px / 10))


def render_cells(
    cut: LayerCut,
    cells: Sequence[Cell],
    identities: Sequence[str],
    settings: IconSettings,
    seed: int,
    progress: Progress,
    whitening: Whitening | None = None,
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
    icons = render_icons(cut, directions, keys, settings, seed, progress, whitening=whitening)
    return [
        _rendered(
            Candidate(
                id=identity,
                name=f"icon of cell {cell.name}",
                origin=Origin.RENDER,
                tier=Tier.SYNTHETIC,
                sha256="",
                cell=cell.name,
                observed_push=cell.contrast,
            ),
            pixels,
        )
        for identity, cell, pixels in zip(identities, cells, icons.pixels, strict=True)
    ]


def dream_crops(
    cut: LayerCut,
    parents: Sequence[Patch],
    identities: Sequence[str],
    settings: IconSettings,
    seed: int,
    progress: Progress,
) -> list[Patch]:
    """Every parent, rendered onwards from its own pixels towards more of what the layer sees in it.

    The direction is the crop's own mean activation, so that what is strong in it grows. A parent's transparency is
    left behind: what is under it is dreamed too, on grey.

    Returns:
        Opaque patches of origin `render` and tier `synthetic`, whatever tier the parent has: nobody photographed
        them. Picture, box and cell are the parent's, and `parts` names it.
    Raises:
        LayerError: as `render_cells`.
    """
    if not parents:
        return []
    side = settings.side_px
    starts = np.stack([pixels_on_grey(resize_patch(parent.rgba, side, side), _START_GREY) for parent in parents])
    keys = [f"dream of {parent.candidate.id}" for parent in parents]
    icons = render_icons(cut, _mean_activations(cut, starts), keys, settings, seed, progress, start=starts)
    return [
        _rendered(
            replace(
                parent.candidate,
                id=identity,
                name=f"dreamed {parent.candidate.name}",
                origin=Origin.RENDER,
                tier=Tier.SYNTHETIC,
                predicted_push=float("nan"),
                shows=(),
                read_as_target=False,
                parts=(parent.candidate.id,),
            ),
            pixels,
        )
        for parent, identity, pixels in zip(parents, identities, icons.pixels, strict=True)
    ]


def _mean_activations(cut: LayerCut, crops: PixelArray, batch_size: int = 32) -> FloatArray:
    """(N, D) means over the layer's grid of (N, 3, s, s) uint8 crops that fill the network's whole picture."""
    size = cut.classifier.preprocessing.output_size
    parts = []
    for start in range(0, len(crops), batch_size):
        images = to_float(crops[start : start + batch_size], cut.classifier.device)
        with torch.no_grad():
            images = torch.nn.functional.interpolate(images, size=size, mode="bilinear", antialias=True).clamp_(0, 1)
            parts.append(cut.features(images).float().mean(dim=(2, 3)).cpu().numpy())
    return np.concatenate(parts)


def _rendered(candidate: Candidate, pixels: PixelArray) -> Patch:
    """An (3 or 4, s, s) icon as a patch, with its hash; without alpha it is opaque."""
    rgba = pixels if len(pixels) == 4 else np.concatenate([pixels, np.full_like(pixels[:1], 255)])
    return Patch(replace(candidate, sha256=sha256_of(patch_png(rgba))), rgba)
