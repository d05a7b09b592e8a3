"""Settings of a survey: the whole model at once, without a source and a target."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auditor.core.records import Split
from auditor.core.section import Example, Many, ManyOrNone, Section

_OF_A_CLASS = {Split.DISCOVERY: 4, Split.SELECTION: 16, Split.CONFIRMATION: 64}
_OF_ALL_TOGETHER = {Split.DISCOVERY: 128, Split.SELECTION: 48, Split.CONFIRMATION: 256}
"""Pictures of a source by split, where a file names no number."""


class SurveyConfig(Section):
    """`auditor survey`: crops of all classes on pictures of all classes. An audit of one pair reads none of these."""

    together: bool = Field(
        False,
        description="take the pictures of all classes as one source, and ask of each class what makes anything that "
        "class: for models with few pictures of each class, or very many classes",
    )
    crops: Many = Field(3200, description="crops screened, at most: as many of each class, its pictures taking turns")
    own_places: ManyOrNone = Field(
        800,
        description="crops screened where they lay in their own pictures, as large as there, for the class of these, "
        "at most: as many of each class, none known to show its object; 0: none",
    )
    screening_pictures: Annotated[int | None, Example(4)] = Field(
        None,
        ge=1,
        le=10_000,
        description="discovery pictures of each source that every crop is screened on; left out: 4, or 128 of all "
        "classes together",
    )
    pairs: Many = Field(
        1000,
        description="pairs of classes that go on to trials in pixels, at most: those that screening expects most of",
    )
    tried: int = Field(3, ge=1, le=1000, description="crops of each of these pairs tried on selection pictures")
    selection_pictures: Annotated[int | None, Example(16)] = Field(
        None,
        ge=1,
        le=10_000_000,
        description="selection pictures of each source, at most; left out: 16, or 48 of all classes together",
    )
    pictures: Annotated[int | None, Example(64)] = Field(
        None,
        ge=1,
        le=10_000_000,
        description="confirmation pictures of each source, at most; left out: 64, or 256 of all classes together",
    )
    features: ManyOrNone = Field(
        12,
        description="crops that screening expects to reach one class from many, tried on confirmation pictures of all",
    )

    @property
    def most(self) -> dict[Split, int]:
        """Pictures of each source, at most."""
        given = (self.screening_pictures, self.selection_pictures, self.pictures)
        usual = _OF_ALL_TOGETHER if self.together else _OF_A_CLASS
        return {split: usual[split] if one is None else one for split, one in zip(usual, given, strict=True)}
