"""What the search for candidates works on: the subject, the pictures and the pair; and crops cut of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from auditor.candidates.crops import CropPlan, OpenOriginal, cut_crop
from auditor.candidates.tiers import Shares, crop_tier
from auditor.core.hashing import sha256_of
from auditor.core.records import Candidate, ClassGroup, ImagePool, Origin, Split, Tier
from auditor.inputs.model.classifier import Classifier
from auditor.trials.patch import Patch, patch_png

ShowsOf = Callable[[int, tuple[int, int, int, int]], Shares | None]
"""What a box (original pixels) of a row's photograph shows; None where it has no annotation."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the candidate stage works on: the subject, the pictures and the pair."""

    classifier: Classifier
    pool: ImagePool
    source: ClassGroup
    target: ClassGroup
    grid: tuple[int, int]
    open_original: OpenOriginal
    shows_of: ShowsOf
    seed: int

    def may_give_crops(self, row: int) -> bool:
        """Discovery pictures outside the source; where the source is all the rest, any discovery picture."""
        image = self.pool.images[row]
        everything = self.source.and_other_are_all(self.target, len(self.classifier.class_names.names))
        return image.split is Split.DISCOVERY and (everything or image.label not in self.source.indices)

    @property
    def input_size(self) -> tuple[int, int]:
        return int(self.pool.pixels.shape[2]), int(self.pool.pixels.shape[3])


def planned_tier(scene: Scene, plan: CropPlan) -> Tier:
    """The tier that a crop will have, with the annotations of its picture."""
    image = scene.pool.images[plan.image_row]
    box = scene.classifier.preprocessing.original_box(*plan.box, image.width_px, image.height_px)
    names = scene.classifier.class_names.names
    return crop_tier(image.label, scene.target, names, scene.shows_of(plan.image_row, box))


def cut_patch(
    scene: Scene, plan: CropPlan, identity: str, suggested: bool, predicted_push: float = float("nan")
) -> Patch:
    """Cut a planned crop as a candidate, with what it takes to cut it again."""
    image = scene.pool.images[plan.image_row]
    rgba, box = cut_crop(scene.open_original(plan.image_row), plan, scene.classifier.preprocessing)
    shows = scene.shows_of(plan.image_row, box)
    names = scene.classifier.class_names.names
    label = names[image.label]
    candidate = Candidate(
        id=identity,
        name=f"{shows[0][0]} ({label} picture)" if shows else f"{label} crop",
        origin=Origin.CROP,
        tier=crop_tier(image.label, scene.target, names, shows),
        sha256=sha256_of(patch_png(rgba)),
        image_key=image.key,
        image_path=image.path,
        image_label=label,
        box=box,
        cell=plan.cell,
        observed_push=plan.contrast,
        predicted_push=predicted_push,
        shows=shows or (),
        suggested=suggested,
    )
    return Patch(candidate, rgba)
