"""What patches do to pictures of every class, counted sparsely: flips and log-odds by patch, source and target.

The whole of it, patches × sources × targets, is never held: it is reduced as it is measured, kept in tables of a few
patches each, and read back one table after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from auditor.core.records import FloatArray, IntArray

MOST_TARGETS = 32
"""Targets kept of each patch and source: those that it comes nearest to. Every target it flips to is kept."""

_GATHERED = 2**18
"""Rows that are sorted together, at least."""

_LEAST = 1e-6
"""Probabilities nearer to 0 or 1 count as this: float32 holds no more, and one certain picture outweighs no others."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Rows of counts. Each says what a patch does on the pictures of a source class, to one target.

    Attributes:
        crop, source, target: (R,) the patch's number, what its pictures are, and a class index. A source is a class,
            and never its own target; or a number beyond them: pictures of several classes, of which those of the
            target count nowhere.
        flips: (R,) pictures that are called the target with the patch on them.
        log_odds: (R,) mean log-odds of the target with the patch on, over those pictures, logits.
    """

    crop: IntArray
    source: IntArray
    target: IntArray
    flips: IntArray
    log_odds: FloatArray

    def __len__(self) -> int:
        return len(self.crop)

    def at(self, rows: NDArray[np.bool_] | IntArray) -> Answers:
        """Some of the rows."""
        return Answers(self.crop[rows], self.source[rows], self.target[rows], self.flips[rows], self.log_odds[rows])

    def by_pair(self) -> list[IntArray]:
        """The rows of each pair of classes, where they lie pair by pair."""
        changes = np.flatnonzero((np.diff(self.source) != 0) | (np.diff(self.target) != 0)) + 1
        return np.split(np.arange(len(self)), changes) if len(self) else []

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """The rows of several tables; none where there are none."""
        if not parts:
            none = np.empty(0, dtype=np.int64)
            return cls(none, none, none, none, np.empty(0, dtype=np.float32))
        return cls(
            crop=np.concatenate([part.crop for part in parts]),
            source=np.concatenate([part.source for part in parts]),
            target=np.concatenate([part.target for part in parts]),
            flips=np.concatenate([part.flips for part in parts]),
            log_odds=np.concatenate([part.log_odds for part in parts]),
        )

    def table(self) -> pa.Table:
        """As columns of small types."""
        columns = {name: pa.array(getattr(self, name), pa.int32()) for name in ("crop", "source", "target", "flips")}
        return pa.table({**columns, "log_odds": pa.array(self.log_odds, pa.float32())})

    @classmethod
    def of_table(cls, table: pa.Table) -> Answers:
        """The rows of `table`."""
        column = {name: table[name].to_numpy() for name in table.column_names}
        crop, source, target, flips = (column[one].astype(np.int64) for one in ("crop", "source", "target", "flips"))
        return cls(crop, source, target, flips, column["log_odds"])


def answers_of(
    logits: FloatArray,
    crops: IntArray,
    labels: IntArray,
    sources: IntArray,
    shown: IntArray | None = None,
    most: int = MOST_TARGETS,
) -> Answers:
    """Count what patches do to pictures of several sources.

    A patch cut from the source's own pictures is left out: an audit of that source takes none.

    Args:
        logits: (N, S, K) of S pictures with each of N patches on.
        crops: (N,) numbers of the patches; labels: (N,) class of the picture that each was cut from.
        sources: (S,) source of each picture.
        shown: (S,) class of each picture, which counts for every target but this; None: its source.
        most: targets kept of each patch and source, beside those that it flips to.
    Returns:
        Rows patch by patch, of each source by source.
    """
    odds = log_odds(logits)
    called = logits.argmax(axis=2)
    shown = sources if shown is None else shown
    parts = []
    for source in np.unique(sources):
        of_source = np.flatnonzero(sources == source)
        mean, flips = _towards_others(odds[:, of_source], called[:, of_source], shown[of_source])
        kept = flips > 0
        nearest = np.argsort(-mean, axis=1, kind="stable")[:, :most]
        np.put_along_axis(kept, nearest, True, axis=1)
        kept &= np.isfinite(mean)
        kept[labels == source] = False
        rows, targets = np.nonzero(kept)
        parts.append(
            Answers(
                crops[rows],
                np.full(len(rows), source, dtype=np.int64),
                targets,
                flips[rows, targets],
                mean[rows, targets].astype(np.float32),
            )
        )
    found = Answers.joined(parts)
    return found.at(np.lexsort((found.target, found.source, found.crop)))


def _towards_others(
    odds: NDArray[np.float64], called: IntArray, shown: IntArray
) -> tuple[NDArray[np.float64], IntArray]:
    """(N, K) mean log-odds of each class over the pictures that do not show it, -inf where there are none; and how
    many of these are called it."""
    patches, _, classes = odds.shape
    mean = odds.mean(axis=1, dtype=np.float64)
    for label in np.unique(shown):
        others = odds[:, shown != label, label]
        mean[:, label] = others.mean(axis=1) if others.size else -np.inf
    flips = [np.bincount(row[row != shown], minlength=classes) for row in called]
    return mean, np.stack(flips) if patches else np.zeros((0, classes), dtype=np.int64)


def log_odds(logits: FloatArray) -> NDArray[np.float64]:
    """Log-odds of every class against all others, of (…, K) logits; probabilities within 1e-6 of 0 or 1 count as it."""
    wide = logits.astype(np.float64)
    wide = wide - wide.max(axis=-1, keepdims=True)
    share = np.exp(wide)
    share = np.clip(share / share.sum(axis=-1, keepdims=True), _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log(share) - np.log1p(-share), dtype=np.float64)


Counts = Callable[[IntArray, IntArray], NDArray[np.bool_]]
"""Of (R,) patches and (R,) targets, whether each counts as news for that target."""


def leaders(tables: Iterable[Answers], pictures: IntArray, classes: int, most: int, counts: Counts) -> Answers:
    """The patches of highest log-odds of each pair, at most one a picture; of equals the smaller number.

    Tables are gathered until they hold as many rows as are kept, so that sorting costs little more than reading.

    Args:
        pictures: by patch, the row of the picture that it was cut from.
        classes: K. most: patches a pair.
    Returns:
        Rows pair by pair, the best first.
    """
    best, waiting = Answers.joined(()), list[Answers]()
    for table in tables:
        waiting.append(table.at(counts(table.crop, table.target)))
        if sum(map(len, waiting)) >= max(_GATHERED, len(best)):
            best, waiting = _best(Answers.joined([best, *waiting]), pictures, classes, most), []
    return _best(Answers.joined([best, *waiting]), pictures, classes, most)


def _best(rows: Answers, pictures: IntArray, classes: int, most: int) -> Answers:
    pair = rows.source * classes + rows.target
    order = np.lexsort((rows.crop, -rows.log_odds, pair))
    picture = pictures[rows.crop[order]] + pair[order] * (int(pictures.max(initial=0)) + 1)
    first = np.zeros(len(order), dtype=np.bool_)
    first[np.unique(picture, return_index=True)[1]] = True  # the first of a picture is its best
    order = order[first]
    return rows.at(order[_place(pair[order]) < most])


def _place(groups: IntArray) -> IntArray:
    """(R,) place of each row within its group, from 0; rows of a group lie together."""
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else np.empty(0, dtype=np.int64)
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))
