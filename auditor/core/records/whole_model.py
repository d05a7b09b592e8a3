"""What a survey of a whole model measured: pairs of classes, features that reach a class from many, classes."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.records.basics import Tier
from auditor.core.records.candidates import Spot


@dataclass(frozen=True, slots=True)
class SurveyedCrop:
    """A crop of a survey that is shown or named.

    Attributes:
        id: `w-00012`. label: class of the picture it was cut from. box: left, top, right, bottom in that picture.
        spot: where it is pasted: where it lay in that picture, and as large; None: in the corner.
    """

    id: str
    label: str
    image_path: str
    image_key: str
    box: tuple[int, int, int, int]
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A crop on the confirmation pictures of a class, beside the covering that flips most there.

    Attributes:
        crop: its id. tier: what it is to the target.
        flips, eligible: pictures that it makes the target, and of how many; covering_flips: of the same pictures.
        uplift: the difference of these rates over every covering, the least; p_value: of "no more than some covering".
        spot: where both are pasted, which is where the crop lay in its own picture; None: in the corner.
        rank: place of the target among the classes, 1 for the likeliest, by what the clean model says of the picture
            that the crop was cut from; 0: it was not asked (earlier versions).
    """

    crop: str
    tier: Tier
    flips: int
    eligible: int
    covering: str
    covering_flips: int
    uplift: float
    p_value: float
    spot: Spot | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class SurveyedPair:
    """A source and a target class, with the crop that was chosen for them.

    Attributes:
        source, target: class names.
        selection_flips, selection_eligible: of the chosen crop, on the pictures that chose it.
        measured: on confirmation pictures. q_value: adjusted for all pairs measured.
        expected: flip rate to be expected of it on further pictures: what was measured, drawn towards what its log-odds
            on selection pictures foretell.
        nearest, nearest_expected: of how many crops, it among them, that come nearest on selection pictures, and the
            mean of the rates to be expected of them.
        covering: flip rate of the strongest covering at the crop's place, over all its draws.
        nearest_covering: the mean of these over the crops that come nearest; None, of earlier versions: as `covering`.
        own_crop: the crop of the target's own pictures, which nobody has looked at, that screening expected most of;
            "": none. own_flips, own_eligible: of it, on selection pictures, which had no part in choosing it.
    """

    source: str
    target: str
    selection_flips: int
    selection_eligible: int
    measured: Measured
    q_value: float
    expected: float
    nearest: int
    nearest_expected: float
    covering: float
    own_crop: str = ""
    own_flips: int = 0
    own_eligible: int = 0
    nearest_covering: float | None = None

    @property
    def expected_uplift(self) -> float:
        """By which pairs are ranked: it does not hang on the one crop that a search happened to find."""
        covering = self.covering if self.nearest_covering is None else self.nearest_covering
        return self.nearest_expected - covering


@dataclass(frozen=True, slots=True)
class ReachedFromMany:
    """A crop and the class that it makes pictures of many classes.

    Attributes:
        classes: source classes it was tried on; reached: those where its uplift is above the limit.
        flips, eligible: over the confirmation pictures of all of them; covering: the strongest covering's rate there.
    """

    crop: str
    target: str
    classes: int
    reached: int
    flips: int
    eligible: int
    covering: float


@dataclass(frozen=True, slots=True)
class SurveyedClass:
    """How easily pictures leave a class, and become it.

    Attributes:
        eligible: its confirmation pictures; 0 where too few are recognised, so that it is a target alone.
        left_covered, left_cropped: shares of its pictures called something else, under coverings (pasted on
            confirmation pictures), and under crops that nobody chose (on screening pictures, by the network's
            tail); None: nothing was tried.
        reached_covered, reached_cropped: shares of other classes' pictures that become it, likewise.
        pairs_out, pairs_in: confirmed pairs with it as the source, as the target.
    """

    name: str
    eligible: int
    left_covered: float | None
    left_cropped: float | None
    reached_covered: float | None
    reached_cropped: float | None
    pairs_out: int
    pairs_in: int


@dataclass(frozen=True, slots=True)
class WholeModel:
    """The result of a survey.

    Attributes:
        pairs: measured, by expected uplift, the largest first.
        crops: every crop that is named, by id.
        level: share of false ones to be expected among the confirmed pairs, at most; limit: of an audit's uplift.
        screened: crops, in the corner; screened_own: crops where they lay in their own pictures.
        screening_pictures, selection_pictures, confirmation_pictures: of all classes together.
        tried: pairs that went into pixels; possible: ordered pairs of a source and another class.
        agreement: rank correlation of what screening expects of a crop with the trials on selection pictures.
        suggested, random: mean flip rate of the chosen crops over all pairs measured, and of crops that nobody chose.
        left_out: classes whose pictures nothing was tried on.
        passes: pictures through the network or a part of it.
        together: the pictures of all classes were one source, of which those of a pair's target count nowhere.
    """

    pairs: tuple[SurveyedPair, ...]
    features: tuple[ReachedFromMany, ...]
    classes: tuple[SurveyedClass, ...]
    crops: tuple[SurveyedCrop, ...]
    level: float
    limit: float
    screened: int
    screening_pictures: int
    selection_pictures: int
    confirmation_pictures: int
    tried: int
    possible: int
    agreement: float | None
    suggested: float | None
    random: float | None
    left_out: tuple[str, ...]
    passes: int
    model: str
    weights_sha256: str
    layer: str
    seed: int
    screened_own: int = 0
    together: bool = False

    @property
    def confirmed(self) -> tuple[SurveyedPair, ...]:
        """The pairs whose crop does more than every covering, at most `level` of them wrongly to be expected."""
        return tuple(pair for pair in self.pairs if pair.q_value <= self.level)

    def crop(self, identity: str) -> SurveyedCrop:
        """A crop by its id."""
        return next(one for one in self.crops if one.id == identity)

    def likened(self, pair: SurveyedPair) -> int:
        """The target's rank on the picture of another class that the pair's crop was cut from; 0: not asked, or it is
        the target's own."""
        own = self.crop(pair.measured.crop).label == pair.target
        return 0 if own else pair.measured.rank


@dataclass(frozen=True, slots=True)
class AuditOfPair:
    """A full audit that followed a survey: where it lies below the survey's folder, and what it says."""

    source: str
    target: str
    folder: str
    verdict: str
    sentence: str
    strongest: str
    checklist: str
