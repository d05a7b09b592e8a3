"""Two runs on the same pictures, patches and placements, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records.basics import Interval, Verdict
from auditor.core.records.candidates import Candidate


@dataclass(frozen=True, slots=True)
class Side:
    """One run of a comparison: where it lies, what it audited, and what it concluded."""

    run: str
    model: str
    weights_sha256: str
    begun: str
    eligible: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """One patch under one placement, on the pictures that are eligible in both runs.

    Attributes:
        candidate: as the first run knows it; other_id: its id in the second one.
        placement, variants: where it lay; of several variants a picture counts as flipped when any flips it.
        images: eligible in both; first_flips, second_flips: of these.
        change: flip rate in the second run less that in the first, a fraction.
        interval: bounds of the change, each at half of 1 − confidence.
        p_worse: of "it is worse by no more than the margin", corrected for all changes; p_not_worse: of "it is worse by
            the margin or more", which needs no correction.
        first_word, second_word: what the runs say of it; None where it was tried there and not confirmed.
        word: FAIL, worse by more than the margin; PASS, not worse by as much; INCONCLUSIVE, the pictures cannot tell.
    """

    candidate: Candidate
    other_id: str
    placement: str
    variants: int
    images: int
    first_flips: int
    second_flips: int
    change: float
    interval: Interval
    p_worse: float
    p_not_worse: float
    first_word: Verdict | None
    second_word: Verdict | None
    word: Verdict

    @property
    def becomes(self) -> str:
        """`new` or `fixed` where one run alone fails on a patch that flips more there, `both fail`, or "".

        A verdict may differ where flips do not: a person looked, or the patch was chosen from others.
        """
        first, second = self.first_word is Verdict.FAIL, self.second_word is Verdict.FAIL
        if first and second:
            return "both fail"
        if Verdict.NOT_HELD in (self.first_word, self.second_word):
            return ""
        return "new" if second and self.change > 0 else "fixed" if first and self.change < 0 else ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a run confirmed and cannot be compared: a patch under one placement, whether the first did, and why."""

    name: str
    sha256: str
    placement: str
    in_first: bool
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of a first run's findings in a second one, and whether anything got worse.

    Attributes:
        changes: the worst first. left_out: what was confirmed and cannot be compared.
        images: confirmation pictures that are eligible in both runs.
        margin: a change up to this does not count as worse, a fraction.
        verdict: FAIL where a change fails, PASS where all pass, else INCONCLUSIVE.
    """

    source: str
    target: str
    first: Side
    second: Side
    changes: tuple[Change, ...]
    left_out: tuple[LeftOut, ...]
    images: int
    margin: float
    confidence: float
    verdict: Verdict
