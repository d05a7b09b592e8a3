"""Draws of many keys at once: NumPy's own numbers bit by bit, whatever is drawn beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auditor.core.draws import keyed_generator
from auditor.trials import many_draws
from auditor.trials.many_draws import choices, uniforms, uniforms_on

CPU = torch.device("cpu")
KEYS = [("control", "noise", "c-001", f"picture {number}") for number in range(40)]
MANY = [("placement", f"picture {number}", "c-001") for number in range(700)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 1001, 12_289])
def test_numbers_are_those_that_numpy_draws(count: int) -> None:
    expected = np.stack([keyed_generator(5, *each).random(count, dtype=np.float32) for each in KEYS])
    np.testing.assert_array_equal(uniforms_on(CPU, 5, KEYS, count).numpy(), expected)


def test_it_does_not_matter_how_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    every = uniforms_on(CPU, 5, KEYS, 501)
    monkeypatch.setattr(many_draws, "_MOST", 1000)
    assert torch.equal(uniforms_on(CPU, 5, KEYS, 501), every)
    assert torch.equal(uniforms_on(CPU, 5, KEYS[7:9], 501), every[7:9])
    assert uniforms_on(CPU, 5, [], 4).shape == (0, 4)


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_all_at_once_are_what_numpy_draws_one_by_one(seed: int) -> None:
    one_by_one = np.array([keyed_generator(seed, *each).random(9) for each in MANY])
    np.testing.assert_array_equal(uniforms(seed, MANY, 9), one_by_one)
    between = np.array([keyed_generator(seed, *each).uniform(-1.0, 1.0, 9) for each in MANY])
    np.testing.assert_array_equal(2.0 * uniforms(seed, MANY, 9) - 1.0, between)


def test_a_row_depends_on_its_own_key_alone() -> None:
    every = uniforms(3, MANY, 4)
    np.testing.assert_array_equal(uniforms(3, MANY[5:6], 4), every[5:6])
    np.testing.assert_array_equal(uniforms(3, MANY[::-1], 4), every[::-1])
    np.testing.assert_array_equal(uniforms(3, MANY, 2), every[:, :2])
    assert len(np.unique(every)) == every.size
    assert not np.array_equal(uniforms(4, MANY, 4), every)


def test_numbers_are_keys_too_and_none_draw_none() -> None:
    np.testing.assert_array_equal(uniforms(1, [("fold", 12)], 1)[0, 0], keyed_generator(1, "fold", 12).random())
    assert uniforms(1, [], 3).shape == (0, 3)
    assert uniforms(1, MANY, 0).shape == (700, 0)


@pytest.mark.parametrize("among", [1, 2, 7, 300, 2**31 - 1, 3 * 2**30])
def test_choices_are_numpys_too(among: int) -> None:
    chosen, shares = choices(11, MANY, among, 2)
    for row, key in enumerate(MANY):
        generator = keyed_generator(11, *key)
        assert chosen[row] == generator.integers(among)
        np.testing.assert_array_equal(shares[row], generator.random(2))
