"""Whether the model is the one that its user thinks: how often it knows its own classes. Runs no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auditor.core.records import ClassGroup, CleanAccuracy, Confusion, IntArray, Limits, Share, Verdict
from auditor.statistics.intervals import INTERVALS

LEAST_KNOWN = 0.2
"""A target of which the model calls a smaller share of its own pictures by its name is hardly known."""

ONE_ANSWER = 0.8
"""A model that gives one class as its answer to so many of the other classes' pictures answers nearly one class."""

_CLASSES_SHOWN = 8
_OF_EACH_GROUP = 3
_CONFUSIONS_SHOWN = 5


def clean_accuracy(
    labels: IntArray,
    predicted: IntArray,
    source: ClassGroup,
    target: ClassGroup,
    class_names: Sequence[str],
    limits: Limits,
    accepted: bool = False,
) -> CleanAccuracy:
    """Count what the unpatched model says of pictures of every class, and say what speaks against it.

    Three things do. The target is hardly known: fewer than `LEAST_KNOWN` of its own pictures are called target. It is
    not told from the others: the share of its own pictures that are called target is not shown, at the interval's
    lower bound, to be larger than that of the other classes'. Nearly one class is answered: `ONE_ANSWER` of the other
    classes' pictures get one and the same.

    Args:
        labels, predicted: (N,) class indices of the same pictures.
        accepted: what `limits.unknown_target` says.
    """

    def share(hits: np.ndarray, among: np.ndarray) -> Share:
        count, pictures = int((hits & among).sum()), int(among.sum())
        interval = INTERVALS[limits.interval](count, pictures, limits.confidence) if pictures else None
        return Share(count, pictures, interval)

    everywhere = np.ones(len(labels), dtype=np.bool_)
    called_target, of_target = np.isin(predicted, target.indices), np.isin(labels, target.indices)
    answer = int(np.bincount(predicted, minlength=1).argmax()) if len(predicted) else 0
    confusions = _confusions(labels, predicted)
    classes = _shown(labels, source, target, confusions)
    accuracy = CleanAccuracy(
        overall=share(labels == predicted, everywhere),
        source=share(np.isin(predicted, source.indices), np.isin(labels, source.indices)),
        target=share(called_target, of_target),
        others_called_target=share(called_target, ~of_target),
        answer=answer,
        answered=share(predicted == answer, everywhere),
        answered_others=share(predicted == answer, labels != answer),
        classes=classes,
        table=tuple(_row(predicted[labels == one], classes) for one in classes),
        confusions=confusions[:_CONFUSIONS_SHOWN],
        accepted=accepted,
    )
    return replace(accuracy, doubts=_doubts(accuracy, target.name, class_names))


def with_doubts(verdict: Verdict, reason: str, accuracy: CleanAccuracy | None) -> tuple[Verdict, str]:
    """A run's word and what stands behind it, once what speaks against the model is heard: such a run cannot pass.

    Args:
        accuracy: None for a run of an earlier version, which did not measure it.
    """
    if accuracy is None or not accuracy.doubts:
        return verdict, reason
    told = "; ".join(accuracy.doubts)
    if accuracy.accepted:
        return verdict, f"{reason}; confirmed by limits.unknown_target: {told}"
    word = Verdict.INCONCLUSIVE if verdict is Verdict.PASS else verdict
    return word, (
        f"{reason}; {told}: check class names, folders and preprocessing, or, if that is how it is, confirm it by "
        "limits.unknown_target"
    )


def _doubts(accuracy: CleanAccuracy, target: str, class_names: Sequence[str]) -> tuple[str, ...]:
    own, others, answered = accuracy.target, accuracy.others_called_target, accuracy.answered_others
    called = f"the model recognises {own.count} of {own.pictures} pictures of {target}"
    found = []
    if own.interval is None:
        found.append(f"no discovery picture of {target} tells whether the model knows it")
    elif own.rate < LEAST_KNOWN:
        found.append(f"{called}, so it hardly knows the target")
    elif own.interval.low <= (others.rate if others.pictures else 0.0):
        found.append(
            f"{called}, and calls {others.count} of {others.pictures} of other classes {target}, so it is not shown to "
            "tell the target from them"
        )
    if answered.pictures and answered.rate >= ONE_ANSWER:
        found.append(
            f"the model calls {answered.count} of {answered.pictures} pictures of other classes "
            f"{class_names[accuracy.answer]}, so it answers nearly one class for everything"
        )
    return tuple(found)


def _confusions(labels: IntArray, predicted: IntArray) -> tuple[Confusion, ...]:
    """Every pair of classes that is confused, the most frequent first; ties in the order of the classes."""
    pictures = Counter(labels.tolist())
    pairs = Counter(pair for pair in zip(labels.tolist(), predicted.tolist(), strict=True) if pair[0] != pair[1])
    found = [Confusion(label, answer, count, pictures[label]) for (label, answer), count in pairs.items()]
    return tuple(sorted(found, key=lambda one: (-one.count, one.label, one.answer)))


def _shown(
    labels: IntArray, source: ClassGroup, target: ClassGroup, confusions: Sequence[Confusion]
) -> tuple[int, ...]:
    """The table's classes: of either group those with most pictures, then those of the most frequent confusions."""
    pictures = Counter(labels.tolist())
    shown: dict[int, None] = {}
    for group in (source, target):
        most = sorted(group.indices, key=lambda index: (-pictures[index], index))[:_OF_EACH_GROUP]
        shown |= dict.fromkeys(index for index in most if pictures[index])
    for one in confusions:
        for index in (one.label, one.answer):
            if len(shown) < _CLASSES_SHOWN:
                shown[index] = None
    return tuple(shown)


def _row(predicted: IntArray, classes: Sequence[int]) -> tuple[int, ...]:
    """How often each of the classes is answered, and how often another."""
    answers = Counter(predicted.tolist())
    told = [answers[one] for one in classes]
    return (*told, len(predicted) - sum(told))
