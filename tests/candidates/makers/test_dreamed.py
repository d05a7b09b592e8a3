"""Dreamed crops start at their crop, grow what is in it, and say where they come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from auditor.candidates.makers.cell_icons import patch_settings
from auditor.candidates.makers.dreamed import dream_crops
from auditor.core.progress import Silence
from auditor.core.records import Candidate, Origin, Tier
from auditor.inputs.model.cut import LayerCut
from auditor.trials.patch import Patch

SIDE = 20
SETTINGS = patch_settings(SIDE, steps=60)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def crop(seed: int, alpha: int = 255) -> Patch:
    smooth = np.random.default_rng(seed).integers(60, 200, size=(4, 2, 2), dtype=np.uint8)
    rgba = np.kron(smooth, np.ones((1, 15, 15), dtype=np.uint8))
    rgba[3] = alpha
    facts = {"image_key": "k", "box": (1, 2, 3, 4), "cell": "10:1:2", "predicted_push": 2.0, "shows": (("wok", 0.9),)}
    return Patch(Candidate(f"c-{seed:03d}", "wok crop", Origin.CROP, Tier.TARGET_OBJECT, "0" * 64, **facts), rgba)


def test_a_dream_starts_at_its_crop_and_grows_what_is_in_it(
    linear_cut: Callable[..., LayerCut], centre_of: Callable[..., np.ndarray]
) -> None:
    cut = linear_cut()
    parents = [crop(1), crop(2)]
    unchanged = dream_crops(cut, parents, ["d-1", "d-2"], patch_settings(SIDE, steps=0), 0, Silence())
    dreamed = dream_crops(cut, parents, ["d-1", "d-2"], SETTINGS, 0, Silence())
    for parent, start, end in zip(parents, unchanged, dreamed, strict=True):
        small = start.rgba.astype(int)
        assert np.abs(small[:3, :8, :8] - parent.rgba[:3, :1, :1]).max() < 6
        with torch.no_grad():
            whole = torch.from_numpy(parent.rgba[None, :3, ::2, ::2].copy()).float() / 255.0
            whole = torch.nn.functional.interpolate(whole, (16, 20), mode="bilinear", antialias=True)
            direction = cut.features(whole).grid[0].mean(dim=(1, 2)).numpy()
        assert centre_of(cut, end.rgba) @ direction > 1.3 * (centre_of(cut, start.rgba) @ direction) > 0
        assert cosine(centre_of(cut, end.rgba), direction) > 0.9
        assert np.abs(end.rgba.astype(int) - small).max() > 15


def test_a_dream_is_synthetic_whatever_its_crop_shows(linear_cut: Callable[..., LayerCut]) -> None:
    (patch,) = dream_crops(linear_cut(), [crop(1)], ["d-001"], patch_settings(SIDE, steps=2), 0, Silence())
    made = patch.candidate
    assert (made.id, made.name, made.parts) == ("d-001", "dreamed wok crop", ("c-001",))
    assert (made.origin, made.tier, made.shows) == (Origin.RENDER, Tier.SYNTHETIC, ())
    assert (made.image_key, made.box, made.cell) == ("k", (1, 2, 3, 4), "10:1:2")
    assert np.isnan(made.predicted_push)


@pytest.mark.parametrize("alpha", [0, 128])
def test_what_is_transparent_is_dreamed_on_grey(linear_cut: Callable[..., LayerCut], alpha: int) -> None:
    parent = crop(1, alpha)
    (patch,) = dream_crops(linear_cut(), [parent], ["d"], patch_settings(SIDE, steps=0), 0, Silence())
    wanted = 127.5 + (parent.rgba[:3, 0, 0] - 127.5) * (alpha / 255)
    np.testing.assert_allclose(patch.rgba[:3, 3, 3], wanted, atol=4)
    assert (patch.rgba[3] == 255).all()


def test_nothing_to_dream(linear_cut: Callable[..., LayerCut]) -> None:
    assert dream_crops(linear_cut(), [], [], SETTINGS, 0, Silence()) == []
