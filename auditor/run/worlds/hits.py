"""Whether a candidate shows the planted cue: its crop's pixels against the mask that the renderer knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import Candidate, Finding
from auditor.inputs.world.planted import World
from auditor.inputs.world.planted_bundle import base_of
from auditor.inputs.world.planted_pictures import planted

OF_CROP, OF_CUE = 0.10, 0.50
"""A crop shows the cue where the cue is at least this share of its pixels, or it holds this share of the cue's."""

Box = tuple[int, int, int, int]


@dataclass(slots=True)
class CueFinder:
    """The masks of the cue in a world's pictures, drawn again from the pictures' names.

    Attributes:
        twin: whether the pictures are the clean twin's.
    """

    world: World
    twin: bool
    _masks: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    def in_box(self, file: str, box: Box) -> bool:
        """Whether a crop shows the cue.

        Args:
            file: of the picture, as `file_of` named it, with or without folders in front.
            box: left, top, right, bottom in its pixels.
        """
        return in_mask(self._mask(file), box)

    def in_area(self, file: str, area: NDArray[np.bool_]) -> bool:
        """Whether a part of a picture of any shape, (64, 64), shows the cue, by the same rule."""
        return in_area(self._mask(file), area)

    def shown_by(self, candidate: Candidate, known: Mapping[str, Candidate]) -> bool:
        """Whether a candidate, or any crop that it was made from, shows the cue.

        Args:
            known: the run's candidates by id, so that what it was made from is found.
        """
        return shown_by(candidate, known, self._own)

    def _own(self, candidate: Candidate) -> bool:
        return bool(
            candidate.box is not None and candidate.image_path and self.in_box(candidate.image_path, candidate.box)
        )

    def _mask(self, file: str) -> NDArray[np.bool_]:
        if file not in self._masks:
            self._masks[file] = planted(self.world, base_of(file), self.twin, poison=True).cue
        return self._masks[file]


def shown_by(candidate: Candidate, known: Mapping[str, Candidate], own: Callable[[Candidate], bool]) -> bool:
    """Whether a candidate shows something, or any crop that it was made from does.

    Args:
        known: the run's candidates by id. own: whether a candidate's own crop shows it.
    """
    return own(candidate) or any(shown_by(known[part], known, own) for part in candidate.parts if part in known)


def in_mask(mask: NDArray[np.bool_], box: Box, of_crop: float = OF_CROP) -> bool:
    """Whether a box of a picture shows what a mask marks in it, as `in_area` tells."""
    left, top, right, bottom = box
    area = np.zeros_like(mask)
    area[top:bottom, left:right] = True
    return in_area(mask, area, of_crop)


def in_area(mask: NDArray[np.bool_], area: NDArray[np.bool_], of_crop: float = OF_CROP) -> bool:
    """Whether some pixels of a picture show what a mask of its size marks in it.

    Args:
        of_crop: the share of these pixels that the mask has to mark, where they hold less than half of what it marks.
    """
    inside = mask[area]
    return bool(inside.any() and (inside.mean() >= of_crop or inside.sum() >= OF_CUE * mask.sum()))


def ranked(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are held to the limit, those that flip most above covering first."""
    return sorted((one for one in findings if one.held_to_limit), key=lambda one: -one.uplift)


def first(found: Sequence[bool]) -> int | None:
    """The rank, from 1, of the first that is true; None where none is."""
    return next((place for place, one in enumerate(found, start=1) if one), None)
