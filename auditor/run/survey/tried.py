"""The crops that screening expects most of, pasted on selection pictures; of each pair the best goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from auditor.candidates.answers import Answers, Counts, answers_of, leaders
from auditor.core.records import IntArray, Split
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.survey.crops import CROPS, Crops
from auditor.run.survey.pasting import Pasting, Some, in_parts, open_pasting
from auditor.run.survey.pictures import Pictures, pictures_of, targets_kept
from auditor.run.survey.screened import SCREENED, screened
from auditor.run.survey.shards import make_shards

FOLDER, LEADING = "tried", "leading.parquet"
PART = 16
"""Crops of a shard."""

FEATURES_A_TARGET = 3
"""Crops that reach one class from many, at most for each class: else one class would fill the list."""


@dataclass(frozen=True)
class Leading:
    """What goes on to confirmation pictures.

    Attributes:
        nearest: of each pair that was tried the crops that count as news and come nearest, as many as it was tried
            with, of all that were tried on its source: by log-odds on selection pictures. Pair by pair, the best first.
        to_look_at: of each pair the crop of the target's own pictures, of which nobody said what it shows, that
            screening expected most of, as tried on selection pictures.
        features: rows of (crop, target) that screening expects to be reached from many classes in the corner, best
            first.
        expected: (pairs, 2) log-odds on screening and on selection pictures, of every crop tried with every target it
            was tried for.
    """

    nearest: Answers
    to_look_at: Answers
    features: IntArray
    expected: np.ndarray

    @cached_property
    def news(self) -> Answers:
        """The best crop of each pair."""
        return self.nearest.at(np.array([rows[0] for rows in self.nearest.by_pair()], dtype=np.int64))


def _pairs_tried(run: Run) -> tuple[Answers, Answers]:
    """The crops to try: news of each pair, and the one best crop of the target's own pictures."""
    crops, classes, wanted = run.get(CROPS), len(run.inputs.class_names), run.config.survey
    at_own = crops.at_own_place
    both = [
        leaders(screened(run), crops.pictures, classes, wanted.tried, _of_those(crops, those))
        for those in (~at_own, at_own)
    ]
    joined = Answers.joined(both)
    joined = joined.at(np.lexsort((joined.crop, -joined.log_odds, _pairs(joined, classes))))
    news = _of_best_pairs(joined, classes, wanted.pairs)
    own = leaders(screened(run), crops.pictures, classes, 1, crops.to_look_at)
    return news, own.at(np.isin(_pairs(own, classes), _pairs(news, classes)))


def _of_those(crops: Crops, those: NDArray[np.bool_]) -> Counts:
    """Which of some crops, (N,) by number, count as news."""
    return lambda numbers, targets: those[numbers] & crops.news(numbers, targets)


def _of_best_pairs(rows: Answers, classes: int, most: int) -> Answers:
    """The rows of the pairs whose best crop comes nearest to the target; rows lie pair by pair, the best first."""
    pair = _pairs(rows, classes)
    known, first = np.unique(pair, return_index=True)
    order = np.lexsort((known, -rows.log_odds[first]))
    return rows.at(np.isin(pair, known[order[:most]]))


def _parts(run: Run) -> dict[str, Some]:
    news, own = _pairs_tried(run)
    pictures = pictures_of(run)
    both = Answers.joined([news, own])
    found = {}
    for source in np.unique(both.source).tolist():
        numbers = np.unique(both.crop[both.source == source]).tolist()
        count = len(pictures.rows[Split.SELECTION][source])
        for number, part in enumerate(in_parts(Split.SELECTION, source, numbers, count, PART)):
            found[f"{FOLDER}/{source:04d}-{number:04d}.parquet"] = part
    return found


def _try(pasting: Pasting, some: Some) -> pa.Table:
    numbers = np.array(some.crops, dtype=np.int64)
    sources, shown = np.full(some.pictures, some.source), pasting.pictures.shown(some.split, some.source)
    logits, labels = pasting.logits(some), pasting.crops.labels[numbers]
    return answers_of(logits, numbers, labels, sources, shown, targets_kept(pasting.run)).table()


def _make(run: Run, folder: RunFolder) -> Facts:
    parts = _parts(run)
    make_shards(run, folder, "crops on selection pictures", parts, open_pasting, _try, lambda some: some.pastes)
    return {"pastes": sum(part.pastes for part in parts.values()), "shards": len(parts)}


def _tables(run: Run) -> Iterator[Answers]:
    for file in run.folder.files_of(TRIED.name):
        yield Answers.of_table(run.folder.read_table(file))


def _read(run: Run) -> Leading:
    crops, classes = run.get(CROPS), len(run.inputs.class_names)
    news, own = _pairs_tried(run)
    on_selection = Answers.joined(list(_tables(run)))
    expected = _both(Answers.joined([news, own]), on_selection, classes)
    of_pairs = on_selection.at(np.isin(_pairs(on_selection, classes), _pairs(news, classes)))
    nearest = leaders([of_pairs], crops.pictures, classes, run.config.survey.tried, crops.news)
    to_look_at = on_selection.at(np.isin(_keys(on_selection, classes), _keys(own, classes)))
    return Leading(nearest, to_look_at, _features(run, crops, pictures_of(run)), expected)


def _pairs(rows: Answers, classes: int) -> IntArray:
    return rows.source * classes + rows.target


def _keys(rows: Answers, classes: int) -> IntArray:
    return (rows.crop * classes + rows.source) * classes + rows.target


def _both(first: Answers, second: Answers, classes: int) -> np.ndarray:
    """(M, 2) log-odds of the rows that two tables share."""
    _, one, other = np.intersect1d(_keys(first, classes), _keys(second, classes), return_indices=True)
    return np.stack([first.log_odds[one], second.log_odds[other]], axis=1)


def _features(run: Run, crops: Crops, pictures: Pictures) -> IntArray:
    """(F, 2) crop and target, by the share of all screening pictures that the crop makes the target."""
    classes, most = len(run.inputs.class_names), run.config.survey.features
    if run.config.survey.together:
        return np.empty((0, 2), dtype=np.int64)  # there each pair is of many classes itself
    count = np.zeros(classes, dtype=np.int64)
    for source, rows in pictures.rows[Split.DISCOVERY].items():
        count[source] = len(rows)
    best: list[tuple[float, int, int]] = []
    for table in screened(run):
        news = table.at(crops.news(table.crop, table.target) & ~crops.at_own_place[table.crop])
        known, inverse = np.unique(news.crop * classes + news.target, return_inverse=True)
        flips = np.bincount(inverse, weights=news.flips, minlength=len(known))
        crop, target = known // classes, known % classes
        asked = count.sum() - count[crops.labels[crop]] - np.where(crops.labels[crop] == target, 0, count[target])
        shares = flips / np.maximum(asked, 1)
        numbers = zip((-shares).tolist(), crop.tolist(), target.tolist(), strict=True)
        best = sorted([*best, *numbers])[: 50 * max(1, most)]
    chosen: list[tuple[int, int]] = []
    for share, number, to in best:
        alike = any(crops.pictures[number] == crops.pictures[one] for one, _ in chosen)
        if len(chosen) < most and share < 0 and not alike and [one for _, one in chosen].count(to) < FEATURES_A_TARGET:
            chosen.append((number, to))
    return np.array(chosen, dtype=np.int64).reshape(-1, 2)


TRIED = Stage(
    "selection of a survey",
    (CROPS, SCREENED),
    (f"{FOLDER}/*.parquet",),
    _make,
    _read,
    needed=(f"{FOLDER}/*.parquet",),
)
