"""Keyed draws: NumPy's own numbers bit by bit, whatever is drawn beside them."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.draws import keyed_choices, keyed_generator, keyed_uniforms

KEYS = [("placement", f"picture {number}", "c-001") for number in range(700)]


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_all_at_once_are_what_numpy_draws_one_by_one(seed: int) -> None:
    one_by_one = np.array([keyed_generator(seed, *each).random(9) for each in KEYS])
    np.testing.assert_array_equal(keyed_uniforms(seed, KEYS, 9), one_by_one)
    between = np.array([keyed_generator(seed, *each).uniform(-1.0, 1.0, 9) for each in KEYS])
    np.testing.assert_array_equal(2.0 * keyed_uniforms(seed, KEYS, 9) - 1.0, between)


def test_a_row_depends_on_its_own_key_alone() -> None:
    every = keyed_uniforms(3, KEYS, 4)
    np.testing.assert_array_equal(keyed_uniforms(3, KEYS[5:6], 4), every[5:6])
    np.testing.assert_array_equal(keyed_uniforms(3, KEYS[::-1], 4), every[::-1])
    np.testing.assert_array_equal(keyed_uniforms(3, KEYS, 2), every[:, :2])
    assert len(np.unique(every)) == every.size
    assert not np.array_equal(keyed_uniforms(4, KEYS, 4), every)


def test_numbers_are_keys_too_and_none_draw_none() -> None:
    np.testing.assert_array_equal(keyed_uniforms(1, [("fold", 12)], 1)[0, 0], keyed_generator(1, "fold", 12).random())
    assert keyed_uniforms(1, [], 3).shape == (0, 3)
    assert keyed_uniforms(1, KEYS, 0).shape == (700, 0)


@pytest.mark.parametrize("among", [1, 2, 7, 300, 2**31 - 1, 3 * 2**30])
def test_choices_are_numpys_too(among: int) -> None:
    chosen, shares = keyed_choices(11, KEYS, among, 2)
    for row, key in enumerate(KEYS):
        generator = keyed_generator(11, *key)
        assert chosen[row] == generator.integers(among)
        np.testing.assert_array_equal(shares[row], generator.random(2))
