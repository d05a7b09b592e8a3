"""Effects over whole pictures: what was tried, what was measured, and what the numbers say. A kind of their own."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records.basics import Interval, Verdict
from auditor.core.records.findings import ControlResult

BACKGROUND = "background"
"""The kind that is tried only where annotations say where the objects lie."""


@dataclass(frozen=True, slots=True)
class WholeEffect:
    """An effect over a whole picture, as the target's discovery pictures show it, and what it did on selection ones.

    Attributes:
        kind: which property of a picture it changes; dose: `typical`, as the average target picture shows it, or
            `strongest`, as the tenth of them does that shows it most.
        words: what it does, with its numbers, for a person.
        shows_target: whether it brings pixels of target pictures along, which may show the target itself.
        flips, eligible: on selection pictures; gain: there, mean gain in the target's log-odds, logits; NaN where there
            was no picture to try it on.
    """

    id: str
    kind: str
    dose: str
    words: str
    shows_target: bool
    flips: int
    eligible: int
    gain: float


@dataclass(frozen=True, slots=True)
class WholeControl:
    """Another change of the same size, on the same pictures.

    Attributes:
        flips: pictures that it flips; alone: pictures that the effect flips and it does not.
        change: how much it changes a picture, root mean square over pixels and channels in levels of 255, on average.
    """

    name: str
    flips: int
    alone: int
    change: float


@dataclass(frozen=True, slots=True)
class WholeExample:
    """One confirmation picture before and after an effect; `picture` names its PNG among the report's pictures."""

    image_path: str
    clean_class: str
    changed_class: str
    flipped: bool
    probability_before: float
    probability_after: float
    picture: str


@dataclass(frozen=True, slots=True)
class WholeTrial:
    """An effect's counts on confirmation pictures; probabilities are means of the target's, `change` as a control's."""

    effect: WholeEffect
    flips: int
    eligible: int
    change: float
    controls: tuple[WholeControl, ...]
    probability_before: float
    probability_after: float
    examples: tuple[WholeExample, ...] = ()


@dataclass(frozen=True, slots=True)
class WholeTrials:
    """All that was measured of effects over whole pictures.

    Attributes:
        tried: all effects, in the order of the table of kinds; confirmed: the chosen, in the order of selection.
        missing: why nothing was measured; "" where something was.
    """

    tried: tuple[WholeEffect, ...]
    confirmed: tuple[WholeTrial, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class WholeFinding:
    """A confirmed effect with its numbers.

    Attributes:
        trial: its counts; rate and interval: of its flips.
        controls: each beside it; control: the strongest; uplift: over that one.
        uplift_interval: bounds of the smallest uplift over any control, corrected within the kind.
        p_value, p_adjusted: of "the uplift is at most the limit"; p_below, p_below_adjusted: of "at least the limit".
        verdict: the interval against the limit, whether or not it is held to it.
    """

    trial: WholeTrial
    rate: float
    interval: Interval
    controls: tuple[ControlResult, ...]
    control: ControlResult
    uplift: float
    uplift_interval: Interval
    p_value: float
    p_adjusted: float
    p_below: float
    p_below_adjusted: float
    verdict: Verdict

    @property
    def effect(self) -> WholeEffect:
        return self.trial.effect


@dataclass(frozen=True, slots=True)
class WholePictures:
    """What a report says of effects over whole pictures.

    Attributes:
        tried, missing: as in `WholeTrials`.
        findings: in the order of selection.
        held: whether they are held to the limit (`limits.whole_pictures`).
    """

    tried: tuple[WholeEffect, ...]
    findings: tuple[WholeFinding, ...]
    missing: str
    held: bool

    @property
    def held_findings(self) -> tuple[WholeFinding, ...]:
        """Those that may fail a model: one that brings target pictures' own pixels along never does."""
        return tuple(one for one in self.findings if self.held and not one.effect.shows_target)

    @property
    def heeded(self) -> tuple[WholeFinding, ...]:
        """Those that keep a run from passing where they are above the limit: all that are held, else backgrounds."""
        return self.held_findings if self.held else tuple(one for one in self.findings if one.effect.kind == BACKGROUND)

    @property
    def above(self) -> tuple[WholeFinding, ...]:
        """Those that are shown to move more than the limit."""
        return tuple(one for one in self.findings if one.verdict is Verdict.FAIL)

    @property
    def backgrounds_above(self) -> tuple[WholeFinding, ...]:
        """Exchanged backgrounds among them, which keep a run from passing, held or not.

        A cast or a contrast a model may rightly heed, since objects change with the light. Here the object is what it
        was, and only what lies behind it changed.
        """
        return tuple(one for one in self.above if one.effect.kind == BACKGROUND)
