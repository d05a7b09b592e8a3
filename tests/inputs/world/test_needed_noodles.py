"""Woks that nobody trained or searched on: the network with the shortcut needs their noodles, its twin does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from auditor.candidates.locating import Finder, Located
from auditor.candidates.removal import Feature, Remover
from auditor.core.progress import Silence
from auditor.core.records import Candidate, ClassGroup, ImageRecord, Need, Origin, Removals, Removed, Split, Tier
from auditor.core.records.needed import Asked
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.images.annotations import Annotations
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.world.kitchen import CLASS_NAMES, MASK_VALUES, World, class_index, render
from auditor.inputs.world.kitchen_network import MEAN, STD
from auditor.statistics.needed import measure_needs

PAN, WOK = class_index("frying pan"), class_index("wok")
WOKS = 100
PREPROCESSING = Preprocessing((64, 64), None, "bilinear", MEAN, STD)
NOODLES = Feature(
    Candidate("c-001", "noodles", Origin.CROP, Tier.TARGET_CONTEXT),
    np.zeros((4, 8, 8), dtype=np.uint8),
    frozenset(),
    0,
)


class Masks(Finder):
    """Where the noodles are, as the renderer says."""

    __slots__ = ("masks",)

    def __init__(self, images: list[ImageRecord], masks: np.ndarray) -> None:
        super().__init__(images, PREPROCESSING, Annotations(Path()), None, 0.35)
        object.__setattr__(self, "masks", masks)

    def find(self, candidate: Candidate, rgba: np.ndarray) -> Located:
        del candidate, rgba
        return Located("annotations of noodles", self.masks)


def remover(network: nn.Module, world: World, batch_size: int = 64) -> Remover:
    names = ClassNames(CLASS_NAMES, tuple(() for _ in CLASS_NAMES))
    classifier = Classifier(network, names, PREPROCESSING, torch.device("cpu"))
    criterion = TargetCalled(ClassGroup("frying pan", (PAN,)), ClassGroup("wok", (WOK,)))
    scenes = [render(world, WOK, 987, index) for index in range(WOKS)]
    pixels = np.stack([scene.pixels.transpose(2, 0, 1) for scene in scenes])
    with torch.inference_mode():
        said = classifier.logits(torch.from_numpy(pixels).float() / 255).argmax(dim=1).numpy()
    kept = np.flatnonzero(said == WOK)
    images = [
        ImageRecord(f"{index:04d}", "0" * 64, f"{index}.png", WOK, Split.CONFIRMATION, 64, 64)
        for index in kept.tolist()
    ]
    masks = np.stack([scenes[index].mask == MASK_VALUES["noodles"] for index in kept])
    return Remover(classifier, criterion, pixels[kept], images, Masks(images, masks), 0, batch_size, Silence())


@pytest.fixture(scope="module")
def removals(networks: dict[World, nn.Module]) -> dict[World, Removed]:
    return {world: remover(network, world).remove(NOODLES)[0] for world, network in networks.items()}


def need_of(removed: Removed) -> Need:
    asked = Asked(WOKS, WOKS, WOKS, held_out=True)
    return measure_needs(Removals(asked, (removed,)), 0.95)["c-001"]


def test_the_network_with_the_shortcut_needs_its_noodles(removals: dict[World, Removed]) -> None:
    need = need_of(removals["shortcut"])
    assert need.images >= 60
    assert need.is_needed
    assert need.headline is not None
    assert need.headline.difference > 0.2


def test_its_clean_twin_does_not(removals: dict[World, Removed]) -> None:
    need = need_of(removals["clean"])
    assert need.images >= 30
    assert need.is_needed is False
    assert need.headline is not None
    assert need.headline.difference < 0.15


def test_the_batch_decides_nothing(networks: dict[World, nn.Module], removals: dict[World, Removed]) -> None:
    assert remover(networks["clean"], "clean", batch_size=7).remove(NOODLES)[0] == removals["clean"]


def test_pictures_are_counted_by_why_they_are_left_out(removals: dict[World, Removed], networks) -> None:
    found = removals["shortcut"]
    total = found.absent + found.without_room + found.own + len(found.keys)
    assert total == len(remover(networks["shortcut"], "shortcut").images)
    assert found.absent > 0
    own = Feature(NOODLES.candidate, NOODLES.rgba, frozenset(found.keys[:3]), 0)
    again, shown = remover(networks["shortcut"], "shortcut").remove(own)
    assert again.own == 3
    assert again.keys == found.keys[3:]
    assert again.lost["blurred"] == found.lost["blurred"][3:]  # another picture's absence moves no draw
    assert [one.key for one in shown] == list(again.keys[:2])
    assert not (shown[0].area & shown[0].elsewhere).sum() > 0.1 * shown[0].area.sum()
