"""Layers that put out several tensors are mapped by their largest grid; what lies beside it reaches the tail."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.atlas.attribution import AttributionMethod, attribution_all_classes, contrast_map
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.candidates.linear import LinearScreen
from auditor.candidates.screening import TailScreen
from auditor.core.errors import LayerError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.layers import list_layers
from auditor.inputs.model.preprocessing import Preprocessing

SOURCE, TARGET = ClassGroup("pan", (0,)), ClassGroup("wok", (1,))


class Maps(NamedTuple):
    fine: Tensor
    note: str
    coarse: Tensor


class Scales(nn.Module):
    """Puts out a fine and a coarse map, in a container of one kind or another."""

    def __init__(self, kind: Callable[[Tensor, Tensor], object]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fine, self.coarse = nn.Conv2d(3, 5, 4, stride=4), nn.Conv2d(3, 6, 8, stride=8)
        self.kind = kind

    def forward(self, images: Tensor) -> object:
        return self.kind(self.fine(images), self.coarse(images))


class ReadsBoth(nn.Module):
    def __init__(self, kind: Callable[[Tensor, Tensor], object], fine: int, coarse: int) -> None:
        super().__init__()
        self.scales = Scales(kind)
        self.fine, self.coarse = nn.Linear(5 * 64, 3), nn.Linear(6 * 16, 3)
        self.at = fine, coarse

    def forward(self, images: Tensor) -> Tensor:
        maps = self.scales(images)
        fine, coarse = (maps[place] for place in self.at)
        return self.fine(fine.relu().flatten(1)) + self.coarse(coarse.flatten(1))


class ReadsOne(ReadsBoth):
    """Its head reads the coarse map alone."""

    def forward(self, images: Tensor) -> Tensor:
        return self.coarse(self.scales(images)[self.at[1]].relu().flatten(1))


KINDS = [
    (lambda fine, coarse: [fine, coarse], 0, 1),
    (lambda fine, coarse: (coarse, None, fine), 2, 0),
    (lambda fine, coarse: Maps(fine, "maps", coarse), 0, 2),
]
kinds = pytest.mark.parametrize(("kind", "fine", "coarse"), KINDS, ids=["list", "tuple with None", "named tuple"])


def cut_of(module: nn.Module, layer: str = "scales") -> LayerCut:
    preprocessing = Preprocessing((32, 32), None, "bilinear", (0.5,) * 3, (0.25,) * 3)
    names = ClassNames(("pan", "wok", "cup"), ((), (), ()))
    return LayerCut(Classifier(module, names, preprocessing, torch.device("cpu")), layer)


@kinds
def test_the_largest_map_is_cut_and_the_other_reaches_the_tail(
    kind: Callable[[Tensor, Tensor], object], fine: int, coarse: int
) -> None:
    module = ReadsBoth(kind, fine, coarse)
    cut = cut_of(module)
    assert cut.feature_shape == (5, 8, 8)
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        features, logits = cut.features_and_logits(images)
    again = cut.features(images)
    torch.testing.assert_close(again.grid, module.scales.fine(cut.classifier.normalise(images)))
    assert [each.shape for each in again.beside] == [(3, 6, 4, 4)]
    torch.testing.assert_close(cut.logits(features), logits, rtol=1e-4, atol=1e-5)
    # known: the head's weight times the activation, where the ReLU lets it through
    y, x, rows = torch.tensor([0, 3, 7]), torch.tensor([1, 2, 7]), torch.arange(3)
    weight = module.fine.weight.view(3, 5, 8, 8)
    at = features.grid[rows, :, y, x].relu()
    expected = torch.einsum("bd,kbd->bk", at, weight[:, :, y, x].permute(0, 2, 1))
    for method in AttributionMethod:
        found = attribution_all_classes(cut, features, y, x, method=method)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    _, contrast = contrast_map(cut, features, SOURCE, TARGET)
    torch.testing.assert_close(contrast[rows, y, x], expected[:, 1] - expected[:, 0], rtol=1e-4, atol=1e-6)


def test_a_map_that_the_head_does_not_read_is_not_the_one() -> None:
    cut = cut_of(ReadsOne(*KINDS[0]))
    assert cut.feature_shape == (6, 4, 4)
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(cut.logits(cut.features(images)), cut.classifier.logits(images))


def test_screening_and_icons_run_on_such_a_layer() -> None:
    """A patch on an even ground covers whole places of both maps, so that screening gives what a paste gives."""
    cut = cut_of(ReadsBoth(*KINDS[0]))
    pictures = np.full((3, 3, 32, 32), 90, dtype=np.uint8)
    patch = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    screen = TailScreen(cut, pictures, TARGET, 0.5, 8)
    pasted = pictures[:1].copy()
    pasted[0, :, :16, :16] = patch
    with torch.no_grad():
        after, before = (
            torch.logit(cut.classifier.logits(torch.from_numpy(each).float() / 255).softmax(1)[:, 1])
            for each in (pasted, pictures[:1])
        )
    np.testing.assert_allclose(screen.screen([patch]), (after - before).numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(LinearScreen(screen, [patch]).screen([patch]), screen.screen([patch]), atol=1e-4)
    directions = np.eye(5, dtype=np.float32)[:2]
    icons = render_icons(cut, directions, ["a", "b"], IconSettings(side_px=16, steps=2), 0, Silence())
    assert icons.pixels.shape == (2, 3, 16, 16)


def test_layers_that_put_out_several_maps_are_listed_where_one_carries_everything() -> None:
    listed = {info.name: info for info in list_layers(cut_of(ReadsOne(*KINDS[0])).classifier)}
    assert listed["scales"].shape == (5, 8, 8)
    assert not listed["scales"].mappable  # the largest is not read


class Vectors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 3, 8, stride=8), VectorsAlone()

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images))[0]


class VectorsAlone(nn.Module):
    def forward(self, grid: Tensor) -> tuple[Tensor, Tensor]:
        return grid.mean((2, 3)), grid.amax((2, 3))


def test_several_tensors_without_a_grid_are_told_by_their_shapes() -> None:
    with pytest.raises(LayerError, match=r"'head' puts out a list of \(2, 3\), \(2, 3\) for 2 pictures, not a"):
        cut_of(Vectors(), "head")
