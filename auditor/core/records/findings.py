"""Measured candidates: findings, controls, the survey, and whether the suggestions helped."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records.basics import Interval, Placement, ReviewMark, Step, Tier, Verdict
from auditor.core.records.candidates import Candidate, Review
from auditor.core.records.needed import Need
from auditor.core.records.stopping import Stopping


@dataclass(frozen=True, slots=True)
class Moments:
    """Of one number an image, in logits: mean, standard deviation, skewness, and of how many images."""

    mean: float
    deviation: float
    skewness: float
    images: int


@dataclass(frozen=True, slots=True)
class LogOddsUplift:
    """How much a candidate raises the target's log-odds above the covering that raises them most.

    Attributes:
        covering: that covering's name.
        uplift: mean difference over images, in logits.
        interval: bounds of the smallest mean difference over all coverings.
        verdict: against `limits.log_odds`; None where that is not set. The p-values are then of "the uplift is at most
            the limit" and of "it is at least the limit", corrected for everything held to it.
    """

    covering: str
    uplift: float
    interval: Interval
    verdict: Verdict | None = None
    p_adjusted: float | None = None
    p_below_adjusted: float | None = None


@dataclass(frozen=True, slots=True)
class CoveringUplift:
    """How many more images a candidate changes than the covering that changes most.

    Attributes:
        covering: that covering's name.
        hits, covering_hits, eligible: images that the candidate changes, that the covering changes, of how many.
        uplift: their difference in rate.
        interval: bounds of the smallest difference over all coverings.
    """

    covering: str
    hits: int
    covering_hits: int
    eligible: int
    uplift: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One control of one finding, on the same images and placements.

    `alone` is the images that the candidate flips and the control does not; None in results of earlier versions.
    `entries` is the images whose likeliest classes (`TOP`) the target enters under the control, `entries_alone` those
    that it enters under the candidate and not under the control, both of the images in which it was not among them
    before; `log_odds` are moments of what the candidate gains over the control. None where not measured.
    """

    name: str
    flips: int
    eligible: int
    uplift: float
    uplift_interval: Interval
    p_value: float
    step: Step | None = None
    alone: int | None = None
    entries: int | None = None
    entries_alone: int | None = None
    log_odds: Moments | None = None


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
    `log_odds` is the uplift in the target's log-odds over covering. `entries` counts the images in which the target
    enters the likeliest classes (`TOP`), and those in which it was not among them before; `top_five` is the uplift of
    that over covering. None where there are none, or not measured.
    `needed` is what removing its feature from the target's own pictures does; None where that was not asked.
    `stopping` is the look at which its confirmation ended, where it might end early: every interval and p-value allows
    for the looks. None where all pictures were used at once.
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
    entries: tuple[int, int] | None = None
    log_odds: LogOddsUplift | None = None
    top_five: CoveringUplift | None = None
    needed: Need | None = None
    stopping: Stopping | None = None

    @property
    def strictness(self) -> float:
        """What its p-values are multiplied by, and the levels of its bounds divided by: for having been chosen from
        patches tried before, and for looking several times."""
        return self.hypotheses / (1.0 if self.stopping is None else self.stopping.share)

    @property
    def suffices(self) -> bool:
        """Whether the patch alone flips more than covering does, beyond its interval; the limit asks for more."""
        return self.uplift_interval.low > 0

    @property
    def tier(self) -> Tier:
        """The tier that decides the verdict: the candidate's own, or the one a review settled."""
        return reviewed_tier(self.candidate.tier, self.review.mark if self.review else None)

    @property
    def awaits_look(self) -> bool:
        """Whether nobody has said yet if it shows the target, where its pixels may and no label or annotation tells."""
        return self.tier is Tier.TARGET_IMAGE or (self.review is None and self.candidate.resembles_target)

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
    """A rank correlation with its interval; NaN value where fewer than 3 candidates."""

    value: float
    interval: Interval | None
    candidates: int


@dataclass(frozen=True, slots=True)
class GroupMean:
    """Mean flip rate of a group of candidates on the same images, with an interval as for other candidates and images.

    In results of earlier versions the interval is as for other images alone.
    """

    candidates: int
    flips: int
    trials: int
    rate: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class TierComparison:
    """Suggested and random crops of one tier, or of all tiers with the suggestions' mix (`tier` None).

    Attributes:
        difference: mean flip rate of the suggested less that of the random ones; NaN where a group is empty.
        interval: of the difference; None where a group has fewer than two crops, or there are fewer than two pictures.
    """

    tier: Tier | None
    suggested: GroupMean
    random: GroupMean
    difference: float
    interval: Interval | None

    @property
    def better_than_chance(self) -> bool:
        """Whether the suggestions flip more than random crops of their tiers, beyond the luck of crops and pictures."""
        return self.interval is not None and self.interval.low > 0


@dataclass(frozen=True, slots=True)
class SuggestionValidity:
    """Whether the search helped: both readings of push against measured uplift, suggested against random crops.

    `comparisons` are by tier, third class first, and last all tiers with the suggestions' mix, whose numbers are also
    `suggested`, `random`, `difference` and `difference_interval`. In results of earlier versions there are none, and
    those numbers compare all crops whatever their tier, as for other pictures alone.
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
    comparisons: tuple[TierComparison, ...] = ()

    @property
    def headline(self) -> TierComparison:
        """The comparison that answers whether the search helped: of third class, else of all tiers."""
        first = self.comparisons[0] if self.comparisons else None
        if first is not None and first.interval is not None:
            return first
        return TierComparison(None, self.suggested, self.random, self.difference, self.difference_interval)
