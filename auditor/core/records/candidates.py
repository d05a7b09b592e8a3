"""Candidates, people's marks on them, and the steps of the search that found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.core.records.basics import Origin, Placement, ReviewMark, Role, Tier

PLAIN_CROPS: Mapping[Role, str] = {Role.SUGGESTED: "c", Role.RANDOM: "r", Role.STRONGEST_CONTRAST: "k"}
"""The letters with which the ids of crops begin that are tried as they were cut."""


def role_in_id(identity: str) -> Role:
    """The role of a candidate from a run folder that is older than roles: there its id alone told it."""
    letter = identity.partition("-")[0]
    return next((role for role, known in PLAIN_CROPS.items() if known == letter), Role.SUGGESTED)


OWN_PLACE = "a"
"""The letter of crops that are tried where they lay in their own pictures."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a patch is pasted on any picture, and how large.

    Attributes:
        down, across: of its centre, as shares of the way that the patch has inside the picture: (0, 0) touches the top
            left corner, (1, 1) the bottom right one.
        size: length of its longer side as a share of the picture's shorter one.
    """

    down: float
    across: float
    size: float

    @property
    def words(self) -> str:
        """For a person: the nearest of nine places, and the size."""
        rows, columns = (min(2, int(3 * share)) for share in (self.down, self.across))
        place = f"{('top', '', 'bottom')[rows]} {('left', '', 'right')[columns]}".strip() or "middle"
        return f"at the {place}, {self.size:.2f} of the shorter side"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patch worth trying, with the provenance that lets anyone make it again.

    Attributes:
        id: a letter that says how it was made (of `PLAIN_CROPS`, or of its maker in `candidates.makers.MAKERS`), and a
            number, or the name of its file.
        name: a few words for a person; sha256: of the PNG in the run folder, "" until it is kept there.
        image_key, image_path, image_label: the picture it was cut from; box: left, top, right, bottom in that
            picture's pixels; cell: the name of its cell in the pair's atlas, by the activation in its own photograph;
            pasted_cell: in the atlas of patches as pasted (both of crops only); layer: whose atlases these are, "" in
            runs of earlier versions, which had one.
        observed_push: contrast at its exemplar's position; predicted_push: mean screened change of the
            target's log-odds over source images. Logits; NaN where not measured.
        shows: what annotated things cover which share of its pixels, largest first.
        role: suggested, or tried for comparison; read_as_target: the model calls it the target alone.
        called_target: the model calls the picture it was cut from the target, which nobody labelled.
        parts: ids of the candidates it was made from: one for another shape of a crop, two for a pair.
        taken_out: share of its pixels that are transparent since the target's own object lies there, with its rim.
        spot: where it is tried, where that is its own place (`Placement.OWN`); None: where the configuration says.
    """

    id: str
    name: str
    origin: Origin
    tier: Tier
    sha256: str = ""
    image_key: str = ""
    image_path: str = ""
    image_label: str = ""
    box: tuple[int, int, int, int] | None = None
    cell: str = ""
    observed_push: float = float("nan")
    predicted_push: float = float("nan")
    shows: tuple[tuple[str, float], ...] = ()
    role: Role = Role.SUGGESTED
    read_as_target: bool = False
    licence: str = ""
    parts: tuple[str, ...] = ()
    pasted_cell: str = ""
    called_target: bool = False
    spot: Spot | None = None
    layer: str = ""
    taken_out: float = 0.0

    @property
    def resembles_target(self) -> bool:
        """From a picture without a label, and it or that picture is the target to the model: a person has to look."""
        return self.tier is Tier.UNLABELLED and (self.read_as_target or self.called_target)

    @property
    def suggested(self) -> bool:
        """Proposed to be tried, and not for comparison."""
        return self.role is Role.SUGGESTED

    @property
    def is_plain_crop(self) -> bool:
        """A crop as it was cut, tried where all are; other shapes and pairs of crops name what they were made from."""
        return self.origin is Origin.CROP and not self.parts and self.spot is None

    def placements(self, configured: Sequence[Placement]) -> tuple[Placement, ...]:
        """Under which it is confirmed: those of the configuration, or its own place alone."""
        return tuple(configured) if self.spot is None else (Placement.OWN,)

    @property
    def is_made(self) -> bool:
        """Made by the search out of others or of a cell: other shapes and pairs of crops, dreamed crops, icons."""
        return self.origin is Origin.RENDER or bool(self.parts)

    @property
    def is_random_crop(self) -> bool:
        """Cut at random, for comparison."""
        return self.role is Role.RANDOM

    @property
    def is_strongest_contrast(self) -> bool:
        """Cut where contrast alone, the paper's own ranking, is highest, for comparison."""
        return self.role is Role.STRONGEST_CONTRAST


@dataclass(frozen=True, slots=True)
class Review:
    """A person's mark on a candidate."""

    candidate: str
    mark: ReviewMark
    reviewer: str
    why: str


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the search: how many candidates came in, how many went on, by which number.

    `correlation` is the rank correlation of that number with the next step's, over the `compared` candidates that
    both steps saw; None where it was not measured. `seconds` is None where the step was read back from a run folder.
    """

    name: str
    seen: int
    passed: int
    by: str
    correlation: float | None = None
    compared: int = 0
    seconds: float | None = None
