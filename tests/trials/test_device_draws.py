"""Numbers drawn on a device: those of NumPy's generators, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auditor.core.draws import keyed_generator
from auditor.trials import device_draws
from auditor.trials.device_draws import uniforms

CPU = torch.device("cpu")
KEYS = [("control", "noise", "c-001", f"picture {number}") for number in range(40)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 1001, 12_289])
def test_numbers_are_those_that_numpy_draws(count: int) -> None:
    expected = np.stack([keyed_generator(5, *each).random(count, dtype=np.float32) for each in KEYS])
    np.testing.assert_array_equal(uniforms(5, KEYS, count, CPU).numpy(), expected)


def test_it_does_not_matter_how_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    every = uniforms(5, KEYS, 501, CPU)
    monkeypatch.setattr(device_draws, "_MOST", 1000)
    assert torch.equal(uniforms(5, KEYS, 501, CPU), every)
    assert torch.equal(uniforms(5, KEYS[7:9], 501, CPU), every[7:9])
    assert uniforms(5, [], 4, CPU).shape == (0, 4)
