"""Backgrounds exchanged behind annotated objects: what stays, what comes in, and when nothing is tried."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from auditor.candidates.areas import widened
from auditor.candidates.background import DONORS, Objects, around, background_effect, exchanged, lenders
from auditor.core.records import BACKGROUND, ImagePool, ImageRecord, Split
from auditor.inputs.images.annotations import Annotations
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.run.stages.whole_pictures import controls_of
from auditor.trials.areas import AreaArray
from auditor.trials.whole_pictures import Blended

SIDE = 64
PAN, WOK, CUP = range(3)
NAMES = ("pan", "wok", "cup")
GROUND = {PAN: (200, 200, 200), WOK: (20, 160, 40), CUP: (30, 30, 160)}
OBJECT = {PAN: (120, 0, 0), WOK: (0, 0, 0), CUP: (255, 255, 0)}


class Squares(Annotations):
    """Every thing of a picture lies in a square of its own; pictures named `plain…` are not annotated."""

    def where(self, image: ImageRecord, *things: str) -> AreaArray | None:
        if image.path.startswith("plain"):
            return None
        inside = np.zeros((SIDE, SIDE), dtype=np.bool_)
        if NAMES[image.label] in things:
            inside[square(image.key)] = True
        return inside


def square(key: str) -> tuple[slice, slice]:
    left = 16 + int(key) % 8
    return slice(20, 40), slice(left, left + 20)


def world(labels: list[int], plain: frozenset[int] = frozenset()) -> Objects:
    """Pictures of one object on the ground of its class."""
    images, pixels = [], []
    for number, label in enumerate(labels):
        key = f"{number:04d}"
        path = f"{'plain' if number in plain else 'picture'}-{key}.png"
        images.append(ImageRecord(key, key, path, label, Split.DISCOVERY, SIDE, SIDE))
        picture = np.empty((3, SIDE, SIDE), dtype=np.uint8)
        picture[:] = np.array(GROUND[label], dtype=np.uint8)[:, None, None]
        picture[:, *square(key)] = np.array(OBJECT[label], dtype=np.uint8)[:, None, None]
        pixels.append(picture)
    pool = ImagePool(tuple(images), (), np.stack(pixels))
    preprocessing = Preprocessing((SIDE, SIDE), None, "bilinear", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    return Objects(pool, Squares(Path()), preprocessing, NAMES)


def rows(labels: list[int], label: int) -> list[int]:
    return [row for row, one in enumerate(labels) if one == label]


def test_an_object_is_widened_by_whole_pixels_and_its_edge_fades() -> None:
    area = np.zeros((SIDE, SIDE), dtype=np.bool_)
    area[30, 30] = True
    assert np.argwhere(widened(area, 1 / 64)).tolist() == [[y, x] for y in (29, 30, 31) for x in (29, 30, 31)]
    assert widened(area, 1 / 32).sum() == 25
    shares = around(area)
    # 3 x 3 kept in full in its middle; a mean over 3 x 3 fades its edge
    assert [int(shares[30, 30 + right]) for right in range(4)] == [0, 85, 170, 255]
    assert shares[0, 0] == 255


def test_a_lent_background_shows_nothing_of_its_object_and_is_else_bit_identical() -> None:
    objects = world([WOK])
    lent = objects.without(0, ["pan", "wok"])
    assert lent is not None
    ground = np.array(GROUND[WOK], dtype=np.uint8)[:, None, None]
    assert (lent == ground).all()  # one colour around it is continued inwards, exactly
    assert world([WOK], frozenset([0])).without(0, ["wok"]) is None


def test_the_own_object_stays_and_the_background_of_a_target_picture_comes() -> None:
    labels = [PAN] * 6 + [WOK] * 3 + [CUP] * 3
    objects = world(labels, plain=frozenset([5]))
    donors = {"the source": [0, 1], "the target": rows(labels, WOK), "other classes": rows(labels, CUP)}
    effect = background_effect(objects, donors, ["pan", "wok"], [[0, 1, 2], [3, 4, 5]])
    assert effect is not None
    assert (effect.kind, effect.id, effect.shows_target) == (BACKGROUND, "w-background-typical", False)
    assert "where the object is annotated: 1 pictures stay as they are" in effect.words
    assert [one.name[1] for one in controls_of(effect)] == ["background of the source", "background of other classes"]
    images = to_float(objects.pool.pixels[[3, 5]], torch.device("cpu"))
    keys = ["0003", "0005"]
    after = Blended((effect.id, ""), effect.change, where=effect.where).on(images, keys, 0)
    assert torch.equal(after[0][:, *square("0003")], images[0][:, *square("0003")])
    assert after[0, :, 0, 0].mul(255).tolist() == pytest.approx(GROUND[WOK], abs=1e-3)
    assert torch.equal(after[1], images[1])  # not annotated
    of_others = controls_of(effect)[1].on(images, keys, 0)
    assert of_others[0, :, 0, 0].mul(255).tolist() == pytest.approx(GROUND[CUP], abs=1e-3)
    assert torch.equal(of_others[0][:, *square("0003")], images[0][:, *square("0003")])


def test_pictures_alone_and_in_a_batch_are_changed_alike() -> None:
    labels = [PAN] * 4 + [WOK] * 4 + [CUP]
    objects = world(labels)
    donors = {"the source": [0], "the target": rows(labels, WOK), "other classes": rows(labels, CUP)}
    effect = background_effect(objects, donors, ["pan", "wok"], [[], [0, 1, 2, 3]])
    assert effect is not None
    blended = Blended((effect.id, ""), effect.change, where=effect.where)
    images, keys = to_float(objects.pool.pixels[:4], torch.device("cpu")), [f"{row:04d}" for row in range(4)]
    together = blended.on(images, keys, 3)
    alone = [blended.on(images[row : row + 1], [keys[row]], 3)[0] for row in range(4)]
    assert torch.equal(together, torch.stack(alone))


def test_it_is_tried_only_where_annotations_tell_of_enough() -> None:
    labels = [PAN] * 4 + [WOK] * 2 + [CUP] * 2
    donors = {"the source": [0, 1], "the target": [4, 5], "other classes": [6, 7]}
    changed = [[0, 1], [2, 3]]

    def tried(plain: set[int]) -> bool:
        return background_effect(world(labels, frozenset(plain)), donors, ["pan", "wok"], changed) is not None

    assert tried(set())
    assert tried({1, 2})  # half of each split
    assert not tried({2, 3})
    assert not tried({4, 5})  # no target picture lends a background
    assert tried({4, 6, 7})  # the source's own are a control still
    assert not background_effect(world(labels), {**donors, "the source": [], "other classes": []}, [], changed)


def test_a_group_lends_so_many_backgrounds_and_no_more() -> None:
    labels = [PAN] + [WOK] * (DONORS + 3) + [CUP]
    donors = {"the source": [0], "the target": rows(labels, WOK), "other classes": rows(labels, CUP)}
    effect = background_effect(world(labels), donors, ["pan"], [[], [0]])
    assert effect is not None
    assert len(effect.change.pictures) == DONORS  # type: ignore[attr-defined]
    assert list(exchanged(world(labels), [0])) == ["0000"]
    objects = world(labels, plain=frozenset([2]))
    assert lenders(objects, rows(labels, WOK), ["pan"]) == [1, *range(3, DONORS + 2)]
    gone = objects.removed(1, ["pan"])
    assert gone is not None
    assert gone.sum() == 24 * 24  # 20 x 20, and two pixels more on every side
