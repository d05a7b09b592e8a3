"""Icons run a network at other sizes than its own, and leave it as it was even where a forward changes it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.atlas.icons.head import at_size
from auditor.atlas.icons.render import Icons, IconSettings, render_icons
from auditor.core.errors import LayerError, ModelError
from auditor.core.progress import Silence
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing

kept_outside: dict[str, int] = {}


class Windows(nn.Module):
    """Means over windows of its grid. It takes smaller windows on a smaller picture, and keeps them for good."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 5, 4, stride=4)
        self.readout = nn.Linear(5, 3)
        self.window = 8

    def adapt(self, side: int) -> int:
        self.window = min(self.window, side)
        return self.window

    def forward(self, images: Tensor) -> Tensor:
        grid = self.layer(images)
        window = self.adapt(grid.shape[-1])
        parts = grid.unflatten(3, (-1, window)).unflatten(2, (-1, window))  # fails where windows do not fit
        return self.readout(torch.relu(parts.mean(dim=(3, 5)) * window).mean(dim=(2, 3)))


class AdaptsInFront(Windows):
    """As Windows; it adapts before the layer, and scales its layer by it."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images * self.adapt(images.shape[-1] // 4) / 8)


class KeepsOutside(AdaptsInFront):
    """As AdaptsInFront; its window is a global variable, which copies share."""

    def adapt(self, side: int) -> int:
        kept_outside["window"] = min(kept_outside.get("window", 8), side)
        return kept_outside["window"]


class Locked(AdaptsInFront):
    """As AdaptsInFront; it cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def cut_of(module: nn.Module) -> LayerCut:
    preprocessing = Preprocessing((32, 32), None, "bilinear", (0.5,) * 3, (0.25,) * 3)
    names = ClassNames(("a", "b", "c"), ((), (), ()))
    return LayerCut(Classifier(module, names, preprocessing, torch.device("cpu")), "layer")


def render(cut: LayerCut, side_px: int) -> Icons:
    directions = np.eye(5, dtype=np.float32)[:2]
    return render_icons(cut, directions, ["a", "b"], IconSettings(side_px=side_px, steps=4), 0, Silence())


@pytest.mark.parametrize("network", [Windows, AdaptsInFront])
@pytest.mark.parametrize("side_px", [12, 20, 16], ids=["windows that do not fit", "another", "windows that fit"])
def test_a_network_that_adapts_for_good_is_left_as_it_was(network: type[Windows], side_px: int) -> None:
    cut = cut_of(network())
    images = torch.rand(3, 3, 32, 32)
    before = cut.classifier.logits(images)
    icons = render(cut, side_px)
    assert torch.equal(cut.classifier.logits(images), before)
    assert cut.classifier.module.window == 8
    again = render(cut, side_px)  # nor do later icons depend on earlier ones
    assert np.array_equal(again.pixels, icons.pixels)
    assert np.array_equal(again.scores, icons.scores)


def test_a_smaller_picture_would_change_that_network() -> None:
    """What the tests above would miss is there: run as it is, the network answers otherwise afterwards."""
    module = AdaptsInFront()
    classifier = cut_of(module).classifier
    images = torch.rand(3, 3, 32, 32)
    before = classifier.logits(images)
    classifier.run(torch.zeros(1, 3, 16, 16))
    assert (classifier.logits(images) - before).abs().max() > 0.01


def test_at_its_own_size_the_network_itself_runs_and_at_another_a_copy() -> None:
    cut = cut_of(AdaptsInFront())
    with at_size(cut, 32) as (network, size):
        assert (network, size) == (cut, (32, 32))
    with at_size(cut, 16) as (network, size):
        assert size == (16, 16)
        assert network.classifier.module is not cut.classifier.module
        assert network.features(torch.rand(2, 3, 16, 16)).grid.shape == (2, 5, 4, 4)


def test_a_network_that_cannot_be_copied_runs_at_its_own_size() -> None:
    cut = cut_of(Locked())
    images = torch.rand(2, 3, 32, 32)
    before = cut.classifier.logits(images)
    with at_size(cut, 16) as (network, size):
        assert (network, size) == (cut, (32, 32))
    assert render(cut, 16).pixels.shape == (2, 3, 16, 16)
    assert torch.equal(cut.classifier.logits(images), before)


@pytest.mark.parametrize("side_px", [12, 16], ids=["raises afterwards", "answers otherwise afterwards"])
def test_what_a_copy_cannot_keep_apart_is_told(side_px: int) -> None:
    kept_outside.clear()
    cut = cut_of(KeepsOutside())
    with pytest.raises(ModelError, match=r"after a copy of KeepsOutside .* (fails|answers otherwise) .* global"):
        render(cut, side_px)


def test_a_network_that_runs_at_neither_size_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = cut_of(Windows())

    def fails(self: Windows, images: Tensor) -> Tensor:
        raise ValueError("not at this size")

    monkeypatch.setattr(Windows, "forward", fails)
    with pytest.raises(LayerError, match=r"at 16x16 px or at its own size 32x32 px, and it does at neither"):
        render(cut, 16)
