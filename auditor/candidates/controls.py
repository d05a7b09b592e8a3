"""Matched controls: what is pasted in a candidate's place, of its size and without its content, drawn for each picture.

A new control is one function here and one entry in `CONTROLS`, under the step of the ladder that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.atlas.kinds import Atlas
from auditor.candidates.crops import cell_names
from auditor.candidates.scene import Scene
from auditor.core.errors import PatchError
from auditor.core.records import Cell, Split, Step
from auditor.trials.patch import Patch, pasted_size, resize_patch
from auditor.trials.stand_ins import (
    Changed,
    Control,
    CutFromPictures,
    StandIn,
    grey,
    mean_colour,
    noise,
    phase_scrambled,
    shuffled,
)


@dataclass(frozen=True, slots=True)
class Making:
    """What controls may be made of beside the candidate's own pixels: pictures, and the atlas where there is one."""

    scene: Scene
    atlas: Atlas | None = None


def source_crops(making: Making) -> StandIn | None:
    """Any place in any discovery picture of the source; None without one."""
    rows = making.scene.pool.rows(Split.DISCOVERY, making.scene.source.indices)
    return CutFromPictures(rows) if len(rows) else None


def quiet_crops(making: Making) -> StandIn | None:
    """The places of activations in the cells of the atlas that push least (`quiet_cells`); None without any."""
    scene, atlas = making.scene, making.atlas
    if atlas is None:
        return None
    level = max(cell.level for cell in atlas.cells)
    named, samples = cell_names(atlas.xy, level), atlas.samples
    gives = np.array([scene.may_give_crops(int(row)) for row in samples.image_row], dtype=np.bool_)
    givers = {name for name, given in zip(named, gives, strict=True) if given}
    quiet = {cell.name for cell in quiet_cells([cell for cell in atlas.at_level(level) if cell.name in givers])}
    chosen = np.flatnonzero(gives & np.array([name in quiet for name in named], dtype=np.bool_))
    if not len(chosen):
        return None
    centres = np.stack([samples.y[chosen] + 0.5, samples.x[chosen] + 0.5], axis=1) / np.array(scene.grid)
    return CutFromPictures(samples.image_row[chosen], centres)


QUIET_SHARE = 0.25
"""Of all activations, the least that quiet cells hold together. Where one cell alone is quiet, a few places stand for
every picture: their luck decides, and where they show the candidate's own feature the control hides it."""


def quiet_cells(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells that push least towards the target, a quarter of all activations at least, and all that do not push.

    A control must be without the candidate's content. A crop from a cell that pushes may show the very feature the
    candidate shows, and would hide it. It may push where it is pasted, as predicted (as observed, of a cell that was
    not screened), or where it lay, as observed, and a control is pasted at either place: so a cell counts as loud as
    the higher of its two ranks says, and as not pushing where it does neither.
    """
    observed = np.array([cell.contrast for cell in cells], dtype=np.float64)
    predicted = np.array([cell.predicted_push for cell in cells], dtype=np.float64)
    predicted = np.where(np.isfinite(predicted), predicted, observed)
    quiet = (predicted <= 0.0) & (observed <= 0.0)
    counts = np.array([cell.count for cell in cells], dtype=np.int64)
    for place in np.argsort(np.maximum(_ranks(predicted), _ranks(observed)), kind="stable"):
        if counts[quiet].sum() >= QUIET_SHARE * counts.sum():
            break
        quiet[place] = True
    return tuple(cell for cell, is_quiet in zip(cells, quiet, strict=True) if is_quiet)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) from 0, the smallest; of equals the rank of the first."""
    return np.searchsorted(np.sort(values), values)


OWN_CONTROLS: Mapping[str, StandIn] = {
    "noise": Changed(noise, planes=3),
    "grey": Changed(grey),
    "mean colour": Changed(mean_colour),
    "pixel shuffled": Changed(shuffled, planes=1),
    "phase scrambled": Changed(phase_scrambled, planes=1),
}
"""Those that need nothing but the candidate, so that any network can be shown them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A control: its step of the ladder, and how it is made of what there is; None where it cannot be."""

    step: Step
    make: Callable[[Making], StandIn | None]


def _own(name: str, step: Step) -> Recipe:
    return Recipe(step, lambda _: OWN_CONTROLS[name])


CONTROLS: Mapping[str, Recipe] = {
    "noise": _own("noise", Step.COVERING),
    "grey": _own("grey", Step.COVERING),
    "source crop": Recipe(Step.COVERING, source_crops),
    "quiet crop": Recipe(Step.COVERING, quiet_crops),
    "mean colour": _own("mean colour", Step.COLOUR),
    "pixel shuffled": _own("pixel shuffled", Step.COLOUR),
    "phase scrambled": _own("phase scrambled", Step.TEXTURE),
}
"""Every control, in the order in which they are measured: covering first, then what explains."""


def steps() -> dict[str, Step]:
    """The step of every control, by its name."""
    return {name: recipe.step for name, recipe in CONTROLS.items()}


def make_controls(making: Making) -> tuple[Control, ...]:
    """The controls that can be made; they serve every candidate, since each is drawn for candidate and picture."""
    made = ((name, recipe.make(making)) for name, recipe in CONTROLS.items())
    return tuple(Control(name, stand_in) for name, stand_in in made if stand_in is not None)


def own_controls() -> tuple[Control, ...]:
    """Those of `OWN_CONTROLS`."""
    return tuple(Control(name, stand_in) for name, stand_in in OWN_CONTROLS.items())


def check_visible(patch: Patch, side_px: int) -> None:
    """Make sure that something of a patch is left where it is pasted.

    Args:
        side_px: the longer side at which the patch is pasted (the largest, where there are several).
    Raises:
        PatchError: nothing is left, so there is nothing to control for.
    """
    if not resize_patch(patch.rgba, *pasted_size(patch.rgba, side_px))[3].any():
        raise PatchError(
            f"patch {patch.candidate.id} is transparent everywhere once it is shrunk to {side_px} px; make it more "
            "opaque, or cut away what is transparent around it"
        )
