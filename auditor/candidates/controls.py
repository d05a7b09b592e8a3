"""Matched controls: patches of a candidate's size and place without its content.

A new control is one function here and one entry in `CONTROLS`, whether it changes the candidate's own pixels or is cut
elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.atlas.kinds import Atlas
from auditor.candidates.crops import CropPlan, cell_names, cut_crop, plan_random_crops
from auditor.candidates.scene import Scene
from auditor.core.draws import keyed_generator
from auditor.core.errors import PatchError
from auditor.core.records import Cell, PixelArray, Split
from auditor.trials.patch import Patch, pasted_size, resize_patch


@dataclass(frozen=True, slots=True)
class Making:
    """What the controls of one candidate may be made of.

    Attributes:
        candidate: its id; with the seed and a control's name it keys that control's draws.
        rgba: its pixels as they are kept, (4, h, w) uint8; pasted: the same at the size at which they are pasted.
        side_px: the longer side at which it is pasted (the largest, where there are several).
        scene: where crops are cut; None: there are no pictures, and its own pixels have to do.
        atlas: None where there is none.
    """

    candidate: str
    rgba: PixelArray
    pasted: PixelArray
    side_px: int
    seed: int
    scene: Scene | None = None
    atlas: Atlas | None = None

    def generator(self, control: str) -> np.random.Generator:
        """For the draws of one control, the same at every call."""
        return keyed_generator(self.seed, "control", control, self.candidate)


Recipe = Callable[[], PixelArray]
"""Makes a control, (4, h, w) uint8, the same at every call."""


@dataclass(frozen=True, slots=True)
class OwnPixels:
    """A control made from the candidate's own pixels, at the size at which they are pasted.

    Noise or shuffled pixels at a photograph's full resolution would melt to their mean when shrunk, and so be no
    control at all.
    """

    change: Callable[[PixelArray, np.random.Generator], PixelArray]

    def recipe(self, making: Making, name: str) -> Recipe:
        return lambda: self.change(making.pasted, making.generator(name))


@dataclass(frozen=True, slots=True)
class CutElsewhere:
    """A control that is a crop of another picture, at the candidate's own height and width, under its own alpha.

    `plan` says where it is cut, None where there is nothing to cut.
    """

    plan: Callable[[Scene, Making, np.random.Generator], CropPlan | None]

    def recipe(self, making: Making, name: str) -> Recipe | None:
        scene = making.scene
        plan = None if scene is None else self.plan(scene, making, making.generator(name))
        return None if scene is None or plan is None else lambda: _shaped_like(making.rgba, scene, plan)


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


def _filled(rgba: PixelArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Colours as they are seen on the patch's own mean colour, float64: what is transparent adds no structure."""
    colours, weight = rgba[:3].astype(np.float64), rgba[3].astype(np.float64)
    mean = ((colours * weight).sum(axis=(1, 2)) / weight.sum())[:, None, None]
    return np.asarray(mean + (colours - mean) * (weight / 255.0))


def _with_alpha(colours: np.ndarray[tuple[int, ...], np.dtype[np.generic]], rgba: PixelArray) -> PixelArray:
    rounded = np.clip(np.rint(np.asarray(colours, dtype=np.float64)), 0, 255).astype(np.uint8)
    return np.concatenate([rounded, rgba[3:]])


def source_crop(scene: Scene, making: Making, generator: np.random.Generator) -> CropPlan | None:
    """A place in a random discovery picture of the source."""
    rows = scene.pool.rows(Split.DISCOVERY, scene.source.indices)
    if not len(rows):
        return None
    size = _crop_size(scene, making)
    rules = scene.crop_rules((size,))
    return rules.plan(*rules.anywhere(rows, generator), size)


def random_cell_crop(scene: Scene, making: Making, generator: np.random.Generator) -> CropPlan | None:
    """A place of a random cell of the atlas that does not push (`quiet_cells`)."""
    atlas = making.atlas
    if atlas is None:
        return None
    level = max(cell.level for cell in atlas.cells)
    named = cell_names(atlas.xy, level)
    rows = atlas.samples.image_row
    givers = {name for name, row in zip(named, rows, strict=True) if scene.may_give_crops(int(row))}
    cells = quiet_cells([cell for cell in atlas.at_level(level) if cell.name in givers])
    rules = scene.crop_rules((_crop_size(scene, making),))
    plans = plan_random_crops(cells, atlas.samples, named, rules, 1, generator)
    return plans[0] if plans else None


def _crop_size(scene: Scene, making: Making) -> float:
    """Width of a control's crop as a share of the shorter side: about what the candidate covers when it is pasted."""
    return min(0.5, max(0.2, making.side_px / min(scene.input_size)))


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


CONTROLS: Mapping[str, OwnPixels | CutElsewhere] = {
    "mean colour": OwnPixels(mean_colour),
    "noise": OwnPixels(noise),
    "phase scrambled": OwnPixels(phase_scrambled),
    "pixel shuffled": OwnPixels(pixel_shuffled),
    "source crop": CutElsewhere(source_crop),
    "random cell crop": CutElsewhere(random_cell_crop),
}
"""Every control, in the order in which they are measured."""

OWN_CONTROLS = tuple(name for name, control in CONTROLS.items() if isinstance(control, OwnPixels))
"""Those that need nothing but the candidate, so that any network can be shown them."""


class Controls(Mapping[str, PixelArray]):
    """The controls of one candidate by name, (4, h, w) uint8 each.

    Which of them can be made is known at once; the pixels of each are made when they are asked for.
    """

    def __init__(self, making: Making) -> None:
        recipes = {name: control.recipe(making, name) for name, control in CONTROLS.items()}
        self._recipes = {name: recipe for name, recipe in recipes.items() if recipe is not None}

    def __getitem__(self, name: str) -> PixelArray:
        return self._recipes[name]()

    def __contains__(self, name: object) -> bool:
        return name in self._recipes  # Mapping's own would make the control to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self._recipes)

    def __len__(self) -> int:
        return len(self._recipes)


def matched_controls(scene: Scene, atlas: Atlas | None, patch: Patch, side_px: int) -> Controls:
    """All controls of a patch (docs/design.md, section 5, rule 3); without an atlas none that is cut from its cells.

    Args:
        side_px: the longer side at which the patch is pasted (the largest, where there are several).
    Raises:
        PatchError: nothing of the patch is left at that size, so there is nothing to control for.
    """
    return _controls(patch.rgba, patch.candidate.id, side_px, scene.seed, scene, atlas)


def own_controls(rgba: PixelArray, candidate: str, side_px: int, seed: int) -> Controls:
    """Those of `OWN_CONTROLS`, of a candidate given by its pixels and its id; else as `matched_controls`."""
    return _controls(rgba, candidate, side_px, seed)


def _controls(
    rgba: PixelArray,
    candidate: str,
    side_px: int,
    seed: int,
    scene: Scene | None = None,
    atlas: Atlas | None = None,
) -> Controls:
    pasted = resize_patch(rgba, *pasted_size(rgba, side_px))
    if not pasted[3].any():
        raise PatchError(
            f"patch {candidate} is transparent everywhere once it is shrunk to {side_px} px; make it more opaque, or "
            "cut away what is transparent around it"
        )
    return Controls(Making(candidate, rgba, pasted, side_px, seed, scene, atlas))
