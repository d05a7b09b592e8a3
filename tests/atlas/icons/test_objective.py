"""The objective against numbers worked out by hand, and whitening against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auditor.atlas.icons.objective import Whitening, centre, cosine, objective
from auditor.core.errors import LayerError


@pytest.mark.parametrize(
    ("shape", "expected"), [((3, 3), [4]), ((4, 4), [5, 6, 9, 10]), ((3, 4), [5, 6]), ((1, 1), [0])]
)
def test_the_centre_is_one_position_of_odd_sides_and_two_of_even_ones(
    shape: tuple[int, int], expected: list[int]
) -> None:
    features = torch.arange(shape[0] * shape[1]).view(1, 1, *shape).float()
    assert centre(features)[0, 0].tolist() == expected


@pytest.mark.parametrize(("power", "expected"), [(0.0, 3.0), (1.0, 3.0 * 0.6), (2.0, 3.0 * 0.36), (4.0, 3.0 * 0.1296)])
def test_objective_by_hand(power: float, expected: float) -> None:
    """h = (3, 4), v = (2, 0): h·v/‖v‖ = 3, cosine 3/5."""
    value = objective(torch.tensor([[[3.0], [4.0]]]), torch.tensor([[2.0, 0.0]]), power)
    assert value.item() == pytest.approx(expected, rel=1e-6)


def test_objective_is_the_published_fraction_whatever_the_length_of_the_direction() -> None:
    h, v, n = torch.rand(5, 7, 3), torch.rand(5, 7), 3
    dot = torch.einsum("ndp,nd->np", h, v)
    published = dot ** (n + 1) / (h.norm(dim=1) * v.norm(dim=1, keepdim=True)) ** n
    expected = (published / v.norm(dim=1, keepdim=True)).mean(dim=1)
    torch.testing.assert_close(objective(h, v, n), expected)
    torch.testing.assert_close(objective(h, 10 * v, n), expected)


def test_an_icon_on_the_wrong_side_is_pulled_over() -> None:
    h = torch.tensor([[[-3.0], [4.0]]], requires_grad=True)
    value = objective(h, torch.tensor([[1.0, 0.0]]), 2.0)
    assert value.item() == pytest.approx(-3.0 * 0.01)
    value.backward()
    assert h.grad is not None
    torch.testing.assert_close(h.grad[0, :, 0], torch.tensor([0.01, 0.0]))


def test_a_zero_direction_and_a_zero_activation_have_no_slope_and_no_score() -> None:
    h = torch.tensor([[[1.0], [2.0]], [[0.0], [0.0]]], requires_grad=True)
    v = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    value = objective(h, v, 4.0)
    assert value.tolist() == [0.0, 0.0]
    value.sum().backward()
    assert h.grad is not None
    assert torch.isfinite(h.grad).all()
    assert not h.grad[0].any()
    assert cosine(h.detach(), v).tolist() == [0.0, 0.0]


def test_cosine_by_hand() -> None:
    h = torch.tensor([[[3.0, 0.0], [4.0, 1.0]]])
    assert cosine(h, torch.tensor([[5.0, 0.0]])).item() == pytest.approx((0.6 + 0.0) / 2)


def test_whitening_solves_the_ridged_second_moment() -> None:
    generator = np.random.default_rng(0)
    vectors = (generator.normal(size=(500, 4)) @ np.diag([3.0, 1.0, 0.5, 0.1]) + 1).astype(np.float32)
    directions = generator.normal(size=(3, 4)).astype(np.float32)
    moment = np.mean([np.outer(h, h) for h in vectors.astype(np.float64)], axis=0)
    whitening = Whitening.fit(vectors)
    np.testing.assert_allclose(whitening.moment, moment, rtol=1e-10)
    whitened = whitening.whitened(directions, 0.2)
    for direction, got in zip(directions, whitened, strict=True):
        solved = np.linalg.inv(moment + 0.2 * np.mean(np.linalg.eigvalsh(moment)) * np.eye(4)) @ direction
        np.testing.assert_allclose(got, solved / np.linalg.norm(solved) * np.linalg.norm(direction), rtol=1e-5)


def test_a_large_ridge_leaves_directions_alone_and_none_makes_activations_uncorrelated() -> None:
    generator = np.random.default_rng(1)
    vectors = (generator.normal(size=(2000, 3)) @ generator.normal(size=(3, 3))).astype(np.float32)
    whitening = Whitening.fit(vectors)
    np.testing.assert_allclose(whitening.whitened(vectors[:5], 1e9), vectors[:5], rtol=1e-5)
    twice = whitening.whitened(np.eye(3, dtype=np.float32), 0.0)
    # M⁻¹ eᵢ and eⱼ, measured by M, are orthogonal for i ≠ j
    crossed = twice @ whitening.moment
    np.testing.assert_allclose(crossed - np.diag(np.diag(crossed)), 0, atol=1e-5)


def test_whitening_of_nothing_or_of_broken_activations_is_refused() -> None:
    with pytest.raises(LayerError, match=r"shape \(0, 4\)"):
        Whitening.fit(np.zeros((0, 4), np.float32))
    with pytest.raises(LayerError, match="NaN or infinities"):
        Whitening.fit(np.array([[1.0, np.nan]], np.float32))


def test_a_zero_direction_stays_zero_when_whitened() -> None:
    whitening = Whitening.fit(np.eye(3, dtype=np.float32))
    assert not whitening.whitened(np.zeros((1, 3), np.float32), 1.0).any()
