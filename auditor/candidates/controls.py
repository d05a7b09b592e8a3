"""Matched controls: patches of a candidate's size and place without its content.

A control that is made from the candidate's own pixels is one function here and one entry in `MADE_CONTROLS`; the crops
among them are cut from other pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from auditor.atlas.kinds import Atlas
from auditor.candidates.crops import CropPlan, cell_names, cut_crop, plan_one_crop, plan_random_crops
from auditor.candidates.scene import Scene
from auditor.core.draws import keyed_generator
from auditor.core.errors import PatchError
from auditor.core.records import Cell, PixelArray, Split
from auditor.trials.patch import Patch, pasted_size, resize_patch

SOURCE_CROP = "source crop"
RANDOM_CELL_CROP = "random cell crop"

MakeControl = Callable[[PixelArray, np.random.Generator], PixelArray]


def mean_colour(rgba: PixelArray, generator: np.random.Generator) -> PixelArray:
    """The patch filled with the mean colour of its opaque part."""
    del generator
    weight = rgba[3].astype(np.float64)
    mean = (rgba[:3] * weight).sum(axis=(1, 2)) / weight.sum()
    return _with_alpha(np.broadcast_to(mean[:, None, None], rgba[:3].shape), rgba)


def noise(rgba: PixelArray, generator: np.random.Generator) -> PixelArray:
    """Independent uniform noise at every pixel and channel."""
    return _with_alpha(generator.integers(0, 256, size=rgba[:3].shape).astype(np.float64), rgba)


def phase_scrambled(rgba: PixelArray, generator: np.random.Generator) -> PixelArray:
    """The same power spectrum with random phases, equal in all channels, so that colours keep belonging together.

    The phases are those of a real noise picture, which keeps the result real without any special cases.
    """
    noise_phase = np.angle(np.fft.fft2(generator.standard_normal(rgba.shape[1:])))
    noise_phase[0, 0] = 0.0  # the mean colour stays
    spectrum = np.fft.fft2(_filled(rgba), axes=(1, 2))
    scrambled = np.fft.ifft2(np.abs(spectrum) * np.exp(1j * (np.angle(spectrum) + noise_phase)), axes=(1, 2)).real
    return _with_alpha(scrambled, rgba)


def pixel_shuffled(rgba: PixelArray, generator: np.random.Generator) -> PixelArray:
    """The same pixels in random places of like opacity (within a quarter); alpha stays where it is.

    A patch with soft edges or a faded background so keeps the colours that can be seen of it.
    """
    shuffled = rgba[:3].copy()
    opacity = np.where(rgba[3] > 0, rgba[3].astype(np.int64) // 64, -1)
    for level in np.unique(opacity[opacity >= 0]):
        alike = opacity == level
        values = shuffled[:, alike]
        shuffled[:, alike] = values[:, generator.permutation(values.shape[1])]
    return _with_alpha(shuffled, rgba)


MADE_CONTROLS: Mapping[str, MakeControl] = {
    "mean colour": mean_colour,
    "noise": noise,
    "phase scrambled": phase_scrambled,
    "pixel shuffled": pixel_shuffled,
}


def make_controls(rgba: PixelArray, candidate: str, side_px: int, seed: int) -> dict[str, PixelArray]:
    """Every control that is made from the candidate's own pixels, keyed by name.

    They are made at the size at which they will be pasted: noise or shuffled pixels at a photograph's full
    resolution would melt to their mean when shrunk, and so be no control at all.

    Args:
        side_px: the longer side at which the patch is pasted (the largest, where there are several).
    Raises:
        PatchError: nothing of the patch is left at that size, so there is nothing to control for.
    """
    small = resize_patch(rgba, *pasted_size(rgba, side_px))
    if not small[3].any():
        raise PatchError(
            f"patch {candidate} is transparent everywhere once it is shrunk to {side_px} px; make it more opaque, or "
            "cut away what is transparent around it"
        )
    return {
        name: make(small, keyed_generator(seed, "control", name, candidate)) for name, make in MADE_CONTROLS.items()
    }


def _filled(rgba: PixelArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Colours as they are seen on the patch's own mean colour, float64: what is transparent adds no structure."""
    colours, weight = rgba[:3].astype(np.float64), rgba[3].astype(np.float64)
    mean = ((colours * weight).sum(axis=(1, 2)) / weight.sum())[:, None, None]
    return np.asarray(mean + (colours - mean) * (weight / 255.0))


def _with_alpha(colours: np.ndarray[tuple[int, ...], np.dtype[np.generic]], rgba: PixelArray) -> PixelArray:
    rounded = np.clip(np.rint(np.asarray(colours, dtype=np.float64)), 0, 255).astype(np.uint8)
    return np.concatenate([rounded, rgba[3:]])


def matched_controls(scene: Scene, atlas: Atlas | None, patch: Patch, side_px: int) -> Mapping[str, PixelArray]:
    """All controls of a patch (docs/design.md, section 5, rule 3), (4, h, w) uint8 each, keyed by name.

    The crops are cut at the candidate's own shape: of a random discovery picture of the source, and of a random
    cell of the atlas that does not push (`quiet_cells`). Without an atlas the latter is left out.
    """
    identity = patch.candidate.id
    controls = make_controls(patch.rgba, identity, side_px, scene.seed)
    sources = scene.pool.rows(Split.DISCOVERY, scene.source.indices)
    size = min(0.5, max(0.2, side_px / min(scene.input_size)))
    if len(sources):
        generator = keyed_generator(scene.seed, "control", SOURCE_CROP, identity)
        plan = plan_one_crop([int(row) for row in sources], scene.grid, scene.input_size, size, generator)
        controls[SOURCE_CROP] = _shaped_like(patch.rgba, scene, plan)
    if atlas is not None:
        level = max(cell.level for cell in atlas.cells)
        named = cell_names(atlas.xy, level)
        rows = atlas.samples.image_row
        givers = {name for name, row in zip(named, rows, strict=True) if scene.may_give_crops(int(row))}
        cells = quiet_cells([cell for cell in atlas.at_level(level) if cell.name in givers])
        generator = keyed_generator(scene.seed, "control", RANDOM_CELL_CROP, identity)
        plans = plan_random_crops(
            cells, atlas.samples, named, scene.may_give_crops, scene.grid, scene.input_size,
            (size,), 1, generator,
        )  # fmt: skip
        if plans:
            controls[RANDOM_CELL_CROP] = _shaped_like(patch.rgba, scene, plans[0])
    return controls


def quiet_cells(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells that do not push towards the target; the quarter that pushes least where all of them do.

    A control must be without the candidate's content. A crop from a cell that pushes may show the very feature the
    candidate shows, and would hide it. Push is the predicted one, or the observed where a cell was not screened.
    """
    push = [cell.predicted_push if math.isfinite(cell.predicted_push) else cell.contrast for cell in cells]
    quiet = tuple(cell for cell, value in zip(cells, push, strict=True) if value <= 0.0)
    if quiet:
        return quiet
    order = sorted(range(len(cells)), key=lambda index: push[index])
    return tuple(cells[index] for index in order[: max(1, len(cells) // 4)])


def _shaped_like(rgba: PixelArray, scene: Scene, plan: CropPlan) -> PixelArray:
    """A crop resized to the candidate's height and width, under the candidate's own alpha."""
    crop, _ = cut_crop(scene.open_original(plan.image_row), plan, scene.classifier.preprocessing)
    resized = resize_patch(crop, *rgba.shape[1:])
    return np.concatenate([resized[:3], rgba[3:]])
