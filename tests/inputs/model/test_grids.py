"""Every layout of a layer's output becomes the same grid, and comes back from it unchanged."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auditor.core.errors import LayerError
from auditor.inputs.model.features import Features
from auditor.inputs.model.grids import Axes, GridForm, grid_form, is_grid

SQUARE = (224, 224)


@pytest.mark.parametrize(
    ("shape", "picture", "axes", "grid", "prefix"),
    [
        ((16, 14, 14), SQUARE, Axes.CHANNELS_FIRST, (16, 14, 14), 0),
        ((14, 14, 384), SQUARE, Axes.CHANNELS_LAST, (384, 14, 14), 0),
        ((7, 14, 32), (224, 448), Axes.CHANNELS_LAST, (32, 7, 14), 0),
        ((14, 14, 14), SQUARE, Axes.CHANNELS_FIRST, (14, 14, 14), 0),  # both fit alike
        ((15, 14, 14), SQUARE, Axes.CHANNELS_FIRST, (15, 14, 14), 0),  # 15x14 would fit too, but less well
        ((14, 14, 16), SQUARE, Axes.CHANNELS_LAST, (16, 14, 14), 0),
        ((7, 14, 14), (224, 448), Axes.CHANNELS_LAST, (14, 7, 14), 0),
        ((14, 7, 14), (224, 448), Axes.CHANNELS_FIRST, (14, 7, 14), 0),
        ((196, 192), SQUARE, Axes.TOKENS, (192, 14, 14), 0),
        ((197, 192), SQUARE, Axes.TOKENS, (192, 14, 14), 1),  # a class token
        ((198, 192), SQUARE, Axes.TOKENS, (192, 14, 14), 2),  # and one for distillation
        ((261, 384), SQUARE, Axes.TOKENS, (384, 16, 16), 5),  # and four registers
        ((281, 64), (224, 320), Axes.TOKENS, (64, 14, 20), 1),
        ((71, 64), (240, 320), Axes.TOKENS, (64, 7, 10), 1),  # sides round down on their own
    ],
)
def test_a_grid_is_read_from_each_layout(
    shape: tuple[int, ...], picture: tuple[int, int], axes: Axes, grid: tuple[int, int, int], prefix: int
) -> None:
    assert grid_form(shape, *picture) == GridForm(axes, grid, prefix)


@pytest.mark.parametrize(
    "shape", [(), (768,), (4, 384), (215, 384), (5, 64), (2, 3, 14, 14), (16, 2, 2), (12, 300, 300), (224 * 226, 8)]
)
def test_other_outputs_are_no_grid(shape: tuple[int, ...]) -> None:
    assert grid_form(shape, *SQUARE) is None


@pytest.mark.parametrize(
    ("shape", "picture", "grid"),
    [
        ((16, 14, 14), SQUARE, True),
        ((16, 2, 2), SQUARE, False),
        ((14, 14, 384), SQUARE, False),  # channels last is for `grid_form` to read
        ((64, 7, 14), (224, 448), True),
        ((64, 14, 7), (224, 448), False),
        ((16, 14), SQUARE, False),
        ((16, 300, 300), SQUARE, False),
    ],
)
def test_a_grid_has_the_proportions_of_the_picture(
    shape: tuple[int, ...], picture: tuple[int, int], grid: bool
) -> None:
    assert is_grid(shape, *picture) is grid


def test_tokens_lie_row_by_row_and_prefix_tokens_beside_the_grid() -> None:
    form = GridForm(Axes.TOKENS, (1, 3, 4), 5)
    output = torch.arange(17.0).view(1, 17, 1)  # 5 prefix tokens, then the picture's
    features = form.to_features(output, 30, 40)
    assert features.grid[0, 0].tolist() == [[5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]
    assert features.beside[0][0, 0].tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(form.to_output(features), output)


def test_channels_last_becomes_channels_first() -> None:
    form = GridForm(Axes.CHANNELS_LAST, (5, 3, 4))
    output = torch.randn(2, 3, 4, 5)
    features = form.to_features(output, 30, 40)
    assert torch.equal(features.grid[1, 4], output[1, :, :, 4])
    assert features.beside == ()
    back = form.to_output(features)
    assert torch.equal(back, output)
    assert back.is_contiguous()  # as the network's own output was: a tail may call view on it


@pytest.mark.parametrize(
    ("form", "output"),
    [
        (GridForm(Axes.CHANNELS_FIRST, (5, 3, 4)), torch.randn(2, 5, 3, 4)),
        (GridForm(Axes.CHANNELS_LAST, (5, 3, 4)), torch.randn(2, 3, 4, 5)),
        (GridForm(Axes.TOKENS, (5, 3, 4)), torch.randn(2, 12, 5)),
        (GridForm(Axes.TOKENS, (5, 3, 4), 2), torch.randn(2, 14, 5)),
    ],
)
def test_there_and_back_shares_no_memory_and_carries_derivatives(form: GridForm, output: Tensor) -> None:
    features = form.to_features(output, 30, 40)
    before = features.each(Tensor.clone)
    form.to_output(features).add_(1.0)
    assert torch.equal(features.grid, before.grid)
    assert all(map(torch.equal, features.beside, before.beside))
    factor, tangent = torch.randn_like(output), torch.randn_like(features.grid)

    def weighed(grid: Tensor) -> Tensor:
        return (form.to_output(Features(grid, features.beside)) * factor).sum()

    leaf = features.grid.clone().requires_grad_()
    (slope,) = torch.autograd.grad(weighed(leaf), leaf)
    _, forward = torch.func.jvp(weighed, (features.grid,), (tangent,))
    torch.testing.assert_close(forward, (slope * tangent).sum())
    assert torch.equal(form.to_features(factor, 30, 40).grid, slope)


def test_tokens_of_a_picture_of_another_size() -> None:
    form = GridForm(Axes.TOKENS, (6, 14, 14), 1)
    assert form.to_features(torch.randn(2, 26, 6), 80, 80).grid.shape == (2, 6, 5, 5)
    with pytest.raises(LayerError, match="27 tokens, 1 of them prefix tokens, make no grid over a 80x80 picture"):
        form.to_features(torch.randn(2, 27, 6), 80, 80)
