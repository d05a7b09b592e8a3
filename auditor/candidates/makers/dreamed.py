"""Crops rendered onwards, towards more of what the layer sees in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.candidates.makers.cell_icons import as_patch, found_settings
from auditor.candidates.makers.maker import Found, Maker
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, Origin, PixelArray, Tier
from auditor.inputs.images.pixels import pixels_on_grey, to_float
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.trials.patch import Patch, resize_patch

_START_GREY = 127.5
"""Of 255: what lies behind a transparent patch that is dreamed on."""


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
        LayerError: as `icon_patches`.
    """
    if not parents:
        return []
    side = settings.side_px
    starts = np.stack([pixels_on_grey(resize_patch(parent.rgba, side, side), _START_GREY) for parent in parents])
    keys = [f"dream of {parent.candidate.id}" for parent in parents]
    wanted = _mean_activations(cut, starts, [parent.called for parent in parents])
    icons = render_icons(cut, wanted, keys, settings, seed, progress, start=starts)
    return [
        as_patch(
            replace(
                parent.candidate,
                id=identity,
                name=f"dreamed {parent.candidate.name}",
                origin=Origin.RENDER,
                tier=Tier.SYNTHETIC,
                sha256="",
                predicted_push=float("nan"),
                shows=(),
                read_as_target=False,
                parts=(parent.candidate.id,),
            ),
            pixels,
        )
        for parent, identity, pixels in zip(parents, identities, icons.pixels, strict=True)
    ]


def _mean_activations(cut: LayerCut, crops: PixelArray, names: Sequence[str], batch_size: int = 32) -> FloatArray:
    """(N, D) means over the layer's grid of (N, 3, s, s) uint8 crops that fill the network's whole picture."""
    size = cut.classifier.preprocessing.output_size

    @torch.no_grad()
    def means(rows: slice) -> FloatArray:
        images = to_float(crops[rows], cut.classifier.device)
        images = torch.nn.functional.interpolate(images, size=size, mode="bilinear", antialias=True).clamp_(0, 1)
        found: FloatArray = cut.features(images).grid.float().mean(dim=(2, 3)).cpu().numpy()
        return found

    return np.concatenate([part for _, part in Batches(batch_size).each(len(crops), naming(means, names))])


def _make(found: Found) -> list[Patch]:
    """The crops that push most, dreamed on; none where no layer is mapped."""
    if found.cut is None:
        return []
    parents = found.crops[: found.config.candidates.dreams]
    settings = found_settings(found)
    identities = DREAMED.identities(len(parents))
    return dream_crops(found.cut, parents, identities, settings, found.scene.seed, found.progress)


DREAMED = Maker("d", Origin.RENDER, "a crop rendered onwards, towards more of what the layer sees in it", _make)
