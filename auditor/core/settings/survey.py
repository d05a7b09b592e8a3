"""Settings of a survey: the whole model at once, without a source and a target."""

from __future__ import annotations

from pydantic import Field

from auditor.core.section import Many, ManyOrNone, Section


class SurveyConfig(Section):
    """`auditor survey`: crops of all classes on pictures of all classes. An audit of one pair reads none of these."""

    crops: Many = Field(3200, description="crops screened, at most: as many of each class, its pictures taking turns")
    own_places: ManyOrNone = Field(
        800,
        description="crops screened where they lay in their own pictures, as large as there, for the class of these, "
        "at most: as many of each class, none known to show its object; 0: none",
    )
    screening_pictures: int = Field(
        4, ge=1, le=10_000, description="discovery pictures of each class that every crop is screened on"
    )
    pairs: Many = Field(
        1000,
        description="pairs of classes that go on to trials in pixels, at most: those that screening expects most of",
    )
    tried: int = Field(3, ge=1, le=1000, description="crops of each of these pairs tried on selection pictures")
    selection_pictures: int = Field(16, ge=1, le=10_000_000, description="selection pictures of each class, at most")
    pictures: int = Field(64, ge=1, le=10_000_000, description="confirmation pictures of each class, at most")
    features: ManyOrNone = Field(
        12,
        description="crops that screening expects to reach one class from many, tried on confirmation pictures of all",
    )
