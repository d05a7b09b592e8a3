"""Settings of the search: the atlas, and the candidates that come from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from auditor.core.section import (
    ContradictionError,
    Example,
    FilePath,
    Flag,
    Many,
    ManyOrNone,
    Most,
    Once,
    Section,
    Share,
)

FINEST_LEVEL = 320
"""Bins along a side of the finest grid: a sheet of more could not be drawn."""


class AtlasConfig(Section):
    """The class-filtered atlas of the pair."""

    positions_per_image: Many = Field(1, description="random positions a picture, away from its border")
    strongest_per_image: ManyOrNone = Field(
        1, description="positions of strongest contrast towards either class kept beside the random ones"
    )
    relaxed_pooling: bool = Field(
        False,
        description="attribution through max pooling by the slope of a smooth average, as in the paper; the model is "
        "unaltered",
    )
    filter: Literal["rank", "magnitude", "both", "either"] = Field(
        "either", description="`rank`, `magnitude`, `both` or `either`: which activations speak of the pair"
    )
    filter_rank: Most = Field(3, description="rank: the class is among an activation's so many largest attributions")
    filter_magnitude: Most = Field(1500, description="magnitude: so many largest positive attributions a class")
    layout: Literal["umap", "tsne", "torchdr"] = Field(
        "umap",
        description="`umap`, `tsne`, or `torchdr`: UMAP on the run's device, by the extra auditor[torchdr]",
    )
    neighbours: Annotated[int | None, Example(20)] = Field(
        None, ge=2, le=100_000, description="UMAP's `n_neighbors`; left out: 20, and 50 for the atlas of a class"
    )
    min_dist: Annotated[float | None, Example(0.01)] = Field(
        None, ge=0.0, le=1.0, description="UMAP's `min_dist`; left out: 0.01, and 0.05 for the atlas of a class"
    )
    perplexity: float = Field(50.0, gt=1.0, description="t-SNE's perplexity")
    whiten: bool = Field(False, description="whiten the activations before they are laid out")
    levels: Annotated[tuple[int, ...], Once] = Field(
        (10, 20),
        max_length=20,
        description=f"grid sizes, each from 2 to {FINEST_LEVEL}; the finest gives the candidates",
    )
    min_count: Most = Field(3, description="a cell with fewer activations is empty")
    exemplars: int = Field(12, ge=1, le=1000, description="exemplars kept a cell, at most one a picture")
    repeats: int = Field(
        2,
        ge=0,
        le=100,
        description="further layouts, of other seeds and settings, that say which cells' contrast survives",
    )
    icons: ManyOrNone = Field(150, description="icons rendered at most: of whole levels, coarse ones first; 0 for none")
    pasted_icons: ManyOrNone = Field(
        0,
        description="the same of the atlas of patches as pasted: icons that look like its cells where they are pasted",
    )
    icon_px: int = Field(80, ge=16, le=1024, description="side of an icon in pixels")
    icon_steps: int = Field(128, ge=1, le=10_000, description="steps of an icon's optimisation")
    icon_bfloat16: bool = Field(False, description="render icons in bfloat16: faster where the processor has it")
    looks: int = Field(
        1, ge=0, le=1000, description="flipped pictures shown as the network sees them, before and after"
    )

    @field_validator("levels")
    @classmethod
    def _within_bounds(cls, levels: tuple[int, ...]) -> tuple[int, ...]:
        if not levels or min(levels) < 2 or max(levels) > FINEST_LEVEL:
            raise ContradictionError(f"levels needs at least one grid size, each from 2 to {FINEST_LEVEL}")
        return levels


class CandidatesConfig(Section):
    """How many candidates each step of the search sees."""

    sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.3, 0.5),
        min_length=1,
        max_length=20,
        description="crop widths, as shares of the prepared picture's shorter side",
    )
    screened: Most = Field(
        10_000,
        description="crops screened linearly, at most: the cells' exemplars first, then other positions of discovery "
        "pictures",
    )
    shortlisted: Most = Field(400, description="of these, how many are screened through the network's tail")
    held: ManyOrNone = Field(
        300,
        description="further crops that go through the tail, at most, to tell which cells of the atlas of patches as "
        "pasted hold",
    )
    screening_images: int = Field(32, ge=2, le=10_000_000, description="source pictures that each crop is screened on")
    tried: Many = Field(48, description="suggested crops that begin the trials in pixels")
    icons: ManyOrNone = Field(24, description="icons rendered as patches, of the cells whose predicted push is highest")
    dreams: ManyOrNone = Field(12, description="crops rendered onwards by the network, of those that push most")
    icon_steps: int = Field(
        128, ge=1, le=10_000, description="steps of the optimisation of such an icon, and of such a crop"
    )
    shapes: ManyOrNone = Field(
        24,
        description="crops made wide, tall, soft-edged, and with their background faded out, of those that push most",
    )
    pairs: ManyOrNone = Field(
        60,
        description="pairs of crops of different cells put into one patch, each in three arrangements",
    )
    made: Many = Field(24, description="of all patches made so, as many join the crops in the trials in pixels")
    trained: int = Field(
        200,
        ge=0,
        le=100_000,
        description="steps to train a patch against this network, the ceiling for its size; 0 for none",
    )
    random: ManyOrNone = Field(48, description="random crops tried beside them, for comparison")
    strongest: ManyOrNone = Field(
        10,
        description="crops of strongest contrast, which is how the paper ranks, tried beside them for comparison",
    )
    halving_images: Most = Field(
        16,
        description="selection pictures on which all of these are tried; the better half goes on to twice as many, and "
        "half of that to all",
    )
    survey_images: ManyOrNone = Field(
        96,
        description="confirmation pictures that everything tried is measured on, chosen or not, to tell whether the "
        "search helped; four times as many, and so on, while that is open; 0: all at once",
    )
    confirmed: int = Field(8, ge=1, le=1000, description="candidates confirmed with all their controls")
    own_places: ManyOrNone = Field(
        1,
        description="crops of the target's pictures confirmed beside these where they lay there, and as large as "
        "there: what works at one place or size alone; 0: none is screened so",
    )
    per_cell: Most = Field(2, description="at most this many suggestions from one cell")
    per_image: Most = Field(1, description="at most this many suggestions from one picture")
    library: bool = Field(True, description="whether to try the patches that come with auditor")
    drawn: ManyOrNone = Field(
        4,
        description="of the things and textures that auditor draws, how many are tried: those that push most when "
        "screened; 0 for none",
    )
    whole_pictures: int = Field(
        3,
        ge=0,
        le=100,
        description="effects over whole pictures, such as a colour cast or a blur, that are confirmed with their "
        "controls; 0: none is tried",
    )
    patches: Annotated[FilePath | None, Example("my-patches"), Flag("--patches", "file")] = Field(
        None, description="a folder of your own patches (PNG, JPEG, WebP, …) to try as well"
    )
