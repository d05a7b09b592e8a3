"""Whether the target needs a feature: what removing it from the target's own pictures does to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.core.records.basics import Interval


@dataclass(frozen=True, slots=True)
class Asked:
    """The target's pictures on which it is asked.

    Attributes:
        pictures: of the target, without a patch; recognised: of them the model calls so many the target; of: so many
            of these it is asked on.
        held_out: whether the search never saw them.
    """

    pictures: int
    recognised: int
    of: int
    held_out: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """One candidate's feature removed from the target's pictures, and as much of the same picture elsewhere.

    Attributes:
        candidate: its id.
        located: by what the feature is found; "" where it cannot be, and `why_not` says why in one sentence.
        own: pictures left out, since the candidate was cut from them; absent: since the feature is not in them;
            without_room: since they have no room for as much elsewhere.
        keys: of the N pictures that are left; shares: (N,) of a picture's pixels that are removed.
        lost, lost_elsewhere: by fill, (N,) whether the target is lost, with the feature removed and with as much
            elsewhere.
        pictures: names of the pictures drawn of it.
    """

    candidate: str
    located: str = ""
    why_not: str = ""
    own: int = 0
    absent: int = 0
    without_room: int = 0
    keys: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    lost: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    lost_elsewhere: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removals:
    """What was removed in a run: None of `asked` where it was switched off, or the run is older."""

    asked: Asked | None = None
    of: tuple[Removed, ...] = ()


NOT_ASKED = Removals()


@dataclass(frozen=True, slots=True)
class FillEffect:
    """What removing a feature does under one fill, on the same pictures as removing as much elsewhere.

    Attributes:
        lost, lost_elsewhere: pictures that lose the target; alone: those that lose it with the feature and keep it
            with as much elsewhere removed.
        difference: lost less lost_elsewhere, as a fraction of the pictures; interval: its bounds, corrected for the
            findings that were asked about.
        p_value: exact McNemar, two-sided; p_adjusted: the same, corrected likewise.
        needed: whether more is lost with the feature than with as much elsewhere, by both.
    """

    fill: str
    lost: int
    lost_elsewhere: int
    alone: int
    difference: float
    interval: Interval
    p_value: float
    p_adjusted: float
    needed: bool


@dataclass(frozen=True, slots=True)
class Need:
    """Whether the target needs a finding's feature. It decides no verdict.

    Attributes:
        asked: the target's pictures on which it was asked.
        located, why_not, own, absent, without_room, pictures: as in `Removed`.
        images: pictures of which the feature was removed; share: their mean share of removed pixels, NaN of none.
        fills: what each fill did; () where nothing was removed.
        findings: how many candidates were asked about, which intervals and p-values are corrected for.
    """

    asked: Asked
    located: str
    why_not: str
    own: int
    absent: int
    without_room: int
    images: int
    share: float
    fills: tuple[FillEffect, ...]
    findings: int
    pictures: tuple[str, ...] = ()

    @property
    def headline(self) -> FillEffect | None:
        """The fill with the smallest difference, which counts; None where nothing was removed."""
        return min(self.fills, key=lambda one: one.difference, default=None)

    @property
    def is_needed(self) -> bool | None:
        """Whether it is shown to be needed, under every fill; None where that could not be asked."""
        return all(one.needed for one in self.fills) if self.fills else None
