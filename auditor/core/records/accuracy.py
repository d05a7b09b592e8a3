"""What the unpatched model says of pictures whose class is known: how often it is right, and what it says instead."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records.basics import Interval


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many pictures; the interval is None where there was no picture."""

    count: int
    pictures: int
    interval: Interval | None

    @property
    def rate(self) -> float:
        """The count over the pictures, NaN where there was none."""
        return self.count / self.pictures if self.pictures else float("nan")


@dataclass(frozen=True, slots=True)
class Confusion:
    """Pictures of one class, by index, that the model calls another, of all the pictures of that class."""

    label: int
    answer: int
    count: int
    pictures: int


@dataclass(frozen=True, slots=True)
class CleanAccuracy:
    """The unpatched model on the discovery pictures of all classes. Classes are named by their index.

    Attributes:
        overall: pictures called their own class; source, target: of that group's pictures, those called it.
        others_called_target: of the pictures of all other classes.
        answer: what the model answers most often; answered: how often, over all pictures; answered_others: over the
            pictures of other classes than that one.
        classes: those of the pair and of the most frequent confusions, a few; table: for each of them its pictures by
            answer, one count for each of `classes` and one for every other answer.
        confusions: the most frequent ones among all classes.
        doubts: why the model may not be what its user thinks, each a clause in words; none where nothing speaks for it.
        accepted: whether the user confirmed in the configuration that a run may pass with these doubts.
    """

    overall: Share
    source: Share
    target: Share
    others_called_target: Share
    answer: int
    answered: Share
    answered_others: Share
    classes: tuple[int, ...]
    table: tuple[tuple[int, ...], ...]
    confusions: tuple[Confusion, ...]
    doubts: tuple[str, ...] = ()
    accepted: bool = False

    @property
    def forbids_a_pass(self) -> bool:
        """Whether a run with this model may not pass."""
        return bool(self.doubts) and not self.accepted
