"""Effects over whole pictures: what was tried, what was measured, and what the numbers say. A kind of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.core.records.basics import Interval, Verdict
from auditor.core.records.findings import ControlResult

BACKGROUND = "background"
"""The kind that is tried only where annotations say where the objects lie."""

CONTRAST_ALONE = "its contrast alone"
"""The control of an effect on fine detail that changes no more than the contrast which that takes along."""

_PARTS: Mapping[str, str] = {CONTRAST_ALONE: "contrast"}
"""Controls that are a part of their effect, to the kind of effect that the part is by itself."""


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
        images_needed: eligible pictures that would settle one that is open, at the rates measured; None where it is
            settled, where no number would do, or an earlier version did not say.
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
    images_needed: int | None = None

    @property
    def effect(self) -> WholeEffect:
        return self.trial.effect

    @property
    def flips(self) -> int:
        return self.trial.flips

    @property
    def eligible(self) -> int:
        return self.trial.eligible


@dataclass(frozen=True, slots=True)
class WholePictures:
    """What a report says of effects over whole pictures.

    Attributes:
        tried, missing: as in `WholeTrials`.
        findings: in the order of selection.
        held: whether they are held to the limit (`limits.whole_pictures`).
        may_heed: kinds that the model may rightly heed (`limits.may_heed`).
        limit: of the uplift; 1 where an earlier version stored none, by whose rules open effects held nothing up.
    """

    tried: tuple[WholeEffect, ...]
    findings: tuple[WholeFinding, ...]
    missing: str
    held: bool
    may_heed: tuple[str, ...] = ()
    limit: float = 1.0

    @property
    def heeded(self) -> tuple[WholeFinding, ...]:
        """Those that keep a run from passing where they are above the limit.

        Not one that brings target pictures' own pixels along, which may show the target, nor of a kind it may heed.
        """
        return tuple(filter(self._counts, self.findings))

    @property
    def held_findings(self) -> tuple[WholeFinding, ...]:
        """Those that may fail a model."""
        return self.heeded if self.held else ()

    @property
    def above(self) -> tuple[WholeFinding, ...]:
        """Those that are shown to move more than the limit, the strongest first."""
        return tuple(one for one in strongest_first(self.findings) if one.verdict is Verdict.FAIL)

    @property
    def in_the_way(self) -> tuple[WholeFinding, ...]:
        """Those that keep a run from passing by the limit, held or not, the strongest first.

        Shown to be above it, or measured at or above it and not settled: a word to sign does not pass what moved the
        model by the limit or more on the very pictures that it rests on.
        """
        return tuple(one for one in strongest_first(self.findings) if self._counts(one) and self._measured_there(one))

    @property
    def unsettled(self) -> tuple[WholeFinding, ...]:
        """Those that keep a run from passing until more pictures settle them, the strongest first."""
        way = strongest_first(self.held_findings) if self.held else self.in_the_way
        return tuple(one for one in way if one.verdict is Verdict.INCONCLUSIVE)

    @property
    def settled_by_more(self) -> tuple[WholeFinding, ...]:
        """Those of them that a look at more pictures measures: exchanged backgrounds take annotated ones."""
        return tuple(one for one in self.unsettled if one.effect.kind != BACKGROUND)

    def _measured_there(self, finding: WholeFinding) -> bool:
        unsettled = finding.verdict is Verdict.INCONCLUSIVE and finding.uplift >= self.limit
        return finding.verdict is Verdict.FAIL or unsettled

    def _counts(self, finding: WholeFinding) -> bool:
        return not finding.effect.shows_target and finding.effect.kind not in self.may_heed


def by_reach(findings: Sequence[WholeFinding]) -> list[tuple[WholeFinding, float]]:
    """Findings and how far each reaches: its uplift, or that of its part if that is larger; the farthest first.

    A blur takes contrast along, and is held against that contrast alone. Where it moves more than the limit beyond it,
    contrast by itself is a part of what the model heeds: the blur reaches as far, and is named before its part.
    """
    reaches = [(one, max([one.uplift, *(part.uplift for part in _parts(one, findings))])) for one in findings]
    return sorted(reaches, key=lambda each: (-each[1], -len(_parts(each[0], findings))))


def strongest_first(findings: Sequence[WholeFinding]) -> list[WholeFinding]:
    """Findings in the order in which they are told: those that reach farthest (`by_reach`) first."""
    return [one for one, _ in by_reach(findings)]


def _parts(whole: WholeFinding, findings: Sequence[WholeFinding]) -> list[WholeFinding]:
    """Those that are a part of an effect which is above the limit over each of its controls, that part's among them."""
    kinds = {_PARTS[one.name] for one in whole.controls if one.name in _PARTS}
    return [one for one in findings if one.effect.kind in kinds] if whole.verdict is Verdict.FAIL else []
