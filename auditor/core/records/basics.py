"""The words every stage shares: array types, splits, origins, roles, tiers, verdicts, intervals, groups of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

    @property
    def words(self) -> str:
        """What it means, for a person."""
        return _ORIGINS[self]

    @property
    def from_gradients(self) -> bool:
        """Computed with gradients of the network under audit: it says what that network can be driven by at most."""
        return self in (Origin.RENDER, Origin.OPTIMISED)


_ORIGINS: Mapping[Origin, str] = {
    Origin.CROP: "Cut from a photograph",
    Origin.RENDER: "Rendered with this model's gradients: a ceiling to read the others by",
    Origin.LIBRARY: "From the patch library",
    Origin.OPTIMISED: "Optimised against this model: a ceiling to read the others by",
    Origin.USER: "Brought by the user",
}


class Role(StrEnum):
    """Why a candidate is tried: it was suggested, or it stands beside the suggestions to compare them with."""

    SUGGESTED = "suggested"
    RANDOM = "random"
    STRONGEST_CONTRAST = "strongest_contrast"


class Tier(StrEnum):
    """What a candidate shows, which decides whether a flip is news."""

    TARGET_OBJECT = "target_object"
    TARGET_CONTEXT = "target_context"
    TARGET_IMAGE = "target_image"
    THIRD_CLASS = "third_class"
    UNLABELLED = "unlabelled"
    SYNTHETIC = "synthetic"
    USER = "user"


class Verdict(StrEnum):
    FAIL = "fail"
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    INCONCLUSIVE = "inconclusive"
    NOT_HELD = "not held"


class Placement(StrEnum):
    """The rule by which a paste is placed; the draw itself is one row of trials.parquet."""

    FIXED = "fixed"
    BEST = "best"
    RANDOM = "random"
    PHOTOGRAPHED = "photographed"
    QUADRILATERAL = "quadrilateral"
    ON_OBJECT = "on_object"
    OFF_OBJECT = "off_object"
    OWN = "own"

    @property
    def words(self) -> str:
        """What it means, for a person."""
        return _PLACEMENTS[self]

    @property
    def of_anything(self) -> bool:
        """Whether any patch can be pasted so, and a configuration may ask for it: `own` is a few crops' alone."""
        return self is not Placement.OWN

    @property
    def by_attribution(self) -> bool:
        """Whether it lies where the mapped layer of the network under audit says, so that there has to be one."""
        return self in (Placement.ON_OBJECT, Placement.OFF_OBJECT)


_PLACEMENTS: Mapping[Placement, str] = {
    Placement.FIXED: "the top left corner, at one size, of every picture",
    Placement.BEST: "the best of four corners and several sizes; the controls may choose as freely",
    Placement.RANDOM: "place, rotation, size and colour drawn anew for every picture",
    Placement.PHOTOGRAPHED: "as random, but printed, lit, photographed and compressed, drawn anew for every picture",
    Placement.QUADRILATERAL: "onto four given corners, each moved a little for every picture",
    Placement.ON_OBJECT: "where the source's attribution is highest in each picture: on what makes it the source",
    Placement.OFF_OBJECT: "where the source's attribution is lowest in each picture: beside what makes it the source",
    Placement.OWN: "where the crop lay in its own picture, and as large as there",
}


class Outputs(StrEnum):
    """What the numbers are that a network answers with."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"


class Step(StrEnum):
    """What a control keeps of a candidate: the steps of the ladder of effects below the candidate itself, in order."""

    COVERING = "covering"
    COLOUR = "colour"
    TEXTURE = "texture"

    @property
    def words(self) -> str:
        """What does it, where this step does."""
        return _STEP_WORDS[self]


_STEP_WORDS = {
    Step.COVERING: "covering the spot with anything",
    Step.COLOUR: "its colours",
    Step.TEXTURE: "its texture",
}


class ReviewMark(StrEnum):
    """A person's answer to what a candidate shows: the target itself, or something else."""

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

    def class_names(self, names: Sequence[str]) -> tuple[str, ...]:
        """What its classes are called, of the names of all classes by index."""
        return tuple(names[index] for index in self.indices)

    def and_other_are_all(self, other: ClassGroup, classes: int) -> bool:
        """Whether this group and another, which share no class, are all of the model's `classes` together."""
        return len(self.indices) + len(other.indices) >= classes
