from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import forward_ad

from auditor.atlas.attribution import AttributionMethod, attribution_all_classes, attribution_method, contrast_map
from auditor.atlas.relaxed import relaxed_max_pooling, smooth_pool
from auditor.core.errors import ModelError
from auditor.inputs.model.features import Features

# Of the window 1, 2, 3, 4: A(x²) = 7.5, A(|x|) = 2.5, and ∂/∂x of 7.5 / 2.51 is (2x · 2.51 - 7.5) / (4 · 2.51²).
BY_HAND = torch.tensor([[[[-2.48, 2.54], [7.56, 12.58]]]]) / (4 * 2.51**2)
WINDOW = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])

CALLS = {
    "module": nn.MaxPool2d(2),
    "module with indices": nn.MaxPool2d(2, return_indices=True),
    "functional": lambda values: F.max_pool2d(values, 2),
    "functional by name": lambda values: F.max_pool2d(input=values, kernel_size=(2, 2), return_indices=True),
    "torch": lambda values: torch.max_pool2d(values, 2),
    "aten": lambda values: torch.ops.aten.max_pool2d.default(values, [2, 2]),
}


def first(output):
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_the_derivative_is_the_one_worked_out_by_hand(call):
    leaf = WINDOW.clone().requires_grad_(True)
    with relaxed_max_pooling() as pooling:
        output = first(call(leaf))
    (slope,) = torch.autograd.grad(output.sum(), leaf)
    assert output.item() == 4.0
    assert pooling.relaxed == 1
    torch.testing.assert_close(slope, BY_HAND, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_forward_mode_agrees_with_the_hand_too(call):
    tangent = torch.tensor([[[[1.0, 10.0], [100.0, 1000.0]]]])
    with relaxed_max_pooling(), forward_ad.dual_level(), torch.no_grad():
        output, derivative = forward_ad.unpack_dual(first(call(forward_ad.make_dual(WINDOW, tangent))))
        assert output.item() == 4.0
        torch.testing.assert_close(derivative.flatten(), (BY_HAND * tangent).sum().reshape(1), rtol=1e-5, atol=1e-5)


def test_equal_entries_share_the_derivative_and_a_lone_one_has_it_all():
    equal, lone = torch.full((1, 1, 2, 2), 1000.0), torch.tensor([[[[1000.0, 0.0], [0.0, 0.0]]]])
    for values, expected in ((equal, [0.25] * 4), (lone, [1.0, 0, 0, 0])):
        leaf = values.clone().requires_grad_(True)
        with relaxed_max_pooling():
            output = F.max_pool2d(leaf, 2)
        (slope,) = torch.autograd.grad(output.sum(), leaf)
        np.testing.assert_allclose(slope.flatten(), expected, atol=1e-4)


WINDOWS = [
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0)},
    {"kernel_size": 2, "stride": 1, "dilation": 2, "padding": 1},
    {"kernel_size": (3, 2), "stride": (2, 3), "dilation": (1, 3), "padding": (0, 1), "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "dilation": 2, "ceil_mode": True},
]


def each_window(values, kernel_size, stride, padding=0, dilation=1, ceil_mode=False):
    """Indices of the entries of every window, by pooling maps that hold one entry each."""
    height, width = values.shape
    units = torch.eye(height * width).reshape(-1, 1, height, width)
    pooled = F.max_pool2d(units, kernel_size, stride, padding, dilation, ceil_mode)
    return [
        pooled[:, 0].reshape(height * width, -1)[:, place].nonzero().flatten() for place in range(pooled[0].numel())
    ]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 7, 8), (3, 8, 7)])
def test_every_kind_of_window_averages_what_max_pooling_sees(window, shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    smooth = smooth_pool(values, **window)
    assert smooth.shape == F.max_pool2d(values, **window).shape
    for plane, pooled in zip(values.reshape(-1, *shape[-2:]), smooth.reshape(-1, *smooth.shape[-2:]), strict=True):
        entries = [plane.flatten()[inside] for inside in each_window(plane, **window)]
        expected = torch.stack([each.square().mean() / (0.01 + each.abs().mean()) for each in entries])
        torch.testing.assert_close(pooled.flatten(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_the_answer_is_the_maximum_to_the_last_bit(window):
    leaf = torch.randn(2, 3, 7, 8, generator=torch.Generator().manual_seed(4)).requires_grad_(True)
    with relaxed_max_pooling() as pooling:
        output, indices = F.max_pool2d(leaf, **window, return_indices=True)
    expected, where = F.max_pool2d(leaf, **window, return_indices=True)
    assert pooling.relaxed == 1
    assert torch.equal(output, expected)
    assert torch.equal(indices, where)


class SmoothInstead(nn.Module):
    """The maximum forwards, `smooth_pool` backwards, written as a network's own module."""

    def forward(self, values):
        smooth = smooth_pool(values, 2)
        return smooth + (F.max_pool2d(values, 2) - smooth).detach()


@pytest.mark.parametrize("method", list(AttributionMethod))
def test_attribution_and_contrast_take_the_relaxed_derivative(conv_cut, pair, method):
    features = Features(torch.randn(5, 6, 8, 8, generator=torch.Generator().manual_seed(1)) * 3)
    y, x, rows = torch.tensor([1, 2, 3, 4, 6]), torch.tensor([6, 5, 4, 3, 1]), torch.arange(5)
    with relaxed_max_pooling() as pooling:
        assert attribution_method(conv_cut, features) is AttributionMethod.FORWARD
        relaxed = attribution_all_classes(conv_cut, features, y, x, method=method)
        logits, contrast = contrast_map(conv_cut, features, *pair)
    assert pooling.relaxed == 3
    plain = attribution_all_classes(conv_cut, features, y, x)
    torch.testing.assert_close(logits, conv_cut.logits(features))
    conv_cut.tail[4] = SmoothInstead()
    expected = attribution_all_classes(conv_cut, features, y, x, method=AttributionMethod.PER_CLASS)
    torch.testing.assert_close(relaxed, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(contrast[rows, y, x], expected[:, 2] - expected[:, 0], rtol=1e-5, atol=1e-6)
    assert (relaxed - plain).abs().max() > 1e-3


class Breaks(nn.Module):
    def forward(self, values):
        raise ZeroDivisionError


def test_nothing_is_left_behind_even_if_the_body_raises(conv_cut):
    before = copy.deepcopy(conv_cut.tail)
    pool, features = F.max_pool2d, Features(torch.randn(2, 6, 8, 8))
    expected = attribution_all_classes(conv_cut, features, torch.tensor([3, 4]), torch.tensor([4, 3]))
    conv_cut.tail.append(Breaks())
    with pytest.raises(ModelError, match="ZeroDivisionError"), relaxed_max_pooling():
        attribution_all_classes(conv_cut, features, torch.tensor([3, 4]), torch.tensor([4, 3]))
    conv_cut.tail.pop(-1)
    after = attribution_all_classes(conv_cut, features, torch.tensor([3, 4]), torch.tensor([4, 3]))
    assert torch.equal(after, expected)
    assert F.max_pool2d is pool
    for module, was in zip(conv_cut.tail.modules(), before.modules(), strict=True):
        assert type(module) is type(was)
        assert module.training is was.training
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert "forward" not in vars(module)
    state = before.state_dict()
    assert all(torch.equal(state[name], value) for name, value in conv_cut.tail.state_dict().items())


def test_a_pass_without_derivatives_is_left_alone():
    with relaxed_max_pooling() as pooling, torch.no_grad():
        assert F.max_pool2d(WINDOW.clone().requires_grad_(True), 2).item() == 4.0
    assert pooling.relaxed == 0
