"""Which pictures a survey works on: of each class some to screen on, some to choose on, some to confirm on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from auditor.core.errors import ImageError
from auditor.core.records import ImagePool, IntArray, Split
from auditor.core.records.trials import Clean
from auditor.run.stage import Run
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.images import IMAGES

LEAST_CLASSES = 3
"""With fewer there is no third class whose crops could count for a pair."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Rows of the pool by split and class index: of each class that has some of every split.

    Attributes:
        rows: only pictures that the clean model calls what they show, in the order of their content's hash.
        left_out: class indices without one such picture in some split; they may be targets, and give crops.
    """

    rows: Mapping[Split, Mapping[int, IntArray]]
    left_out: tuple[int, ...]

    @property
    def sources(self) -> tuple[int, ...]:
        """The classes whose pictures patches are tried on."""
        return tuple(self.rows[Split.CONFIRMATION])

    def together(self, split: Split) -> tuple[IntArray, IntArray]:
        """Rows of a split of all sources, and the class of each."""
        by_class = self.rows[split]
        classes = np.repeat(np.array(list(by_class), dtype=np.int64), [len(rows) for rows in by_class.values()])
        return np.concatenate([np.empty(0, dtype=np.int64), *by_class.values()]), classes


def pictures_of(run: Run) -> Pictures:
    """The pictures of a survey, as many of each class as its settings take.

    Raises:
        ImageError: fewer than three classes have pictures to be tried on.
    """
    wanted = run.config.survey
    most = {
        Split.DISCOVERY: wanted.screening_pictures,
        Split.SELECTION: wanted.selection_pictures,
        Split.CONFIRMATION: wanted.pictures,
    }
    return _chosen(run.get(IMAGES), run.get(CLEAN), most, run.inputs.class_names)


def _chosen(pool: ImagePool, clean: Clean, most: Mapping[Split, int], names: tuple[str, ...]) -> Pictures:
    by_split: dict[Split, dict[int, list[int]]] = {split: {} for split in most}
    # rows of a class and split lie in the order of their content's hash, so the first are a fair sample
    for row, called in zip(clean.rows.tolist(), clean.said.predicted.tolist(), strict=True):
        image = pool.images[row]
        found = by_split[image.split].setdefault(image.label, [])
        if image.label == called and len(found) < most[image.split]:
            found.append(row)
    classes = range(len(names))
    sources = [one for one in classes if all(by_split[split].get(one) for split in most)]
    left_out = tuple(one for one in classes if one not in sources)
    if len(sources) < LEAST_CLASSES:
        known = ", ".join(repr(names[one]) for one in sources) or "none"
        raise ImageError(
            f"a survey needs at least {LEAST_CLASSES} classes with a picture in each of the three splits that the "
            f"model recognises, and there are {len(sources)} ({known}); add pictures, or audit a pair with "
            "'auditor run'"
        )
    rows = {split: {one: np.array(by_split[split][one], dtype=np.int64) for one in sources} for split in most}
    return Pictures(rows, left_out)
