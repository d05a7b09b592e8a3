"""The crops of a survey: as many of each class, where they are cut, and for which targets a flip by them is news."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from auditor.candidates.areas import annotated_area
from auditor.candidates.crops import CropPlan, CropRules, cut_crop
from auditor.candidates.own_places import spot_of
from auditor.candidates.pool_crops import plan_in_turns
from auditor.candidates.propose_in_pixels import GRID
from auditor.candidates.taken_out import TakenOut
from auditor.candidates.tiers import Shares, crop_tier
from auditor.core.draws import keyed_generator
from auditor.core.records import ClassGroup, ImagePool, IntArray, PixelArray, Split, Spot, Tier
from auditor.inputs.images.originals import Originals
from auditor.inputs.opening import Inputs
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.images import IMAGES
from auditor.run.survey.pictures import pictures_of
from auditor.trials.areas import AreaArray

FILE = "crops.parquet"
DRAWN_FOR_OWN = 4
"""Crops drawn, at most, for each that is tried at its own place: one that shows its class's object there is no news for
any pair, and is passed over."""

NEWS = (Tier.THIRD_CLASS, Tier.TARGET_CONTEXT)
"""What is known to show something beside the target."""


@dataclass(frozen=True)
class Crops:
    """Crops by number, in the order of their classes.

    Attributes:
        plans: where each is cut.
        labels: (N,) class of the picture that each was cut from.
        own: its tier for that class as the target.
        shows: annotated classes that it shows, by index.
        spots: where each is pasted; None: in the fixed corner. A crop that is tried in both has two numbers, those of
            the corner first. (): all in the corner.
    """

    plans: tuple[CropPlan, ...]
    labels: IntArray
    own: tuple[Tier, ...]
    shows: tuple[tuple[int, ...], ...]
    spots: tuple[Spot | None, ...] = ()

    def __len__(self) -> int:
        return len(self.plans)

    @cached_property
    def pictures(self) -> IntArray:
        """(N,) row of the picture that each was cut from."""
        return np.array([plan.image_row for plan in self.plans], dtype=np.int64)

    @cached_property
    def at_own_place(self) -> NDArray[np.bool_]:
        """(N,) which are pasted where they lay in their own pictures."""
        return np.array([self.spot(crop) is not None for crop in range(len(self))], dtype=np.bool_)

    @property
    def in_corner(self) -> int:
        """How many are pasted in the corner: the first ones."""
        return len(self) - int(self.at_own_place.sum())

    def spot(self, crop: int) -> Spot | None:
        """Where one is pasted; None: in the fixed corner."""
        return self.spots[crop] if self.spots else None

    def tier(self, crop: int, target: int) -> Tier:
        """What a crop is to a target."""
        if target in self.shows[crop]:
            return Tier.TARGET_OBJECT
        return self.own[crop] if self.labels[crop] == target else Tier.THIRD_CLASS

    def news(self, crops: IntArray, targets: IntArray) -> NDArray[np.bool_]:
        """(R,) whether a flip by each of some crops to each of some targets is news without a person's look.

        At its own place a crop counts for the class of its own picture alone, as in an audit: there others take the
        place of what makes a picture the source.
        """
        return self._of_tiers(crops, targets, NEWS)

    def to_look_at(self, crops: IntArray, targets: IntArray) -> NDArray[np.bool_]:
        """(R,) whether a person has to say what each of some crops shows of the target whose picture it is from."""
        return self._of_tiers(crops, targets, (Tier.TARGET_IMAGE,))

    def _of_tiers(self, crops: IntArray, targets: IntArray, tiers: Sequence[Tier]) -> NDArray[np.bool_]:
        own = np.array([tier in tiers for tier in self.own], dtype=np.bool_)[crops]
        third = ~self.at_own_place[crops] & (Tier.THIRD_CLASS in tiers)
        found = np.where(self.labels[crops] == targets, own, third)
        shown = self._shown
        return found & ~np.isin(crops * shown.stride + targets, shown.pairs)

    @cached_property
    def _shown(self) -> _Shown:
        stride = 1 + max((one for classes in self.shows for one in classes), default=0)
        stride = max(stride, 1 + int(self.labels.max(initial=0)), 2**20)
        pairs = [number * stride + one for number, classes in enumerate(self.shows) for one in classes]
        return _Shown(stride, np.array(pairs, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class _Shown:
    """Crops and the annotated classes that they show, each pair as one number: crop · stride + class."""

    stride: int
    pairs: IntArray


def cut(run: Run, crops: Crops, numbers: Sequence[int]) -> list[PixelArray]:
    """(4, h, w) uint8 of some crops, cut from their photographs at full resolution.

    Those that show little of their own class's object show none: they are transparent there.
    """
    pool, originals, taken_out = run.get(IMAGES), run.open(_originals), run.open(own_objects)
    patches = []
    for plan, own in ((crops.plans[number], crops.own[number]) for number in numbers):
        rgba, _ = cut_crop(originals.open(pool.image(plan.image_row)), plan, run.inputs.classifier.preprocessing)
        patches.append(taken_out.cut(plan, rgba, own)[0])
    return patches


def own_objects(run: Run) -> TakenOut:
    """Where pictures show the object of their own class, as annotations say."""
    inputs, pool = run.inputs, run.get(IMAGES)

    def where(row: int) -> AreaArray | None:
        image = pool.image(row)
        own = [inputs.class_names[image.label]]
        return annotated_area(inputs.annotations, image, own, inputs.classifier.preprocessing)

    return TakenOut(where)


def _originals(run: Run) -> Originals:
    return Originals(run.config)


def _make(run: Run, folder: RunFolder) -> Facts:
    inputs, pool, config = run.inputs, run.get(IMAGES), run.config
    pictures_of(run)  # what a survey cannot be made of is refused before anything is cut
    grid = (inputs.cut.feature_shape[1], inputs.cut.feature_shape[2]) if inputs.mapped else GRID
    size = inputs.classifier.preprocessing.output_size
    rules = CropRules(grid, size, config.candidates.sizes, _any_picture, inputs.layer)
    givers: dict[int, list[int]] = {}
    for row in pool.rows(Split.DISCOVERY).tolist():
        givers.setdefault(pool.images[row].label, []).append(row)
    each, wanted = max(1, config.survey.crops // len(givers)), config.survey.own_places
    at_own = max(1, wanted // len(givers)) if wanted else 0
    in_corner: list[tuple[CropPlan, Spot | None]] = []
    own: list[tuple[CropPlan, Spot | None]] = []
    for label, rows in sorted(givers.items()):
        drawn = max(each, DRAWN_FOR_OWN * at_own)
        plans = plan_in_turns(np.array(rows), rules, drawn, keyed_generator(config.seed, "crops of a survey", label))
        in_corner += [(plan, None) for plan in plans[:each]]
        count = (plan for plan in plans if _own_tier(inputs, pool, plan) is not Tier.TARGET_OBJECT)
        own += [(plan, spot_of(plan.box, size)) for plan in itertools.islice(count, at_own)]
    folder.write_table(FILE, _table(inputs, pool, [*in_corner, *own]))
    return {"crops": len(in_corner), "own_places": len(own), "classes": len(givers)}


def _own_tier(inputs: Inputs, pool: ImagePool, plan: CropPlan) -> Tier:
    """What a crop is to the class of its own picture."""
    image, names = pool.image(plan.image_row), inputs.class_names
    box = inputs.classifier.preprocessing.original_box(*plan.box, image.width_px, image.height_px)
    own = ClassGroup(names[image.label], (image.label,))
    return crop_tier(image.label, own, names, inputs.annotations.shares(image, box))


def _any_picture(row: int) -> bool:
    """For which source a crop may be tried is told by its class."""
    del row
    return True


SPOT = ("down", "across", "pasted_size")
"""Where a crop is pasted and how large, of one that is pasted at its own place."""

_SCHEMA = pa.schema(
    [
        ("crop", pa.int32()),
        *((name, pa.string()) for name in ("image", "path", "class")),
        *((name, pa.int32()) for name in ("left", "top", "right", "bottom")),
        ("size", pa.float64()),
        ("own_tier", pa.string()),
        ("shows", pa.list_(pa.int32())),
        *((name, pa.float64()) for name in SPOT),
        ("row", pa.int64()),
        *((name, pa.int32()) for name in ("y", "x")),
        ("box", pa.list_(pa.int32())),
    ]
)
"""Of `crops.parquet`: what people read of a crop first, then what it takes to cut it again."""


def _table(inputs: Inputs, pool: ImagePool, planned: Sequence[tuple[CropPlan, Spot | None]]) -> pa.Table:
    names, rows = inputs.class_names, []
    for number, (plan, spot) in enumerate(planned):
        image = pool.image(plan.image_row)
        box = inputs.classifier.preprocessing.original_box(*plan.box, image.width_px, image.height_px)
        shows = inputs.annotations.shares(image, box)
        rows.append(
            {
                "crop": number,
                "image": image.key,
                "path": image.path,
                "class": names[image.label],
                **dict(zip(("left", "top", "right", "bottom"), box, strict=True)),
                "size": plan.size,
                "own_tier": str(_own_tier(inputs, pool, plan)),
                "shows": _shown_classes(image.label, names, shows),
                **({} if spot is None else dict(zip(SPOT, (spot.down, spot.across, spot.size), strict=True))),
                "row": plan.image_row,
                "y": plan.y,
                "x": plan.x,
                "box": list(plan.box),
            }
        )
    return pa.Table.from_pylist(rows, _SCHEMA)


def _shown_classes(label: int, names: Sequence[str], shows: Shares | None) -> list[int]:
    """The classes whose object a crop shows, as annotations say."""
    named = {name for name, _ in shows or ()}
    asked = [ClassGroup(name, (index,)) for index, name in enumerate(names) if name in named]
    return [one.indices[0] for one in asked if crop_tier(label, one, names, shows) is Tier.TARGET_OBJECT]


def _read(run: Run) -> Crops:
    rows = run.folder.read_table(FILE).to_pylist()
    pool, layer = run.get(IMAGES), run.inputs.layer
    unknown = float("nan")
    plans = tuple(
        CropPlan(one["row"], one["y"], one["x"], one["size"], tuple(one["box"]), "", unknown, layer) for one in rows
    )
    return Crops(
        plans=plans,
        labels=np.array([pool.image(plan.image_row).label for plan in plans], dtype=np.int64),
        own=tuple(Tier(one["own_tier"]) for one in rows),
        shows=tuple(tuple(one["shows"]) for one in rows),
        spots=tuple(map(_spot, rows)),
    )


def _spot(row: Mapping[str, float | None]) -> Spot | None:
    down, across, size = (row.get(name) for name in SPOT)  # earlier versions knew the corner alone
    return None if down is None or across is None or size is None else Spot(down, across, size)


CROPS = Stage("crops of a survey", (IMAGES, CLEAN), (FILE,), _make, _read, needed=(FILE,))
