from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import forward_ad

from auditor.atlas.tangents import FixedWeights

WIDE = nn.Conv2d(256, 1024, 1)
CONV_WEIGHT = torch.randn(4, 6, 3, 3, generator=torch.Generator().manual_seed(9))

LAYERS = {
    "convolution": nn.Conv2d(6, 4, 3, stride=2, padding=1, dilation=2),
    "without bias": nn.Conv2d(6, 4, 3, bias=False),
    "grouped": nn.Conv2d(6, 12, 3, groups=6),
    "reflected": nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect"),
    "same": nn.Conv2d(6, 4, 3, padding="same"),
    "functional": lambda values: F.conv2d(values, CONV_WEIGHT, stride=2, bias=torch.ones(4)),
    "by name": lambda values: F.conv2d(values, weight=CONV_WEIGHT, bias=torch.ones(4)),
    "transposed": nn.ConvTranspose2d(6, 4, 3),
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(6 * 9 * 8, 5)),
    "linear by name": lambda values: F.linear(values.flatten(1), torch.ones(3, 432), bias=torch.ones(3)),
    "normalised": nn.BatchNorm2d(6),
    "normalised plainly": nn.BatchNorm2d(6, affine=False, eps=0.1),
    "normalised by the batch": nn.BatchNorm2d(6, track_running_stats=False),
    "pooled in between": nn.Sequential(nn.Conv2d(6, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 2, 2)),
}


def derivative_of(layer, values, tangent):
    with torch.no_grad(), forward_ad.dual_level():
        output, derivative = forward_ad.unpack_dual(layer(forward_ad.make_dual(values, tangent)))
        return output.clone(), derivative.clone()


@pytest.fixture
def values():
    return torch.randn(3, 6, 9, 8, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
def test_every_layer_gives_torchs_own_derivative(layer, values):
    if isinstance(layer, nn.Module):
        layer.eval()
        for name, buffer in layer.named_buffers():
            if name.startswith("running"):
                buffer.uniform_(0.5, 2.0, generator=torch.Generator().manual_seed(1))
    tangent = torch.randn(values.shape, generator=torch.Generator().manual_seed(6))
    expected = derivative_of(layer, values, tangent)
    with FixedWeights():
        output, derivative = derivative_of(layer, values, tangent)
    torch.testing.assert_close(output, expected[0], rtol=0, atol=0)
    torch.testing.assert_close(derivative, expected[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("moved", [1, 3, 12, 30])
def test_a_wide_pointwise_convolution_of_few_positions_is_that_of_all(moved):
    """Up to a quarter of the 30 positions are visited alone, more with all others."""
    generator = torch.Generator().manual_seed(7)
    values, tangent = torch.randn(2, 256, 5, 6, generator=generator), torch.zeros(2, 256, 5, 6)
    tangent.flatten(2)[:, :, torch.randperm(30, generator=generator)[:moved]] = torch.randn(
        2, 256, moved, generator=generator
    )
    expected = derivative_of(WIDE, values, tangent)
    with FixedWeights():
        output, derivative = derivative_of(WIDE, values, tangent)
    torch.testing.assert_close(output, expected[0], rtol=0, atol=0)
    torch.testing.assert_close(derivative, expected[1], rtol=1e-5, atol=1e-5)
    assert torch.equal(derivative[expected[1] == 0], expected[1][expected[1] == 0])


def test_gradients_do_not_notice(values):
    layer, leaf = nn.Sequential(nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4)).eval(), values.requires_grad_(True)
    (expected,) = torch.autograd.grad(layer(leaf).square().sum(), leaf)
    with FixedWeights():
        (slope,) = torch.autograd.grad(layer(leaf).square().sum(), leaf)
    assert torch.equal(slope, expected)
