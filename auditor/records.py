"""Frozen records that pass between the stages. They hold values and no behaviour beyond reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
PixelArray = NDArray[np.uint8]


class Split(StrEnum):
    """The three disjoint sets of images (docs/design.md, section 5, rule 1)."""

    DISCOVERY = "discovery"
    SELECTION = "selection"
    CONFIRMATION = "confirmation"


class Origin(StrEnum):
    """How a candidate was made."""

    CROP = "crop"
    RENDER = "render"
    LIBRARY = "library"
    OPTIMISED = "optimised"
    USER = "user"


class Tier(StrEnum):
    """What a candidate shows, which decides whether a flip is news."""

    TARGET_OBJECT = "target_object"
    TARGET_CONTEXT = "target_context"
    TARGET_IMAGE = "target_image"
    THIRD_CLASS = "third_class"
    SYNTHETIC = "synthetic"
    USER = "user"


class Verdict(StrEnum):
    FAIL = "fail"
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    INCONCLUSIVE = "inconclusive"


class Placement(StrEnum):
    """The rule by which a paste is placed; the draw itself is one row of trials.parquet."""

    FIXED = "fixed"
    BEST = "best"
    RANDOM = "random"


class ReviewMark(StrEnum):
    """A person's answer to what a `target_image` candidate shows."""

    OBJECT = "object"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval with its method named. Rates and uplifts are fractions, not percent."""

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class ClassGroup:
    """The source or the target: a name and the indices of the model's classes in it."""

    name: str
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One usable picture. `key` is the start of its sha256 and names it everywhere."""

    key: str
    sha256: str
    path: str
    label: int
    split: Split
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class SkippedImage:
    """One picture that was not used, and why: what did not run is not a pass."""

    path: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ImagePool:
    """All pictures of an audit: row i of `pixels` is `images[i]` as the model receives it, before normalising.

    `pixels` is (N, 3, H, W) uint8 RGB.
    """

    images: tuple[ImageRecord, ...]
    skipped: tuple[SkippedImage, ...]
    pixels: PixelArray

    def rows(self, split: Split, labels: tuple[int, ...] | None = None) -> IntArray:
        """Row numbers of one split's pictures, of the given labels only (None: all)."""
        wanted = None if labels is None else frozenset(labels)
        chosen = (
            row
            for row, image in enumerate(self.images)
            if image.split == split and (wanted is None or image.label in wanted)
        )
        return np.fromiter(chosen, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One activation that stands for its cell: row of the picture in the pool and grid position in the layer."""

    image_row: int
    y: int
    x: int
    contrast: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A bin of the layout at one grid level.

    Attributes:
        level: bins along each side of the grid; column 0 is at the left (towards the source), row 0 at the top.
        count: activations in the cell; images: distinct pictures they come from; mean_activation: (D,).
        mean_attribution: (K,) to every class; attribution_error: its standard error over images.
        contrast: observed push, the mean in the cell; contrast_error: its standard error over images.
        predicted_push: mean screened effect of its exemplars on source images, NaN until screened; and its error.
        exemplars: activations nearest the cell's mean, nearest first, at most one a picture.
    """

    level: int
    column: int
    row: int
    count: int
    images: int
    mean_activation: FloatArray
    mean_attribution: FloatArray
    attribution_error: FloatArray
    contrast: float
    contrast_error: float
    exemplars: tuple[Exemplar, ...]
    predicted_push: float = float("nan")
    predicted_push_error: float = float("nan")

    @property
    def name(self) -> str:
        return f"{self.level}:{self.column}:{self.row}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patch worth trying, with the provenance that lets anyone make it again.

    Attributes:
        id: `c-` and a number for suggestions, `r-` for random crops, `l-` for the library, `u-` for the user's.
        name: a few words for a person; sha256: of the PNG in the run folder.
        image_key, image_path, image_label: the picture it was cut from; box: left, top, right, bottom in that
            picture's pixels; cell: the name of its cell (crops only).
        observed_push: contrast at its exemplar's position; predicted_push: mean screened change of the
            target − source margin over source images. Logits; NaN where not measured.
        shows: what annotated things cover which share of its pixels, largest first.
        suggested: proposed (True) or random, for comparison; read_as_target: the model calls it the target alone.
    """

    id: str
    name: str
    origin: Origin
    tier: Tier
    sha256: str
    image_key: str = ""
    image_path: str = ""
    image_label: str = ""
    box: tuple[int, int, int, int] | None = None
    cell: str = ""
    observed_push: float = float("nan")
    predicted_push: float = float("nan")
    shows: tuple[tuple[str, float], ...] = ()
    suggested: bool = True
    read_as_target: bool = False
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A person's mark on a candidate."""

    candidate: str
    mark: ReviewMark
    reviewer: str
    why: str


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
    """Whether the atlas helped: both readings of push against measured uplift, suggested against random."""

    observed_push: Correlation
    predicted_push: Correlation
    suggested: GroupMean
    random: GroupMean
    difference: float
    difference_interval: Interval | None
    control: str


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the search: how many candidates came in, how many went on, by which number."""

    name: str
    seen: int
    passed: int
    by: str


@dataclass(frozen=True, slots=True)
class Example:
    """One flipped confirmation image before and after; `picture` names its PNG among the report's pictures."""

    candidate: str
    placement: str
    image_path: str
    clean_class: str
    patched_class: str
    probability_before: float
    probability_after: float
    picture: str


@dataclass(frozen=True, slots=True)
class SplitCount:
    """Source images of one split: used and eligible."""

    split: Split
    used: int
    source: int
    eligible: int


@dataclass(frozen=True, slots=True)
class Limits:
    uplift: float
    fragility: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What was audited, for the report's head: names, files and hashes, nothing that runs."""

    model: str
    weights: str
    weights_sha256: str
    layer: str
    layer_rule: str
    device: str
    input_size: tuple[int, int]
    preprocessing: str
    classes: int


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Everything a report states. Everything in it but `run` and `pictures` goes into findings.json."""

    run: str
    source: ClassGroup
    target: ClassGroup
    subject: Subject
    class_names: tuple[str, ...]
    eligibility: str
    limits: Limits
    verdict: Verdict
    verdict_reason: str
    splits: tuple[SplitCount, ...]
    skipped: tuple[SkippedImage, ...]
    hypotheses_tried: int
    hypotheses_confirmed: int
    rungs: tuple[Rung, ...]
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    survey: tuple[SurveyRow, ...]
    fragility: Fragility | None
    suggestion_validity: SuggestionValidity | None
    examples: tuple[Example, ...]
    notes: tuple[str, ...]
    versions: Mapping[str, str]
    seed: int
    images_needed: int | None = None
    times: Mapping[str, float] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
