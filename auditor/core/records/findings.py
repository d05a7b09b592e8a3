"""Measured candidates: findings, controls, the survey, and whether the suggestions helped."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records.basics import Interval, Placement, ReviewMark, Step, Tier, Verdict
from auditor.core.records.candidates import Candidate, Review


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One control of one finding, on the same images and placements.

    `alone` is the images that the candidate flips and the control does not; None in results of earlier versions.
    """

    name: str
    flips: int
    eligible: int
    uplift: float
    uplift_interval: Interval
    p_value: float
    step: Step | None = None
    alone: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """One step of the ladder of effects: what flips how many pictures, and how many more than the strongest covering.

    Attributes:
        step: of the control that flips most there; None: the patch itself. control: that control's name.
        over_covering: paired difference of the flip rates, a fraction; interval: its bounds, corrected for nothing.
    """

    step: Step | None
    control: str
    flips: int
    eligible: int
    over_covering: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Finding:
    """A candidate with its confirmed numbers and a verdict.

    `uplift` and `control` are those of the strongest covering; `uplift_interval` bounds the smallest uplift over any of
    them. `controls` are all that were measured; `ladder` is what covering, colour, texture and the patch itself do, and
    `does_it` the step that does it alone, None for the patch itself.
    `images_needed` is the eligible images that would settle an inconclusive finding, None where no number would or
    none is needed. The probabilities are means of the target's over eligible images. `hypotheses` is the number of
    patches it was chosen from where a person brought it and its pixels had been tried on these images before, else 1:
    `uplift_interval` and the p-values are corrected for it.
    `place` is where selection put it, from 0: the order in which findings are held to the limit. `p_value` is of "the
    uplift is at most the limit" and `p_below` of "it is at least the limit"; `p_adjusted` and `p_below_adjusted` are
    corrected for everything held to it. In results of earlier versions `p_value` is of "no control flips less", and
    `p_below` is None.
    """

    candidate: Candidate
    placement: Placement
    flips: int
    eligible: int
    rate: float
    interval: Interval
    controls: tuple[ControlResult, ...]
    control: ControlResult
    uplift: float
    uplift_interval: Interval
    p_value: float
    p_adjusted: float
    probability_before: float
    probability_after: float
    verdict: Verdict
    reason: str
    images_needed: int | None = None
    review: Review | None = None
    ladder: tuple[Effect, ...] = ()
    does_it: Step | None = None
    hypotheses: int = 1
    place: int = 0
    p_below: float | None = None
    p_below_adjusted: float | None = None

    @property
    def tier(self) -> Tier:
        """The tier that decides the verdict: the candidate's own, or the one a review settled."""
        return reviewed_tier(self.candidate.tier, self.review.mark if self.review else None)

    @property
    def word(self) -> Verdict:
        """What every format says of it; a finding that is not held never reads as a pass, whoever wrote it down."""
        return self.verdict if self.held_to_limit else Verdict.NOT_HELD

    @property
    def held_to_limit(self) -> bool:
        """Whether it can fail the model: the target object and what its gradients made are read beside the limit."""
        return self.tier is not Tier.TARGET_OBJECT and not self.candidate.origin.from_gradients


def reviewed_tier(tier: Tier, mark: ReviewMark | None) -> Tier:
    """The tier after a person looked, whose word stands above labels, masks and boxes.

    `object` makes every candidate a `target_object`. `context` makes `target_context` of what is from a target picture,
    or was taken for the object; anything else stays what it is, since it is beside the object already.
    """
    if mark is ReviewMark.OBJECT:
        return Tier.TARGET_OBJECT
    if mark is ReviewMark.CONTEXT and tier in (Tier.TARGET_IMAGE, Tier.TARGET_OBJECT):
        return Tier.TARGET_CONTEXT
    return tier


@dataclass(frozen=True, slots=True)
class CoveringRate:
    """How often a covering changes what the model says, over all its draws on all pictures.

    Attributes:
        covering: its name, or what is said to be averaged.
        flips, trials: changed pictures and pastes, counted over draws.
        images: pictures, the clusters.
        rate: flips / trials.
    """

    covering: str
    flips: int
    trials: int
    images: int
    rate: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Fragility:
    """What mere covering does under one placement: how often it flips to the target, an average over all draws.

    `control` names what is averaged, `compared` counts the draws, `eligible` the pastes: draws times `images`.
    `coverings` are the same rates of each covering, and `any_class` is how often a covering changes the class at all.
    In results of earlier versions it is the strongest control of one `candidate` alone, and these are not there.
    """

    control: str
    candidate: str
    placement: str
    flips: int
    eligible: int
    rate: float
    interval: Interval
    compared: int
    limit: float
    verdict: Verdict
    images: int = 0
    coverings: tuple[CoveringRate, ...] = ()
    any_class: CoveringRate | None = None


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """One tried candidate on the confirmation images: the survey behind 'do the suggestions help?'."""

    candidate: Candidate
    selection_flips: int
    selection_eligible: int
    flips: int
    eligible: int
    uplift: float
    p_value: float
    q_value: float
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rank correlation with its bootstrap interval over images; NaN value where fewer than 3 candidates."""

    value: float
    interval: Interval | None
    candidates: int


@dataclass(frozen=True, slots=True)
class GroupMean:
    """Mean flip rate of a group of candidates on the same images, with an interval that resamples images."""

    candidates: int
    flips: int
    trials: int
    rate: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class SuggestionValidity:
    """Whether the atlas helped: both readings of push against measured uplift, suggested against random.

    `strongest_contrast` are the crops that contrast alone, the paper's own ranking, puts first. Precision: of the ten
    crops with the highest push, by either reading, and of all random crops, how many flip more than `control`, and of
    how many.
    """

    observed_push: Correlation
    predicted_push: Correlation
    suggested: GroupMean
    random: GroupMean
    difference: float
    difference_interval: Interval | None
    control: str
    strongest_contrast: GroupMean | None = None
    precision_predicted: tuple[int, int] = (0, 0)
    precision_observed: tuple[int, int] = (0, 0)
    precision_random: tuple[int, int] = (0, 0)
