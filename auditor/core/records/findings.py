"""Measured candidates: findings, controls, the survey, and whether the suggestions helped."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records.basics import Interval, Placement, ReviewMark, Tier, Verdict
from auditor.core.records.candidates import Candidate, Review


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One control of one finding, on the same images and placements."""

    name: str
    flips: int
    eligible: int
    uplift: float
    uplift_interval: Interval
    p_value: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A candidate with its confirmed numbers and a verdict.

    `uplift` and `control` are those of the strongest control; `uplift_interval` bounds the smallest uplift over all.
    `images_needed` is the eligible images that would settle an inconclusive finding, None where no number would or
    none is needed. The probabilities are means of the target's over eligible images.
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

    @property
    def tier(self) -> Tier:
        """The tier that decides the verdict: the candidate's own, or the one a review settled."""
        return reviewed_tier(self.candidate.tier, self.review.mark if self.review else None)

    @property
    def held_to_limit(self) -> bool:
        """Whether it can fail the model: the target object and what its gradients made are read beside the limit."""
        return self.tier is not Tier.TARGET_OBJECT and not self.candidate.origin.from_gradients


def reviewed_tier(tier: Tier, mark: ReviewMark | None) -> Tier:
    """The tier after a person looked; a mark settles `target_image` and leaves every other tier alone."""
    if tier is not Tier.TARGET_IMAGE or mark is None:
        return tier
    return Tier.TARGET_OBJECT if mark is ReviewMark.OBJECT else Tier.TARGET_CONTEXT


@dataclass(frozen=True, slots=True)
class Fragility:
    """The strongest control's own flip rate: what mere covering does."""

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
