"""Settings of what is measured of a candidate, of the limits, and of how it is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator

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

WholeKind = Literal["brightness", "colour cast", "saturation", "contrast", "sharpness", "frame", "background"]
"""Effects over whole pictures that can keep a model from passing; surroundings never do."""


def _for_anything(value: object) -> object:
    """Refuses what is no placement, and the one that only some crops have, in the same words."""
    *first, last = (f"'{one}'" for one in PLACEMENTS)
    if value not in PLACEMENTS:
        raise ValueError(f"should be {', '.join(first)} or {last}")
    return value


EffectName = Literal["print", "light", "defocus", "blur", "rescale", "noise", "jpeg"]


class TrialsConfig(Section):
    """How patches are pasted."""

    placements: Annotated[tuple[Annotated[Placement, BeforeValidator(_for_anything)], ...], Once] = Field(
        (Placement.FIXED, Placement.RANDOM),
        min_length=1,
        description=f"a list of {', '.join(f'`{one}` ({one.words})' for one in PLACEMENTS)}; the "
        "first is used for choosing and the survey, all of them for confirming",
    )
    size: Share = Field(
        0.35,
        description="patch width for all placements but `best` and `quadrilateral`, as a share of the shorter side",
    )
    best_sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.2, 0.35, 0.5), min_length=1, max_length=20, description="patch widths for `best`, likewise"
    )
    rotation_degrees: float = Field(
        45.0, ge=0.0, le=180.0, description="`random`, `photographed`: turned up to this much either way"
    )
    scale_jitter: float = Field(0.2, ge=0.0, lt=1.0, description="`random`, `photographed`: `size` times 1 ± this")
    perspective: float = Field(
        0.1,
        ge=0.0,
        lt=0.5,
        description="`random`, `photographed`: tilt up to this; how much the far edge shrinks, as a share of half the "
        "patch's side",
    )
    colour_jitter: float = Field(
        0.2, ge=0.0, lt=1.0, description="`random`: contrast times 1 ± this, brightness ± half of this"
    )
    effects: Annotated[tuple[EffectName, ...], Once] = Field(
        get_args(EffectName),
        description="`photographed`: what happens to the patch (`print`, `light`, `defocus`) and to the whole picture "
        "(`blur`, `rescale`, `noise`, `jpeg`) in addition; a list",
    )
    darkest_paper: float = Field(
        0.8, gt=0.2, le=1.0, description="`print`: white becomes this to 1, drawn for red, green and blue by itself"
    )
    lightest_ink: float = Field(0.15, ge=0.0, le=0.2, description="`print`: black becomes 0 to this")
    least_saturation: float = Field(
        0.6, ge=0.0, le=1.0, description="`print`: colours keep this to 1 of their saturation"
    )
    light_gain: float = Field(
        0.5, ge=0.0, le=4.0, description="`light`: the light on the patch, times or divided by up to 1 plus this"
    )
    light_gradient: float = Field(
        0.3, ge=0.0, lt=1.0, description="`light`: up to this much more at one edge of the patch and less at the other"
    )
    shadow: float = Field(0.5, ge=0.0, lt=1.0, description="`light`: how much of it a shadow's edge takes, at most")
    defocus_px: float = Field(
        2.0,
        ge=0.0,
        le=32.0,
        description="`defocus`: radius of the disc that a point of the patch becomes, at most, pixels",
    )
    blur_px: float = Field(
        0.7, ge=0.0, le=16.0, description="`blur`: standard deviation of the whole picture's, at most, pixels"
    )
    smallest_rescale: float = Field(
        0.6,
        ge=0.1,
        le=1.0,
        description="`rescale`: made smaller by a factor from this to 1, and as large as before again",
    )
    noise: float = Field(
        0.02, ge=0.0, le=1.0, description="`noise`: standard deviation of the sensor's, at most, of pixels from 0 to 1"
    )
    worst_jpeg: int = Field(60, ge=1, le=100, description="`jpeg`: quality from this to 95")
    quadrilateral: tuple[Annotated[float, Field(ge=-1.0, le=2.0)], ...] = Field(
        (0.05, 0.05, 0.08, 0.45, 0.42, 0.42, 0.4, 0.08),
        min_length=8,
        max_length=8,
        description="`quadrilateral`: where the patch's corners lie, as shares of the picture's height and width: down "
        "and across of top left, top right, bottom right, bottom left",
    )
    corner_jitter: float = Field(
        0.02,
        ge=0.0,
        le=0.25,
        description="`quadrilateral`: each corner moves up to this much either way, down and across, as a share of the "
        "shorter side",
    )
    stop_early: Annotated[bool, Flag("--stop-early", "switch")] = Field(
        False,
        description="whether a candidate's confirmation ends once it is settled: it is looked at after a few pictures, "
        "twice as many, and so on; its bounds allow for the looks, the last of which has three quarters of the error",
    )
    batch_size: Annotated[int, Moved("compute.batch_size")] = Field(
        64,
        ge=1,
        le=65_536,
        exclude=True,
        description="pictures a pass; in an audit always that of `compute.batch_size`",
    )

    @field_validator("quadrilateral")
    @classmethod
    def _convex(cls, corners: tuple[float, ...]) -> tuple[float, ...]:
        points = list(zip(corners[::2], corners[1::2], strict=True))
        for (y0, x0), (y1, x1), (y2, x2) in zip(points, points[1:] + points[:1], points[2:] + points[:2], strict=True):
            if (x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1) <= 1e-6:
                raise ValueError(
                    "expected a quadrilateral without a dent, its corners clockwise from the top left: down and across "
                    "of each, as shares of height and width"
                )
        return corners

    @property
    def deciding(self) -> str:
        """The settings that decide what is pasted under these placements, as JSON: what others read is left out."""
        unread = {name for placement, names in _READ_BY.items() if placement not in self.placements for name in names}
        unread.add("stop_early")  # it decides how many pictures, and not what is on them
        return self.model_dump_json(exclude=unread)


_READ_BY: Mapping[Placement, tuple[str, ...]] = {
    Placement.PHOTOGRAPHED: (
        *("effects", "darkest_paper", "lightest_ink", "least_saturation", "light_gain", "light_gradient", "shadow"),
        *("defocus_px", "blur_px", "smallest_rescale", "noise", "worst_jpeg"),
    ),
    Placement.QUADRILATERAL: ("quadrilateral", "corner_jitter"),
}
"""Settings that one placement alone reads. Looks of runs that do not use it are told by the others, as before it was
there."""


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
    dose_pictures: int = Field(
        64,
        ge=2,
        le=10_000_000,
        description="confirmation pictures of each of these, and of what is measured on the object and off it",
    )


class SurvivalConfig(Section):
    """Which flips survive a camera that stood a little off, and a file saved once more; it decides no verdict."""

    findings: int = Field(
        8,
        ge=0,
        le=1000,
        description="findings whose flips are looked at again: those that fail, then the open ones, then the others, "
        "of each those of largest uplift first; 0 for none",
    )
    pictures: int = Field(
        100, ge=1, le=10_000_000, description="flipped confirmation pictures of each, at most; their keys choose"
    )
    shift_px: int = Field(
        2, ge=1, le=64, description="how far the whole picture moves up, down, left and right, in its own pixels"
    )
    jpeg_quality: int = Field(85, ge=1, le=100, description="quality of the JPEG that the picture is saved as")


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
        description="whether an effect over whole pictures above the uplift limit fails the model; if not, it keeps "
        "the run from passing",
    )
    may_heed: Annotated[tuple[WholeKind, ...], Once, Example(["brightness"])] = Field(
        (),
        description="effects over whole pictures that the model may rightly heed, such as brightness: told, and held "
        "to nothing; a list",
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
        1, ge=1, le=1000, description="processes that share an audit's work, on one machine or as many as Ray has"
    )
    engine: Annotated[Literal["local", "ray"], Flag("--engine")] = Field(
        "local", description="who shares the work out: `local`, or `ray` over the machines of a Ray cluster"
    )
    address: Annotated[str, Flag("--address")] = Field(
        "auto",
        pattern=r"^(auto|[^\s/]+:\d{1,5})?$",
        description='of the Ray cluster: `auto` for the one that runs here, `host:port`, or `""` to start Ray on this '
        "machine for as long as the run takes",
    )
    fold_batch_norms: bool = Field(
        True,
        description="trials run the network with its batch norms folded into the convolutions before them, where that "
        "proves equal on the clean pictures",
    )
    precision: Literal["float32", "tf32", "bfloat16"] = Field(
        "float32",
        description="of trials: with `bfloat16`, or `tf32` on a card, the network in fewer bits sees every picture "
        "first, and float32 has the last word on those that it calls the target or nearly does",
    )
    compile: bool = Field(
        False,
        description="trials run the network compiled by torch.compile for batches of `batch_size`, where that proves "
        "equal on the clean pictures",
    )


SHARING = ("workers", "engine", "address")
"""Settings of [compute] that say who shares the work: what was begun with some may be continued with others."""
