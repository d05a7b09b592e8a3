"""Settings of what is measured of a candidate, of the limits, and of how it is computed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from auditor.core.records import Placement
from auditor.core.section import (
    Example,
    Flag,
    ManyOrNone,
    Moved,
    Once,
    Section,
    Share,
)

PLACEMENTS = tuple(one for one in Placement if one.of_anything)
"""Those that a configuration may ask for."""


def _for_anything(value: object) -> object:
    """Refuses what is no placement, and the one that only some crops have, in the same words."""
    *first, last = (f"'{one}'" for one in PLACEMENTS)
    if value not in PLACEMENTS:
        raise ValueError(f"should be {', '.join(first)} or {last}")
    return value


class TrialsConfig(Section):
    """How patches are pasted."""

    placements: Annotated[tuple[Annotated[Placement, BeforeValidator(_for_anything)], ...], Once] = Field(
        (Placement.FIXED,),
        min_length=1,
        description=f"a list of {', '.join(f'`{one}` ({one.words})' for one in PLACEMENTS)}; the "
        "first is used for choosing and the survey, all of them for confirming",
    )
    size: Share = Field(0.35, description="patch width for `fixed` and `random`, as a share of the shorter side")
    best_sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.2, 0.35, 0.5), min_length=1, max_length=20, description="patch widths for `best`, likewise"
    )
    rotation_degrees: float = Field(45.0, ge=0.0, le=180.0, description="`random`: turned up to this much either way")
    scale_jitter: float = Field(0.2, ge=0.0, lt=1.0, description="`random`: `size` times 1 ± this")
    perspective: float = Field(
        0.1,
        ge=0.0,
        lt=0.5,
        description="`random`: tilt up to this; how much the far edge shrinks, as a share of half the patch's side",
    )
    colour_jitter: float = Field(
        0.2, ge=0.0, lt=1.0, description="`random`: contrast times 1 ± this, brightness ± half of this"
    )
    batch_size: Annotated[int, Moved("compute.batch_size")] = Field(
        64,
        ge=1,
        le=65_536,
        exclude=True,
        description="pictures a pass; in an audit always that of `compute.batch_size`",
    )


class NeededConfig(Section):
    """Whether the target needs what was confirmed: each finding's feature is removed from the target's own pictures,
    and as much of the same pictures elsewhere. It decides no verdict."""

    pictures: ManyOrNone = Field(
        100,
        description="pictures of the target, recognised without a patch, that each is removed from, at most; 0: none",
    )
    size: Share = Field(
        0.35,
        description="side of the square within which activations tell what to remove, as a share of the shorter side: "
        "larger ones leave no room for as much beside them; what annotations name is removed whole",
    )


class PlacesConfig(Section):
    """Where and how large a patch has to be, measured for a few confirmed candidates; it decides no verdict."""

    findings: int = Field(
        3,
        ge=0,
        le=1000,
        description="confirmed candidates whose places are measured: those that fail, then the open ones, then the "
        "others, of each those of largest uplift first; 0 for none",
    )
    grid: int = Field(5, ge=2, le=50, description="places along a side of the map, from edge to edge")
    sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.2, 0.35, 0.5),
        min_length=1,
        max_length=20,
        description="patch widths of the map, as shares of the shorter side",
    )
    pictures: int = Field(
        24,
        ge=2,
        le=10_000_000,
        description="confirmation pictures a place and size, drawn in turn; neighbours are pooled",
    )
    dose_sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.1, 0.15, 0.2, 0.25, 0.3, 0.42, 0.5),
        max_length=50,
        description="patch widths, beside the confirmed one, at which the flip rate is measured where it was confirmed",
    )
    opacities: Annotated[tuple[Share, ...], Once] = Field(
        (0.25, 0.5, 0.75), max_length=50, description="opacities of the patch, beside its own, likewise"
    )
    dose_pictures: int = Field(64, ge=2, le=10_000_000, description="confirmation pictures of each of these")


class LimitsConfig(Section):
    """What fails a model. Set them before you see numbers."""

    uplift: float = Field(
        0.10,
        gt=0.0,
        lt=1.0,
        description="a finding fails above this much uplift, passes below; a fraction, 0.10 is 10 points",
    )
    fragility: float = Field(
        0.25, gt=0.0, lt=1.0, description="the same for what mere covering flips, over all its draws"
    )
    fragility_best: float = Field(
        0.50,
        gt=0.0,
        lt=1.0,
        description="the same under the `best` placement, where covering too may take the best of twelve places",
    )
    log_odds: Annotated[float | None, Example(2.0)] = Field(
        None,
        gt=0.0,
        description="a finding fails above this much uplift in the target's log-odds as well, in logits; left out: it "
        "is measured and held to no limit",
    )
    search: bool = Field(
        False,
        description="whether a run whose search did no better than chance is kept from passing; the report says so in "
        "either case",
    )
    whole_pictures: bool = Field(
        False,
        description="whether effects over whole pictures are held to the uplift limit as well; the report says in "
        "either case what they move",
    )
    confidence: float = Field(
        0.95, gt=0.5, le=0.999999, description="of the intervals, before they are corrected for everything confirmed"
    )
    interval: Literal["wilson", "clopper-pearson"] = Field(
        "wilson",
        description="of single rates: `wilson` or `clopper-pearson`, which never covers less than it says and is wider",
    )
    unknown_target: bool = Field(
        False,
        description="whether a run may pass though the model hardly knows the target or answers nearly one class for "
        "everything; the report says so in either case",
    )


class ComputeConfig(Section):
    """What the machine does, which decides no verdict."""

    batch_size: int = Field(64, ge=1, le=65_536, description="pictures a pass; lower it where memory runs out")
    workers: Annotated[int, Flag("--workers", "number")] = Field(
        1, ge=1, le=1000, description="processes that share an audit's work on one machine"
    )
    fold_batch_norms: bool = Field(
        True,
        description="trials run the network with its batch norms folded into the convolutions before them, where that "
        "proves equal on the clean pictures",
    )
