"""Known shortcuts that were planted in copies of the audited model, and whether the same search found them."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records.basics import Interval, Verdict

COLOUR_CAST, SHARPNESS, BRIGHTNESS = "colour cast", "sharpness", "brightness"
WHOLE = (COLOUR_CAST, SHARPNESS, BRIGHTNESS)
"""Kinds of changes of whole pictures that are planted, by the names of the effects that are to notice them."""


@dataclass(frozen=True, slots=True)
class PlantedFinding:
    """A finding of an audit of a changed copy: which candidate, and what it does to confirmation pictures.

    Attributes:
        candidate: its id, or that of an effect over whole pictures.
        flips, eligible, uplift: in the copy. before, of: flips of the same patch, placed alike, or of the same effect
            in the model itself, and of how many pictures.
    """

    candidate: str
    name: str
    flips: int
    eligible: int
    uplift: float
    before: int
    of: int

    def grown(self, limit: float) -> bool:
        """Whether it flips more in the copy than in the model itself, by more than a limit."""
        return self.flips / self.eligible - self.before / self.of > limit


@dataclass(frozen=True, slots=True)
class PlantedShortcut:
    """One shortcut, planted in a copy of the model, and what a blind audit of the copy made of it.

    Attributes:
        number: from 1, of changes of whole pictures by themselves; it decides the cue, with the seed.
        kind: of the cue, `thing`, `sticker` or one of `WHOLE`.
        share: of the target's discovery pictures that hold the cue in that audit; also the share of source pictures
            that the cue was meant to flip. pictures: how many hold it.
        flips, eligible: what the cue truly does, laid on the source's confirmation pictures at places of its own.
        changed, of: answers of the copy that differ from the model's own on discovery pictures without the cue.
        verdict: after a look by somebody who knows the cue and nothing else: of crops of the target's pictures, those
            that show it are context, all others the target itself.
        findings: that are held to the limit then; rank: of the first of them, by uplift, that shows the cue and flips
            more than in the model itself, by more than the limit. Of a change of whole pictures: effects over whole
            pictures above the limit, and the rank of the first that is of its kind.
        caught: whether such a finding fails the copy, by itself, or such an effect keeps it from passing; noticed:
            whether any does that flips so much more than in the model itself, whatever it shows.
        found: that first finding; instead: the first of all findings, where that is another one.
        folder: of all of it, in the run's own.
    """

    number: int
    name: str
    kind: str
    share: float
    pictures: int
    flips: int
    eligible: int
    changed: int
    of: int
    findings: int
    rank: int | None
    caught: bool
    noticed: bool
    verdict: Verdict
    found: PlantedFinding | None
    instead: PlantedFinding | None
    folder: str

    @property
    def is_whole(self) -> bool:
        """Whether it changes whole pictures, which no patch shows."""
        return self.kind in WHOLE

    @property
    def copy(self) -> str:
        """The name of its folder, which no other copy of the run has."""
        return self.folder.rpartition("/")[2]

    def above(self, limit: float) -> bool:
        """Whether the cue truly flips more than a limit, a fraction."""
        return self.rate > limit

    @property
    def rate(self) -> float:
        """What the cue truly flips; 0 where no picture was eligible."""
        return self.flips / self.eligible if self.eligible else 0.0


@dataclass(frozen=True, slots=True)
class HowOften:
    """A count of planted shortcuts, and the interval of the share that it stands for."""

    count: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Planted:
    """All that was planted, and how often the search found it where the cue does more than the limit.

    Attributes:
        shortcuts: by number. counted: of them, those whose cue truly flips more than the limit; of the others a pass is
            right, and they count for nothing.
        caught: of those counted, where a finding that shows the cue fails the copy.
        noticed: how many others fail by something else that the model itself does not do, or much less: what the last
            layer takes for the cue. What the model itself does as well counts for nothing.
        first, within: where such a finding is the first, or among the first `WITHIN`.
        passed: copies that pass, each a shortcut overlooked. All four are None where nothing counts.
        over_whole: the same of changes of whole pictures, which are in none of the above; None: none was planted.
    """

    shortcuts: tuple[PlantedShortcut, ...]
    counted: int
    caught: HowOften | None
    noticed: int
    first: HowOften | None
    within: HowOften | None
    passed: HowOften | None
    over_whole: Planted | None = None


WITHIN = 3
"""How many findings a reviewer is sure to look at."""
