"""Other shapes of a crop: exact boxes and opacities, and fading that follows what is known to speak for the target."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.signal.windows import tukey

from auditor.candidates.crops import CropPlan
from auditor.candidates.makers.shapes import (
    contrast_over_crops,
    fade_background,
    faded_patches,
    rectangular_plan,
    reshaped,
    soft_edges,
)
from auditor.core.errors import PatchError
from auditor.core.records import Candidate, ClassGroup, Origin, Tier
from auditor.core.records.trials import Draws
from auditor.inputs.model.cut import LayerCut
from auditor.trials.pasting import Sticker, paste
from auditor.trials.patch import Patch, resize_patch


def opaque(height: int, width: int, seed: int = 3) -> np.ndarray:
    rgba = np.random.default_rng(seed).integers(0, 256, size=(4, height, width), dtype=np.uint8)
    rgba[3] = 255
    return rgba


def crop(rgba: np.ndarray, identity: str = "c-001") -> Patch:
    facts = {"image_key": "k", "box": (0, 0, 4, 4), "cell": "20:1:1", "observed_push": 1.5, "predicted_push": 0.5}
    return Patch(Candidate(identity, "lemon crop", Origin.CROP, Tier.THIRD_CLASS, "0" * 64, **facts), rgba)


@pytest.mark.parametrize(
    ("y", "x", "aspect", "box"),
    [
        # half of 80 px around (y 1.5/4 · 80 = 30, x 2.5/5 · 100 = 50): 40² = 1600 = 80 × 20 = 20 × 80 pixels
        (1, 2, 4.0, (10, 20, 90, 40)),
        (1, 2, 0.25, (40, 0, 60, 80)),
        (1, 2, 1.0, (30, 10, 70, 50)),
        (3, 4, 4.0, (20, 60, 100, 80)),  # moved in from the right and from below
        (0, 0, 16.0, (0, 5, 100, 15)),  # no more room than the picture is wide
    ],
)
def test_rectangles_keep_the_area_and_stay_inside(y: int, x: int, aspect: float, box: tuple[int, ...]) -> None:
    plan = CropPlan(7, y, x, 0.5, (0, 0, 40, 40), "cell", 0.25)
    made = rectangular_plan(plan, aspect, (4, 5), (80, 100))
    assert made.box == box
    assert (made.image_row, made.y, made.x, made.size, made.cell, made.contrast) == (7, y, x, 0.5, "cell", 0.25)


def test_soft_edges_are_tukeys_window_on_either_axis() -> None:
    rgba = opaque(20, 40)
    rgba[3, :, 20:] = 100
    made = soft_edges(rgba, fade=0.25)
    # scipy samples its window from end to end, 2n + 1 points of which every second one is a pixel's centre
    rows, columns = (tukey(2 * length + 1, 0.5)[1::2] for length in (20, 40))
    np.testing.assert_allclose(made[3], rgba[3] * rows[:, None] * columns[None, :], atol=0.51)
    np.testing.assert_array_equal(made[:3], rgba[:3])
    assert made[3, 10, 10] == 255
    assert made[3, 0, 0] < 2


def test_the_target_is_kept_and_the_rest_fades_to_the_floor() -> None:
    contrast = np.full((8, 8), -1.0, dtype=np.float32)
    contrast[:4, :4] = 2.0
    rgba = opaque(32, 32)
    rgba[3, :, 2] = 40
    made = fade_background(rgba, contrast, floor=0.2)
    np.testing.assert_array_equal(made[:3], rgba[:3])
    assert made[3, :9, 3:9].min() > 240  # cubic interpolation overshoots a little beside the step
    np.testing.assert_allclose(made[3, 24:, 24:], 51, atol=3)
    # positions 3 and 4, with centres at 14 and 18 px, see two thirds and one third of the target
    np.testing.assert_allclose(made[3, 5, [14, 17]], [255 * (0.2 + 0.8 * 0.63), 255 * (0.2 + 0.8 * 0.38)], atol=12)
    assert 37 <= made[3, 0, 2] <= 40
    assert 7 <= made[3, 30, 2] <= 9


def test_one_strong_position_does_not_erase_the_others() -> None:
    contrast = np.full((8, 8), 1.0, dtype=np.float32)
    contrast[0, 0] = 100.0
    assert fade_background(opaque(64, 64), contrast)[3, 32:, 32:].min() > 230


def test_without_anything_to_keep() -> None:
    with pytest.raises(PatchError, match="no part of the patch speaks for the target"):
        fade_background(opaque(8, 8), np.full((4, 4), -1.0, dtype=np.float32))


def test_contrast_over_a_crop_is_the_gradient_times_the_activation(
    linear_cut: Callable[..., LayerCut], pair: tuple[ClassGroup, ClassGroup]
) -> None:
    cut = linear_cut(bend=True)
    crops = [opaque(16, 20, seed)[:3] for seed in range(5)]
    found = contrast_over_crops(cut, crops, *pair, batch_size=2)
    np.testing.assert_allclose(found, contrast_over_crops(cut, crops, *pair, batch_size=5), atol=1e-5)
    features = cut.features(torch.from_numpy(crops[3])[None].float() / 255.0).grid
    readout = cut.classifier.module.get_submodule("readout").weight
    slope = (readout[1] - readout[0]).view(5, 4, 5) * (features[0] > 0)
    np.testing.assert_allclose(found[3], (slope * features[0]).sum(dim=0).detach().numpy(), atol=1e-5)
    # crops of any size are brought to the network's own
    small, large = (np.broadcast_to(crops[0][:, :1, :1], (3, *size)) for size in ((16, 20), (50, 7)))
    first, second = contrast_over_crops(cut, [small, large], *pair)
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_faded_patches_name_their_parent_and_leave_out_what_has_nothing_to_keep(
    linear_cut: Callable[..., LayerCut], pair: tuple[ClassGroup, ClassGroup]
) -> None:
    cut = linear_cut()
    parents = [crop(opaque(24, 24, seed), f"c-00{seed}") for seed in range(4)]
    swapped = (pair[1], pair[0])
    maps = contrast_over_crops(cut, [resized(cut, parent.rgba) for parent in parents], *pair)
    for sides, sign in ((pair, 1), (swapped, -1)):
        made = faded_patches(cut, parents, [f"f-{n}" for n in range(4)], *sides)
        wanted = [n for n in range(4) if (sign * maps[n] > 0).any()]
        assert [patch.candidate.id for patch in made] == [f"f-{n}" for n in wanted]
        for patch, n in zip(made, wanted, strict=True):
            assert patch.candidate.parts == (f"c-00{n}",)
            assert np.isnan(patch.candidate.predicted_push)
            np.testing.assert_array_equal(patch.rgba, fade_background(parents[n].rgba, sign * maps[n]))


def resized(cut: LayerCut, rgba: np.ndarray) -> np.ndarray:
    return resize_patch(rgba, *cut.classifier.preprocessing.output_size)[:3]


def test_another_shape_keeps_the_parents_provenance() -> None:
    parent = crop(opaque(8, 8))
    made = reshaped(parent, "c-001-soft", "soft-edged", soft_edges(parent.rgba)).candidate
    assert (made.id, made.name, made.parts) == ("c-001-soft", "lemon crop, soft-edged", ("c-001",))
    assert (made.image_key, made.box, made.cell, made.tier, made.observed_push) == (
        "k", (0, 0, 4, 4), "20:1:1", Tier.THIRD_CLASS, 1.5,
    )  # fmt: skip
    assert made.sha256 == ""  # its parent's is not its own


def test_soft_patches_are_pasted_through_their_alpha() -> None:
    """On a white picture a black soft patch leaves 1 − alpha."""
    rgba = opaque(12, 12)
    rgba[:3] = 0
    soft = soft_edges(rgba)
    one, zero = np.ones(1), np.zeros(1)
    corner = Draws(6 * one, 6 * one, 12 * one, zero, zero, zero, zero, one)
    white = paste(torch.ones(1, 3, 16, 16), Sticker(soft, torch.device("cpu")), corner, 12.0)[0]
    np.testing.assert_allclose(white[0, :12, :12], 1.0 - soft[3] / 255.0, atol=1e-6)
    assert (white[:, 12:] == 1.0).all()


def test_one_crop_that_cannot_be_faded_is_left_out_and_ends_nothing(
    linear_cut: Callable[..., LayerCut], pair: tuple[ClassGroup, ClassGroup], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something speaks for the target, but over too little of the patch for a share of it to be taken."""
    speck, good = np.zeros((9, 9), dtype=np.float32), np.ones((9, 9), dtype=np.float32)
    speck[0, 0] = 1e-3
    with pytest.raises(PatchError, match="no part of the patch speaks for the target"):
        fade_background(opaque(8, 8), speck)
    monkeypatch.setattr(
        "auditor.candidates.makers.shapes.contrast_over_crops", lambda *_, **__: np.stack([speck, good])
    )
    parents = [crop(opaque(24, 24, seed), f"c-00{seed}") for seed in range(2)]
    assert [patch.candidate.id for patch in faded_patches(linear_cut(), parents, ["s-1", "s-2"], *pair)] == ["s-2"]
