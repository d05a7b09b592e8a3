"""What the search for candidates works on: the subject, the pictures and the pair; and crops cut of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image

from auditor.candidates.crops import CropPlan, CropRules, OpenOriginal, cut_crop, mark_crop, small_copy
from auditor.candidates.taken_out import NOTHING_KNOWN, TakenOut
from auditor.candidates.tiers import Shares, crop_tier
from auditor.core.records import Candidate, ClassGroup, ImagePool, Origin, PixelArray, Role, Split, Tier
from auditor.core.records.images import NO_LABEL
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import Classifier
from auditor.trials.grounds import ANYWHERE, Grounds
from auditor.trials.patch import Patch

ShowsOf = Callable[[int, tuple[int, int, int, int]], Shares | None]
"""What a box (original pixels) of a row's photograph shows; None where it has no annotation."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the candidate stage works on: the subject, the pictures and the pair.

    `grid` is that of `layer`, at which crops are screened; `grids` are those of layers that are searched beside it.
    `grounds` tell where patches may lie in source pictures; `taken_out` what of the target is taken out of crops.
    """

    classifier: Classifier
    pool: ImagePool
    source: ClassGroup
    target: ClassGroup
    grid: tuple[int, int]
    open_original: OpenOriginal
    shows_of: ShowsOf
    seed: int
    layer: str = ""
    grounds: Grounds = ANYWHERE
    grids: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    taken_out: TakenOut = NOTHING_KNOWN
    # Of photographs that gave a crop, so that drawing the crop's frame later opens none again: 256 kB each at most.
    _small: dict[int, Image.Image] = field(default_factory=dict, init=False, repr=False, compare=False)
    _called: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def may_give_crops(self, row: int) -> bool:
        """Discovery pictures outside the source; where the source is all the rest, any discovery picture.

        Pictures without labels are not asked about: they all give crops.
        """
        image = self.pool.images[row]
        everything = self.source.and_other_are_all(self.target, len(self.classifier.class_names.names))
        return image.split is Split.DISCOVERY and (everything or image.label not in self.source.indices)

    def grid_of(self, layer: str) -> tuple[int, int]:
        """The grid of a layer that is searched; of any other name that of the first."""
        return self.grids.get(layer, self.grid)

    def crop_rules(self, sizes: Sequence[float], layer: str | None = None) -> CropRules:
        """Where crops of these sizes (shares of the shorter side) may be cut, by a layer's grid; None: the first's."""
        named = self.layer if layer is None else layer
        return CropRules(self.grid_of(named), self.input_size, sizes, self.may_give_crops, named)

    def original(self, row: int) -> Image.Image:
        """The photograph of a row, labelled or not, at full resolution; a small copy of it stays."""
        opened = self.open_original(row)
        if row not in self._small:
            self._small[row] = small_copy(opened)
        return opened

    def marked(self, candidate: Candidate) -> bytes | None:
        """The photograph that a crop was cut from, small, with the crop's frame, as PNG; None of any other patch."""
        if candidate.box is None:
            return None
        rows = [*range(len(self.pool.images)), *self.pool.unlabelled_rows.tolist()]
        row = next(row for row in rows if self.pool.image(row).key == candidate.image_key)
        if row not in self._small:
            self.original(row)
        image = self.pool.image(row)
        return mark_crop(self._small[row], (image.width_px, image.height_px), candidate.box)

    @torch.inference_mode()
    def called(self, row: int) -> int:
        """The class that the model calls a row's picture."""
        if row not in self._called:
            picture = to_float(self.pool.prepared(row), self.classifier.device)
            self._called[row] = int(self.classifier.logits(picture.unsqueeze(0)).argmax())
        return self._called[row]

    @property
    def input_size(self) -> tuple[int, int]:
        return int(self.pool.pixels.shape[2]), int(self.pool.pixels.shape[3])


def planned_tier(scene: Scene, plan: CropPlan) -> Tier:
    """The tier that a crop will have, with the annotations of its picture."""
    image = scene.pool.image(plan.image_row)
    box = scene.classifier.preprocessing.original_box(*plan.box, image.width_px, image.height_px)
    names = scene.classifier.class_names.names
    return crop_tier(image.label, scene.target, names, scene.shows_of(plan.image_row, box))


def screened_crop(scene: Scene, plan: CropPlan, pixels: PixelArray) -> PixelArray:
    """A crop of a prepared picture, (3, h, w), as it is screened: (4, h, w) where a little of the target is taken out.

    Pictures of other classes are not asked about, which would mean to open all their masks.
    """
    of_target = scene.pool.image(plan.image_row).label in scene.target.indices
    return scene.taken_out.screened(plan, pixels) if of_target else pixels


def cut_patch(scene: Scene, plan: CropPlan, identity: str, role: Role, predicted_push: float = float("nan")) -> Patch:
    """Cut a planned crop as a candidate, with what it takes to cut it again.

    A crop that shows less of the target than makes it the object shows none: it is transparent there.
    """
    image = scene.pool.image(plan.image_row)
    rgba, box = cut_crop(scene.original(plan.image_row), plan, scene.classifier.preprocessing)
    shows = scene.shows_of(plan.image_row, box)
    names = scene.classifier.class_names.names
    tier = crop_tier(image.label, scene.target, names, shows)
    rgba, taken_out = scene.taken_out.cut(plan, rgba, tier)
    if taken_out:
        target = scene.target.class_names(names)
        shows = tuple(one for one in shows or () if one[0] not in target)
    called = scene.called(plan.image_row) if image.label == NO_LABEL else None
    if called is None:
        label = names[image.label]
        name = f"{shows[0][0]} ({label} picture)" if shows else f"{label} crop"
    else:
        label, name = "", f"unlabelled crop (its picture called {names[called]})"
    candidate = Candidate(
        id=identity,
        name=name,
        origin=Origin.CROP,
        tier=tier,
        image_key=image.key,
        image_path=image.path,
        image_label=label,
        box=box,
        cell=plan.cell,
        observed_push=plan.contrast,
        predicted_push=predicted_push,
        shows=shows or (),
        role=role,
        called_target=called in scene.target.indices,
        layer=plan.layer,
        taken_out=taken_out,
    )
    return Patch(candidate, rgba)
