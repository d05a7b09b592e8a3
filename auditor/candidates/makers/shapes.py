"""Other shapes of a crop: wide and tall boxes, soft edges, and a background faded out by attribution. Ranks nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from auditor.atlas.attribution import contrast_map
from auditor.candidates.crops import CropPlan
from auditor.candidates.makers.maker import Found, Maker
from auditor.candidates.scene import cut_patch
from auditor.core.errors import PatchError
from auditor.core.records import ClassGroup, FloatArray, Origin, PixelArray
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.trials.patch import Patch, resize_patch

ASPECTS = (("wide", 1.6), ("tall", 1 / 1.6))
SOFT_EDGE = 0.3
FADED_TO = 0.15
_FULL_AT = 90.0


def rectangular_plan(plan: CropPlan, aspect: float, grid: tuple[int, int], input_size: tuple[int, int]) -> CropPlan:
    """The same crop `aspect` times as wide as it is tall (below 1: tall), of the same area where the picture has room.

    It is centred on the same grid position and moved inside the picture where it would stick out.

    Args:
        grid: (H', W') of the layer; input_size: (H, W) of the prepared pictures.
    """
    height, width = input_size
    side = plan.size * min(height, width)
    wide = min(width, max(1, round(side * math.sqrt(aspect))))
    tall = min(height, max(1, round(side / math.sqrt(aspect))))
    left = round((plan.x + 0.5) * width / grid[1] - wide / 2)
    top = round((plan.y + 0.5) * height / grid[0] - tall / 2)
    left, top = min(max(left, 0), width - wide), min(max(top, 0), height - tall)
    return replace(plan, box=(left, top, left + wide, top + tall))


def soft_edges(rgba: PixelArray, fade: float = SOFT_EDGE) -> PixelArray:
    """Fade a (4, h, w) patch out towards its border; colours stay.

    Opacity is multiplied by a tapered cosine window over each axis (Tukey's): sin²(π/2 · d / fade) where a pixel's
    centre lies nearer than `fade` to the border, 1 further in; d is a share of the patch's width or height.
    """
    rows, columns = (_taper(length, fade) for length in rgba.shape[1:])
    return _with_opacity(rgba, rows[:, None] * columns[None, :])


def _taper(length_px: int, fade: float) -> NDArray[np.float64]:
    centres = (np.arange(length_px) + 0.5) / length_px
    nearest = np.minimum(centres, 1.0 - centres)
    window: NDArray[np.float64] = np.sin(np.pi / 2 * np.minimum(nearest / fade, 1.0)) ** 2
    return window


def contrast_over_crops(
    cut: LayerCut,
    crops: Sequence[PixelArray],
    source: ClassGroup,
    target: ClassGroup,
    batch_size: int = 32,
    names: Sequence[str] = (),
) -> FloatArray:
    """What speaks for the target, and where, when a crop fills the whole picture.

    Args:
        crops: (3, h, w) uint8 each, of any size; each is resized to the network's input.
        names: of the crops, for the message where the network fails on one.
    Returns:
        (N, H', W') contrast at every position of the layer, logits.
    """
    size = cut.classifier.preprocessing.output_size

    def contrasts(rows: slice) -> FloatArray:
        images = torch.cat([_enlarged(crop, size) for crop in crops[rows]]).to(cut.classifier.device)
        with torch.no_grad():
            features = cut.features(images)
        found: FloatArray = contrast_map(cut, features, source, target)[1].float().cpu().numpy()
        return found

    maps = [part for _, part in Batches(batch_size).each(len(crops), naming(contrasts, names))]
    return np.concatenate(maps) if maps else np.empty((0, *cut.feature_shape[1:]), dtype=np.float32)


def _enlarged(crop: PixelArray, size: tuple[int, int]) -> torch.Tensor:
    pixels = to_float(crop[None], torch.device("cpu"))
    return functional.interpolate(pixels, size=size, mode="bilinear", antialias=True).clamp_(0.0, 1.0)


def fade_background(rgba: PixelArray, contrast: FloatArray, floor: float = FADED_TO) -> PixelArray:
    """Make the parts of a (4, h, w) patch that do not speak for the target nearly transparent.

    Opacity is the positive part of the contrast, averaged over 3×3 positions (so that what is kept hangs together),
    raised to the patch's size by cubic interpolation, as a share of its 90th percentile over the patch (so that one
    strong position does not erase the rest), between `floor` and 1.

    Args:
        contrast: (H', W') over the patch, as `contrast_over_crops` gives it.
        floor: least share of a pixel's opacity that stays, above 0.
    Raises:
        PatchError: no position speaks for the target, so there is nothing to keep.
    """
    positive = torch.from_numpy(np.maximum(contrast, 0.0))[None, None]
    smooth = functional.avg_pool2d(positive, 3, stride=1, padding=1, count_include_pad=False)
    fine = functional.interpolate(smooth, size=rgba.shape[1:], mode="bicubic", align_corners=False)[0, 0].numpy()
    full = float(np.percentile(fine, _FULL_AT))
    if not full > 0.0:
        raise PatchError("no part of the patch speaks for the target, so its background cannot be told from it")
    share = np.clip(fine / full, 0.0, 1.0).astype(np.float64)
    return _with_opacity(rgba, floor + (1.0 - floor) * share)


def reshaped(parent: Patch, identity: str, word: str, rgba: PixelArray) -> Patch:
    """A candidate of another shape of a crop: its parent's provenance, its own pixels, and nothing measured yet.

    Args:
        word: what was done to it, for its name ("soft-edged").
    """
    candidate = replace(
        parent.candidate,
        id=identity,
        name=f"{parent.candidate.name}, {word}",
        sha256="",
        predicted_push=float("nan"),
        parts=(parent.candidate.id,),
    )
    return Patch(candidate, rgba)


def faded_patches(
    cut: LayerCut, parents: Sequence[Patch], identities: Sequence[str], source: ClassGroup, target: ClassGroup
) -> list[Patch]:
    """Every parent with its background faded out; those of which no part speaks for the target are left out."""
    size = cut.classifier.preprocessing.output_size
    crops = [resize_patch(parent.rgba, *size)[:3] for parent in parents]
    contrasts = contrast_over_crops(cut, crops, source, target, names=[parent.called for parent in parents])
    made = []
    for parent, identity, contrast in zip(parents, identities, contrasts, strict=True):
        try:
            faded = fade_background(parent.rgba, contrast)
        except PatchError:  # one crop that cannot be faded ends no run
            continue
        made.append(reshaped(parent, identity, "background faded", faded))
    return made


def _with_opacity(rgba: PixelArray, share: NDArray[np.float64]) -> PixelArray:
    alpha = np.rint(rgba[3] * share).astype(np.uint8)
    return np.concatenate([rgba[:3], alpha[None]])


def _make(found: Found) -> list[Patch]:
    """The crops that push most, wide, tall, with soft edges, and with their background faded out."""
    parents, scene = found.crops[: found.config.candidates.shapes], found.scene
    found.progress.start("other shapes of crops", len(parents))
    identities = iter(SHAPES.identities((len(ASPECTS) + 2) * len(parents)))
    made: list[Patch] = []
    for plan, parent in zip(found.plans, parents, strict=False):
        for word, aspect in ASPECTS:
            box_plan = rectangular_plan(plan, aspect, scene.grid_of(plan.layer), scene.input_size)
            cut = cut_patch(scene, box_plan, parent.candidate.id, parent.candidate.role)
            made.append(reshaped(cut, next(identities), word, cut.rgba))
        made.append(reshaped(parent, next(identities), "soft-edged", soft_edges(parent.rgba)))
        found.progress.advance()
    named = [next(identities) for _ in parents]
    return made + (faded_patches(found.cut, parents, named, scene.source, scene.target) if found.cut else [])


SHAPES = Maker("s", Origin.CROP, "a crop made wide, tall, soft-edged, or with its background faded out", _make)
