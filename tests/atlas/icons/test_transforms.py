"""Movements against rolls, quarter turns and interpolation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from auditor.atlas.icons.transforms import Movement, draw_movements, move, sample_mirrored, still


def test_standing_still_changes_nothing() -> None:
    images = torch.rand(3, 3, 9, 9)
    torch.testing.assert_close(move(images, still(3), (9, 9)), images, atol=1e-5, rtol=0)


def test_a_whole_pixel_shift_is_a_roll_inside() -> None:
    images = torch.rand(1, 3, 12, 12)
    moved = move(images, torch.tensor([[3.0, -2.0, 1.0, 0.0]]), (12, 12))
    rolled = torch.roll(images, (3, -2), dims=(2, 3))
    torch.testing.assert_close(moved[..., 3:, :-2], rolled[..., 3:, :-2], atol=1e-5, rtol=0)


def test_outside_the_picture_is_its_mirror() -> None:
    images = torch.rand(1, 1, 8, 8)
    moved = move(images, torch.tensor([[2.0, 0.0, 1.0, 0.0]]), (8, 8))
    torch.testing.assert_close(moved[0, 0, :2], images[0, 0, [1, 0]], atol=1e-5, rtol=0)


def test_a_quarter_turn_is_clockwise() -> None:
    images = torch.rand(1, 3, 7, 7)
    moved = move(images, torch.tensor([[0.0, 0.0, 1.0, np.pi / 2]]), (7, 7))
    torch.testing.assert_close(moved, torch.rot90(images, -1, dims=(2, 3)), atol=1e-5, rtol=0)


def test_scaling_makes_things_larger() -> None:
    images = torch.zeros(1, 1, 16, 16)
    images[..., 6:10, 6:10] = 1.0
    moved = move(images, torch.tensor([[0.0, 0.0, 2.0, 0.0]]), (16, 16))
    assert float(moved.sum()) == float(images.sum()) * 4
    torch.testing.assert_close(moved[0, 0, 5:11, 5:11], torch.ones(6, 6), atol=1e-6, rtol=0)


def test_a_larger_input_is_bilinear_enlargement() -> None:
    images = torch.rand(2, 3, 8, 8)
    enlarged = F.interpolate(images, size=(20, 20), mode="bilinear", align_corners=False)
    moved = move(images, still(2), (20, 20))
    torch.testing.assert_close(moved[..., 2:-2, 2:-2], enlarged[..., 2:-2, 2:-2], atol=1e-5, rtol=0)


def test_an_oblong_input_shows_the_icon_undistorted_in_its_middle() -> None:
    images = torch.rand(1, 3, 8, 8)
    wide = move(images, still(1), (8, 14))
    torch.testing.assert_close(wide[..., 3:11], images, atol=1e-5, rtol=0)
    torch.testing.assert_close(wide[..., 2], images[..., 0], atol=1e-5, rtol=0)


def test_draws_are_keyed_by_icon_and_stay_in_range() -> None:
    movement = Movement(jitter_px=6, scale=0.1, rotation_degrees=20)
    together = draw_movements(movement, 400, 7, ["a", "b", "c"])
    assert torch.equal(together[:, 1:2], draw_movements(movement, 400, 7, ["b"]))
    assert not torch.equal(together[:, 0], together[:, 1])
    assert not torch.equal(together[:, 0], draw_movements(movement, 400, 8, ["a"])[:, 0])
    drawn = together.view(-1, 4)
    limits = torch.tensor([6.0, 6.0, 0.1, float(np.radians(20))])
    away = (drawn - torch.tensor([0.0, 0.0, 1.0, 0.0])).abs()
    assert (away <= limits + 1e-6).all()
    assert (away.amax(dim=0) > 0.97 * limits).all()
    assert (drawn.mean(dim=0) - torch.tensor([0.0, 0.0, 1.0, 0.0])).abs().lt(0.1 * limits).all()


def test_fewer_steps_are_a_prefix_of_more_so_that_a_schedule_can_be_lengthened() -> None:
    movement = Movement()
    assert torch.equal(draw_movements(movement, 5, 0, ["a"]), draw_movements(movement, 9, 0, ["a"])[:5])


@pytest.mark.parametrize("size", [(9, 9), (14, 21)])
def test_sampling_by_index_is_grid_sample_with_its_gradient(size: tuple[int, int]) -> None:
    """Far out, too, where the picture is mirrored more than once, and at the very edge of a pixel."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(5, 3, 9, 7, generator=generator)
    grid = torch.rand(5, *size, 2, generator=generator) * 9 - 4.5
    grid[0, 0, :4] = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [3.0, -3.0], [0.0, 5.0]])
    slopes = torch.randn(5, 3, *size, generator=generator)
    found = []
    for sample in (sample_mirrored, torch_sampling):
        leaf = images.clone().requires_grad_()
        sampled = sample(leaf, grid)
        found.append((sampled.detach(), torch.autograd.grad((sampled * slopes).sum(), leaf)[0]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=2e-5)
    assert found[0][1].abs().max() > 0.1


def torch_sampling(images: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def test_on_other_devices_than_a_cpu_nothing_is_added_up_in_changing_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's meta device stands for a GPU: it has shapes and no numbers."""
    monkeypatch.setattr(F, "grid_sample", None)
    images = torch.rand(2, 3, 8, 8, device="meta", requires_grad=True)
    moved = move(images, still(2), (10, 12))
    assert (moved.shape, moved.device.type) == ((2, 3, 10, 12), "meta")
    (slope,) = torch.autograd.grad(moved.sum(), images)
    assert slope.shape == images.shape
