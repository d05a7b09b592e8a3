"""Which pictures a survey works on: of each source some to screen on, some to choose on, some to confirm on.

A source is a class; where `survey.together` asks for it, there is one source, the pictures of all classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from auditor.candidates.answers import MOST_TARGETS
from auditor.core.draws import keyed_generator
from auditor.core.errors import ImageError
from auditor.core.records import ImagePool, IntArray, Split
from auditor.core.records.trials import Clean
from auditor.core.settings.survey import SurveyConfig
from auditor.run.stage import Run
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.images import IMAGES

LEAST_CLASSES = 3
"""With fewer there is no third class whose crops could count for a pair."""

Rows = Mapping[Split, Mapping[int, IntArray]]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Rows of the pool by split and source: of each source that has some of every split.

    Attributes:
        rows: only pictures that the clean model calls what they show. A source is a class index; all classes together
            are the index after the last class.
        left_out: class indices without one such picture in some split; they may be targets, and give crops. None is
            told of classes together.
        labels: (pool,) the class of every picture of the pool.
    """

    rows: Rows
    left_out: tuple[int, ...]
    labels: IntArray

    @property
    def sources(self) -> tuple[int, ...]:
        """Whose pictures patches are tried on."""
        return tuple(self.rows[Split.CONFIRMATION])

    def together(self, split: Split) -> tuple[IntArray, IntArray]:
        """Rows of a split of all sources, and the source of each."""
        by_source = self.rows[split]
        sources = np.repeat(np.array(list(by_source), dtype=np.int64), [len(rows) for rows in by_source.values()])
        return np.concatenate([np.empty(0, dtype=np.int64), *by_source.values()]), sources

    def shown(self, split: Split, source: int) -> IntArray:
        """(B,) the class that each picture of a source shows."""
        return self.labels[self.rows[split][source]]

    def pairs(self, classes: int) -> int:
        """How many pairs of a source and a target there are: no class is its own target."""
        return sum(classes - (source < classes) for source in self.sources)


def pictures_of(run: Run) -> Pictures:
    """The pictures of a survey, as many of each source as its settings take.

    Raises:
        ImageError: fewer than three classes have pictures to be tried on.
    """
    config = run.config
    return chosen_pictures(run.get(IMAGES), run.get(CLEAN), config.survey, run.inputs.class_names, config.seed)


def chosen_pictures(pool: ImagePool, clean: Clean, wanted: SurveyConfig, names: tuple[str, ...], seed: int) -> Pictures:
    """The pictures of a survey of classes by these names.

    Raises:
        ImageError: as `pictures_of`.
    """
    recognised, most = _recognised(pool, clean), wanted.most
    labels = np.array([image.label for image in pool.images], dtype=np.int64)
    if wanted.together:
        return Pictures(_all_together(recognised, most, names, seed), (), labels)
    rows = _class_by_class(recognised, most, names)
    return Pictures(rows, tuple(one for one in range(len(names)) if one not in rows[Split.CONFIRMATION]), labels)


Recognised = Mapping[Split, Mapping[int, list[int]]]
"""By split and class, the rows that the clean model calls that class."""


def _recognised(pool: ImagePool, clean: Clean) -> Recognised:
    found: dict[Split, dict[int, list[int]]] = {split: {} for split in Split}
    # rows of a class and split lie in the order of their content's hash, so the first are a fair sample
    for row, called in zip(clean.rows.tolist(), clean.said.predicted.tolist(), strict=True):
        image = pool.images[row]
        if image.label == called:
            found[image.split].setdefault(image.label, []).append(row)
    return found


def _class_by_class(recognised: Recognised, most: Mapping[Split, int], names: tuple[str, ...]) -> Rows:
    sources = [one for one in range(len(names)) if all(one in recognised[split] for split in most)]
    if len(sources) < LEAST_CLASSES:
        raise ImageError(
            f"a survey needs at least {LEAST_CLASSES} classes with a picture in each of the three splits that the "
            f"model recognises, and there are {len(sources)} ({_told(sources, names)}); add pictures, take the "
            "pictures of all classes as one source (survey.together = true), or audit a pair with 'auditor run'"
        )
    return {
        split: {one: np.array(recognised[split][one][:count], dtype=np.int64) for one in sources}
        for split, count in most.items()
    }


def _all_together(recognised: Recognised, most: Mapping[Split, int], names: tuple[str, ...], seed: int) -> Rows:
    """As many pictures of each class as of every other, classes taking turns in a drawn order."""
    rows = {}
    for split, count in most.items():
        by_class = recognised[split]
        if len(by_class) < LEAST_CLASSES:
            raise ImageError(
                f"a survey of all classes together needs {split} pictures of at least {LEAST_CLASSES} classes that the "
                f"model recognises, and there are {len(by_class)} ({_told(sorted(by_class), names)}); add pictures"
            )
        drawn = keyed_generator(seed, "classes of a survey together", split).permutation(sorted(by_class)).tolist()
        turns = [
            by_class[one][turn]
            for turn in range(max(map(len, by_class.values())))
            for one in drawn
            if turn < len(by_class[one])
        ]
        rows[split] = {len(names): np.array(sorted(turns[:count]), dtype=np.int64)}
    return rows


def targets_kept(run: Run) -> int:
    """Targets kept of what a crop does to each source: all, where there is one source and not as many as classes."""
    return len(run.inputs.class_names) if run.config.survey.together else MOST_TARGETS


def _told(classes: list[int], names: tuple[str, ...]) -> str:
    return ", ".join(repr(names[one]) for one in classes) or "none"
