"""The layout that can run on a card: exact neighbours, the seed decides every place, and nothing else is disturbed."""

from __future__ import annotations

import importlib.util
import os
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from auditor.atlas import torchdr_layout
from auditor.atlas.embedding import Likeness, embed, unit_vectors
from auditor.atlas.torchdr_layout import by_torchdr, check_torchdr, nearest_others
from auditor.core.errors import ConfigError
from benchmarks.atlas.layout import made_up, quality

LIKENESS = Likeness("torchdr")


@pytest.fixture(scope="module")
def unit() -> np.ndarray:
    return unit_vectors(made_up(400, 24, 2, clusters=12).vectors)


@pytest.mark.parametrize("together", [1, 7, 400, 10_000])
def test_neighbours_are_exact_however_many_are_looked_for_at_once(
    unit: np.ndarray, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchdr_layout, "_TOGETHER_BYTES", together * 4 * len(unit))
    distances, rows = nearest_others(torch.from_numpy(unit), 9)
    expected, their_rows = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(unit.astype(np.float64)).kneighbors()
    np.testing.assert_array_equal(rows.numpy(), their_rows[:, :9])
    np.testing.assert_allclose(distances.numpy(), expected[:, :9] ** 2, atol=1e-5)


def test_the_seed_decides_every_place(unit: np.ndarray) -> None:
    first, again, other = (by_torchdr(unit, 2, LIKENESS, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (400, 2)
    assert np.isfinite(first).all()


def test_neighbours_stay_near_as_with_umap(unit: np.ndarray) -> None:
    kept = [quality(unit, embed(unit, 2, Likeness(method), 0))[0] for method in ("umap", "torchdr")]
    assert kept[1] > kept[0] - 0.1
    assert kept[1] > 0.3


def test_nothing_else_of_the_process_is_disturbed(unit: np.ndarray) -> None:
    def state() -> list[object]:
        cudnn = torch.backends.cudnn
        return [
            random.getstate(),
            np.random.get_state()[1].tobytes(),  # type: ignore[index, union-attr]  # noqa: NPY002
            torch.get_rng_state().tolist(),
            (cudnn.benchmark, cudnn.deterministic, torch.are_deterministic_algorithms_enabled()),
            os.environ.get("PYTHONHASHSEED"),
            torch.get_num_threads(),
        ]

    before = state()
    by_torchdr(unit[:60], 1, LIKENESS, 7)
    assert state() == before


@pytest.mark.parametrize("dimensions", [1, 2])
def test_few_equal_and_repeated_activations_have_places(unit: np.ndarray, dimensions: int) -> None:
    assert not by_torchdr(unit[[0] * 20], dimensions, LIKENESS, 0).any()
    for rows in (np.arange(10), np.repeat(np.arange(8), 5), np.arange(30)):
        places = by_torchdr(unit[rows], dimensions, replace(LIKENESS, neighbours=15), 0)
        assert places.shape == (len(rows), dimensions)
        assert np.isfinite(places).all()
        assert len(np.unique(places[:, 0])) > 5


def test_a_card_fits_all_of_a_million() -> None:
    assert LIKENESS.fitted_at_most == 5000
    assert replace(LIKENESS, device=torch.device("cuda")).fitted_at_most == 1_000_000
    assert Likeness(device=torch.device("cuda")).fitted_at_most == 10_000
    assert replace(LIKENESS, fitted=12).fitted_at_most == 12


def test_a_missing_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Callable[[str], object] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name))
    check_torchdr("umap")
    with pytest.raises(ConfigError, match='layout = "torchdr" needs matplotlib, not installed here; pip install'):
        check_torchdr("torchdr")
