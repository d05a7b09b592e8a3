from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from auditor.atlas.attribution import (
    AttributionMethod,
    attribution_all_classes,
    attribution_map,
    attribution_method,
    contrast_map,
)
from auditor.core.records import ClassGroup
from auditor.inputs.model.features import Features


def separate_gradients(cut, features, y, x):
    """The definition, one class and one backward pass at a time."""
    leaf = features.grid.detach().clone().requires_grad_(True)
    logits = cut.logits(Features(leaf.clone()))
    rows = torch.arange(len(features))
    columns = []
    for column in range(logits.shape[1]):
        (slope,) = torch.autograd.grad(logits[:, column].sum(), leaf, retain_graph=True)
        columns.append((leaf.detach() * slope)[rows, :, y, x].sum(dim=1))
    return torch.stack(columns, dim=1)


@pytest.fixture
def conv_case(conv_cut):
    generator = torch.Generator().manual_seed(1)
    features = Features(torch.randn(7, 6, 8, 8, generator=generator) * 3)
    return conv_cut, features, torch.tensor([1, 2, 3, 4, 5, 6, 1]), torch.tensor([6, 5, 4, 3, 2, 1, 1])


def test_linear_tail_gives_the_known_products(linear_cut):
    features = torch.arange(2 * 3 * 5 * 6, dtype=torch.float32).reshape(2, 3, 5, 6)
    attribution = attribution_all_classes(linear_cut, Features(features), torch.tensor([2, 0]), torch.tensor([3, 1]))
    at_first, at_second = features[0, :, 2, 3], features[1, :, 0, 1]
    expected = torch.stack([at_first * 2, at_second]) * torch.tensor([1.0, -2.0, 3.0])
    assert torch.equal(attribution, expected)


def test_linear_attributions_add_up_to_the_logits(linear_cut):
    features = Features(torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(0)))
    y, x = (grid.flatten() for grid in torch.meshgrid(torch.arange(5), torch.arange(6), indexing="ij"))
    attribution = attribution_all_classes(linear_cut, Features(features.grid.expand(30, -1, -1, -1)), y, x)
    torch.testing.assert_close(attribution.sum(dim=0), linear_cut.logits(features)[0].detach())


@pytest.mark.parametrize("method", list(AttributionMethod))
def test_every_method_agrees_with_separate_gradients(conv_case, method):
    cut, features, y, x = conv_case
    attribution = attribution_all_classes(cut, features, y, x, method=method)
    torch.testing.assert_close(attribution, separate_gradients(cut, features, y, x), rtol=1e-5, atol=1e-6)


def test_chunked_equals_unchunked(conv_case):
    cut, features, y, x = conv_case
    whole = attribution_all_classes(cut, features, y, x)
    torch.testing.assert_close(attribution_all_classes(cut, features, y, x, chunk=2), whole, rtol=1e-5, atol=1e-6)


def test_contrast_is_the_difference_of_two_attributions(conv_case, pair):
    cut, features, y, x = conv_case
    source, target = pair
    logits, contrast = contrast_map(cut, features, source, target)
    attribution = attribution_all_classes(cut, features, y, x)
    rows = torch.arange(len(features))
    torch.testing.assert_close(contrast[rows, y, x], attribution[:, 2] - attribution[:, 0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(logits, cut.logits(features).detach())


def test_the_map_of_a_class_holds_its_attribution_at_each_position(conv_case, pair):
    cut, features, y, x = conv_case
    source, _ = pair
    found = attribution_map(cut, features, source)
    rows = torch.arange(len(features))
    wanted = attribution_all_classes(cut, features, y, x)[:, source.indices[0]]
    torch.testing.assert_close(found[rows, y, x], wanted, rtol=1e-5, atol=1e-6)
    assert not found.requires_grad


def test_contrast_of_a_group_weighs_its_classes_by_their_share(linear_cut):
    features = Features(torch.rand(2, 3, 5, 6, generator=torch.Generator().manual_seed(2)) / 10)
    source, target = ClassGroup("either", (0, 1)), ClassGroup("wok", (2,))
    logits, contrast = contrast_map(linear_cut, features, source, target)
    share = torch.softmax(logits[:, :2], dim=1)
    at = attribution_all_classes(linear_cut, features, torch.tensor([2, 2]), torch.tensor([3, 3]))
    torch.testing.assert_close(contrast[:, 2, 3], at[:, 2] - (share * at[:, :2]).sum(dim=1))


def test_network_and_features_are_left_as_they_were(conv_case, pair):
    cut, features, y, x = conv_case
    features_before, state_before = features.grid.clone(), copy.deepcopy(cut.tail.state_dict())
    contrast_map(cut, features, *pair)
    for method in AttributionMethod:
        result = attribution_all_classes(cut, features, y, x, method=method)
        assert not result.requires_grad
    assert torch.equal(features.grid, features_before)
    assert not features.grid.requires_grad
    assert not cut.tail.training
    assert all(parameter.grad is None for parameter in cut.tail.parameters())
    assert all(torch.equal(state_before[name], value) for name, value in cut.tail.state_dict().items())


def test_works_inside_no_grad_and_on_inference_features(conv_case, pair):
    cut, features, y, x = conv_case
    expected = separate_gradients(cut, features, y, x)
    with torch.inference_mode():
        made_in_inference = features.each(lambda tensor: tensor * 1)
    with torch.no_grad():
        attribution = attribution_all_classes(cut, made_in_inference, y, x)
        _, contrast = contrast_map(cut, made_in_inference, *pair)
    torch.testing.assert_close(attribution, expected, rtol=1e-5, atol=1e-6)
    rows = torch.arange(len(features))
    torch.testing.assert_close(contrast[rows, y, x], expected[:, 2] - expected[:, 0], rtol=1e-5, atol=1e-6)


class NoForwardDerivative(torch.autograd.Function):
    """A square that knows its backward pass alone."""

    @staticmethod
    def forward(ctx, values):
        ctx.save_for_backward(values)
        return values**2

    @staticmethod
    def backward(ctx, slopes):
        (values,) = ctx.saved_tensors
        return 2 * values * slopes


class OnceDifferentiable(torch.autograd.Function):
    """A square whose backward pass cannot be differentiated."""

    @staticmethod
    def forward(ctx, values):
        ctx.save_for_backward(values)
        return values**2

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, slopes):
        (values,) = ctx.saved_tensors
        return 2 * values * slopes


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, values):
        return self.function.apply(values)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (None, AttributionMethod.FORWARD),
        (NoForwardDerivative, AttributionMethod.DOUBLE_BACKWARD),
        (OnceDifferentiable, AttributionMethod.PER_CLASS),
    ],
)
def test_the_fastest_supported_method_is_found_and_right(conv_case, function, expected):
    cut, features, y, x = conv_case
    if function is not None:
        cut.tail.insert(0, Apply(function))
    method = attribution_method(cut, features)
    assert method is expected
    attribution = attribution_all_classes(cut, features, y, x, method=method)
    torch.testing.assert_close(attribution, separate_gradients(cut, features, y, x), rtol=1e-5, atol=1e-5)
