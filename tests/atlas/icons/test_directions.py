"""Channels and picture grids, on toys and on a real cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from auditor.atlas.icons.directions import channel_directions, picture_activations, render_picture_grid
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.atlas.icons.transforms import Movement
from auditor.core.errors import LayerError
from auditor.core.progress import Silence
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing

SETTINGS = IconSettings(side_px=12, steps=6, movement=Movement(1, 0.1, 10))


def test_channels_are_one_hot(conv_head: Any) -> None:
    assert channel_directions(conv_head, [4, 0]).tolist() == [[0, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0]]
    with pytest.raises(LayerError, match="0 to 5, got 6"):
        channel_directions(conv_head, [6])


def test_a_picture_s_activations_by_position(colour_head: Any) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (3, 15, 15), dtype=np.uint8)
    activations = picture_activations(colour_head, picture)
    np.testing.assert_allclose(activations[4, 9], picture[:, 4, 9] / 255, atol=1e-6)


def test_before_and_after_a_paste_only_the_icons_it_reaches_change(fixed_head: Any) -> None:
    """The patch covers one of 16 positions of a network whose positions do not overlap."""
    before = np.random.default_rng(1).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    after = before.copy()
    after[:, 4:8, 8:12] = 255
    grids = [render_picture_grid(fixed_head, each, SETTINGS, 0, Silence(), batch_size=16) for each in (before, after)]
    changed = [
        (int(y), int(x))
        for y, x, one, other in zip(grids[0].y, grids[0].x, grids[0].icons.pixels, grids[1].icons.pixels, strict=True)
        if not np.array_equal(one, other)
    ]
    assert len(grids[0].icons) == 16
    assert changed == [(1, 2)]
    assert [int(i) for i in np.flatnonzero(grids[0].magnitude != grids[1].magnitude)] == [1 * 4 + 2]


def test_some_positions_are_as_in_the_whole_grid(conv_head: Any) -> None:
    picture = np.random.default_rng(2).integers(0, 256, (3, 20, 20), dtype=np.uint8)
    some = np.array([[3, 4], [9, 0]])
    part = render_picture_grid(conv_head, picture, SETTINGS, 0, Silence(), positions=some)
    activations = picture_activations(conv_head, picture)
    np.testing.assert_allclose(part.magnitude, np.linalg.norm(activations[[3, 9], [4, 0]], axis=1), rtol=1e-6)
    keys = ["position 3,4", "position 9,0"]
    direct = render_icons(conv_head, activations[[3, 9], [4, 0]], keys, SETTINGS, 0, Silence())
    assert np.array_equal(part.icons.pixels, direct.pixels)


def test_a_real_cut_serves_as_a_head_and_keeps_every_byte() -> None:
    """The icon's size is not the classifier's, the weights stay, and the cosine is that of the layer's own output."""
    layers = [nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(inplace=True), nn.Conv2d(8, 6, 3, padding=1), nn.ReLU()]
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))
    names = ClassNames(("a", "b"), ((), ()))
    preprocessing = Preprocessing((24, 24), None, "bilinear", (0.5,) * 3, (0.25,) * 3)
    cut = LayerCut(Classifier(module, names, preprocessing, torch.device("cpu")), "2")
    before = [value.numpy().tobytes() for value in module.state_dict().values()]
    directions = channel_directions(cut, [0, 5])
    start, icons = (
        render_icons(cut, directions, ["0", "5"], IconSettings(18, steps, 0.2), 0, Silence()) for steps in (0, 40)
    )
    assert [value.numpy().tobytes() for value in module.state_dict().values()] == before
    with torch.no_grad():
        features = module[:3]((torch.from_numpy(icons.pixels).float() / 255 - 0.5) / 0.25)
    h = features[:, :, 4, 4]
    torch.testing.assert_close(torch.from_numpy(icons.scores), (h / h.norm(dim=1, keepdim=True))[[0, 1], [0, 5]])
    assert (icons.scores > start.scores).all()
